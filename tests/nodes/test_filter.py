from __future__ import annotations

import math

import pytest
import torch

from nodes.filter import add_grain, blur_image, sharpen_image
from nodes.types import Image, Mask
from tests.nodes.pictures import noise, plain


def point(side: int = 41) -> Image:
    pixels = torch.zeros(1, side, side, 3)
    pixels[:, side // 2, side // 2] = 1
    return Image(pixels=pixels)


@pytest.mark.parametrize("radius", [0.5, 1.0, 3.0])
def test_a_blurred_point_is_a_gaussian(radius: float) -> None:
    found = blur_image(point(), radius=radius).pixels[0, :, :, 1]
    at = torch.arange(41) - 20.0
    line = torch.exp(-(at**2) / (2 * radius**2))
    line /= line.sum()
    torch.testing.assert_close(found, line[:, None] * line, rtol=0, atol=2e-5)


def test_blurring_keeps_the_mean_and_one_colour() -> None:
    image = noise(2, 30, 40)
    found = blur_image(image, radius=2.0).pixels
    torch.testing.assert_close(found.mean(dim=(1, 2)), image.pixels.mean(dim=(1, 2)), rtol=0, atol=0.01)
    flat = plain(0.1, 0.5, 1.0)
    torch.testing.assert_close(blur_image(flat, radius=200.0).pixels, flat.pixels, rtol=0, atol=1e-5)
    assert torch.equal(blur_image(image, radius=0.0).pixels, image.pixels)


def test_items_of_a_batch_are_those_alone() -> None:
    image = noise(3)
    for change in (lambda one: blur_image(one, radius=3.0), lambda one: sharpen_image(one, threshold=0.05)):
        together = change(image).pixels
        for index in range(3):
            assert torch.equal(together[index], change(Image(pixels=image.pixels[index : index + 1])).pixels[0])


def test_a_mask_says_where_to_blur() -> None:
    image = noise(2)
    mask = torch.zeros(1, 12, 17)
    mask[:, :, 9:] = 1
    found = blur_image(image, Mask(values=mask), radius=3.0).pixels
    assert torch.equal(found[:, :, :9], image.pixels[:, :, :9])
    assert torch.equal(found[:, :, 9:], blur_image(image, radius=3.0).pixels[:, :, 9:])


def test_sharpening_adds_what_a_blur_takes_away() -> None:
    image = Image(pixels=0.4 + 0.2 * noise(2).pixels)
    before = image.pixels.clone()
    found = sharpen_image(image, radius=1.0, amount=0.5).pixels
    torch.testing.assert_close(found, before + 0.5 * (before - blur_image(image, radius=1.0).pixels))
    torch.testing.assert_close(sharpen_image(image, amount=0.0).pixels, before)
    assert torch.equal(image.pixels, before)


def test_sharpening_stays_in_range_and_leaves_small_differences() -> None:
    hard = sharpen_image(Image(pixels=noise().pixels.round()), amount=10.0).pixels
    assert (float(hard.min()), float(hard.max())) == (0, 1)
    faint = Image(pixels=0.5 + 0.01 * noise().pixels)
    torch.testing.assert_close(sharpen_image(faint, amount=5.0, threshold=0.02).pixels, faint.pixels)
    edge = torch.full((1, 9, 20, 3), 0.3)
    edge[:, :, 10:] = 0.7
    found = sharpen_image(Image(pixels=edge), amount=1.0, threshold=0.05).pixels
    assert float(found[0, 4, 10, 0]) > 0.71


def test_grain_has_its_strength_and_depends_on_its_seed_alone() -> None:
    image = plain(0.5, 0.5, 0.5, height=64, width=64, count=2)
    found = add_grain(image, seed=3, strength=0.1).pixels
    assert float((found - 0.5).std()) == pytest.approx(0.1, rel=0.05)
    assert torch.equal(found, add_grain(image, seed=3, strength=0.1).pixels)
    assert not torch.equal(found, add_grain(image, seed=4, strength=0.1).pixels)
    assert torch.equal(found[..., 0], found[..., 2])
    alone = plain(0.5, 0.5, 0.5, height=64, width=64)
    assert torch.equal(found[1:], add_grain(alone, seed=4, strength=0.1).pixels)


def test_coarse_grain_is_as_strong_and_smoother() -> None:
    image = plain(0.5, 0.5, 0.5, height=96, width=96)
    fine, coarse = (add_grain(image, strength=0.08, size=size).pixels - 0.5 for size in (0.0, 2.0))
    assert float(coarse.std()) == pytest.approx(0.08, rel=0.01)
    assert float(coarse.diff(dim=2).std()) < 0.5 * float(fine.diff(dim=2).std())


def test_grain_may_be_coloured_none_or_extreme() -> None:
    image = noise(2)
    coloured = add_grain(plain(0.5, 0.5, 0.5, height=64, width=64), coloured=True).pixels
    assert not torch.allclose(coloured[..., 0], coloured[..., 1])
    assert torch.equal(add_grain(image, strength=0.0).pixels, image.pixels)
    extreme = add_grain(image, seed=2**64 - 1, strength=1.0).pixels
    assert 0 <= float(extreme.min()) <= float(extreme.max()) <= 1
    one = add_grain(plain(0.5, 0.5, 0.5, height=1, width=1), size=1.0).pixels
    assert math.isfinite(float(one.sum()))
