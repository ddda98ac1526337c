"""Decides how a batch of forms becomes pixels: signed distances, painted back to front with analytic anti-aliasing.

Lengths are pixels, x grows to the right and y downwards. A distance field is negative inside the form, and one pixel of
distance is one pixel on the canvas, so that coverage is ``0.5 - distance`` clamped to 0..1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

Length = float | Tensor
"""One number for the whole batch, or a tensor of shape ``[batch]``."""

Point = tuple[Length, Length]


def per_row(value: Length) -> Length:
    """A batch vector as ``[batch, 1, 1]``, so that it meets the pixel grid; a number stays a number."""
    return value.view(-1, 1, 1) if isinstance(value, Tensor) else value


class Canvas:
    """A batch of square pictures in RGB, 0..1, shape ``[batch, 3, size, size]``."""

    def __init__(self, count: int, size: int = 128) -> None:
        centre = torch.arange(size, dtype=torch.float32) + 0.5
        self.size = size
        self.x = centre.view(1, 1, size)
        self.y = centre.view(1, size, 1)
        self.pixels = torch.ones(count, 3, size, size)

    def paint(self, distance: Tensor, colour: Tensor) -> None:
        """Lay ``colour`` (``[batch, 3]`` or ``[3]``) over the pixels inside ``distance`` (``[batch, size, size]``)."""
        coverage = (0.5 - distance).clamp_(0.0, 1.0).unsqueeze(1)
        self.pixels = torch.lerp(self.pixels, colour.view(-1, 3, 1, 1).expand_as(self.pixels), coverage)

    def gradient(self, top: Tensor, bottom: Tensor) -> None:
        """Cover everything with a vertical blend of two colours (``[batch, 3]`` or ``[3]``)."""
        share = (self.y / self.size).unsqueeze(1)
        blend = torch.lerp(top.view(-1, 3, 1, 1), bottom.view(-1, 3, 1, 1), share)
        self.pixels = blend.expand_as(self.pixels)

    def disk(self, x: Length, y: Length, radius: Length) -> Tensor:
        return torch.hypot(self.x - per_row(x), self.y - per_row(y)) - per_row(radius)

    def ellipse(self, x: Length, y: Length, half_width: float, half_height: float) -> Tensor:
        """Scaled to one pixel of distance along the shorter axis; the longer axis is a little softer."""
        unit = torch.hypot((self.x - per_row(x)) / half_width, (self.y - per_row(y)) / half_height)
        return (unit - 1.0) * min(half_width, half_height)

    def box(self, x: Length, y: Length, half_width: Length, half_height: Length, corner: float = 0.0) -> Tensor:
        """An axis-parallel box, its corners rounded by ``corner``."""
        dx = (self.x - per_row(x)).abs() - per_row(half_width) + corner
        dy = (self.y - per_row(y)).abs() - per_row(half_height) + corner
        if corner == 0.0:
            return torch.maximum(dx, dy)
        return torch.hypot(dx.clamp(min=0.0), dy.clamp(min=0.0)) + torch.maximum(dx, dy).clamp(max=0.0) - corner

    def below(self, y: Length) -> Tensor:
        """Everything under a horizontal line."""
        return (per_row(y) - self.y).expand(-1, self.size, self.size)

    def convex(self, corners: Sequence[Point]) -> Tensor:
        """A convex polygon, its corners listed clockwise on the screen: the largest distance over its edges."""
        if len(corners) < 3:
            raise ValueError(f"A polygon cannot have {len(corners)} corners. Pass at least three points.")
        edges: list[Tensor] = []
        for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
            x0, y0, x1, y1 = per_row(x0), per_row(y0), per_row(x1), per_row(y1)
            run, rise = x1 - x0, y1 - y0
            length = (run * run + rise * rise) ** 0.5
            edges.append(((self.x - x0) * rise - (self.y - y0) * run) / length)
        return intersection(*edges)

    def bar(self, start: Point, end: Point, half_width: float) -> Tensor:
        """A line from ``start`` to ``end`` with round ends."""
        x0, y0, x1, y1 = (per_row(value) for value in (*start, *end))
        run, rise = x1 - x0, y1 - y0
        along = ((self.x - x0) * run + (self.y - y0) * rise) / (run * run + rise * rise)
        along = along.clamp(0.0, 1.0)
        return torch.hypot(self.x - x0 - along * run, self.y - y0 - along * rise) - half_width

    def star(self, x: Length, y: Length, radius: Length, points: int = 5, waist: float = 0.5) -> Tensor:
        """A star with one point up; ``waist`` is the inner radius as a share of the outer one."""
        dx, dy = self.x - per_row(x), self.y - per_row(y)
        wedge = math.pi / points
        angle = torch.atan2(dx, -dy).abs()
        folded = (angle + wedge).remainder(2 * wedge) - wedge
        reach = torch.hypot(dx, dy)
        across, along = reach * folded.abs().sin(), reach * folded.cos()
        tip, notch_x, notch_y = per_row(radius), waist * math.sin(wedge), waist * math.cos(wedge)
        run, rise = notch_x, notch_y - 1.0
        return ((along - tip) * run - across * rise) / math.hypot(run, rise)


def union(*distances: Tensor) -> Tensor:
    result = distances[0]
    for distance in distances[1:]:
        result = torch.minimum(result, distance)
    return result


def intersection(*distances: Tensor) -> Tensor:
    result = distances[0]
    for distance in distances[1:]:
        result = torch.maximum(result, distance)
    return result


def outside(distance: Tensor) -> Tensor:
    """The complement, for cutting: ``intersection(disk, outside(other))``."""
    return -distance
