"""Decides where on a latent a condition holds: its box of cells, and its weight in each of them."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import interpolate

from nodes.sampling.guidance import Box

RAMP = 8
"""Cells over which the weight of a box rises from its edges inside the picture."""

Area = tuple[float, float, float, float]
"""Left, top, width and height as shares of the picture."""


def box_of(area: Area, height: int, width: int) -> Box:
    """The cells of an area, at least one in each direction, all inside."""
    left, top, wide, high = area
    first_row, first_column = min(round(top * height), height - 1), min(round(left * width), width - 1)
    last_row, last_column = round((top + high) * height), round((left + wide) * width)
    return first_row, min(max(last_row, first_row + 1), height), first_column, min(max(last_column, first_column + 1), width)


def weight_of(strength: float, mask: Tensor | None, box: Box | None, height: int, width: int) -> Tensor | float:
    """The weight over the box, or the latent: the strength, times the mask [1 or batch, h, w] drawn to its size, times a ramp.

    A box without a mask fades over RAMP cells towards each edge that lies inside the picture, so that none shows.
    """
    if mask is not None:
        drawn = interpolate(mask[:, None].float(), (height, width), mode="bilinear", align_corners=False) * strength
        if box is None:
            return drawn
        top, bottom, left, right = box
        return drawn[..., top:bottom, left:right]
    if box is None:
        return float(strength)
    import torch

    top, bottom, left, right = box
    rows, columns = (_ramp(*ends) for ends in ((top, bottom, height), (left, right, width)))
    return (torch.tensor(rows)[:, None] * torch.tensor(columns) * strength)[None, None]


def _ramp(first: int, last: int, count: int) -> list[float]:
    """1 in the middle, falling to 1 / RAMP at an end that is no end of the whole."""
    before = [(i + 1) / RAMP if first > 0 else 1.0 for i in range(last - first)]
    after = [(last - first - i) / RAMP if last < count else 1.0 for i in range(last - first)]
    return [min(one, other, 1.0) for one, other in zip(before, after, strict=True)]
