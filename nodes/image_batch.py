"""Decides how pictures are put together and taken apart: as a batch, or side by side on one picture."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from graph_engine import Colour, NodeInputError, Range, node
from nodes.types import Image

COUNT = Range(1, 4096, step=1, unit="pictures")
MAX_GRID_PIXELS = 2**28


@node("loom.batch_images", version=1, category="image")
def batch_images(images: list[Image]) -> Image:
    """Make one batch of several pictures of the same size.

    Args:
        images: The pictures, in order; each may be a batch itself.

    Returns:
        image: All of them.

    Example:
        batch_images(pictures)
    """
    import torch

    from nodes.imaging.fit import check_size

    if not images:
        raise NodeInputError("images", "There is no picture.", "Link at least one.")
    for one in images[1:]:
        check_size("images", one.pixels, images[0].pixels)
    return Image(pixels=torch.cat([one.pixels for one in images]))


@node("loom.pick_images", version=1, category="image")
def pick_images(
    image: Image, *, first: Annotated[int, Range(-4096, 4095, step=1)] = 0, count: Annotated[int, COUNT] = 1
) -> Image:
    """Take some pictures out of a batch.

    Args:
        image: The batch.
        first: Which picture to begin with, counted from 0; below 0 counts from the end, -1 being the last.
        count: How many to take, as far as there are.

    Returns:
        image: The pictures taken.

    Example:
        pick_images(pictures, first=2)
    """
    total = len(image.pixels)
    start = first + total if first < 0 else first
    if not 0 <= start < total:
        raise NodeInputError("first", f"There is no picture {first} in a batch of {total}.", f"Use 0 to {total - 1}.")
    return Image(pixels=image.pixels[start : start + count].clone())


@node("loom.repeat_image", version=1, category="image")
def repeat_image(image: Image, *, count: Annotated[int, COUNT] = 2) -> Image:
    """Repeat a picture, or a whole batch, as a batch.

    Args:
        image: What to repeat.
        count: How many times it shall be there.

    Returns:
        image: The batch.

    Example:
        repeat_image(picture, count=4)
    """
    return Image(pixels=image.pixels.repeat(count, 1, 1, 1))


@node("loom.image_grid", version=1, category="image")
def image_grid(
    image: Image,
    *,
    columns: Annotated[int | None, COUNT] = None,
    gap: Annotated[int, Range(0, 512, step=1, unit="px")] = 0,
    colour: Annotated[str, Colour()] = "black",
) -> Image:
    """Show all pictures of a batch on one, in rows, at full size.

    For pictures of different sizes, or with labels, use Contact sheet.

    Args:
        image: The batch.
        columns: How many stand side by side; 1 puts them below each other. Left out: about as many as there are rows.
        gap: How far apart they stand.
        colour: The colour between them and of places left over.

    Returns:
        image: One picture.

    Example:
        image_grid(pictures, columns=4, gap=8)
    """
    import math

    from nodes.imaging.colour import parsed

    count, height, width, _ = image.pixels.shape
    columns = min(columns or math.ceil(math.sqrt(count)), count)
    rows = math.ceil(count / columns)
    size = [number * (side + gap) - gap for number, side in ((rows, height), (columns, width))]
    if size[0] * size[1] > MAX_GRID_PIXELS:
        raise NodeInputError("image", f"The grid would be {size[1]} x {size[0]} px.", "Scale the pictures down, or use fewer.")
    if not gap and rows * columns == count:
        return Image(pixels=image.pixels.reshape(rows, columns, height, width, 3).transpose(1, 2).reshape(1, *size, 3))
    grid = parsed(colour).repeat(1, *size, 1)
    for index, one in enumerate(image.pixels):
        top, left = index // columns * (height + gap), index % columns * (width + gap)
        grid[0, top : top + height, left : left + width] = one
    return Image(pixels=grid)


class Size(NamedTuple):
    width: int
    height: int
    pictures: int


@node("loom.image_size", version=1, category="image")
def image_size(image: Image) -> Size:
    """Tell how large pictures are and how many there are.

    Args:
        image: One or more pictures.

    Returns:
        width: Their width in pixels.
        height: Their height in pixels.
        pictures: How many the batch holds.

    Example:
        image_size(picture)
    """
    count, height, width, _ = image.pixels.shape
    return Size(width=width, height=height, pictures=count)
