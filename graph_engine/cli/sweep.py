"""Decides which values one typed text stands for: a list or a range of numbers, a list of choices, the lines of a file, or itself.

A text for a text field is always itself: commas and dots belong to it. Several of them come from ``@FILE``, or from the option given
several times; ``@@`` is a text that begins with ``@``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from graph_engine.errors import Problem, WorkflowError
from graph_engine.spec import InputSpec
from graph_engine.types import ANY, BOOL, FLOAT, INT, TEXT, SocketType, Union

MAX_VALUES = 100_000
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
RANGE_HINT = "Write first..last or first..last..step, such as 1..16 or 1..9..2."

Convert = Callable[[str], Any]
"""A single text as the field takes it. Raises WorkflowError."""


class Value(NamedTuple):
    """One of several values, and how it is typed."""

    typed: str
    value: Any


@dataclass(slots=True)
class Values:
    """What the texts typed for one input stand for. ``swept`` says that they ask for several runs, if only for one in the end.

    ``bad`` tells of lines of a file that are no value: the rest goes on without them.
    """

    found: list[Value] = field(default_factory=list)
    swept: bool = False
    bad: list[str] = field(default_factory=list)


def read_values(spec: InputSpec | None, texts: Sequence[str], convert: Convert) -> Values:
    """All values in order. Raises WorkflowError for a text that is neither a value nor several."""
    values = Values(swept=len(texts) > 1)
    for text in texts:
        if spec is not None and _takes_text(spec) and text.startswith("@@"):
            values.found.append(Value(text[1:], convert(text[1:])))
        elif spec is not None and text.startswith("@"):
            values.swept = True
            _read_file(Path(text[1:]).expanduser(), convert, values)
        elif spec is not None and (parts := _parts(spec, text, convert)) is not None:
            values.swept = True
            values.found += [Value(part, convert(part)) for part in parts]
        else:
            values.found.append(Value(text, convert(text)))
        if len(values.found) > MAX_VALUES:
            raise _problem(f"more than {MAX_VALUES} values are given.", "Give fewer, in several runs.")
    return values


def is_listable(spec: InputSpec | None) -> bool:
    """Whether commas separate values of this field."""
    return spec is not None and (spec.choices is not None or spec.choice is not None or _is_plain(spec.type))


def _is_plain(of: SocketType) -> bool:
    return of in (INT, FLOAT, BOOL) or (isinstance(of, Union) and all(map(_is_plain, of.options)))


def _has_numbers(of: SocketType) -> bool:
    return of in (INT, FLOAT) or (isinstance(of, Union) and any(map(_has_numbers, of.options)))


def _takes_text(spec: InputSpec) -> bool:
    return spec.type in (TEXT, ANY) or (isinstance(spec.type, Union) and TEXT in spec.type.options)


def _parts(spec: InputSpec, text: str, convert: Convert) -> list[str] | None:
    """The single texts of a list or range; None for what is one value, or none at all."""
    ranges = _has_numbers(spec.type)
    if not is_listable(spec) or not ("," in text or (ranges and ".." in text)) or _is_value(spec, text, convert):
        return None
    found: list[str] = []
    for part in map(str.strip, text.split(",")):
        found += _range(part, spec.type) if ranges and ".." in part else [part]
    return found


def _is_value(spec: InputSpec, text: str, convert: Convert) -> bool:
    """Whether a text with a comma is one value all the same, such as the name of a file."""
    if spec.choice is not None:
        try:
            return Path(text).expanduser().is_file()
        except (OSError, RuntimeError, ValueError):
            return False
    try:
        convert(text)
    except WorkflowError:
        return False
    return True


def _range(text: str, of: SocketType) -> Iterator[str]:
    """``1..16``, ``9..1``, ``1..9..2``: both ends belong to it. In decimals, so that a tenth stays a tenth."""
    words = text.split("..")
    if len(words) not in (2, 3) or not all(map(NUMBER.fullmatch, words)):
        raise _problem(f"{text!r} is no range.", RANGE_HINT)
    first, last, *rest = map(Decimal, words)
    step = rest[0] if rest else Decimal(1)
    if step <= 0:
        raise _problem(f"the step of {text!r} is not above 0.", RANGE_HINT)
    if of == INT and any(number != number.to_integral_value() for number in (first, last, step)):
        raise _problem(f"{text!r} is a range of fractions, and whole numbers are needed.", RANGE_HINT)
    count = int(abs(last - first) // step) + 1
    if count > MAX_VALUES:
        raise _problem(f"{text!r} holds {count} values; {MAX_VALUES} are possible.", "Give fewer, in several runs.")
    way = step if last >= first else -step
    return (f"{first + index * way:f}" for index in range(count))


def _read_file(path: Path, convert: Convert, values: Values) -> None:
    """One value a line; empty lines and those that begin with # are left out."""
    try:
        lines = path.read_bytes().removeprefix(b"\xef\xbb\xbf").splitlines()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        action = "Name a file with one value a line, or write @@ for a text that begins with @."
        raise _problem(f"{str(path)!r} cannot be read: {reason}.", action) from error
    before = len(values.found)
    for number, line in enumerate(lines, 1):
        try:
            text = line.decode().strip()
            if text and not text.startswith("#"):
                values.found.append(Value(text, convert(text)))
        except UnicodeDecodeError:
            values.bad.append(f"{path}, line {number}: it is not valid UTF-8.")
        except WorkflowError as error:
            values.bad += [f"{path}, line {number}: {problem.cause} {problem.action}" for problem in error.problems]
    if len(values.found) == before:
        bad = f" {values.bad[-1]}" if values.bad else ""
        raise _problem(f"{str(path)!r} holds no value.{bad}", "Write one value a line.")


def _problem(cause: str, action: str) -> WorkflowError:
    return WorkflowError([Problem(code="bad_value", cause=cause, action=action)])
