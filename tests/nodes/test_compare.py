from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from graph_engine import NodeInputError
from nodes.compare import compare_images
from nodes.filter import blur_image
from nodes.types import Image
from tests.nodes.pictures import gradient, noise, plain


def test_a_picture_is_the_same_as_itself() -> None:
    found = compare_images(noise(2), noise(2))
    assert (found.psnr, found.largest) == (200, 0)
    assert found.ssim == pytest.approx(1, abs=1e-12)
    assert found.difference.pixels.max() == 0


def test_an_even_difference_has_the_numbers_that_the_formulas_give() -> None:
    found = compare_images(plain(0.5, 0.5, 0.5), plain(0.6, 0.6, 0.6), amplify=3)
    assert found.psnr == pytest.approx(20, abs=1e-4)
    assert found.ssim == pytest.approx((2 * 0.5 * 0.6 + 1e-4) / (0.25 + 0.36 + 1e-4), abs=1e-6)
    assert found.largest == pytest.approx(0.1)
    torch.testing.assert_close(found.difference.pixels, torch.full((1, 6, 9, 3), 0.3))


def windowed(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    padded = np.pad(values, 5, mode="reflect")
    rows = np.stack([np.convolve(row, weights, mode="valid") for row in padded])
    return np.stack([np.convolve(column, weights, mode="valid") for column in rows.T]).T


def test_ssim_is_that_of_the_paper() -> None:
    first, second = gradient(20, 25), Image(pixels=(gradient(20, 25).pixels + 0.2 * noise(1, 20, 25).pixels).clamp(max=1))
    at = np.arange(-5, 6)
    weights = np.exp(-(at**2) / (2 * 1.5**2))
    weights /= weights.sum()
    expected = []
    for channel in range(3):
        x, y = (one.pixels[0, :, :, channel].double().numpy() for one in (first, second))
        mean_x, mean_y = windowed(x, weights), windowed(y, weights)
        variances = windowed(x * x, weights) - mean_x**2, windowed(y * y, weights) - mean_y**2
        covariance = windowed(x * y, weights) - mean_x * mean_y
        score = (
            (2 * mean_x * mean_y + 1e-4) * (2 * covariance + 9e-4) / ((mean_x**2 + mean_y**2 + 1e-4) * (sum(variances) + 9e-4))
        )
        expected.append(score.mean())
    assert compare_images(first, second).ssim == pytest.approx(np.mean(expected), abs=1e-9)


def test_less_alike_is_a_lower_number() -> None:
    image = noise(1, 30, 40)
    scores = [compare_images(image, blur_image(image, radius=radius)) for radius in (0.3, 0.6, 2.0)]
    assert scores[0].ssim > scores[1].ssim > scores[2].ssim > -0.1
    assert scores[0].psnr > scores[1].psnr > scores[2].psnr > 0


def test_a_batch_has_the_numbers_of_all_together() -> None:
    many = Image(pixels=torch.cat([plain(0.5, 0.5, 0.5).pixels, plain(0.7, 0.7, 0.7).pixels]))
    found = compare_images(many, plain(0.5, 0.5, 0.5))
    assert found.psnr == pytest.approx(-10 * math.log10(0.02), abs=1e-4)
    assert found.difference.pixels.shape[0] == 2
    assert compare_images(plain(0.5, 0.5, 0.5), many).psnr == pytest.approx(found.psnr)


def test_extremes_have_numbers_too() -> None:
    found = compare_images(plain(0.0, 0.0, 0.0, height=1, width=1), plain(1.0, 1.0, 1.0, height=1, width=1), amplify=255)
    assert found.psnr == pytest.approx(0)
    assert 0 <= found.ssim < 0.001
    assert found.difference.pixels.max() == 1


def test_other_sizes_are_refused() -> None:
    with pytest.raises(NodeInputError, match="It is 9 x 6 px and the other 17 x 12 px"):
        compare_images(noise(), plain(0.0, 0.0, 0.0))
