from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow
from PIL import ImageChops

from graph_engine import NodeInputError
from nodes.composite import blend_images, composite_images, solid_image
from nodes.imaging.choices import BlendMode
from nodes.types import Image, Mask
from tests.nodes.pictures import mask_of, noise, plain

MODES = get_args(BlendMode)
UNIT = st.floats(0, 1, width=32)


def blended(below: float, above: float, mode: Any) -> float:
    found = blend_images(plain(below, below, below), plain(above, above, above), mode=mode, opacity=1.0)
    return float(found.pixels[0, 0, 0, 0])


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("normal", 0.75),
        ("multiply", 0.3),
        ("screen", 0.85),
        ("overlay", 0.6),
        ("hard_light", 0.7),
        ("soft_light", 0.4 + 0.5 * (0.4**0.5 - 0.4)),
        ("darken", 0.4),
        ("lighten", 0.75),
        ("colour_dodge", 1.0),
        ("colour_burn", 1 - 0.6 / 0.75),
        ("difference", 0.35),
        ("exclusion", 0.55),
        ("add", 1.0),
        ("subtract", 0.0),
        ("divide", 0.4 / 0.75),
    ],
)
def test_each_mode_has_its_formula(mode: Any, expected: float) -> None:
    assert blended(0.4, 0.75, mode) == pytest.approx(expected, abs=1e-6)


@given(UNIT, UNIT, st.sampled_from(MODES))
def test_any_two_colours_give_a_colour(below: float, above: float, mode: Any) -> None:
    assert 0 <= blended(below, above, mode) <= 1


def test_the_modes_at_black_and_white() -> None:
    ends = {mode: [blended(below, above, mode) for below in (0.0, 1.0) for above in (0.0, 1.0)] for mode in MODES}
    assert ends["colour_dodge"] == [0, 0, 1, 1]
    assert ends["colour_burn"] == [0, 0, 1, 1]
    assert ends["divide"] == [0, 0, 1, 1]
    assert ends["soft_light"] == [0, 0, 1, 1]
    assert ends["overlay"] == [0, 0, 1, 1]
    assert ends["hard_light"] == [0, 1, 0, 1]
    assert ends["exclusion"] == ends["difference"] == [0, 1, 1, 0]


@pytest.mark.parametrize(
    ("mode", "pillow"),
    [("multiply", ImageChops.multiply), ("screen", ImageChops.screen), ("overlay", ImageChops.overlay),
     ("hard_light", ImageChops.hard_light), ("difference", ImageChops.difference), ("add", ImageChops.add)],
)  # fmt: skip
def test_pillow_agrees_as_far_as_8_bits_reach(mode: Any, pillow: Any) -> None:
    below, above = noise(1, 30, 40), noise(1, 30, 40, seed=2)
    found = blend_images(below, above, mode=mode, opacity=1.0).pixels[0].numpy()
    eight_bit = [Pillow.fromarray((one.pixels[0].numpy() * 255).round().astype(np.uint8)) for one in (below, above)]
    assert np.abs(np.asarray(pillow(*eight_bit)) / 255 - found).max() < 2.5 / 255


def test_opacity_and_mask_say_how_much_is_seen() -> None:
    below, above = plain(0.0, 0.0, 0.0, height=2, width=2), plain(1.0, 1.0, 1.0, height=2, width=2)
    mask = mask_of([0.0, 0.5], [1.0, 1.0])
    found = blend_images(below, above, mask, opacity=0.5).pixels[0, :, :, 1]
    assert found.tolist() == [[0, 0.25], [0.5, 0.5]]
    assert torch.equal(blend_images(below, above, opacity=0.0).pixels, below.pixels)


def test_one_picture_goes_with_a_batch_on_either_side() -> None:
    many, one = noise(3), noise(1, seed=2)
    alone = blend_images(Image(pixels=many.pixels[2:]), one, opacity=0.25).pixels
    assert torch.equal(blend_images(many, one, opacity=0.25).pixels[2:], alone)
    assert blend_images(one, many).pixels.shape == many.pixels.shape
    assert blend_images(one, many, Mask(values=torch.rand(3, 12, 17))).pixels.shape == many.pixels.shape


def test_other_sizes_and_numbers_are_refused() -> None:
    with pytest.raises(NodeInputError, match=r"It is 9 x 6 px and the other 17 x 12 px\. Scale or crop"):
        blend_images(noise(), plain(1.0, 1.0, 1.0))
    with pytest.raises(NodeInputError, match="It holds 3 pictures for 2 pictures"):
        blend_images(noise(2), noise(3))


@pytest.mark.parametrize(
    ("values", "rows", "columns"),
    [
        ({}, (0, 3), (0, 4)),
        ({"x": 2, "y": 1}, (1, 4), (2, 6)),
        ({"anchor": "bottom_right"}, (9, 12), (13, 17)),
        ({"anchor": "bottom_right", "x": -2, "y": -1}, (8, 11), (11, 15)),
        ({"anchor": "centre"}, (4, 7), (6, 10)),
        ({"x": -3, "y": -2}, (0, 1), (0, 1)),
        ({"x": 15, "y": 11}, (11, 12), (15, 17)),
        ({"x": 17}, (0, 0), (0, 0)),
        ({"y": -3}, (0, 0), (0, 0)),
    ],
)
def test_a_picture_lies_at_its_place_and_is_cut_at_the_edge(values: Any, rows: Any, columns: Any) -> None:
    below, above = noise(2), plain(2.0, 2.0, 2.0, height=3, width=4)
    before = below.pixels.clone()
    found = composite_images(below, above, **values).pixels
    expected = before.clone()
    expected[:, slice(*rows), slice(*columns)] = 2
    assert torch.equal(found, expected)
    assert torch.equal(below.pixels, before)


def test_the_right_part_of_a_picture_is_seen_where_it_is_cut() -> None:
    above = noise(1, 20, 30, seed=3)
    found = composite_images(noise(), above, x=-5, y=-4).pixels
    assert torch.equal(found, above.pixels[:, 4:16, 5:22])


def test_a_mask_lets_what_is_below_through() -> None:
    below, above = plain(0.0, 0.0, 0.0, height=4, width=4), plain(1.0, 0.5, 1.0, height=2, width=2)
    found = composite_images(below, above, mask_of([1.0, 0.0], [0.5, 1.0]), x=1, y=1, opacity=0.5).pixels[0, :, :, 0]
    assert found.tolist() == [[0, 0, 0, 0], [0, 0.5, 0, 0], [0, 0.25, 0.5, 0], [0, 0, 0, 0]]


def test_several_pictures_on_one_give_several() -> None:
    found = composite_images(noise(1), noise(3, 2, 2, seed=8), x=1).pixels
    assert torch.equal(found[:, :2, 1:3], noise(3, 2, 2, seed=8).pixels)
    assert composite_images(noise(1), noise(1, 2, 2), Mask(values=torch.rand(4, 2, 2))).pixels.shape[0] == 4


def test_a_solid_picture_has_one_colour() -> None:
    found = solid_image(colour="#336699", width=3, height=2, batch=2).pixels
    assert found.shape == (2, 2, 3, 3)
    torch.testing.assert_close(found, torch.tensor([0.2, 0.4, 0.6]).expand(2, 2, 3, 3))
    found[0, 0, 0] = 0
    assert found[1].min() > 0.19
