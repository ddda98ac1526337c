"""Decides what can be done to a mask: invert, combine, grow, shrink, feather, fill and clean it."""

from __future__ import annotations

from typing import Annotated, Literal

from graph_engine import Range, node
from nodes.types import Mask

Combination = Literal["add", "subtract", "multiply", "intersect", "unite", "difference"]
AREA = Range(1, 2**28, step=16, unit="px")


@node("loom.invert_mask", version=1, category="mask")
def invert_mask(mask: Mask) -> Mask:
    """Select what was not selected.

    Args:
        mask: One or more masks.

    Returns:
        mask: 1 where it was 0, and the other way round.

    Example:
        invert_mask(mask)
    """
    return Mask(values=1 - mask.values)


@node("loom.combine_masks", version=1, category="mask")
def combine_masks(first: Mask, second: Mask, *, mode: Combination = "add") -> Mask:
    """Make one mask of two.

    Args:
        first: The mask to start from; the result has its size.
        second: The mask to combine it with. Another size is scaled to that of the first.
        mode: add and unite select what either selects: add sums soft edges, unite takes the larger value. subtract takes the
            second away from the first. multiply and intersect select what both select: multiply weakens soft edges,
            intersect takes the smaller value. difference selects what only one of them selects.

    Returns:
        mask: The combined mask.

    Example:
        combine_masks(face, hair, mode="unite")
    """
    import torch

    from nodes.imaging.fit import mask_for

    one, other = first.values, mask_for(second.values, first.values, "second", what="masks")
    match mode:
        case "add":
            return Mask(values=(one + other).clamp_(max=1))
        case "subtract":
            return Mask(values=(one - other).clamp_(min=0))
        case "multiply":
            return Mask(values=one * other)
        case "intersect":
            return Mask(values=torch.minimum(one, other))
        case "unite":
            return Mask(values=torch.maximum(one, other))
        case "difference":
            return Mask(values=(one - other).abs_())


@node("loom.grow_mask", version=1, category="mask", title="Grow or shrink mask")
def grow_mask(
    mask: Mask,
    *,
    pixels: Annotated[int, Range(-1024, 1024, step=1, unit="px")] = 8,
    shape: Literal["round", "square"] = "round",
) -> Mask:
    """Move the edge of a mask outwards or inwards.

    Soft edges stay soft. At the picture's edge a mask is taken to go on, so that it does not shrink away from there.

    Args:
        mask: One or more masks.
        pixels: How far to move the edge: above 0 the mask grows, below 0 it shrinks.
        shape: round moves the edge as far in every direction, square keeps corners sharp.

    Returns:
        mask: The larger or smaller masks.

    Example:
        grow_mask(mask, pixels=-4)
    """
    from nodes.imaging.shape import grown

    return Mask(values=grown(mask.values, pixels, is_round=shape == "round"))


@node("loom.feather_mask", version=1, category="mask")
def feather_mask(
    mask: Mask,
    *,
    radius: Annotated[float, Range(0, 512, step=1, unit="px")] = 8.0,
    side: Literal["both", "inside", "outside"] = "both",
) -> Mask:
    """Make the edge of a mask soft.

    Args:
        mask: One or more masks.
        radius: How far the edge fades to either side.
        side: both fades around the edge; inside only within what is selected, so that nothing new is; outside keeps all that
            is selected and fades around it.

    Returns:
        mask: The soft masks.

    Example:
        feather_mask(mask, radius=16, side="outside")
    """
    import math

    import torch

    from nodes.imaging.shape import grown
    from nodes.imaging.smooth import gaussian

    values = mask.values
    match side:
        case "both":
            return Mask(values=gaussian(values, radius / 2))
        case "inside":
            return Mask(values=torch.minimum(gaussian(grown(values, -math.ceil(radius / 2)), radius / 4), values))
        case "outside":
            return Mask(values=torch.maximum(gaussian(grown(values, math.ceil(radius / 2)), radius / 4), values))


@node("loom.fill_holes", version=1, category="mask", title="Fill holes in mask")
def fill_holes(mask: Mask, *, smaller_than: Annotated[int | None, AREA] = None) -> Mask:
    """Select what a mask encloses.

    Args:
        mask: One or more masks; what is below 0.5 and enclosed is a hole.
        smaller_than: Only fill holes of fewer pixels than this. Left out: all of them.

    Returns:
        mask: The masks without holes.

    Example:
        fill_holes(mask, smaller_than=400)
    """
    from nodes.imaging.shape import filled

    return Mask(values=filled(mask.values, smaller_than))


@node("loom.remove_specks", version=1, category="mask", title="Remove specks from mask")
def remove_specks(mask: Mask, *, smaller_than: Annotated[int, AREA] = 64) -> Mask:
    """Deselect small parts that stand alone, such as what a threshold leaves over.

    Args:
        mask: One or more masks; what is at least 0.5 and connected is a part.
        smaller_than: Parts of fewer pixels than this are removed.

    Returns:
        mask: The cleaned masks.

    Example:
        remove_specks(mask, smaller_than=100)
    """
    from nodes.imaging.shape import without_specks

    return Mask(values=without_specks(mask.values, smaller_than))
