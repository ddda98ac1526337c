"""Decides what a formula may say and what it costs: numbers, a few functions, no names but its own; nothing in it is executed.

Python's grammar is used to read it; every part of what was read is worked out here, from an allow-list. Size, whole numbers and
powers are bounded, so that no formula takes long.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import NamedTuple, NoReturn, TypeAlias

from graph_engine import NodeInputError, node

Number: TypeAlias = int | float

MAX_LETTERS = 500
MAX_INTEGER = 2**64

CONSTANTS: Mapping[str, Number] = {"pi": math.pi, "e": math.e}
BINARY: Mapping[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: lambda base, exponent: _power(base, exponent),
}
UNARY: Mapping[type[ast.unaryop], Callable[[Number], Number]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Not: operator.not_,
}
COMPARISONS: Mapping[type[ast.cmpop], Callable[[Number, Number], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
MANY = 100
FUNCTIONS: Mapping[str, tuple[Callable[..., Number], int, int]] = {
    "abs": (abs, 1, 1),
    "ceil": (math.ceil, 1, 1),
    "clamp": (lambda value, low, high: max(low, min(value, high)), 3, 3),
    "cos": (math.cos, 1, 1),
    "exp": (math.exp, 1, 1),
    "floor": (math.floor, 1, 1),
    "log": (math.log, 1, 2),
    "max": (lambda *values: max(values), 1, MANY),
    "min": (lambda *values: min(values), 1, MANY),
    "round": (lambda value: round(value), 1, 1),  # not its digits, which take as long as they are many
    "sin": (math.sin, 1, 1),
    "sqrt": (math.sqrt, 1, 1),
    "tan": (math.tan, 1, 1),
}
"""Each with how many values it takes, at least and at most."""


class Result(NamedTuple):
    """What ``calculate`` gives."""

    number: float
    integer: int
    truth: bool


@node("loom.calculate", version=1, category="values")
def calculate(
    *, formula: str = "a + b", a: int | float = 0, b: int | float = 0, c: int | float = 0, d: int | float = 0
) -> Result:
    """Work out a formula of up to four numbers.

    It may use + - * / // % ** and brackets; < <= > >= == != and or not; x if condition else y; pi, e; and abs, ceil, clamp, cos, exp,
    floor, log, max, min, round, sin, sqrt, tan.

    Args:
        formula: The formula, of at most 500 letters. Examples: a * 2 + 8; max(a, b) / 8; a > 512 and b > 512.
        a: The number that a stands for.
        b: The number that b stands for.
        c: The number that c stands for.
        d: The number that d stands for.

    Returns:
        number: The result.
        integer: The result, rounded to the nearest whole number; of two that are equally near, the even one.
        truth: Whether the result is true, which any number but 0 is.

    Example:
        calculate(formula="max(a, b) // 8 * 8", a=513, b=300)
    """
    if len(formula) > MAX_LETTERS:
        raise NodeInputError("formula", f"It has {len(formula)} letters, and at most {MAX_LETTERS} are read.", "Split it in two.")
    if not formula.strip():
        raise NodeInputError("formula", "It is empty.", "Write one, such as a * 2.")
    try:
        found = _value(ast.parse(formula.strip(), mode="eval").body, {**CONSTANTS, "a": a, "b": b, "c": c, "d": d})
    except SyntaxError as error:
        where = f"at letter {error.offset}" if error.offset and error.offset <= len(formula) else "at its end"
        raise NodeInputError("formula", f"It cannot be read {where}.", "Correct it there.") from None
    except (RecursionError, MemoryError):
        raise NodeInputError("formula", "Its brackets are nested too deeply.", "Split it in two.") from None
    except ZeroDivisionError:
        raise NodeInputError("formula", "It divides by 0.", "Change the numbers or the formula.") from None
    except OverflowError:
        _too_large()
    except ValueError:
        raise NodeInputError("formula", "It has no result for these numbers.", "Change the numbers or the formula.") from None
    return Result(number=float(found), integer=round(found), truth=bool(found))


def _value(part: ast.expr, names: Mapping[str, Number]) -> Number:
    """Raises NodeInputError for what is not on the list, ArithmeticError and ValueError for what has no result."""
    match part:
        case ast.Constant(value=bool() | int() | float() as value):
            return _bounded(value)
        case ast.Name(id=name) if name in names:
            return _bounded(names[name])
        case ast.BinOp(left=left, op=operation, right=right) if type(operation) in BINARY:
            return _bounded(BINARY[type(operation)](_value(left, names), _value(right, names)))
        case ast.UnaryOp(op=operation, operand=operand) if type(operation) in UNARY:
            return UNARY[type(operation)](_value(operand, names))
        case ast.BoolOp(op=operation, values=parts):
            truths = (bool(_value(one, names)) for one in parts)
            return all(truths) if isinstance(operation, ast.And) else any(truths)
        case ast.Compare(left=left, ops=operations, comparators=rights) if all(type(one) in COMPARISONS for one in operations):
            values = [_value(one, names) for one in (left, *rights)]
            pairs = zip(values, operations, values[1:], strict=False)
            return all(COMPARISONS[type(one)](before, after) for before, one, after in pairs)
        case ast.IfExp(test=test, body=body, orelse=otherwise):
            return _value(body if _value(test, names) else otherwise, names)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
            function, least, most = FUNCTIONS[name]
            if not least <= len(arguments) <= most:
                cause = (
                    f"{name} is given {len(arguments)} values, and it takes {least if least == most else f'at least {least}'}."
                )
                raise NodeInputError("formula", cause, "Correct its brackets.")
            return _bounded(function(*(_value(one, names) for one in arguments)))
        case ast.Name(id=name) | ast.Call(func=ast.Name(id=name)) if name not in FUNCTIONS:
            known = ", ".join((*names, *FUNCTIONS))
            raise NodeInputError("formula", f"It uses {name!r}, which has no meaning here.", f"What has one: {known}.")
    raise NodeInputError("formula", f"{ast.unparse(part)[:60]!r} is no part of a formula.", "Use numbers, a to d and functions.")


def _power(base: Number, exponent: Number) -> Number:
    if isinstance(base, int) and isinstance(exponent, int) and exponent >= 0:
        if abs(base) > 1 and exponent * (abs(base).bit_length() - 1) > MAX_INTEGER.bit_length():
            _too_large()
        found: Number = base**exponent
        return found
    return math.pow(base, exponent)


def _bounded(value: Number) -> Number:
    if (isinstance(value, float) and not math.isfinite(value)) or (isinstance(value, int) and abs(value) > MAX_INTEGER):
        _too_large()
    return value


def _too_large() -> NoReturn:
    raise NodeInputError("formula", "A number in it becomes too large.", "Change the numbers or the formula.")
