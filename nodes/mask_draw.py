"""Decides which masks can be made without a picture's content: one value, a shape, a gradient, strokes of a brush."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from graph_engine import Range, Strokes, node
from nodes.types import Image, Mask

if TYPE_CHECKING:
    from torch import Tensor

SIDE = Range(1, 16384, step=8, unit="px")
SHARE = Range(0, 1, step=0.05)
PLACE = Range(-1, 2, step=0.05)
ANGLE = Range(-360, 360, step=1, unit="°")


@node("loom.solid_mask", version=1, category="mask")
def solid_mask(
    image: Image | None = None,
    *,
    width: Annotated[int, SIDE] = 512,
    height: Annotated[int, SIDE] = 512,
    value: Annotated[float, SHARE] = 1.0,
) -> Mask:
    """Make a mask of one value.

    Args:
        image: A picture whose size the mask gets. Left out: width and height count.
        width: The width of the mask where no picture is linked.
        height: The height of the mask where no picture is linked.
        value: 1 selects everything, 0 nothing, and 0.5 half.

    Returns:
        mask: One mask.

    Example:
        solid_mask(width=512, height=512, value=0.5)
    """
    import torch

    return Mask(values=torch.full((1, *_size(image, width, height)), value))


@node("loom.shape_mask", version=1, category="mask")
def shape_mask(
    image: Image | None = None,
    *,
    shape: Literal["ellipse", "rectangle"] = "ellipse",
    x: Annotated[float, PLACE] = 0.5,
    y: Annotated[float, PLACE] = 0.5,
    shape_width: Annotated[float, Range(0, 4, step=0.05)] = 0.5,
    shape_height: Annotated[float, Range(0, 4, step=0.05)] = 0.5,
    angle: Annotated[float, ANGLE] = 0.0,
    width: Annotated[int, SIDE] = 512,
    height: Annotated[int, SIDE] = 512,
) -> Mask:
    """Select an ellipse or a rectangle.

    Places and sizes are shares of the picture, so that they fit one of any size.

    Args:
        image: A picture whose size the mask gets. Left out: width and height count.
        shape: What is selected.
        x: Where its centre lies: 0 is the left edge of the picture, 1 the right one.
        y: Where its centre lies: 0 is the top edge of the picture, 1 the bottom one.
        shape_width: How wide it is, as a share of the picture's width.
        shape_height: How high it is, as a share of the picture's height.
        angle: How far it is turned clockwise.
        width: The width of the mask where no picture is linked.
        height: The height of the mask where no picture is linked.

    Returns:
        mask: 1 inside the shape, with a smooth edge of one pixel.

    Example:
        shape_mask(picture, shape="ellipse", x=0.5, y=0.4, shape_width=0.3, shape_height=0.5)
    """
    import torch

    rows, columns = _size(image, width, height)
    across, down = _turned(rows, columns, x * columns, y * rows, angle)
    half_width, half_height = shape_width * columns / 2, shape_height * rows / 2
    if min(half_width, half_height) < 1e-3:  # of a pixel
        return Mask(values=torch.zeros(1, rows, columns))
    if shape == "rectangle":
        distance = torch.maximum(across.abs() - half_width, down.abs() - half_height)
    else:  # how far beyond the edge, in edge lengths, over how fast that changes with a pixel
        beyond = torch.hypot(across / half_width, down / half_height)
        slope = torch.hypot(across / half_width**2, down / half_height**2) / beyond.clamp(min=1e-6)
        distance = (beyond - 1) / slope.clamp(min=1e-6)
    return Mask(values=(0.5 - distance).clamp_(0, 1)[None])


@node("loom.gradient_mask", version=1, category="mask")
def gradient_mask(
    image: Image | None = None,
    *,
    kind: Literal["linear", "radial"] = "linear",
    angle: Annotated[float, ANGLE] = 0.0,
    start: Annotated[float, PLACE] = 0.0,
    end: Annotated[float, PLACE] = 1.0,
    width: Annotated[int, SIDE] = 512,
    height: Annotated[int, SIDE] = 512,
) -> Mask:
    """Make a mask that rises evenly from 0 to 1.

    Args:
        image: A picture whose size the mask gets. Left out: width and height count.
        kind: linear rises along a line across the picture, radial from its centre to its corners.
        angle: Where a linear gradient leads: 0 to the right, 90 down.
        start: Where it is 0, as a share of the way. After end it falls instead of rising.
        end: Where it is 1, as a share of the way.
        width: The width of the mask where no picture is linked.
        height: The height of the mask where no picture is linked.

    Returns:
        mask: One mask.

    Example:
        gradient_mask(picture, angle=90, start=0.4, end=0.6)
    """
    import math

    import torch

    rows, columns = _size(image, width, height)
    if kind == "radial":
        across, down = _turned(rows, columns, columns / 2, rows / 2, 0)
        way = torch.hypot(across, down) / (math.hypot(columns, rows) / 2)
    else:
        across, _ = _turned(rows, columns, columns / 2, rows / 2, angle)
        turn = math.radians(angle)
        way = across / (abs(math.cos(turn)) * columns + abs(math.sin(turn)) * rows) + 0.5
    values = (way >= start).to(torch.float32) if start == end else ((way - start) / (end - start)).clamp_(0, 1)
    return Mask(values=values[None])


@node("loom.draw_mask", version=1, category="mask")
def draw_mask(
    image: Image | None = None,
    mask: Mask | None = None,
    *,
    strokes: Annotated[str, Strokes()] = "",
    softness: Annotated[float, SHARE] = 0.0,
    width: Annotated[int, SIDE] = 512,
    height: Annotated[int, SIDE] = 512,
) -> Mask:
    """Paint a mask with strokes of a round brush.

    Args:
        image: A picture whose size the mask gets. Left out: width and height count.
        mask: A mask to paint on. Another size is scaled. Left out: an empty one.
        strokes: One stroke a line: + to paint or - to erase, the radius of the brush, and the points x,y that it passes. All
            are shares of the picture from 0 to 1: x of its width, y of its height, the radius of its shorter side.
        softness: Over how much of the brush its edge fades: 0 is hard, 1 fades from the middle on.
        width: The width of the mask where no picture is linked.
        height: The height of the mask where no picture is linked.

    Returns:
        mask: 1 where it is painted.

    Example:
        draw_mask(picture, strokes="+ 0.1 0.2,0.5 0.8,0.5", softness=0.3)
    """
    import torch

    from nodes.imaging.resample import resize
    from nodes.imaging.strokes import draw, parsed

    size = _size(image, width, height)
    canvas = torch.zeros(1, *size) if mask is None else resize(mask.values, *size, "bilinear").clone()
    for one in canvas:
        draw(one, parsed(strokes), softness)
    return Mask(values=canvas)


def _size(image: Image | None, width: int, height: int) -> tuple[int, int]:
    return (height, width) if image is None else (image.pixels.shape[1], image.pixels.shape[2])


def _turned(rows: int, columns: int, x: float, y: float, angle: float) -> tuple[Tensor, Tensor]:
    """How far each pixel lies from (x, y), along and across a direction that is turned clockwise from the right."""
    import math

    import torch

    turn = math.radians(angle)
    right, down = torch.arange(columns) + 0.5 - x, (torch.arange(rows) + 0.5 - y)[:, None]
    return right * math.cos(turn) + down * math.sin(turn), down * math.cos(turn) - right * math.sin(turn)
