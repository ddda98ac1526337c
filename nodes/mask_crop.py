"""Decides how a masked part is cut out to be worked on alone, and how it is put back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple

from graph_engine import NodeInputError, Range, node
from nodes.types import Image, Mask, Region

if TYPE_CHECKING:
    from torch import Tensor


class MaskedPart(NamedTuple):
    image: Image
    mask: Mask
    region: Region


@node("loom.crop_to_mask", version=1, category="mask")
def crop_to_mask(
    image: Image,
    mask: Mask,
    *,
    margin: Annotated[int, Range(0, 4096, step=8, unit="px")] = 32,
    multiple_of: Annotated[int, Range(1, 256, step=1, unit="px")] = 8,
) -> MaskedPart:
    """Cut out the rectangle around what a mask selects, to work on it alone and at a better size.

    Scale the part, change it, then put it back with Stitch image.

    Args:
        image: One or more pictures. The rectangle holds what is selected in any of them.
        mask: What is selected; anything above 0 counts. A mask of another size is scaled to the picture.
        margin: How much to keep around it, so that a model sees what the part belongs to.
        multiple_of: Makes the sides a multiple of this, as far as the picture reaches.

    Returns:
        image: The part of the pictures.
        mask: The part of the mask.
        region: Where the part was, for Stitch image.

    Example:
        crop_to_mask(picture, mask, margin=64)
    """
    from nodes.imaging.fit import mask_for

    values = mask_for(mask.values, image.pixels)
    selected = (values > 0).any(dim=0)
    if not selected.any():
        raise NodeInputError("mask", "The mask selects nothing.", "Draw something, or leave out this node.")
    (top, height), (left, width) = (_span(selected.any(dim=axis), margin, multiple_of) for axis in (1, 0))
    rows, columns = slice(top, top + height), slice(left, left + width)
    return MaskedPart(
        Image(pixels=image.pixels[:, rows, columns].clone()),
        Mask(values=values[:, rows, columns].clone()),
        Region(left=left, top=top, width=width, height=height),
    )


@node("loom.stitch_image", version=1, category="mask")
def stitch_image(image: Image, part: Image, region: Region, mask: Mask | None = None) -> Image:
    """Put a part that was cut out back into its picture.

    Args:
        image: The pictures that it was cut from.
        part: The changed part; another size is scaled to that of the region.
        region: Where it was, as Crop to mask gave it.
        mask: Where in the part the change counts: the mask that Crop to mask gave, feathered for a soft edge. Another size is
            scaled to that of the region. Left out: everywhere.

    Returns:
        image: The whole pictures.

    Example:
        stitch_image(picture, painted, region, mask)
    """
    import torch

    from nodes.imaging.fit import check_count, mask_for, repeated
    from nodes.imaging.resample import resize

    height, width = image.pixels.shape[1:3]
    if region.left + region.width > width or region.top + region.height > height:
        reach = f"{region.left + region.width}, {region.top + region.height}"
        cause = f"The region reaches to {reach}, and the picture is {width} x {height} px."
        raise NodeInputError("region", cause, "Link the picture that the part was cut from.")
    check_count("part", "parts", len(part.pixels), len(image.pixels))
    count = max(len(part.pixels), len(image.pixels))
    whole = repeated(image.pixels, count).clone()
    rows, columns = slice(region.top, region.top + region.height), slice(region.left, region.left + region.width)
    changed = resize(part.pixels, region.height, region.width, "lanczos")
    if mask is not None:
        weight = mask_for(mask.values, repeated(changed, count))
        changed = torch.lerp(whole[:, rows, columns], changed, weight[..., None])
    whole[:, rows, columns] = changed
    return Image(pixels=whole)


def _span(selected: Tensor, margin: int, multiple: int) -> tuple[int, int]:
    """(start, length) of what is selected along one side, with its margin, inside the picture."""
    places, side = selected.nonzero().flatten(), len(selected)
    start, stop = max(0, int(places[0]) - margin), min(side, int(places[-1]) + 1 + margin)
    length = min(side, -(-(stop - start) // multiple) * multiple)
    return min(max(0, start - (length - (stop - start)) // 2), side - length), length
