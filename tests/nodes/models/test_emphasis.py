from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.models.emphasis import WeightError, weighted_parts


def parts(prompt: str) -> list[tuple[str, float]]:
    return [(part.text, pytest.approx(part.weight)) for part in weighted_parts(prompt)]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("", []),
        ("a cat", [("a cat", 1)]),
        ("a (b) c", [("a ", 1), ("b", 1.1), (" c", 1)]),
        ("((a))", [("a", 1.21)]),
        ("(a(b))", [("a", 1.1), ("b", 1.21)]),
        ("(a:1.3)", [("a", 1.3)]),
        ("((a:1.3))", [("a", 1.3)]),
        ("((a):1.3)", [("a", 1.43)]),
        ("(a (b:1.5) c:0.5)", [("a ", 0.5), ("b", 1.5), (" c", 0.5)]),
        ("(a:-1)(b:.5)(c:5.)(d: 2 )(e:1e-1)", [("a", -1), ("b", 0.5), ("c", 5), ("d", 2), ("e", 0.1)]),
    ],
)
def test_brackets_raise_and_numbers_set_the_weight(prompt: str, expected: list[tuple[str, float]]) -> None:
    assert parts(prompt) == expected


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("(:1.2)", [(":1.2", 1.1)]),
        ("(a:)", [("a:", 1.1)]),
        ("(a:x)", [("a:x", 1.1)]),
        ("(a:b:2)", [("a:b", 2)]),
        ("(a:1.2 (b))", [("a:1.2 ", 1.1), ("b", 1.21)]),
        ("(a:nan)", [("a:nan", 1.1)]),
        ("(a:1e999)", [("a:1e999", 1.1)]),
        ("(a:1_0)", [("a:1_0", 1.1)]),
        ("(a:1.2\\))", [("a:1.2)", 1.1)]),
        ("a:2", [("a:2", 1)]),
    ],
)
def test_a_colon_without_a_number_after_and_a_text_before_is_a_letter(prompt: str, expected: list[tuple[str, float]]) -> None:
    assert parts(prompt) == expected


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        (r"a \(b\)", [("a (b)", 1)]),
        (r"(\(:1.2)", [("(", 1.2)]),
        (r"\\(a)", [("\\(a)", 1)]),
        (r"\a", [("\\a", 1)]),
        ("(a", [("(a", 1)]),
        ("a)", [("a)", 1)]),
        ("a) (b)", [("a) ", 1), ("b", 1.1)]),
        ("(a (b)", [("(a ", 1), ("b", 1.1)]),
        ("()", []),
        ("[a]", [("[a]", 1)]),
    ],
)
def test_escaped_and_lonely_brackets_are_letters(prompt: str, expected: list[tuple[str, float]]) -> None:
    assert parts(prompt) == expected


@given(st.text(alphabet="ab :.12()\\-[]\n", max_size=60))
def test_any_text_is_read_and_loses_only_brackets_numbers_and_escapes(prompt: str) -> None:
    found = weighted_parts(prompt)
    letters = "".join(part.text for part in found)
    remains = iter(prompt)
    assert all(letter in remains for letter in letters), "it is no subsequence of the prompt"
    assert all(part.text for part in found)
    assert re.sub(r"[^ab\[\]]", "", letters) == re.sub(r"[^ab\[\]]", "", prompt)


@given(st.text(max_size=60))
def test_an_escaped_text_is_one_part_of_weight_one(text: str) -> None:
    escaped = text.replace("(", r"\(").replace(")", r"\)")
    assert "".join(part.text for part in weighted_parts(escaped)) == text
    assert all(part.weight == 1 for part in weighted_parts(escaped))


@pytest.mark.parametrize("prompt", ["(a:1001)", "(a:-1e4)", "(" * 80 + "a" + ")" * 80])
def test_a_weight_beyond_a_thousand_is_refused(prompt: str) -> None:
    with pytest.raises(WeightError, match="at most 1000 is possible"):
        weighted_parts(prompt)


def test_very_many_brackets_are_read_in_one_pass() -> None:
    assert weighted_parts("(" * 200_000) == weighted_parts(r"\(" * 200_000)
    assert len(weighted_parts("(a:1.2)" * 50_000)) == 50_000
