"""The judge's questions: which apply to which picture, and what the right answers are."""

from __future__ import annotations

import random
from pathlib import Path

import torch

from nodes.builtin.checker import (
    NOTHING,
    QUESTIONS,
    Checker,
    CheckerRecipe,
    accuracy,
    load_or_train,
    targets,
    truth,
    weathered,
)
from nodes.builtin.render import draw
from nodes.builtin.world import Picture, sample_picture


def pair(relation: str) -> Picture:
    return Picture(
        kind="pair",
        colour="red",
        background="white",
        style="plain",
        shape="star",
        relation=relation,
        other_shape="ring",
        other_colour="blue",
    )


def test_the_first_object_of_a_pair_is_the_left_or_upper_one() -> None:
    for relation, first in (("left", "star"), ("above", "star"), ("right", "ring"), ("below", "ring")):
        facts = truth(pair(relation))
        assert facts["first_shape"] == first
        assert facts["axis"] == ("beside" if relation in ("left", "right") else "stacked")


def test_questions_that_do_not_apply_have_no_target() -> None:
    wanted = targets([pair("left"), Picture(kind="cat", colour="orange", background="night")])
    assert wanted["size"].tolist() == [NOTHING, NOTHING]
    assert wanted["colour"].tolist()[0] == NOTHING
    assert QUESTIONS["colour"][wanted["colour"].tolist()[1]] == "orange"
    assert QUESTIONS["background"][wanted["background"].tolist()[1]] == "night"


def test_weathering_stays_in_range_and_repeats_under_a_seed() -> None:
    pictures = torch.rand(6, 3, 128, 128)
    first, second = (weathered(pictures, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(first, second)
    assert first.min() >= 0
    assert first.max() <= 1


def test_a_short_training_learns_kinds_and_its_weights_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "cache" / "checker.pt"
    checker = load_or_train(file, CheckerRecipe(pictures=250, steps=40, batch=16))
    source = random.Random(3)
    pictures = [sample_picture(source) for _ in range(60)]
    shares = accuracy(checker, pictures, draw(pictures))
    assert shares["kind"] > 0.4
    again = load_or_train(file, CheckerRecipe(steps=0))
    assert isinstance(again, Checker)
    assert accuracy(again, pictures, draw(pictures)) == shares
