"""Decides what an annotation may say about a node's input: its range, its choices, how it is edited, that it is lazy."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from graph_engine.folders import Folders

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Range:
    """Bounds of a number, both included unless said otherwise; ``step`` and ``unit`` are for whoever draws the field."""

    minimum: float = -math.inf
    maximum: float = math.inf
    step: float | None = None
    unit: str = ""
    exclude_minimum: bool = False

    def __contains__(self, number: float) -> bool:
        above = number > self.minimum if self.exclude_minimum else number >= self.minimum
        return above and number <= self.maximum

    def __str__(self) -> str:
        opening, unit = ("(" if self.exclude_minimum else "["), (f" {self.unit}" if self.unit else "")
        return f"{opening}{_short(self.minimum)}, {_short(self.maximum)}]{unit}"


@dataclass(frozen=True, slots=True)
class Choice:
    """A text that names something found when asked, such as a model or a picture; ``options`` lists what there is now.

    ``what`` is the noun for messages; ``action`` says how to add one; ``picture`` finds the file that shows what an option is, if any.
    """

    options: Callable[[Folders], Sequence[str]]
    what: str
    action: str
    picture: Callable[[str, Folders], Path | None] | None = None


@dataclass(frozen=True, slots=True)
class Multiline:
    """A text of several lines."""


@dataclass(frozen=True, slots=True)
class Colour:
    """A text that names a colour, as ``#rrggbb`` or as CSS does (``red``)."""


@dataclass(frozen=True, slots=True)
class Strokes:
    """A text that is a drawing, one stroke of a round brush a line: ``+`` paints or ``-`` erases, the brush's radius, points ``x,y``.

    All are shares from 0 to 1: x of the width, y of the height, the radius of the shorter side.
    """


@dataclass(frozen=True, slots=True)
class Seed:
    """An integer that picks a random stream, in [0, 2**64 - 1]."""

    range: Range = Range(0, 2**64 - 1)


@dataclass(frozen=True, slots=True)
class _Lazy:
    """Marks an input that is worked out only if the node's ``needs`` asks for it."""


Lazy = Annotated[T | None, _Lazy()]
"""``Lazy[Image]``: None unless ``needs`` named this input."""


def is_lazy(metadata: Sequence[Any]) -> bool:
    return any(isinstance(item, _Lazy) for item in metadata)


def _short(number: float) -> str:
    if math.isinf(number):
        return "∞" if number > 0 else "-∞"
    return f"{number:g}" if abs(number) < 1e6 else f"{int(number)}"
