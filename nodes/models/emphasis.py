"""Decides how strongly each part of a prompt counts: brackets raise it, a number in them sets it, a backslash makes them letters.

``(word)`` counts 1.1 times what is around it, at each level; ``(word:1.3)`` counts 1.3, whatever is around it. The last colon of a
bracket separates the number; where no number follows it, or nothing stands before it, it is a letter. Brackets without a partner are
letters, and so are ``\\(`` and ``\\)``. Square brackets mean nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

RAISE = 1.1
MAX_WEIGHT = 1000.0

_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_SYMBOL = re.compile(r"\\([()])|.", re.DOTALL)


class WeightError(ValueError):
    """A weight beyond MAX_WEIGHT."""


@dataclass(frozen=True, slots=True)
class Weighted:
    """A part of a prompt that counts ``weight`` times; 1 is as usual."""

    text: str
    weight: float


def weighted_parts(prompt: str) -> list[Weighted]:
    """The prompt in parts, in order, cut at its brackets. Raises WeightError. The time is linear in the length."""
    letters, partner = _paired(prompt)
    parts: list[Weighted] = []
    weights, text, at = [1.0], "", 0
    ends: dict[int, int] = {}  # where the text of an open bracket ends, before its number

    def finish() -> None:
        nonlocal text
        if text:
            parts.append(Weighted(text, weights[-1]))
        text = ""

    while at < len(letters):
        closing = partner.get(at)
        if closing is not None:
            finish()
            number, end = _number(letters, at, closing)
            weights.append(_checked(weights[-1] * RAISE if number is None else number))
            ends[end] = closing
        if at in ends:
            finish()
            weights.pop()
            at = ends[at]
        elif closing is None:
            text += letters[at]
        at += 1
    finish()
    return parts


def _paired(prompt: str) -> tuple[Sequence[str], dict[int, int]]:
    """The letters, escapes resolved, and for each opening bracket that has one the place of its closing bracket."""
    letters: list[str] = []
    opened: list[int] = []
    partner: dict[int, int] = {}
    for match in _SYMBOL.finditer(prompt):
        if match[0] == "(":
            opened.append(len(letters))
        elif match[0] == ")" and opened:
            partner[opened.pop()] = len(letters)
        letters.append(match[1] or match[0])
    return letters, partner


def _number(letters: Sequence[str], opening: int, closing: int) -> tuple[float | None, int]:
    """The number that a bracket ends with, if any, and where its text ends."""
    colon = closing - 1
    while colon > opening + 1 and letters[colon] not in ":()":
        colon -= 1
    if colon > opening + 1 and letters[colon] == ":":
        written = "".join(letters[colon + 1 : closing])
        if _NUMBER.fullmatch(written) and math.isfinite(number := float(written)):
            return number, colon
    return None, closing


def _checked(weight: float) -> float:
    if abs(weight) > MAX_WEIGHT:
        raise WeightError(f"A weight in it is {weight:g}, and at most {MAX_WEIGHT:g} is possible.")
    return weight
