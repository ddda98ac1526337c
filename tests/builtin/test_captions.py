"""Captions: the complete one says every fact, and no caption says a wrong one."""

from __future__ import annotations

import random

from nodes.builtin.captions import COLOUR_WORDS, all_words, full_caption, loose_caption, with_article
from nodes.builtin.world import COLOURS, SHAPES, Picture, sample_picture


def test_a_full_caption_says_every_fact_of_one_object() -> None:
    picture = Picture(
        kind="shape", colour="orange", background="navy", style="gradient", shape="ring", size="small", position="left"
    )
    assert full_caption(picture) == "a small orange ring on the left on a gradient navy background"


def test_a_full_caption_says_how_two_objects_lie() -> None:
    picture = Picture(
        kind="pair",
        colour="red",
        background="white",
        style="plain",
        shape="square",
        relation="above",
        other_shape="circle",
        other_colour="blue",
    )
    assert full_caption(picture) == "a red square above a blue circle on a white background"


def test_a_full_caption_of_a_scene_says_its_colour_and_light() -> None:
    assert full_caption(Picture(kind="cat", colour="orange", background="night")) == "an orange cat at night"
    assert full_caption(Picture(kind="hill", colour="green", background="night")) == "a green hill and the moon at night"


def test_a_vowel_takes_an() -> None:
    assert with_article("orange box") == "an orange box"
    assert with_article("red box") == "a red box"


def test_a_loose_caption_of_one_object_never_names_a_colour_that_the_picture_lacks() -> None:
    source = random.Random(6)
    for _ in range(400):
        picture = sample_picture(source, kind="shape")
        words = set(loose_caption(picture, source).replace(",", " ").split())
        absent = set(COLOURS) - {picture.colour, picture.background}
        if picture.background == "navy":
            absent.discard("blue")
        assert not words & absent


def test_a_pair_told_from_the_other_end_turns_its_relation() -> None:
    picture = Picture(
        kind="pair",
        colour="red",
        background="white",
        style="plain",
        shape="square",
        relation="above",
        other_shape="star",
        other_colour="blue",
    )
    source = random.Random(7)
    for _ in range(200):
        words = loose_caption(picture, source).replace(",", " ").split()
        square = next(index for index, word in enumerate(words) if word in ("square", "box"))
        up = {"above", "over", "top"} & set(words)
        assert bool(up) == (square < words.index("star"))


def test_loose_captions_repeat_under_a_seed() -> None:
    picture = sample_picture(random.Random(8))
    assert loose_caption(picture, random.Random(9)) == loose_caption(picture, random.Random(9))


def test_every_word_of_every_caption_is_known_to_the_tokenizers_list() -> None:
    source = random.Random(10)
    known = set(all_words())
    for _ in range(1500):
        picture = sample_picture(source)
        assert set(loose_caption(picture, source).replace(",", " ").split()) <= known
    assert set(COLOUR_WORDS) | set(SHAPES) <= known
