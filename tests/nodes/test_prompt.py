from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_engine import NodeInputError
from nodes.prompt import fill_template, join_texts


def test_texts_are_joined_in_order_without_the_empty_ones() -> None:
    assert join_texts(["a cat", "", "  ", "at night"]) == "a cat, at night"
    assert join_texts(["a cat", "", "at night"], separator="\n", skip_empty=False) == "a cat\n\nat night"
    assert join_texts([]) == ""


@pytest.mark.parametrize(
    ("template", "values", "names", "expected"),
    [
        ("a {colour} {shape}", ["red", "circle"], None, "a red circle"),
        ("{b} {a} {b}", ["x", "y"], None, "x y x"),
        ("{b} {a} {b}", ["x", "y"], ["a", "b"], "y x y"),
        ("{n} cats at {size}", [3, 0.5], None, "3 cats at 0.5"),
        ("{a}", ["{b}"], None, "{b}"),
        (r"\{a\} {a} {red|blue} {}", ["x"], None, "{a} x {red|blue} {}"),
        ("{größe_1}", ["x"], None, "x"),
        ("plain", [], None, "plain"),
    ],
)
def test_holes_are_filled_by_name(template: str, values: list[Any], names: list[str] | None, expected: str) -> None:
    assert fill_template(template=template, values=values, names=names) == expected


@pytest.mark.parametrize(
    ("options", "input", "message"),
    [
        ({"values": ["x"]}, "values", r"1 values are given, and there are 2 holes \(a, b\)"),
        ({"values": ["x", "y"], "names": ["a"]}, "values", r"2 values are given, and there are 1 names \(a\)"),
        ({"values": ["x", "y"], "names": ["a", "c"]}, "names", r"The template has no hole 'c'\. Its holes: a, b\."),
        ({"values": ["x"], "names": ["a"]}, "names", "Nothing is given for the hole 'b'"),
    ],
)
def test_values_and_holes_that_do_not_fit_are_refused(options: Any, input: str, message: str) -> None:
    with pytest.raises(NodeInputError, match=message) as caught:
        fill_template(template="{a} {b}", **options)
    assert caught.value.input == input


@given(st.text(alphabet="ab{}\\| ", max_size=30))
def test_a_template_without_holes_loses_only_the_backslashes_before_braces(text: str) -> None:
    try:
        found = fill_template(template=text, values=[])
    except NodeInputError:
        assert "{" in text
    else:
        assert found.replace("\\", "") == text.replace("\\", "")
