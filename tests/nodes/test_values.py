from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_engine import NodeInputError
from nodes.values import (
    boolean,
    choice,
    integer,
    integer_range,
    make_list,
    number,
    number_range,
    pick_item,
    seed,
    split_lines,
    text,
)


def test_a_value_is_passed_on_as_it_is() -> None:
    assert (number(number=0.1), integer(integer=-(2**53)), text(text=" a\n"), seed(seed=2**64 - 1), boolean(boolean=False)) == (
        0.1, -(2**53), " a\n", 2**64 - 1, False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("first", "last", "count", "expected"),
    [(0.0, 1.0, 5, [0, 0.25, 0.5, 0.75, 1]), (9.0, 1.0, 3, [9, 5, 1]), (2.0, 2.0, 3, [2, 2, 2]), (4.0, 9.0, 1, [4])],
)
def test_numbers_lie_at_equal_distances(first: float, last: float, count: int, expected: list[float]) -> None:
    assert number_range(first=first, last=last, count=count) == expected


@given(st.floats(-1e15, 1e15), st.floats(-1e15, 1e15), st.integers(2, 50))
def test_a_range_begins_and_ends_exactly_where_it_says_and_never_turns_back(first: float, last: float, count: int) -> None:
    found = number_range(first=first, last=last, count=count)
    assert (len(found), found[0], found[-1]) == (count, first, last)
    assert all(min(first, last) <= one <= max(first, last) or one == pytest.approx(last) for one in found)


def test_whole_numbers_count_by_their_step() -> None:
    assert integer_range(first=5, count=3) == [5, 6, 7]
    assert integer_range(first=5, count=3, step=-10) == [5, -5, -15]
    assert integer_range(first=5, count=2, step=0) == [5, 5]


def test_the_lines_of_a_text_are_a_list() -> None:
    assert split_lines(text=" a cat \r\n\n  \na dog") == ["a cat", "a dog"]
    assert split_lines(text="a\n\nb\n", skip_empty=False) == ["a", "", "b"]
    assert split_lines(text="") == []


def test_an_item_is_picked_by_its_number_from_either_end() -> None:
    items = make_list(["a", "b", "c"])
    assert [pick_item(items, index=index) for index in (0, 2, -1, -3)] == ["a", "c", "c", "a"]


@pytest.mark.parametrize(
    ("items", "index", "action"), [(["a"], 1, "Choose from 0 to 0"), (["a"], -2, "Choose from 0 to 0"), ([], 0, "Put something")]
)
def test_an_item_that_is_not_there_cannot_be_picked(items: list[str], index: int, action: str) -> None:
    with pytest.raises(NodeInputError, match=f"There is no item {index}.*{action}") as caught:
        pick_item(items, index=index)
    assert caught.value.input == "index"


def test_a_choice_is_a_line_or_the_short_name_before_its_text() -> None:
    options = "plain\n  day: in bright daylight \n\ntime: 12:30"
    assert choice(options=options, chosen="plain") == "plain"
    assert choice(options=options, chosen=" day ") == "in bright daylight"
    assert choice(options=options, chosen="day: in bright daylight") == "day: in bright daylight"
    assert choice(options=options, chosen="time") == "12:30"


@pytest.mark.parametrize(("options", "named"), [("a: b\nc", "a, c"), (" \n", "none are given")])
def test_what_is_not_among_the_options_is_told_with_what_is(options: str, named: str) -> None:
    with pytest.raises(NodeInputError, match=rf"'d' is none of the options\. Choose one of: {named}\."):
        choice(options=options, chosen="d")
