from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graph_engine import NodeInputError
from nodes.crop import crop_image, flip_image, pad_for_outpainting, pad_image, rotate_image
from nodes.types import Image
from tests.nodes.pictures import gradient, mask_of, noise, plain


@pytest.mark.parametrize(
    ("values", "rows", "columns"),
    [
        ({"anchor": "top_left", "x": 2, "y": 3}, (3, 7), (2, 8)),
        ({"anchor": "centre"}, (4, 8), (5, 11)),
        ({"anchor": "bottom_right"}, (8, 12), (11, 17)),
        ({"anchor": "top_left", "x": -2, "y": -1}, (0, 3), (0, 4)),
        ({"anchor": "bottom_right", "x": 5, "y": 3}, (11, 12), (16, 17)),
    ],
)
def test_a_crop_is_a_rectangle_of_the_picture(values: Any, rows: Any, columns: Any) -> None:
    image = noise(2)
    found = crop_image(image, width=6, height=4, **values)
    assert torch.equal(found.pixels, image.pixels[:, slice(*rows), slice(*columns)])
    assert found.pixels.untyped_storage().nbytes() == found.pixels.numel() * 4


def test_a_crop_larger_than_the_picture_is_the_picture() -> None:
    image = noise(2)
    assert torch.equal(crop_image(image, width=999, height=999).pixels, image.pixels)


def test_a_crop_outside_of_the_picture_is_refused() -> None:
    with pytest.raises(NodeInputError, match="The rectangle lies outside of the picture, which is 17 x 12 px"):
        crop_image(noise(), width=3, height=3, anchor="top_left", x=17)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
def test_what_was_padded_can_be_cropped_back(height: int, width: int, left: int, top: int, right: int, bottom: int) -> None:
    image = noise(2, height, width)
    for filling in ("colour", "edge", "mirror"):
        padded = pad_image(image, left=left, top=top, right=right, bottom=bottom, filling=filling)  # type: ignore[arg-type]
        assert padded.pixels.shape == (2, height + top + bottom, width + left + right, 3)
        back = crop_image(padded, width=width, height=height, anchor="top_left", x=left, y=top)
        assert torch.equal(back.pixels, image.pixels)


def test_a_margin_is_filled_as_asked() -> None:
    image = noise(1, 3, 4)
    red = pad_image(image, left=2, bottom=1, colour="#f00").pixels[0]
    assert red[0, :2].tolist() == [[1, 0, 0]] * 2
    assert red[3, 5].tolist() == [1, 0, 0]
    edge = pad_image(image, left=2, filling="edge").pixels
    assert torch.equal(edge[:, :, :2], image.pixels[:, :, :1].expand(-1, -1, 2, -1))
    mirror = pad_image(image, right=2, filling="mirror").pixels
    assert torch.equal(mirror[:, :, 4:], image.pixels[:, :, 1:3].flip(2))


def test_an_unknown_colour_is_refused() -> None:
    with pytest.raises(NodeInputError, match=r"'reddish' is no colour\. Write a name such as red, or #rrggbb"):
        pad_image(noise(), left=1, colour="reddish")


def test_outpainting_masks_the_margin_and_fades_into_the_picture() -> None:
    image, mask = pad_for_outpainting(noise(2, 8, 10), right=4, feather=4)
    assert image.pixels.shape == (2, 8, 14, 3)
    assert torch.equal(image.pixels[:, :, :10], noise(2, 8, 10).pixels)
    expected = [0, 0, 0, 0, 0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1, 1, 1]
    torch.testing.assert_close(mask.values, torch.tensor(expected).expand(1, 8, 14))


def test_outpainting_without_a_feather_masks_the_margin_alone() -> None:
    _, mask = pad_for_outpainting(noise(1, 3, 3), top=1, left=2, feather=0)
    assert mask.values[0].tolist() == [[1, 1, 1, 1, 1]] + [[1, 1, 0, 0, 0]] * 3


def test_outpainting_keeps_an_earlier_mask() -> None:
    _, mask = pad_for_outpainting(noise(2, 2, 2), mask_of([0.0, 0.5], [0.0, 0.0]), left=1, feather=0)
    assert mask.values.tolist() == [[[1, 0, 0.5], [1, 0, 0]]] * 2


def test_flips_mirror_and_twice_is_nothing() -> None:
    image = noise(2)
    assert torch.equal(flip_image(image, direction="horizontal").pixels[:, :, 0], image.pixels[:, :, -1])
    assert torch.equal(flip_image(image, direction="vertical").pixels[:, 0], image.pixels[:, -1])
    both = flip_image(image, direction="both")
    assert torch.equal(both.pixels, rotate_image(image, angle=180).image.pixels)
    assert torch.equal(flip_image(both, direction="both").pixels, image.pixels)


def test_a_quarter_turn_is_clockwise_and_exact() -> None:
    image = noise(2)
    turned, mask = rotate_image(image, angle=90)
    assert torch.equal(turned.pixels[:, 0], image.pixels[:, :, 0].flip(1))
    assert torch.equal(rotate_image(turned, angle=-90).image.pixels, image.pixels)
    assert mask.values.shape == (1, 17, 12)
    assert mask.values.max() == 0
    still = rotate_image(image, angle=0).image.pixels
    assert torch.equal(still, image.pixels)


def test_free_angles_agree_with_quarter_turns() -> None:
    image = gradient(20, 20)
    close = rotate_image(image, angle=90.0001, grow=False).image.pixels
    exact = rotate_image(image, angle=90, grow=False).image.pixels
    torch.testing.assert_close(close, exact, rtol=0, atol=0.01)


def test_a_quarter_turn_that_may_not_grow_keeps_the_middle() -> None:
    turned, mask = rotate_image(noise(1, 12, 18), angle=90, grow=False)
    exact = rotate_image(noise(1, 12, 18), angle=90).image.pixels
    assert turned.pixels.shape == (1, 12, 18, 3)
    torch.testing.assert_close(turned.pixels[:, :, 3:15], exact[:, 3:15], rtol=0, atol=1e-4)
    assert mask.values[0, 5].tolist() == [1.0] * 3 + [0.0] * 12 + [1.0] * 3


def test_a_turned_picture_is_whole_and_its_corners_are_masked() -> None:
    image = plain(1.0, 1.0, 1.0, height=30, width=40, count=2)
    turned, mask = rotate_image(image, angle=30, colour="black")
    assert turned.pixels.shape == (2, 46, 50, 3)
    torch.testing.assert_close(turned.pixels[..., 0], 1 - mask.values.expand(2, -1, -1), rtol=0, atol=1 / 255)
    assert abs(float((1 - mask.values).sum()) - 30 * 40) < 40
    assert mask.values[0, 0, 0] == 1
    same = rotate_image(image, angle=30, grow=False).image.pixels
    assert same.shape == image.pixels.shape


def test_one_pixel_can_be_turned() -> None:
    turned, _ = rotate_image(plain(0.2, 0.4, 0.6, height=1, width=1), angle=45, grow=False)
    torch.testing.assert_close(turned.pixels, plain(0.2, 0.4, 0.6, height=1, width=1).pixels)


def test_inputs_are_left_alone() -> None:
    image = noise()
    before = image.pixels.clone()
    for result in (rotate_image(image, angle=0).image, flip_image(image), crop_image(image, width=99, height=99)):
        result.pixels.zero_()
    assert torch.equal(Image(pixels=before).pixels, image.pixels)
