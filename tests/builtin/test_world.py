"""Pictures by lot: seeded, visible, and never across the line between trained and held-out combinations."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from nodes.builtin.world import (
    COLOURS,
    KINDS,
    LIGHTS,
    SCENES,
    Picture,
    is_held_out,
    is_visible,
    sample_picture,
)


def test_the_same_seed_gives_the_same_pictures() -> None:
    first, second = random.Random(5), random.Random(5)
    assert [sample_picture(first) for _ in range(50)] == [sample_picture(second) for _ in range(50)]


@pytest.mark.parametrize("held_out", [True, False])
def test_a_sample_keeps_to_its_part_of_the_world(held_out: bool) -> None:
    source = random.Random(1)
    pictures = [sample_picture(source, held_out=held_out) for _ in range(300)]
    assert all(is_held_out(picture) == held_out and is_visible(picture) for picture in pictures)


def test_holding_out_ignores_what_a_description_leaves_open() -> None:
    picture = sample_picture(random.Random(2), kind="shape")
    assert is_held_out(replace(picture, wobble=(0.5,) * 6)) == is_held_out(picture)


def test_a_pair_is_held_out_whichever_object_is_named_first() -> None:
    source = random.Random(3)
    for picture in [sample_picture(source, kind="pair", held_out=True) for _ in range(40)]:
        turned = replace(
            picture,
            shape=picture.other_shape,
            colour=picture.other_colour,
            other_shape=picture.shape,
            other_colour=picture.colour,
            relation={"left": "right", "right": "left", "above": "below", "below": "above"}[picture.relation],
        )
        assert is_held_out(turned)


def test_every_scene_has_trained_and_held_out_combinations() -> None:
    for kind, colours in SCENES.items():
        kept = {is_held_out(Picture(kind=kind, colour=c, background=light)) for c in colours for light in LIGHTS}
        assert kept == {True, False}, kind


def test_a_white_object_on_a_white_background_is_not_visible() -> None:
    assert not is_visible(Picture(kind="shape", colour="white", background="white", shape="circle"))
    assert is_visible(Picture(kind="shape", colour="red", background="white", shape="circle"))


def test_every_scene_colour_has_a_colour() -> None:
    assert all(colour in COLOURS for colours in SCENES.values() for colour in colours)
    assert len(SCENES) >= 12
    assert len(KINDS) == len(SCENES) + 2
