"""Decides what a colour's name means, how bright a colour is, and how colours are made warmer, stronger or others."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from graph_engine import NodeInputError
from nodes.imaging.opencv import Array, each

LUMA = (0.2126, 0.7152, 0.0722)
"""Shares of red, green and blue in brightness: ITU-R BT.709."""

WARMTH = 0.3
"""By which share red grows and blue shrinks at a temperature of 1."""


def parsed(colour: str, input: str = "colour") -> Tensor:
    """[3] in [0, 1] of a name (``red``), ``#rgb``, ``#rrggbb``, ``rgb(…)`` or ``hsl(…)``. Raises NodeInputError for anything else."""
    from PIL import ImageColor

    try:
        found = ImageColor.getrgb(colour.strip())
    except ValueError:
        raise NodeInputError(input, f"{colour!r} is no colour.", "Write a name such as red, or #rrggbb.") from None
    return torch.tensor(found[:3], dtype=torch.float32) / 255


def brightness(pixels: Tensor) -> Tensor:
    """[batch, height, width] of [batch, height, width, 3]. Not by a matrix product, whose last digits depend on the batch."""
    import cv2

    shares = np.array([LUMA])
    return each(pixels, lambda source, target: cv2.transform(source, shares, dst=target), channels=())


def grey(values: Tensor) -> Tensor:
    """[batch, height, width, 3] of [batch, height, width]: white where that is 1."""
    import cv2

    return each(values, lambda source, target: cv2.cvtColor(source, cv2.COLOR_GRAY2RGB, dst=target), channels=(3,))


def warmed(pixels: Tensor, temperature: float) -> Tensor:
    """Red and blue weighed against each other, at unchanged brightness of grey; ``temperature`` -1 to 1."""
    gains = torch.tensor([1 + WARMTH * temperature, 1.0, 1 - WARMTH * temperature])
    return (pixels * (gains / (gains @ torch.tensor(LUMA)))).clamp_(0, 1)


def turned_hue(pixels: Tensor, degrees: float) -> Tensor:
    """Colours turned around the circle of HSV: their largest and smallest part stay as large as they are."""
    import cv2

    def turn(source: Array, target: Array) -> Any:
        planes = cv2.cvtColor(source, cv2.COLOR_RGB2HSV)
        hue: Array = planes[:, :, 0]
        np.mod(hue + np.float32(degrees), 360, out=hue)
        return cv2.cvtColor(planes, cv2.COLOR_HSV2RGB, dst=target)

    return each(pixels, turn).clamp_(0, 1)


def affine(pixels: Tensor, saturation: float, contrast: float, brightness: float) -> Tensor:
    """Saturation around grey of the same brightness, contrast around 0.5, then brightness: one matrix and one shift."""
    import cv2

    grey = np.outer(np.ones(3), LUMA)
    mixed = contrast * (grey + saturation * (np.eye(3) - grey))
    matrix = np.column_stack([mixed, np.full(3, 0.5 - 0.5 * contrast + brightness)])
    return each(pixels, lambda source, target: cv2.transform(source, matrix, dst=target)).clamp_(0, 1)


def power(batch: Tensor, exponent: float) -> Tensor:
    """``batch``, of values in [0, 1], to the power ``exponent``, within 5e-7. Not by torch, which takes twice as long or more, and
    whose last digits depend on where in a block a value stands."""
    import cv2

    return each(batch, lambda source, target: cv2.pow(source, exponent, dst=target))
