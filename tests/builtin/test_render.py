"""Drawings: the same description gives the same pixels, and the pixels are what the description says."""

from __future__ import annotations

import random

import pytest
import torch
from torch import Tensor

from nodes.builtin.drawing import Canvas
from nodes.builtin.render import draw, shape_distance
from nodes.builtin.world import BACKGROUNDS, COLOURS, LIGHTS, POSITIONS, SCENES, SHAPES, SIZES, Picture, sample_picture


def single(**facts: str) -> Picture:
    described = {
        "colour": "red",
        "background": "white",
        "style": "plain",
        "shape": "circle",
        "size": "medium",
        "position": "middle",
    } | facts
    return Picture(kind="shape", **described)  # type: ignore[arg-type]  # every field here is a string


def area_of(colour: str, pixels: Tensor) -> float:
    """Pixels within a small distance of an object colour."""
    wanted = torch.tensor(COLOURS[colour]).view(3, 1, 1)
    return float(((pixels - wanted).abs().amax(0) < 0.02).sum())


def test_the_same_description_gives_the_same_pixels_in_any_batch() -> None:
    source = random.Random(4)
    pictures = [sample_picture(source) for _ in range(12)]
    together = draw(pictures)
    alone = torch.cat([draw([picture]) for picture in pictures])
    assert torch.equal(together, alone)


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_a_plain_background_has_its_colour_in_the_corner(background: str) -> None:
    corner = draw([single(background=background, colour="green")])[0, :, 2, 2]
    assert torch.allclose(corner, torch.tensor(BACKGROUNDS[background]), atol=1e-5)


@pytest.mark.parametrize("colour", COLOURS)
def test_an_object_has_its_colour_in_its_middle(colour: str) -> None:
    middle = draw([single(colour=colour, shape="square")])[0, :, 64, 64]
    assert torch.allclose(middle, torch.tensor(COLOURS[colour]), atol=1e-5)


@pytest.mark.parametrize("position", POSITIONS)
def test_an_object_lies_where_its_position_says(position: str) -> None:
    pixels = draw([single(position=position)])[0]
    ink = (pixels[1] < 0.5).float()
    x = float((ink.sum(0) * torch.arange(128)).sum() / ink.sum()) - 63.5
    y = float((ink.sum(1) * torch.arange(128)).sum() / ink.sum()) - 63.5
    toward = POSITIONS[position]
    assert (x > 20) - (x < -20) == toward[0]
    assert (y > 20) - (y < -20) == toward[1]


def test_sizes_grow_in_their_order() -> None:
    areas = [area_of("red", draw([single(size=size)])[0]) for size in SIZES]
    assert areas[0] * 1.5 < areas[1]
    assert areas[1] * 1.5 < areas[2]


def test_shapes_differ_from_each_other() -> None:
    radius = torch.tensor([40.0])
    forms = [shape_distance(Canvas(1), shape, 64.0, 64.0, radius) < 0 for shape in SHAPES]
    for index, form in enumerate(forms):
        for other in forms[index + 1 :]:
            assert float((form ^ other).sum()) > 0.1 * float(form.sum())


def test_an_unknown_shape_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"No shape is called 'blob'.*circle"):
        shape_distance(Canvas(1), "blob", 64.0, 64.0, torch.tensor([10.0]))


def test_in_a_pair_the_first_object_lies_on_the_side_of_its_relation() -> None:
    picture = Picture(
        kind="pair",
        colour="red",
        background="white",
        style="plain",
        shape="square",
        relation="left",
        other_shape="circle",
        other_colour="blue",
    )
    pixels = draw([picture])[0]
    assert torch.allclose(pixels[:, 64, 32], torch.tensor(COLOURS["red"]), atol=1e-5)
    assert torch.allclose(pixels[:, 64, 96], torch.tensor(COLOURS["blue"]), atol=1e-5)


@pytest.mark.parametrize("kind", SCENES)
def test_a_scene_shows_its_colour_in_daylight(kind: str) -> None:
    for colour in SCENES[kind]:
        pixels = draw([Picture(kind=kind, colour=colour, background="day")])[0]
        assert area_of(colour, pixels) > 120, colour


@pytest.mark.parametrize("kind", SCENES)
def test_a_scene_is_darkest_at_night(kind: str) -> None:
    colour = SCENES[kind][0]
    lights = draw([Picture(kind=kind, colour=colour, background=light) for light in LIGHTS]).mean((1, 2, 3))
    assert lights[2] < lights[0]
    assert lights[2] < lights[1]
