from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from graph_engine import NodeInputError
from nodes.imaging.choices import Method
from nodes.resize import scale_image
from nodes.types import Image
from tests.nodes.pictures import gradient, noise, plain

METHODS = get_args(Method)


def size(image: Image) -> tuple[int, ...]:
    return tuple(image.pixels.shape[:3])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"width": 5, "height": 40}, (2, 40, 5)),
        ({"width": 34}, (2, 24, 34)),
        ({"height": 3}, (2, 3, 4)),
        ({"factor": 2.5}, (2, 30, 42)),
        ({"factor": 0.01}, (2, 1, 1)),
        ({"longest_side": 100}, (2, 71, 100)),
        ({"megapixels": 0.002}, (2, 38, 53)),
        ({"width": 30, "height": 30, "fit": "inside"}, (2, 21, 30)),
        ({"width": 30, "height": 30, "fit": "crop"}, (2, 30, 30)),
        ({"factor": 2, "multiple_of": 16}, (2, 32, 32)),
        ({"factor": 0.1, "multiple_of": 8}, (2, 8, 8)),
    ],
)
def test_the_new_size_can_be_told_in_several_ways(values: Any, expected: Any) -> None:
    assert size(scale_image(noise(2), **values)) == expected


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.sampled_from(METHODS))
def test_any_size_gives_any_other_and_one_colour_stays_one_colour(
    height: int, width: int, rows: int, columns: int, method: Any
) -> None:
    image = plain(0.0, 0.3, 1.0, height=height, width=width)
    for fit in ("stretch", "crop"):
        pixels = scale_image(image, width=columns, height=rows, method=method, fit=fit).pixels  # type: ignore[arg-type]
        assert pixels.shape == (1, rows, columns, 3)
        torch.testing.assert_close(pixels, plain(0.0, 0.3, 1.0, height=rows, width=columns).pixels, rtol=0, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("factor", [0.3, 0.5, 1.7, 3.0])
def test_values_stay_in_range_and_items_of_a_batch_are_those_alone(method: Any, factor: float) -> None:
    image = Image(pixels=noise(3, 21, 34).pixels.round())
    before = image.pixels.clone()
    found = scale_image(image, factor=factor, method=method).pixels
    assert (float(found.min()), float(found.max())) >= (0.0, 0.5)
    assert float(found.max()) <= 1
    for index in range(3):
        alone = scale_image(Image(pixels=image.pixels[index : index + 1]), factor=factor, method=method).pixels
        assert torch.equal(found[index], alone[0])
    assert torch.equal(image.pixels, before)


def test_the_same_size_is_the_same_picture() -> None:
    image = noise()
    assert torch.equal(scale_image(image, factor=1.0).pixels, image.pixels)


def test_nearest_repeats_and_drops_pixels() -> None:
    image = noise(1, 4, 6)
    twice = scale_image(image, factor=2, method="nearest").pixels
    assert torch.equal(twice, image.pixels.repeat_interleave(2, 1).repeat_interleave(2, 2))
    assert torch.equal(scale_image(Image(pixels=twice), factor=0.5, method="nearest").pixels, image.pixels)


def test_area_takes_means_of_whole_and_of_parted_pixels() -> None:
    image = Image(pixels=torch.tensor([0.0, 0.3, 0.9]).reshape(1, 1, 3, 1).expand(1, 2, 3, 3))
    half = scale_image(image, width=2, height=1, method="area").pixels[0, 0, :, 0]
    torch.testing.assert_close(half, torch.tensor([0.1, 0.7]))
    wide = scale_image(image, width=6, height=1, method="area").pixels[0, 0, :, 0]
    torch.testing.assert_close(wide, torch.tensor([0.0, 0.0, 0.3, 0.3, 0.9, 0.9]))


@pytest.mark.parametrize("method", ["bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize("new", [(7, 5), (30, 50), (5, 50)])
def test_the_soft_methods_are_those_of_pillow(method: str, new: tuple[int, int]) -> None:
    image = gradient()
    found = scale_image(image, height=new[0], width=new[1], method=method).pixels[0]  # type: ignore[arg-type]
    filter = Pillow.Resampling[method.upper()]
    for channel in range(3):
        plane = Pillow.fromarray(image.pixels[0, :, :, channel].numpy()).resize(new[::-1], filter)
        assert np.abs(np.asarray(plane).clip(0, 1) - found[:, :, channel].numpy()).max() < 1e-5


@pytest.mark.parametrize("method", ["bilinear", "bicubic", "lanczos", "area"])
def test_a_fine_pattern_that_shrinks_becomes_grey(method: Any) -> None:
    checks = ((torch.arange(64)[:, None] + torch.arange(64)) % 2).float()
    image = Image(pixels=checks[None, :, :, None].expand(1, 64, 64, 3).contiguous())
    inner = scale_image(image, factor=0.25, method=method).pixels[:, 2:-2, 2:-2]
    torch.testing.assert_close(inner, torch.full_like(inner, 0.5), rtol=0, atol=0.01)


def test_crop_keeps_the_middle_and_the_proportions() -> None:
    image = noise(1, 10, 30)
    found = scale_image(image, width=10, height=10, fit="crop")
    assert torch.equal(found.pixels, image.pixels[:, :, 10:20])
    assert found.pixels.untyped_storage().nbytes() == 10 * 10 * 3 * 4


@pytest.mark.parametrize("values", [{}, {"factor": 2, "width": 5}, {"megapixels": 1, "longest_side": 7}])
def test_no_size_and_two_sizes_are_refused(values: Any) -> None:
    with pytest.raises(NodeInputError, match="Give width or height, factor, megapixels or longest_side"):
        scale_image(noise(), **values)


def test_a_picture_that_no_machine_holds_is_refused() -> None:
    with pytest.raises(NodeInputError, match="16384 x 16400"):
        scale_image(noise(), width=16384, height=16384 + 16)
