"""The table of the bar: what is asked, and how a share is counted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from nodes.builtin.checker import QUESTIONS, truth
from nodes.builtin.evaluate import TABLE_END, TABLE_START, Verdict, held_out_pictures, rate, table, write_into_card
from nodes.builtin.world import SCENES, SHAPES, is_held_out


def verdicts(*, spoil: str = "") -> list[Verdict]:
    """Right answers to every question, but for one question."""
    nothing = dict.fromkeys(QUESTIONS, "")
    right = [Verdict(picture, nothing | truth(picture)) for picture in held_out_pictures(16, 8, 1, seed=1)]
    return [replace(verdict, answers=verdict.answers | ({spoil: "wrong"} if spoil else {})) for verdict in right]


def test_every_prompt_is_held_out_and_every_shape_is_asked_for_equally() -> None:
    pictures = held_out_pictures(16, 4, 1, seed=2)
    assert all(is_held_out(picture) for picture in pictures)
    assert [picture.shape for picture in pictures[:8]] == list(SHAPES)
    assert [picture.kind for picture in pictures[20:]] == list(SCENES)


def test_right_answers_give_a_full_table() -> None:
    assert {share for _, share, count in table(verdicts()) if count} == {1.0}


def test_a_wrong_size_spoils_the_size_and_the_single_objects_only() -> None:
    rows = {name: share for name, share, _ in table(verdicts(spoil="size"))}
    assert rows["size"] == rows["one object, everything right"] == 0.0
    assert rows["shape, one object"] == rows["two objects, everything right"] == rows["scenes, everything right"] == 1.0


def test_a_wrong_second_shape_spoils_the_pairs_only() -> None:
    rows = {name: share for name, share, _ in table(verdicts(spoil="second_shape"))}
    assert rows["two objects, everything right"] == 0.0
    assert rows["one object, everything right"] == rows["scenes, everything right"] == 1.0


def test_the_table_in_a_card_is_replaced_and_the_rest_is_kept(tmp_path: Path) -> None:
    card = tmp_path / "README.md"
    card.write_text(f"# Title\n{TABLE_START}\nold\n{TABLE_END}\nthe end\n", encoding="utf-8")
    for lines in (["first"], ["second", "third"]):
        write_into_card(card, lines)
    assert card.read_text(encoding="utf-8") == (f"# Title\n{TABLE_START}\n```text\nsecond\nthird\n```\n{TABLE_END}\nthe end\n")


def test_the_share_of_nothing_is_zero_of_zero() -> None:
    assert rate([], Verdict.all_right) == (0.0, 0)
