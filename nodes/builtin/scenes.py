"""Decides how each scene looks: one painter a scene, bold parts first to last, over the sky of its light."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from nodes.builtin.drawing import Canvas, intersection, outside, union
from nodes.builtin.world import CELL, LIGHTS, Rgb

SKY_TOP: Final[tuple[Rgb, Rgb, Rgb]] = ((0.47, 0.74, 0.96), (0.93, 0.48, 0.38), (0.06, 0.09, 0.26))
SKY_LOW: Final[tuple[Rgb, Rgb, Rgb]] = ((0.79, 0.91, 0.99), (0.99, 0.82, 0.52), (0.16, 0.20, 0.44))
GRASS: Final[tuple[Rgb, Rgb, Rgb]] = ((0.45, 0.75, 0.35), (0.58, 0.52, 0.24), (0.12, 0.30, 0.24))
SEA: Final[tuple[Rgb, Rgb, Rgb]] = ((0.13, 0.45, 0.76), (0.50, 0.27, 0.45), (0.07, 0.19, 0.42))
GLASS: Final[tuple[Rgb, Rgb, Rgb]] = ((0.72, 0.90, 0.98), (0.99, 0.90, 0.62), (1.00, 0.88, 0.42))
SUN: Final[tuple[Rgb, Rgb, Rgb]] = ((1.00, 0.86, 0.22), (0.98, 0.30, 0.20), (0.94, 0.94, 0.86))

INK: Final[Rgb] = (0.10, 0.09, 0.12)
WOOD: Final[Rgb] = (0.50, 0.31, 0.18)
SNOW: Final[Rgb] = (0.97, 0.98, 1.00)
CREAM: Final[Rgb] = (0.97, 0.91, 0.78)
YELLOW: Final[Rgb] = (1.00, 0.84, 0.22)
ORANGE: Final[Rgb] = (0.97, 0.50, 0.12)
SLATE: Final[Rgb] = (0.34, 0.22, 0.27)
LEAF: Final[Rgb] = (0.20, 0.58, 0.26)


@dataclass(frozen=True, slots=True)
class Setting:
    """What a batch of one scene shares with its painter; every tensor starts with ``[batch]``."""

    colour: Tensor
    light: Tensor
    """Index into ``LIGHTS``."""
    wobble: Tensor

    def by_light(self, colours: tuple[Rgb, Rgb, Rgb]) -> Tensor:
        return torch.tensor(colours)[self.light]

    def cells(self, index: int, reach: int = 1) -> Tensor:
        """An offset in pixels that moves by whole latent cells, at most ``reach`` of them either way."""
        return torch.round(self.wobble[:, index] * (reach + 0.499)) * CELL

    def shade(self, factor: float) -> Tensor:
        return self.colour * factor


def rgb(colour: Rgb) -> Tensor:
    return torch.tensor(colour)


def sky(canvas: Canvas, setting: Setting) -> None:
    """The sky, and at night five stars in fixed places, shifted together."""
    canvas.gradient(setting.by_light(SKY_TOP), setting.by_light(SKY_LOW))
    at_night = (setting.light == LIGHTS.index("night")).float() * 3.0
    shift = setting.cells(5)
    stars = [canvas.disk(x + shift, y, at_night) for x, y in ((20, 20), (52, 12), (84, 20), (108, 36), (20, 52))]
    for star in stars:
        canvas.paint(star, rgb(CREAM))


def ground(canvas: Canvas, setting: Setting, top: float) -> None:
    canvas.paint(canvas.below(top), setting.by_light(GRASS))


def paint_hill(canvas: Canvas, setting: Setting) -> None:
    sky(canvas, setting)
    canvas.paint(canvas.disk(64 + setting.cells(0, 3), 32 + setting.cells(1), 17), setting.by_light(SUN))
    dim = torch.tensor([1.0, 0.86, 0.5])[setting.light].view(-1, 1)
    canvas.paint(canvas.ellipse(108 + setting.cells(2), 136, 72, 52), setting.shade(0.75) * dim)
    canvas.paint(canvas.ellipse(36 + setting.cells(2), 140, 80, 68), setting.colour * dim)


def paint_house(canvas: Canvas, setting: Setting) -> None:
    sky(canvas, setting)
    ground(canvas, setting, 104)
    x = 64 + setting.cells(0)
    canvas.paint(canvas.box(x, 84, 32, 28), setting.colour)
    canvas.paint(canvas.convex([(x, 16), (x + 44, 58), (x - 44, 58)]), rgb(SLATE))
    canvas.paint(canvas.box(x, 97, 9, 15), rgb(WOOD))
    for side in (-19, 19):
        canvas.paint(canvas.box(x + side, 76, 8, 8), setting.by_light(GLASS))


def paint_boat(canvas: Canvas, setting: Setting) -> None:
    sky(canvas, setting)
    canvas.paint(canvas.below(88), setting.by_light(SEA))
    x = 64 + setting.cells(0, 2)
    canvas.paint(canvas.box(x - 3, 50, 3, 36), rgb(WOOD))
    canvas.paint(canvas.convex([(x + 2, 14), (x + 40, 74), (x + 2, 74)]), setting.colour)
    canvas.paint(canvas.convex([(x - 8, 26), (x - 8, 74), (x - 36, 74)]), setting.shade(0.8))
    canvas.paint(canvas.convex([(x - 44, 80), (x + 44, 80), (x + 28, 104), (x - 28, 104)]), rgb(WOOD))


def paint_tree(canvas: Canvas, setting: Setting) -> None:
    sky(canvas, setting)
    ground(canvas, setting, 104)
    x = 64 + setting.cells(0, 2)
    canvas.paint(canvas.box(x, 92, 7, 22), rgb(WOOD))
    crown = [canvas.disk(x, 36, 26), canvas.disk(x - 20, 56, 22), canvas.disk(x + 20, 56, 22)]
    canvas.paint(union(*crown), setting.colour)


def paint_flower(canvas: Canvas, setting: Setting) -> None:
    sky(canvas, setting)
    ground(canvas, setting, 112)
    x, y = 64 + setting.cells(0, 2), 48.0
    canvas.paint(canvas.box(x, 88, 4, 32), rgb(LEAF))
    for side in (-1, 1):
        canvas.paint(canvas.bar((x, 102), (x + side * 20, 90), 6), rgb(LEAF))
    for dx, dy in ((0, -22), (19, -11), (19, 11), (0, 22), (-19, 11), (-19, -11)):
        canvas.paint(canvas.disk(x + dx, y + dy, 13), setting.colour)
    canvas.paint(canvas.disk(x, y, 12), rgb(YELLOW))


def paint_fish(canvas: Canvas, setting: Setting) -> None:
    canvas.gradient(setting.by_light(SEA) * 0.5 + 0.45, setting.by_light(SEA))
    x, y = 60 + setting.cells(0), 64 + setting.cells(1, 2)
    canvas.paint(canvas.convex([(x + 24, y), (x + 52, y - 24), (x + 52, y + 24)]), setting.shade(0.8))
    canvas.paint(canvas.convex([(x - 8, y - 20), (x + 12, y - 36), (x + 20, y - 16)]), setting.shade(0.8))
    canvas.paint(canvas.ellipse(x, y, 38, 25), setting.colour)
    canvas.paint(canvas.disk(x - 18, y - 4, 8), rgb(SNOW))
    canvas.paint(canvas.disk(x - 20, y - 4, 4), rgb(INK))


def paint_moon(canvas: Canvas, setting: Setting) -> None:
    sky(canvas, setting)
    x, y = 64 + setting.cells(0, 2), 64 + setting.cells(1)
    crescent = intersection(canvas.disk(x, y, 38), outside(canvas.disk(x + 18, y - 8, 32)))
    canvas.paint(crescent, setting.colour)


def paint_mountain(canvas: Canvas, setting: Setting) -> None:
    sky(canvas, setting)
    x = 48 + setting.cells(0)
    for peak, height, half_width, share in ((x + 40, 52, 48, 0.75), (x, 20, 64, 1.0)):
        foot, slope = 112, half_width / (112 - height)
        canvas.paint(canvas.convex([(peak, height), (peak + half_width, foot), (peak - half_width, foot)]), setting.shade(share))
        cap = 20 * slope
        canvas.paint(canvas.convex([(peak, height), (peak + cap, height + 20), (peak - cap, height + 20)]), rgb(SNOW))
    ground(canvas, setting, 104)


def paint_rocket(canvas: Canvas, setting: Setting) -> None:
    sky(canvas, setting)
    x = 64 + setting.cells(0, 2)
    canvas.paint(canvas.convex([(x - 11, 92), (x + 11, 92), (x, 124)]), rgb(ORANGE))
    canvas.paint(canvas.convex([(x - 12, 64), (x - 12, 92), (x - 32, 100)]), rgb(SLATE))
    canvas.paint(canvas.convex([(x + 12, 64), (x + 32, 100), (x + 12, 92)]), rgb(SLATE))
    canvas.paint(intersection(canvas.ellipse(x, 64, 20, 58), canvas.box(x, 48, 20, 46)), setting.colour)
    canvas.paint(canvas.disk(x, 48, 10), rgb(SLATE))
    canvas.paint(canvas.disk(x, 48, 7), rgb((0.72, 0.90, 0.98)))


def paint_face(canvas: Canvas, setting: Setting) -> None:
    sky(canvas, setting)
    x, y = 64 + setting.cells(0), 64 + setting.cells(1)
    canvas.paint(canvas.disk(x, y, 46), setting.colour)
    for side in (-16, 16):
        canvas.paint(canvas.ellipse(x + side, y - 14, 6, 9), rgb(INK))
    lips = canvas.disk(x, y + 4, 22).abs() - 3.5
    canvas.paint(intersection(lips, y.view(-1, 1, 1) + 18 - canvas.y), rgb(INK))


def paint_cat(canvas: Canvas, setting: Setting) -> None:
    sky(canvas, setting)
    ground(canvas, setting, 104)
    x = 64 + setting.cells(0)
    for side in (-1, 1):
        ear = [(x + side * 6, 36), (x + side * 38, 12), (x + side * 38, 60)]
        inner = [(x + side * 18, 36), (x + side * 33, 23), (x + side * 33, 46)]
        for corners, colour in ((ear, setting.colour), (inner, rgb((0.97, 0.62, 0.68)))):
            canvas.paint(canvas.convex(corners if side == 1 else corners[::-1]), colour)
    canvas.paint(canvas.ellipse(x, 68, 44, 38), setting.colour)
    canvas.paint(canvas.ellipse(x, 86, 20, 15), rgb(SNOW))
    for side in (-18, 18):
        canvas.paint(canvas.disk(x + side, 60, 9), rgb((0.75, 0.90, 0.35)))
        canvas.paint(canvas.ellipse(x + side, 60, 4, 8), rgb(INK))
    canvas.paint(canvas.convex([(x - 7, 77), (x + 7, 77), (x, 86)]), rgb((0.93, 0.42, 0.50)))


def paint_mushroom(canvas: Canvas, setting: Setting) -> None:
    sky(canvas, setting)
    ground(canvas, setting, 104)
    x = 64 + setting.cells(0, 2)
    canvas.paint(canvas.box(x, 90, 14, 26, corner=8), rgb(CREAM))
    canvas.paint(intersection(canvas.ellipse(x, 72, 44, 50), outside(canvas.below(74))), setting.colour)
    for dx, y, radius in ((-24, 56, 7), (0, 40, 9), (24, 56, 7)):
        canvas.paint(canvas.disk(x + dx, y, radius), rgb(SNOW))


def paint_snowman(canvas: Canvas, setting: Setting) -> None:
    sky(canvas, setting)
    canvas.paint(canvas.below(104), setting.by_light(((0.90, 0.95, 1.0), (0.98, 0.86, 0.80), (0.50, 0.58, 0.78))))
    x = 64 + setting.cells(0, 2)
    canvas.paint(canvas.disk(x, 88, 30), rgb((0.97, 0.98, 0.99)))
    canvas.paint(canvas.disk(x, 46, 20), rgb((0.97, 0.98, 0.99)))
    canvas.paint(union(canvas.box(x, 28, 22, 4), canvas.box(x, 16, 13, 12)), rgb(INK))
    for side in (-7, 7):
        canvas.paint(canvas.disk(x + side, 42, 3.5), rgb(INK))
    canvas.paint(canvas.convex([(x, 46), (x + 16, 50), (x, 54)]), rgb(ORANGE))
    canvas.paint(union(canvas.box(x, 65, 19, 5, corner=4), canvas.box(x + 12, 76, 5, 12)), setting.colour)


PAINTERS: Final[dict[str, Callable[[Canvas, Setting], None]]] = {
    "hill": paint_hill,
    "house": paint_house,
    "boat": paint_boat,
    "tree": paint_tree,
    "flower": paint_flower,
    "fish": paint_fish,
    "moon": paint_moon,
    "mountain": paint_mountain,
    "rocket": paint_rocket,
    "smiling face": paint_face,
    "cat": paint_cat,
    "mushroom": paint_mushroom,
    "snowman": paint_snowman,
}
