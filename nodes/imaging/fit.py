"""Decides how pictures and masks meet that differ in number or size: one goes with all, and a mask is scaled to its picture.

A picture is never scaled without being asked, since that would blur or distort what a user sees.
"""

from __future__ import annotations

from torch import Tensor

from graph_engine import NodeInputError
from nodes.imaging.resample import resize


def mask_for(mask: Tensor, pixels: Tensor, input: str = "mask", *, what: str = "pictures") -> Tensor:
    """``mask`` [1 or batch, height, width] in the size of ``pixels``, which may be masks too.

    Raises NodeInputError where their numbers do not agree.
    """
    check_count(input, "masks", mask.shape[0], pixels.shape[0], what)
    return resize(mask, pixels.shape[1], pixels.shape[2], "bilinear")


def check_count(input: str, what: str, count: int, pictures: int, of: str = "pictures") -> None:
    """Raises NodeInputError unless one side has one item or both have as many."""
    if count != pictures and 1 not in (count, pictures):
        raise NodeInputError(input, f"It holds {count} {what} for {pictures} {of}.", "Use one for all, or one for each.")


def check_size(input: str, found: Tensor, wanted: Tensor) -> None:
    """Raises NodeInputError unless both are equally wide and high."""
    if found.shape[1:3] != wanted.shape[1:3]:
        sizes = [f"{shape[2]} x {shape[1]} px" for shape in (found.shape, wanted.shape)]
        raise NodeInputError(input, f"It is {sizes[0]} and the other {sizes[1]}.", "Scale or crop one of them first.")


def repeated(batch: Tensor, count: int) -> Tensor:
    """A batch of one seen as ``count`` items, without a copy."""
    return batch.expand(count, *batch.shape[1:]) if batch.shape[0] == 1 else batch
