from __future__ import annotations

from collections import Counter
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_engine import NodeInputError
from nodes.wildcards import wildcards


def test_the_words_that_a_seed_chooses_are_fixed_for_ever() -> None:
    text = "a {red|blue|green} {circle|{small|large} square} {4::here|there}"
    assert [wildcards(text=text, seed=seed) for seed in (0, 1, 7, 2**64 - 1)] == [
        "a red large square there",
        "a red circle here",
        "a green large square here",
        "a green circle there",
    ]


def test_every_word_is_chosen_about_as_often_as_its_weight_says() -> None:
    found = Counter(wildcards(text="{3::a|b|0::c|0.5::d}", seed=seed) for seed in range(4500))
    assert found["c"] == 0
    assert {word: round(found[word] / 1000, 0) for word in "ab"} == {"a": 3, "b": 1}
    assert 400 < found["d"] < 600


def test_choices_are_independent_of_each_other() -> None:
    found = Counter(wildcards(text="{a|b}{a|b}{a|b}", seed=seed) for seed in range(4000))
    assert set(found) == {"".join(letters) for letters in product("ab", repeat=3)}
    assert all(400 < count < 600 for count in found.values())


@pytest.mark.parametrize("seed", range(20))
def test_to_change_the_words_of_one_choice_leaves_the_others_as_they_were(seed: int) -> None:
    before = wildcards(text="{a|b} {c|d} {e|f}", seed=seed).split()
    after = wildcards(text="{a|b} {{g|h}|{i|j|k}|l|m} {e|f}", seed=seed).split()
    assert (before[0], before[2]) == (after[0], after[2])


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("{a|{b|c}}", {"a", "b", "c"}),
        ("{|x}", {"", "x"}),
        ("{2::{a|b}|2::c}", {"a", "b", "c"}),
        ("{ 1::a| 1::b}", {"a", "b"}),
        ("{name} {a|b}", {"{name} a", "{name} b"}),
        ("{name {a|b}}", {"{name a}", "{name b}"}),
        (r"\{a\|b\} {c\|d|e}", {"{a|b} c|d", "{a|b} e"}),
        ("a|b", {"a|b"}),
        ("{a|b", {"{a|b"}),
        ("{x {a|b}", {"{x a", "{x b"}),
        ("a}|{", {"a}|{"}),
        ("{3::a}", {"{3::a}"}),
        ("{x::a|b}", {"x::a", "b"}),
        ("\\", {"\\"}),
        ("", {""}),
    ],
)
def test_a_text_can_become_these(text: str, options: set[str]) -> None:
    assert {wildcards(text=text, seed=seed) for seed in range(100)} == options


@given(st.text(max_size=50), st.integers(0, 2**64 - 1))
def test_an_escaped_text_stays_as_it_is(text: str, seed: int) -> None:
    escaped = "".join(f"\\{letter}" if letter in "{|}" else letter for letter in text)
    assert wildcards(text=escaped, seed=seed) == text


@given(st.text(alphabet="ab{}|:\\2", max_size=49), st.integers(0, 2**64 - 1))
def test_any_text_gives_letters_of_its_own(text: str, seed: int) -> None:
    remains = iter(text)
    assert all(letter in remains for letter in wildcards(text=text, seed=seed))


@pytest.mark.parametrize(
    ("text", "message"), [("{0::a|0::b}", "Every word of a choice has the weight 0"), ("{" * 51, "more than 50 deep")]
)
def test_what_cannot_be_chosen_from_is_refused(text: str, message: str) -> None:
    with pytest.raises(NodeInputError, match=message) as caught:
        wildcards(text=text, seed=1)
    assert caught.value.input == "text"
