"""Decides how large pictures pass through an autoencoder in pieces: squares that overlap and fade into each other.

A network sees nothing beyond a tile, so its outermost cells come out wrong. They are dropped: a quarter of the overlap at each inner
edge counts nothing, and between those the tiles fade linearly.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

DROPPED = 0.25
"""Of the overlap, at each edge. Measured on the built-in model: it halves the largest difference to the undivided picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiling:
    """``side`` and ``overlap`` in cells of the latent; the overlap is at most half of the side."""

    side: int
    overlap: int


def tiled(
    work: Callable[[Tensor], Tensor],
    source: Tensor,
    tiling: Tiling | None,
    into: tuple[int, int],
    before_each: Callable[[int, int], None],
) -> Tensor:
    """``work`` of [1, channels, h, w] piece by piece, as if of the whole; without a tiling, of the whole.

    ``into``: how many pixels of the source and of the result make a cell. ``before_each(done, total)`` may raise.
    """
    unit, new_unit = into
    height, width = (side // unit for side in source.shape[2:])
    if tiling is None or max(height, width) <= tiling.side:
        before_each(0, 1)
        return work(source)
    rows, columns = spans(height, tiling), spans(width, tiling)
    row_weights, column_weights = (
        weights(parts, length, new_unit, tiling).to(source.device) for parts, length in ((rows, height), (columns, width))
    )
    whole: Tensor | None = None
    for done, (row, column) in enumerate((row, column) for row in range(len(rows)) for column in range(len(columns))):
        before_each(done, len(rows) * len(columns))
        part = work(source[:, :, _scaled(rows[row], unit), _scaled(columns[column], unit)])
        if whole is None:
            whole = part.new_zeros(*part.shape[:2], height * new_unit, width * new_unit)
        to_rows, to_columns = _scaled(rows[row], new_unit), _scaled(columns[column], new_unit)
        weight = row_weights[row, to_rows, None] * column_weights[column, to_columns]
        whole[:, :, to_rows, to_columns] += part * weight
    assert whole is not None
    return whole


def spans(length: int, tiling: Tiling) -> list[slice]:
    """Tiles along one side, evenly spread, each as long as the others; a side that fits in one has one."""
    if length <= tiling.side:
        return [slice(0, length)]
    count = math.ceil((length - tiling.overlap) / (tiling.side - tiling.overlap))
    starts = [round(index * (length - tiling.side) / (count - 1)) for index in range(count)]
    return [slice(start, start + tiling.side) for start in starts]


def weights(parts: list[slice], length: int, unit: int, tiling: Tiling) -> Tensor:
    """[tiles, length * unit]: how much each tile counts at each pixel; at each pixel they add up to 1."""
    place = (torch.arange(length * unit) + 0.5) / unit
    dropped = tiling.overlap * DROPPED
    fade = tiling.overlap - 2 * dropped
    rows = []
    for part in parts:
        rise = (place - part.start - dropped) / fade if part.start else torch.ones_like(place)
        fall = (part.stop - place - dropped) / fade if part.stop < length else torch.ones_like(place)
        inside = (place > part.start) & (place < part.stop)
        rows.append(torch.minimum(rise, fall).clamp_(0, 1) * inside)
    found = torch.stack(rows)
    return found / found.sum(dim=0)


def _scaled(part: slice, unit: int) -> slice:
    return slice(part.start * unit, part.stop * unit)
