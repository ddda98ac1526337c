"""Decides how strokes are written down as text, and which pixels each of them covers.

A stroke is a line: ``+`` paints and ``-`` erases, then the radius of the brush, then points ``x,y``. All are shares of the picture,
from 0 to 1: x of its width, y of its height, the radius of its shorter side, so that a drawing fits a picture of any size.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from graph_engine import NodeInputError

MAX_POINTS = 100_000
FORM = "Write a stroke as + radius x,y x,y …, or - to erase, such as + 0.05 0.2,0.3 0.8,0.3."


class Stroke(NamedTuple):
    paints: bool
    radius: float
    points: list[tuple[float, float]]


def parsed(text: str) -> list[Stroke]:
    """The strokes in order. Raises NodeInputError that names the line."""
    strokes = [_parsed(line.split(), number) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    count = sum(len(stroke.points) for stroke in strokes)
    if count > MAX_POINTS:
        raise NodeInputError("strokes", f"The drawing has {count} points, and {MAX_POINTS} is the most.", "Simplify it.")
    return strokes


def _parsed(words: list[str], number: int) -> Stroke:
    try:
        sign, radius, *points = words
        pairs = [(float(x), float(y)) for x, y in (point.split(",") for point in points)]
        stroke = Stroke({"+": True, "-": False}[sign], float(radius), pairs)
    except (ValueError, KeyError):
        raise NodeInputError("strokes", f"Line {number} is no stroke: {' '.join(words)[:60]!r}.", FORM) from None
    numbers = [stroke.radius, *(value for pair in pairs for value in pair)]
    if not pairs or not 0 < stroke.radius <= 1 or not all(-1 <= value <= 2 for value in numbers):
        raise NodeInputError("strokes", f"Line {number} has no points, or a number out of range.", FORM)
    return stroke


def draw(canvas: Tensor, strokes: list[Stroke], softness: float) -> None:
    """Paints on ``canvas`` [height, width]. ``softness`` 0 to 1: over how much of the brush its edge fades."""
    height, width = canvas.shape
    for stroke in strokes:
        radius = stroke.radius * min(height, width)
        fade = max(1.0, 2 * softness * radius)
        places = [(x * width, y * height) for x, y in stroke.points]
        for start, end in zip(places, places[1:] or places, strict=False):
            _segment(canvas, start, end, radius, fade, paints=stroke.paints)


def _segment(
    canvas: Tensor, start: tuple[float, float], end: tuple[float, float], radius: float, fade: float, *, paints: bool
) -> None:
    """A line with round ends, by each pixel's distance from it; half covered where that is the radius."""
    reach = radius + fade / 2
    (left, right), (top, bottom) = (
        (max(0, math.floor(min(pair) - reach)), min(side, math.ceil(max(pair) + reach)))
        for pair, side in zip(zip(start, end, strict=True), reversed(canvas.shape), strict=True)
    )
    if left >= right or top >= bottom:
        return
    x, y = torch.arange(left, right) + 0.5 - start[0], (torch.arange(top, bottom) + 0.5 - start[1])[:, None]
    along_x, along_y = end[0] - start[0], end[1] - start[1]
    square = along_x * along_x + along_y * along_y
    share = ((x * along_x + y * along_y) / square).clamp_(0, 1) if square else torch.zeros(())
    distance = torch.hypot(x - share * along_x, y - share * along_y)
    covered = (0.5 + (radius - distance) / fade).clamp_(0, 1)
    part = canvas[top:bottom, left:right]
    part.copy_(torch.maximum(part, covered) if paints else torch.minimum(part, 1 - covered))
