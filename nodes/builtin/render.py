"""Decides how descriptions become pixels, batch by batch: backgrounds, the eight shapes, pairs, and scenes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from nodes.builtin.drawing import Canvas, Length, intersection, outside, union
from nodes.builtin.scenes import PAINTERS, Setting
from nodes.builtin.world import (
    BACKGROUNDS,
    CELL,
    COLOURS,
    LIGHTS,
    PAIR_RADIUS,
    PICTURE_SIZE,
    POSITIONS,
    RELATIONS,
    SCENES,
    SHAPES,
    SIZES,
    Picture,
)


def shape_distance(canvas: Canvas, shape: str, x: Length, y: Length, radius: Tensor) -> Tensor:
    """The form of one of ``SHAPES``, centred, about twice ``radius`` across."""
    match shape:
        case "circle":
            return canvas.disk(x, y, radius)
        case "square":
            return canvas.box(x, y, radius * 0.88, radius * 0.88)
        case "triangle":
            top, foot, half = y - radius, y + radius * 0.85, radius * 1.08
            return canvas.convex([(x, top), (x + half, foot), (x - half, foot)])
        case "star":
            return canvas.star(x, y + radius * 0.06, radius * 1.14)
        case "heart":
            lobe, lift, apart = radius * 0.56, y - radius * 0.3, radius * 0.5
            wide, low = radius * 0.898, y + radius * 0.094  # where the tangents from the tip meet the two lobes
            body = canvas.convex([(x - wide, low), (x, y - radius * 0.45), (x + wide, low), (x, y + radius)])
            return union(canvas.disk(x - apart, lift, lobe), canvas.disk(x + apart, lift, lobe), body)
        case "ring":
            return intersection(canvas.disk(x, y, radius), outside(canvas.disk(x, y, radius * 0.5)))
        case "cross":
            arm = radius * 0.34
            return union(canvas.box(x, y, radius, arm), canvas.box(x, y, arm, radius))
        case "diamond":
            half, tall = radius * 0.7, radius * 1.08
            return canvas.convex([(x, y - tall), (x + half, y), (x, y + tall), (x - half, y)])
    raise ValueError(f"No shape is called {shape!r}. Choose one of {', '.join(SHAPES)}.")


def paint_background(canvas: Canvas, pictures: Sequence[Picture]) -> None:
    """Plain, or a gradient that darkens downwards."""
    base = torch.tensor([BACKGROUNDS[picture.background] for picture in pictures])
    graded = torch.tensor([picture.style == "gradient" for picture in pictures]).view(-1, 1)
    dark = base * 0.82
    canvas.gradient(torch.where(graded, base * 0.92 + 0.08, base), torch.where(graded, dark, base))


def paint_objects(canvas: Canvas, shapes: Sequence[str], colours: Sequence[str], x: Tensor, y: Tensor, radius: Tensor) -> None:
    """One object a row; rows of one shape are worked out together."""
    distance = torch.empty(len(shapes), canvas.size, canvas.size)
    for shape in set(shapes):
        rows = torch.tensor([row for row, name in enumerate(shapes) if name == shape])
        distance[rows] = shape_distance(canvas, shape, x[rows], y[rows], radius[rows])
    canvas.paint(distance, torch.tensor([COLOURS[colour] for colour in colours]))


def wobbles(pictures: Sequence[Picture]) -> Tensor:
    """``[batch, WOBBLES]``, -1..1."""
    return torch.tensor([picture.wobble for picture in pictures])


def whole_cells(wobble: Tensor) -> Tensor:
    """-1..1 as one of -8, 0 and 8 pixels."""
    return torch.round(wobble * 1.499) * CELL


def paint_one(canvas: Canvas, pictures: Sequence[Picture]) -> None:
    wobble = wobbles(pictures)
    base = torch.tensor([SIZES[picture.size] for picture in pictures])
    toward = torch.tensor([POSITIONS[picture.position] for picture in pictures], dtype=torch.float32)
    large = base == SIZES["large"]
    reach = torch.where(large, 24.0, 32.0)
    free = torch.where(large, 0.0, 1.0)
    x, y = (
        64 + toward[:, axis] * reach + whole_cells(wobble[:, axis]) * free * (1 - toward[:, axis].abs()) + wobble[:, 2]
        for axis in (0, 1)
    )
    shapes, colours = [picture.shape for picture in pictures], [picture.colour for picture in pictures]
    paint_objects(canvas, shapes, colours, x, y, base * (1 + 0.03 * wobble[:, 3]))


def paint_pair(canvas: Canvas, pictures: Sequence[Picture]) -> None:
    wobble = wobbles(pictures)
    toward = torch.tensor([RELATIONS[picture.relation] for picture in pictures], dtype=torch.float32)
    for sign, lane, shapes, colours in (
        (1.0, 0, [picture.shape for picture in pictures], [picture.colour for picture in pictures]),
        (-1.0, 1, [picture.other_shape for picture in pictures], [picture.other_colour for picture in pictures]),
    ):
        x, y = (64 + sign * 32 * toward[:, axis] + whole_cells(wobble[:, lane]) * (1 - toward[:, axis].abs()) for axis in (0, 1))
        paint_objects(canvas, shapes, colours, x, y, PAIR_RADIUS * (1 + 0.03 * wobble[:, 2 + lane]))


def paint_scene(canvas: Canvas, pictures: Sequence[Picture]) -> None:
    setting = Setting(
        colour=torch.tensor([COLOURS[picture.colour] for picture in pictures]),
        light=torch.tensor([LIGHTS.index(picture.background) for picture in pictures]),
        wobble=wobbles(pictures),
    )
    PAINTERS[pictures[0].kind](canvas, setting)


def draw(pictures: Sequence[Picture]) -> Tensor:
    """The pictures as ``[batch, 3, 128, 128]``, 0..1; the same descriptions always give the same pixels."""
    result = torch.empty(len(pictures), 3, PICTURE_SIZE, PICTURE_SIZE)
    for kind in dict.fromkeys(picture.kind for picture in pictures):
        rows = [row for row, picture in enumerate(pictures) if picture.kind == kind]
        group = [pictures[row] for row in rows]
        canvas = Canvas(len(group), PICTURE_SIZE)
        if kind in SCENES:
            paint_scene(canvas, group)
        else:
            paint_background(canvas, group)
            (paint_one if kind == "shape" else paint_pair)(canvas, group)
        result[torch.tensor(rows)] = canvas.pixels.clamp(0.0, 1.0)
    return result
