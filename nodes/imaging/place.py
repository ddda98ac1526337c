"""Decides where a rectangle lies in another: by the point they share, and what of it stays inside."""

from __future__ import annotations

from typing import NamedTuple

from nodes.imaging.choices import Anchor


class Overlap(NamedTuple):
    """What two rectangles share, in the rows and columns of either."""

    rows: slice
    columns: slice
    rows_of_other: slice
    columns_of_other: slice

    @property
    def empty(self) -> bool:
        return bool(self.rows.start >= self.rows.stop or self.columns.start >= self.columns.stop)


def anchored(anchor: Anchor, outer: tuple[int, int], inner: tuple[int, int]) -> tuple[int, int]:
    """(top, left) of a rectangle ``inner`` (height, width) whose ``anchor`` is that of ``outer``; half a pixel goes to the top left."""
    free_height, free_width = outer[0] - inner[0], outer[1] - inner[1]
    top = 0 if "top" in anchor else free_height if "bottom" in anchor else free_height // 2
    left = 0 if "left" in anchor else free_width if "right" in anchor else free_width // 2
    return top, left


def overlap(size: tuple[int, int], other: tuple[int, int], top: int, left: int) -> Overlap:
    """What ``other`` (height, width), whose corner lies at ``top`` and ``left`` of the first, shares with the first."""
    first = [slice(max(0, at), min(side, at + length)) for side, length, at in zip(size, other, (top, left), strict=True)]
    second = [slice(part.start - at, part.stop - at) for part, at in zip(first, (top, left), strict=True)]
    return Overlap(*first, *second)
