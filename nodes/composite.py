"""Decides how two pictures become one: mixed in one size, or one laid over the other at a place."""

from __future__ import annotations

from typing import Annotated

from graph_engine import Colour, Range, node
from nodes.imaging.choices import Anchor, BlendMode
from nodes.types import Image, Mask

SHIFT = Range(-16384, 16384, step=1, unit="px")
SHARE = Range(0, 1, step=0.05)
SIDE = Range(1, 16384, step=8, unit="px")


@node("loom.blend_images", version=1, category="image")
def blend_images(
    below: Image,
    above: Image,
    mask: Mask | None = None,
    *,
    mode: BlendMode = "normal",
    opacity: Annotated[float, SHARE] = 0.5,
) -> Image:
    """Mix two pictures of the same size.

    Args:
        below: The pictures below.
        above: The pictures above: one for all, or one for each.
        mask: Where the picture above counts; 0 shows only what is below. A mask of another size is scaled. Left out: everywhere.
        mode: How the colours mix. multiply darkens, screen and add brighten, overlay and soft_light raise contrast, difference
            shows what differs.
        opacity: How strongly the mix covers what is below.

    Returns:
        image: The mixed pictures.

    Example:
        blend_images(photo, texture, mode="soft_light", opacity=0.6)
    """
    from nodes.imaging.blend import mixed
    from nodes.imaging.fit import check_count, check_size, mask_for

    check_size("above", above.pixels, below.pixels)
    check_count("above", "pictures", len(above.pixels), len(below.pixels))
    weight = opacity if mask is None else mask_for(mask.values, max(below.pixels, above.pixels, key=len)) * opacity
    return Image(pixels=mixed(below.pixels, above.pixels, mode, weight))


@node("loom.composite_images", version=1, category="image")
def composite_images(
    below: Image,
    above: Image,
    mask: Mask | None = None,
    *,
    anchor: Anchor = "top_left",
    x: Annotated[int, SHIFT] = 0,
    y: Annotated[int, SHIFT] = 0,
    mode: BlendMode = "normal",
    opacity: Annotated[float, SHARE] = 1.0,
) -> Image:
    """Lay one picture over another at a place.

    What stands over the edge is cut off; the result has the size of the picture below.

    Args:
        below: The pictures below.
        above: The pictures laid on them, of any size: one for all, or one for each.
        mask: Which parts of the picture above are seen. A mask of another size is scaled to it. Left out: all of it.
        anchor: Where it lies before it is moved: its own corner on the same corner of the picture below, or centre on centre.
        x: How far it is moved to the right of there.
        y: How far it is moved down from there.
        mode: How the colours mix with those below.
        opacity: How strongly it covers what is below.

    Returns:
        image: The pictures below with the other on them.

    Example:
        composite_images(photo, logo, logo_mask, anchor="bottom_right", x=-20, y=-20)
    """
    from nodes.imaging.blend import cover_, mixed
    from nodes.imaging.fit import check_count, mask_for, repeated
    from nodes.imaging.place import anchored, overlap

    check_count("above", "pictures", len(above.pixels), len(below.pixels))
    size, other = ((one.shape[1], one.shape[2]) for one in (below.pixels, above.pixels))
    weights = None if mask is None else mask_for(mask.values, above.pixels)
    weights = weights if weights is None or opacity == 1 else weights * opacity
    count = max(len(below.pixels), len(above.pixels), 0 if weights is None else len(weights))
    top, left = anchored(anchor, size, other)
    shared = overlap(size, other, top + y, left + x)
    if shared.empty:
        return Image(pixels=repeated(below.pixels, count).clone())
    part = above.pixels[:, shared.rows_of_other, shared.columns_of_other]
    weight = opacity if weights is None else weights[:, shared.rows_of_other, shared.columns_of_other]
    if part.shape[1:3] == size:
        return Image(pixels=mixed(below.pixels, part, mode, weight))
    found = repeated(below.pixels, count).clone()
    cover_(found[:, shared.rows, shared.columns], part, mode, weight)
    return Image(pixels=found)


@node("loom.solid_image", version=1, category="image")
def solid_image(
    *,
    colour: Annotated[str, Colour()] = "grey",
    width: Annotated[int, SIDE] = 512,
    height: Annotated[int, SIDE] = 512,
    batch: Annotated[int, Range(1, 4096, step=1, unit="pictures")] = 1,
) -> Image:
    """Make a picture of one colour.

    Args:
        colour: A name such as red, or #rrggbb.
        width: The width of the picture.
        height: The height of the picture.
        batch: How many pictures.

    Returns:
        image: The pictures.

    Example:
        solid_image(colour="#203040", width=512, height=512)
    """
    from nodes.imaging.colour import parsed

    return Image(pixels=parsed(colour).repeat(batch, height, width, 1))
