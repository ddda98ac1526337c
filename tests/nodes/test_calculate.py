from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_engine import NodeInputError
from nodes.calculate import BINARY, COMPARISONS, CONSTANTS, FUNCTIONS, calculate

NUMBERS = st.one_of(st.integers(-(2**53), 2**53), st.floats(-1e9, 1e9))


def number(formula: str, **names: Any) -> float:
    return calculate(formula=formula, **names).number


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3 - -4", 13),
        ("2 ** 3 ** 2", 512),
        ("-2 ** 2", -4),
        ("7 // 2 + 7 % 4 + 7 / 2", 9.5),
        ("a * 2 + b / 8 - c + d", 20 + 8 - 3 + 0.5),
        ("min(a, b, 3) + max(1, 2) + abs(-4)", 9),
        ("clamp(a, 0, 5) + floor(2.7) + ceil(2.1) + round(2.5)", 5 + 2 + 3 + 2),
        ("sqrt(16) + exp(0) + log(8, 2) + log(e)", 4 + 1 + 3 + 1),
        ("sin(pi / 2) + cos(0) + tan(0)", 2),
        ("1 if a > b else 2", 2),
        ("1 < 2 < 3", 1),
        ("1 < 2 > 5 or not 1", 0),
        ("a >= 10 and b == 64 and c != 4 and c <= 3", 1),
        ("1 / 0 if 0 else 5", 5),
        ("\n 1_000 + .5 ", 1000.5),
    ],
)
def test_a_formula_is_worked_out_as_in_python(formula: str, expected: float) -> None:
    assert number(formula, a=10, b=64, c=3, d=0.5) == pytest.approx(expected)


def test_a_result_is_a_number_a_whole_number_and_a_truth() -> None:
    assert calculate(formula="a / 2", a=5) == (2.5, 2, True)
    assert calculate(formula="a / 2", a=7) == (3.5, 4, True)
    assert calculate(formula="a - 5", a=5) == (0.0, 0, False)
    assert [type(one) for one in calculate(formula="a == 5", a=5)] == [float, int, bool]


def test_whole_numbers_stay_exact_up_to_the_largest_seed() -> None:
    assert calculate(formula="a - 1 + b", a=2**64 - 1, b=1).integer == 2**64 - 1
    assert calculate(formula="2 ** 64 - 1").integer == 2**64 - 1


@given(NUMBERS, NUMBERS, st.sampled_from(["+", "-", "*", "/", "//", "%", "<", "<=", ">", ">=", "==", "!="]))
def test_every_operator_agrees_with_python_s(a: float, b: float, operation: str) -> None:
    try:
        expected = eval(f"a {operation} b")
        if isinstance(expected, int) and abs(expected) > 2**64:
            raise OverflowError
    except ArithmeticError:
        with pytest.raises(NodeInputError):
            number(f"a {operation} b", a=a, b=b)
    else:
        assert number(f"a {operation} b", a=a, b=b) == float(expected)


@given(st.integers(-20, 20), st.integers(-5, 80))
def test_powers_of_whole_numbers_are_exact_or_refused(base: int, exponent: int) -> None:
    try:
        expected: float = base**exponent
    except ZeroDivisionError:
        expected = math.inf
    if math.isinf(expected) or abs(expected) > 2**64:
        with pytest.raises(NodeInputError):
            number("a ** b", a=base, b=exponent)
    else:
        assert number("a ** b", a=base, b=exponent) == pytest.approx(float(expected))


@given(st.text(max_size=40))
def test_any_text_gives_a_finite_number_or_a_reason(formula: str) -> None:
    try:
        found = number(formula)
    except NodeInputError:
        return
    assert math.isfinite(found)


@given(st.text(alphabet="0123456789.+-*/%()<>=!abcd ,eifels", max_size=40))
def test_any_formula_gives_a_finite_number_or_a_reason(formula: str) -> None:
    try:
        found = number(formula, a=3, b=-2.5, c=0, d=2**60)
    except NodeInputError:
        return
    assert math.isfinite(found)


@pytest.mark.parametrize(
    "formula",
    [
        "9 ** 9 ** 9 ** 9", "(-9) ** 99999", "10 ** 20", "1e308 * 10", "exp(1000)", "2.0 ** 5000", "floor(1e300)",
        "a * a", "round(1e300)", "1" * 400,
    ],
)  # fmt: skip
def test_numbers_that_become_too_large_are_refused_before_they_take_long(formula: str) -> None:
    with pytest.raises(NodeInputError, match="A number in it becomes too large") as caught:
        number(formula, a=2**63)
    assert caught.value.input == "formula"


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("1 / 0", "It divides by 0"),
        ("a % 0", "It divides by 0"),
        ("sqrt(-1)", "no result for these numbers"),
        ("(-8) ** 0.5", "no result for these numbers"),
        ("log(0)", "no result for these numbers"),
        ("x + 1", "It uses 'x', which has no meaning here. What has one: pi, e, a, b, c, d, abs, "),
        ("factorial(3)", "It uses 'factorial'"),
        ("__import__('os')", "It uses '__import__'"),
        ("max()", "max is given 0 values, and it takes at least 1"),
        ("round(1, 2)", "round is given 2 values, and it takes 1"),
        ("a.real", "'a.real' is no part of a formula"),
        ("max(*a)", r"'\*a' is no part of a formula"),
        ("log(8, base=2)", r"'log\(8, base=2\)' is no part of a formula"),
        ("(lambda: 1)()", "is no part of a formula"),
        ("[1][0]", "is no part of a formula"),
        ("'a' * 9", "is no part of a formula"),
        ("1j", "is no part of a formula"),
        ("1 << 9", "is no part of a formula"),
        ("a is a", "is no part of a formula"),
        ("1 +", "It cannot be read at its end"),
        ("max", "'max' is no part of a formula"),
        ("a := 1", "It cannot be read at letter 3"),
        ("  ", "It is empty"),
        ("a" * 501, "It has 501 letters, and at most 500 are read"),
    ],
)
def test_what_is_no_formula_is_refused_with_the_reason(formula: str, message: str) -> None:
    with pytest.raises(NodeInputError, match=message) as caught:
        number(formula)
    assert caught.value.input == "formula"


def test_the_description_names_every_function_and_constant() -> None:
    from graph_engine.declare import spec_of

    words = spec_of(calculate).description
    assert [name for name in (*FUNCTIONS, *CONSTANTS) if name not in words] == []
    assert (len(BINARY), len(COMPARISONS)) == (7, 6)
