"""Decides which part of a picture is kept, what is added around it, and which way it lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from graph_engine import Colour, NodeInputError, Range, node
from nodes.imaging.choices import Anchor, Filling
from nodes.types import Image, Mask

if TYPE_CHECKING:
    from torch import Tensor

SIDE = Range(1, 16384, step=1, unit="px")
SHIFT = Range(-16384, 16384, step=1, unit="px")
MARGIN = Range(0, 8192, step=8, unit="px")


@node("loom.crop_image", version=1, category="image")
def crop_image(
    image: Image,
    *,
    width: Annotated[int, SIDE],
    height: Annotated[int, SIDE],
    anchor: Anchor = "centre",
    x: Annotated[int, SHIFT] = 0,
    y: Annotated[int, SHIFT] = 0,
) -> Image:
    """Cut a rectangle out of pictures.

    What would lie outside of the picture is left out, so that the result may be smaller than asked.

    Args:
        image: One or more pictures.
        width: The width of the rectangle.
        height: The height of the rectangle.
        anchor: Where the rectangle lies: top_left with x and y is the usual way to name a place; centre keeps the middle.
        x: How far it is moved to the right of there.
        y: How far it is moved down from there.

    Returns:
        image: The parts.

    Example:
        crop_image(picture, width=512, height=512, anchor="top_left", x=100, y=40)
    """
    from nodes.imaging.place import anchored, overlap

    size = (image.pixels.shape[1], image.pixels.shape[2])
    top, left = anchored(anchor, size, (height, width))
    shared = overlap(size, (height, width), top + y, left + x)
    if shared.empty:
        raise NodeInputError("x", f"The rectangle lies outside of the picture, which is {size[1]} x {size[0]} px.", "Move it.")
    return Image(pixels=image.pixels[:, shared.rows, shared.columns].clone())


@node("loom.pad_image", version=1, category="image")
def pad_image(
    image: Image,
    *,
    left: Annotated[int, MARGIN] = 0,
    top: Annotated[int, MARGIN] = 0,
    right: Annotated[int, MARGIN] = 0,
    bottom: Annotated[int, MARGIN] = 0,
    filling: Filling = "colour",
    colour: Annotated[str, Colour()] = "black",
) -> Image:
    """Add a margin around pictures.

    Args:
        image: One or more pictures.
        left: How much to add at the left.
        top: How much to add above.
        right: How much to add at the right.
        bottom: How much to add below.
        filling: colour fills with one colour, edge repeats the outermost pixels, mirror goes on with the mirror image.
        colour: The colour of the margin: a name such as red, or #rrggbb.

    Returns:
        image: The larger pictures.

    Example:
        pad_image(picture, left=64, right=64, colour="#202020")
    """
    return Image(pixels=_padded(image.pixels, top, bottom, left, right, filling, colour))


class Outpainting(NamedTuple):
    image: Image
    mask: Mask


@node("loom.pad_for_outpainting", version=1, category="image")
def pad_for_outpainting(
    image: Image,
    mask: Mask | None = None,
    *,
    left: Annotated[int, MARGIN] = 0,
    top: Annotated[int, MARGIN] = 0,
    right: Annotated[int, MARGIN] = 0,
    bottom: Annotated[int, MARGIN] = 0,
    feather: Annotated[int, Range(0, 1024, step=8, unit="px")] = 32,
    filling: Filling = "edge",
    colour: Annotated[str, Colour()] = "grey",
) -> Outpainting:
    """Add a margin around pictures for a model to paint, with the mask that says where.

    Args:
        image: One or more pictures.
        mask: What of the pictures shall be painted anew besides. A mask of another size is scaled to the picture.
        left: How much to add at the left.
        top: How much to add above.
        right: How much to add at the right.
        bottom: How much to add below.
        feather: How far the mask reaches into the picture, getting weaker, so that no seam is seen. Only along added sides.
        filling: What the margin shows until it is painted: edge repeats the outermost pixels, mirror the picture, colour
            one colour. It matters where denoise is below 1.
        colour: The colour of the margin.

    Returns:
        image: The larger pictures.
        mask: 1 in the margin, down to 0 inside the picture.

    Example:
        pad_for_outpainting(picture, right=256, feather=48)
    """
    import torch

    from nodes.imaging.fit import mask_for, repeated

    count, height, width = image.pixels.shape[:3]
    inner = torch.zeros(1, height, width)
    if feather:
        rows, columns = torch.arange(height) + 0.5, torch.arange(width) + 0.5
        sides = (
            (top, rows[:, None]), (bottom, (height - rows)[:, None]), (left, columns[None]), (right, (width - columns)[None]),
        )  # fmt: skip
        for added, distance in sides:
            if added:
                inner = torch.maximum(inner, (1 - distance / feather).clamp_(0, 1))
    if mask is not None:
        inner = torch.maximum(inner, repeated(mask_for(mask.values, image.pixels), count))
    values = torch.nn.functional.pad(inner, (left, right, top, bottom), value=1.0)
    pixels = _padded(image.pixels, top, bottom, left, right, filling, colour)
    return Outpainting(Image(pixels=pixels), Mask(values=values))


def _padded(pixels: Tensor, top: int, bottom: int, left: int, right: int, filling: Filling, colour: str) -> Tensor:
    import cv2

    from nodes.imaging.colour import parsed
    from nodes.imaging.opencv import Array, each

    borders = {"colour": cv2.BORDER_CONSTANT, "edge": cv2.BORDER_REPLICATE, "mirror": cv2.BORDER_REFLECT_101}
    shade = parsed(colour).tolist()
    size = (pixels.shape[1] + top + bottom, pixels.shape[2] + left + right)

    def pad(source: Array, target: Array) -> Any:
        return cv2.copyMakeBorder(source, top, bottom, left, right, borders[filling], dst=target, value=shade)

    return each(pixels, pad, size)


@node("loom.flip_image", version=1, category="image")
def flip_image(image: Image, *, direction: Literal["horizontal", "vertical", "both"] = "horizontal") -> Image:
    """Mirror pictures.

    Args:
        image: One or more pictures.
        direction: horizontal swaps left and right, vertical swaps top and bottom, both turns the picture upside down.

    Returns:
        image: The mirrored pictures.

    Example:
        flip_image(picture, direction="horizontal")
    """
    axes = {"horizontal": [2], "vertical": [1], "both": [1, 2]}[direction]
    return Image(pixels=image.pixels.flip(axes))


class Rotated(NamedTuple):
    image: Image
    mask: Mask


@node("loom.rotate_image", version=1, category="image")
def rotate_image(
    image: Image,
    *,
    angle: Annotated[float, Range(-360, 360, step=1, unit="°")] = 90.0,
    grow: bool = True,
    colour: Annotated[str, Colour()] = "black",
) -> Rotated:
    """Turn pictures around their centre.

    Quarter turns keep every pixel as it is; other angles work out the pixels between (bicubic).

    Args:
        image: One or more pictures.
        angle: How far to turn, clockwise.
        grow: Make the picture as large as needed to show all of it. Otherwise the size stays, and corners are cut off.
        colour: The colour of the empty corners.

    Returns:
        image: The turned pictures.
        mask: 1 in the empty corners, to have them painted.

    Example:
        rotate_image(picture, angle=12.5, grow=False)
    """
    import torch

    height, width = image.pixels.shape[1:3]
    turns = angle / 90
    if turns.is_integer() and (grow or turns % 2 == 0 or height == width):
        pixels = image.pixels.rot90(-int(turns), (1, 2)).contiguous()
        pixels = pixels.clone() if pixels is image.pixels else pixels
        return Rotated(Image(pixels=pixels), Mask(values=torch.zeros(1, *pixels.shape[1:3])))
    return _turned(image.pixels, angle, grow, colour)


def _turned(pixels: Tensor, angle: float, grow: bool, colour: str) -> Rotated:
    import math

    import cv2
    import numpy as np
    import torch

    from nodes.imaging.colour import parsed
    from nodes.imaging.opencv import Array, each

    height, width = pixels.shape[1:3]
    cosine, sine = abs(math.cos(math.radians(angle))), abs(math.sin(math.radians(angle)))
    size = (math.ceil(height * cosine + width * sine), math.ceil(width * cosine + height * sine)) if grow else (height, width)
    shade = parsed(colour).tolist()
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -angle, 1)
    matrix = matrix + np.array([[0, 0, (size[1] - width) / 2], [0, 0, (size[0] - height) / 2]])

    def turn(source: Array, target: Array) -> Any:
        return cv2.warpAffine(source, matrix, size[::-1], dst=target, flags=cv2.INTER_CUBIC, borderValue=shade)

    whole = np.full((height, width), 255, np.uint8)
    covered = torch.from_numpy(cv2.warpAffine(whole, matrix, size[::-1], flags=cv2.INTER_CUBIC, borderValue=0))
    return Rotated(Image(pixels=each(pixels, turn, size).clamp_(0, 1)), Mask(values=1 - covered[None] / 255))
