"""Which values a typed text stands for, and which runs they make."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_engine.cli.grid import Axis, Grid, blocks
from graph_engine.cli.sweep import MAX_VALUES, Value, Values, read_values
from graph_engine.errors import WorkflowError
from graph_engine.fields import Choice, Range
from graph_engine.interface import from_text
from graph_engine.spec import InputSpec
from graph_engine.types import ANY, BOOL, FLOAT, INT, TEXT, ListOf, SocketType, Union


def field(of: SocketType, **facts: Any) -> InputSpec:
    return InputSpec(name="x", type=of, **facts)


def read(spec: InputSpec, *texts: str) -> Values:
    return read_values(spec, texts, lambda text: from_text(spec, text, "x"))


def values(spec: InputSpec, *texts: str) -> list[Any]:
    return [one.value for one in read(spec, *texts).found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7", [7]),
        ("-3", [-3]),
        ("1..4", [1, 2, 3, 4]),
        ("1..9..2", [1, 3, 5, 7, 9]),
        ("1..8..3", [1, 4, 7]),
        ("3..1", [3, 2, 1]),
        ("-1..1", [-1, 0, 1]),
        ("5..5", [5]),
        ("3,5,7", [3, 5, 7]),
        ("1..3, 8 ,10..12", [1, 2, 3, 8, 10, 11, 12]),
        ("18446744073709551614..18446744073709551615", [2**64 - 2, 2**64 - 1]),
    ],
)
def test_whole_numbers_come_in_lists_and_ranges_with_both_ends(text: str, expected: list[int]) -> None:
    found = values(field(INT), text)
    assert found == expected
    assert all(type(one) is int for one in found)


def test_fractions_step_in_decimals() -> None:
    assert values(field(FLOAT), "0..1..0.1") == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    assert values(field(FLOAT), "3..5") == [3.0, 4.0, 5.0]
    assert values(field(Union((INT, FLOAT))), "1,2.5") == [1, 2.5]


def test_one_value_is_no_sweep_and_a_range_of_one_is() -> None:
    assert not read(field(INT), "5").swept
    assert read(field(INT), "5..5").swept
    assert read(field(INT), "5", "6").swept


def test_an_option_given_again_adds_its_values_in_order() -> None:
    assert values(field(INT), "9", "1..3", "7,5") == [9, 1, 2, 3, 7, 5]


def test_truth_values_and_choices_come_in_lists() -> None:
    assert values(field(BOOL), "yes,no") == [True, False]
    assert values(field(TEXT, choices=("euler", "heun", "a,b")), "euler,heun") == ["euler", "heun"]
    assert values(field(TEXT, choices=("euler", "heun", "a,b")), "a,b") == ["a,b"]


@pytest.mark.parametrize("text", ["a, b", "1..3", "x@y", "", "a..b,c", "1,2"])
def test_a_text_is_itself_whatever_it_holds(text: str) -> None:
    for spec in (field(TEXT), field(ANY)):
        assert (values(spec, text), read(spec, text).swept) == ([text], False)


def test_two_at_signs_are_a_text_that_begins_with_one() -> None:
    assert (values(field(TEXT), "@@home"), read(field(TEXT), "@@home").swept) == (["@home"], False)


def test_a_list_value_keeps_its_commas() -> None:
    assert values(field(ListOf(INT)), "1,2,3") == [[1, 2, 3]]


def test_a_file_whose_name_has_a_comma_is_one_value(tmp_path: Path) -> None:
    (tmp_path / "a,b.png").touch()
    spec = field(TEXT, choice=Choice(lambda _folders: [], what="picture", action="Add one."))
    assert values(spec, str(tmp_path / "a,b.png")) == [str(tmp_path / "a,b.png")]
    assert values(spec, "x.png,../y.png") == ["x.png", "../y.png"]


def test_a_file_gives_a_value_a_line_without_empty_lines_and_comments(tmp_path: Path) -> None:
    path = tmp_path / "prompts.txt"
    path.write_bytes(b"\xef\xbb\xbfa cat, sleeping\r\n\n# not this\n  a dog \n@home\n\tb\xc3\xa9\n")
    found = read(field(TEXT), f"@{path}")
    assert ([one.value for one in found.found], found.bad, found.swept) == (["a cat, sleeping", "a dog", "@home", "bé"], [], True)


def test_a_bad_line_is_told_with_its_number_and_the_rest_stays(tmp_path: Path) -> None:
    path = tmp_path / "numbers.txt"
    path.write_bytes(b"1\nx\n3\n\xff\n400\n")
    found = read(field(INT, range=Range(0, 100)), f"@{path}")
    assert [one.value for one in found.found] == [1, 3]
    assert [line.removeprefix(f"{path}, ").partition(" is ")[0] for line in found.bad] == [
        "line 2: 'x'", "line 4: it", "line 5: 400 lies outside [0, 100]. Choose a number inside.",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("of", "text", "said"),
    [
        (INT, "1..x", "'1..x' is no range. Write first..last"),
        (INT, "1..2..3..4", "is no range"),
        (INT, "1...3", "is no range"),
        (INT, "1..9..0", "the step of '1..9..0' is not above 0"),
        (INT, "1..2..0.5", "whole numbers are needed"),
        (INT, "1,x", "'x' is no int"),
        (INT, "1,,2", "'' is no int"),
        (INT, "0..18446744073709551615", f"{MAX_VALUES} are possible"),
        (FLOAT, "1..nan", "is no range"),
        (TEXT, "@no/such/file", "cannot be read: No such file or directory. Name a file"),
        (TEXT, "@", "cannot be read"),
        (TEXT, "@a\0b", "cannot be read"),
    ],
)
def test_what_is_neither_a_value_nor_several_is_refused_with_what_to_write(of: SocketType, text: str, said: str) -> None:
    with pytest.raises(WorkflowError) as caught:
        read(field(of), text)
    assert said in str(caught.value)


def test_a_file_without_a_value_is_refused(tmp_path: Path) -> None:
    (tmp_path / "none.txt").write_text("# nothing\n\n")
    with pytest.raises(WorkflowError, match="holds no value"):
        read(field(TEXT), f"@{tmp_path / 'none.txt'}")


def axis(name: str, *typed: str, listable: bool = True, spoken: str = "") -> Axis:
    found = [Value(text, int(text) if listable else text) for text in typed]
    return Axis(name=name, spoken=spoken or f"--{name}", values=found, listable=listable)


def grid(*axes: Axis) -> Grid:
    return Grid(axes=axes, words=["loom", "run", "w.json"], whole=["loom", "run", "w.json", "--seed", "…"])


def test_items_are_all_combinations_with_the_last_input_changing_fastest() -> None:
    found = grid(axis("seed", "1", "2"), axis("cfg", "3", "5", "7"))
    assert [item.label for item in found][:4] == ["seed=1 cfg=3", "seed=1 cfg=5", "seed=1 cfg=7", "seed=2 cfg=3"]
    assert [item.number for item in found] == [1, 2, 3, 4, 5, 6]
    assert (len(found), found.columns) == (6, 3)


def test_what_is_missing_is_said_in_one_command_where_it_is_a_block() -> None:
    found = grid(axis("seed", *map(str, range(1, 17))), axis("cfg", "3", "5"))
    missing = [item.places for item in found if item.values["seed"] in (2, 3, 4, 9)]
    assert found.missing(missing) == ["loom run w.json --seed 2..4,9 --cfg 3,5"]


def test_texts_are_said_one_by_one_and_quoted() -> None:
    found = grid(axis("prompt", "a cat, asleep", "it's", "@home", listable=False), axis("n", "1", spoken="--set number.value"))
    assert found.missing([(0, 0), (1, 0), (2, 0)]) == [
        "loom run w.json --prompt 'a cat, asleep' --prompt 'it'\"'\"'s' --prompt @@home --set number.value=1"
    ]


def test_what_would_be_too_much_to_type_is_said_as_the_whole_command() -> None:
    found = grid(axis("a", *map(str, range(20))), axis("b", *map(str, range(20))))
    assert found.missing([(index, index) for index in range(20)]) == ["loom run w.json --seed '…'"]


@given(st.sets(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 3))))
def test_blocks_hold_every_place_once_and_no_other(places: set[tuple[int, ...]]) -> None:
    found = [place for block in blocks(places) for place in itertools.product(*block)]
    assert sorted(found) == sorted(places)
