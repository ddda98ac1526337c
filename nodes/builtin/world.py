"""Decides what exists in the drawing world of loom-tiny, how pictures are drawn by lot, and which are held out.

The world is chosen so that a small U-Net on a 16 x 16 latent can learn it: forms are bold and a few latent cells wide,
and what varies between two pictures of the same description moves mostly by whole latent cells of eight pixels.
"""

from __future__ import annotations

import math
import random
import zlib
from dataclasses import dataclass, replace
from typing import Final

Rgb = tuple[float, float, float]

PICTURE_SIZE: Final = 128
CELL: Final = 8

COLOURS: Final[dict[str, Rgb]] = {
    "red": (0.87, 0.15, 0.16),
    "orange": (0.97, 0.54, 0.10),
    "yellow": (0.98, 0.84, 0.15),
    "green": (0.16, 0.62, 0.27),
    "turquoise": (0.10, 0.74, 0.74),
    "blue": (0.14, 0.32, 0.82),
    "purple": (0.50, 0.20, 0.68),
    "pink": (0.97, 0.50, 0.72),
    "brown": (0.47, 0.29, 0.16),
    "gray": (0.52, 0.53, 0.56),
    "black": (0.08, 0.08, 0.10),
    "white": (0.98, 0.98, 0.97),
}
BACKGROUNDS: Final[dict[str, Rgb]] = {
    "white": (0.96, 0.96, 0.95),
    "gray": (0.74, 0.75, 0.77),
    "black": (0.11, 0.11, 0.14),
    "yellow": (0.99, 0.93, 0.62),
    "orange": (0.99, 0.80, 0.58),
    "pink": (0.98, 0.80, 0.87),
    "green": (0.72, 0.89, 0.70),
    "blue": (0.65, 0.81, 0.96),
    "purple": (0.80, 0.73, 0.94),
    "navy": (0.10, 0.16, 0.38),
}
STYLES: Final = ("plain", "gradient")
SHAPES: Final = ("circle", "square", "triangle", "star", "heart", "ring", "cross", "diamond")
SIZES: Final[dict[str, float]] = {"small": 19.0, "medium": 28.0, "large": 40.0}
POSITIONS: Final[dict[str, tuple[int, int]]] = {
    "middle": (0, 0),
    "left": (-1, 0),
    "right": (1, 0),
    "top": (0, -1),
    "bottom": (0, 1),
}
RELATIONS: Final[dict[str, tuple[int, int]]] = {"left": (-1, 0), "right": (1, 0), "above": (0, -1), "below": (0, 1)}
PAIR_RADIUS: Final = 26.0

LIGHTS: Final = ("day", "sunset", "night")
SCENES: Final[dict[str, tuple[str, ...]]] = {
    "hill": ("green", "yellow", "orange", "purple", "turquoise"),
    "house": ("red", "yellow", "blue", "white", "pink", "orange"),
    "boat": ("red", "white", "yellow", "orange", "pink", "green"),
    "tree": ("green", "orange", "red", "pink", "yellow"),
    "flower": ("red", "pink", "purple", "white", "orange", "blue"),
    "fish": ("orange", "yellow", "red", "pink", "green", "purple"),
    "moon": ("yellow", "white", "orange", "pink"),
    "mountain": ("gray", "blue", "purple", "brown"),
    "rocket": ("red", "white", "blue", "yellow", "green"),
    "smiling face": ("yellow", "orange", "pink", "green", "blue"),
    "cat": ("orange", "gray", "black", "white", "brown"),
    "mushroom": ("red", "orange", "purple", "brown", "blue", "pink"),
    "snowman": ("red", "green", "blue", "purple", "yellow"),
}
KINDS: Final = ("shape", "pair", *SCENES)
SHARES: Final[dict[str, float]] = {"shape": 0.36, "pair": 0.26, "scene": 0.38}

WOBBLES: Final = 6
"""How many numbers in -1..1 a picture carries for what its description leaves open."""

HELD_OUT_ONE_IN: Final = 8
LEAST_CONTRAST: Final = 0.42


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Everything that decides the pixels. Fields that a kind does not use are empty."""

    kind: str
    colour: str
    background: str
    """A background colour, or for a scene the light: day, sunset or night."""
    style: str = ""
    shape: str = ""
    size: str = ""
    position: str = ""
    relation: str = ""
    """Where the first object of a pair lies, seen from the second."""
    other_shape: str = ""
    other_colour: str = ""
    wobble: tuple[float, ...] = (0.0,) * WOBBLES


def contrast(colour: str, background: str) -> float:
    """Distance in RGB between an object's colour and a background."""
    pair = zip(COLOURS[colour], BACKGROUNDS[background], strict=True)
    return math.sqrt(sum((a - b) ** 2 for a, b in pair))


def is_visible(picture: Picture) -> bool:
    """Whether the objects stand out from the background and, in a pair, differ from each other."""
    if picture.kind in SCENES:
        return True
    if contrast(picture.colour, picture.background) < LEAST_CONTRAST:
        return False
    if picture.kind == "shape":
        return True
    differs = picture.shape != picture.other_shape and picture.colour != picture.other_colour
    return differs and contrast(picture.other_colour, picture.background) >= LEAST_CONTRAST


def is_held_out(picture: Picture) -> bool:
    """Whether this combination is kept from training: neither its drawing nor a caption of it is ever trained on.

    One in eight combinations: of shape, colour, size, position and background for one shape; of both shapes, both
    colours and the axis for a pair, read from either end; of kind, colour and light for a scene.
    """
    if picture.kind == "shape":
        parts = [picture.shape, picture.colour, picture.size, picture.position, picture.background]
    elif picture.kind == "pair":
        objects = sorted([f"{picture.colour} {picture.shape}", f"{picture.other_colour} {picture.other_shape}"])
        parts = [*objects, "beside" if picture.relation in ("left", "right") else "stacked"]
    else:
        parts = [picture.kind, picture.colour, picture.background]
    return zlib.crc32("/".join(parts).encode()) % HELD_OUT_ONE_IN == 0


def _draw_lot(kind: str, random_source: random.Random) -> Picture:
    """One picture of a kind, every field by lot, without regard to what is visible or held out."""
    choose = random_source.choice
    wobble = tuple(random_source.uniform(-1.0, 1.0) for _ in range(WOBBLES))
    if kind in SCENES:
        return Picture(kind=kind, colour=choose(SCENES[kind]), background=choose(LIGHTS), wobble=wobble)
    picture = Picture(
        kind=kind,
        colour=choose(list(COLOURS)),
        background=choose(list(BACKGROUNDS)),
        style=random_source.choices(STYLES, weights=(0.86, 0.14))[0],
        shape=choose(SHAPES),
        wobble=wobble,
    )
    if kind == "shape":
        return replace(picture, size=choose(list(SIZES)), position=choose(list(POSITIONS)))
    return replace(picture, relation=choose(list(RELATIONS)), other_shape=choose(SHAPES), other_colour=choose(list(COLOURS)))


def draw_kind(random_source: random.Random) -> str:
    group = random_source.choices(list(SHARES), weights=list(SHARES.values()))[0]
    return random_source.choice(list(SCENES)) if group == "scene" else group


def sample_picture(random_source: random.Random, *, held_out: bool = False, kind: str = "") -> Picture:
    """A visible picture by lot: from the training part of the world, or from the held-out part."""
    kind = kind or draw_kind(random_source)
    while True:
        picture = _draw_lot(kind, random_source)
        if is_visible(picture) and is_held_out(picture) == held_out:
            return picture
