"""Decides what each blend mode makes of two colours: the formulas of W3C Compositing and Blending Level 1, section 9, and sums.

Each takes what lies ``below`` and ``above``, in [0, 1], and gives a new tensor; only ``normal`` gives ``above`` itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from nodes.imaging.choices import BlendMode


def screen(below: Tensor, above: Tensor) -> Tensor:
    return below + above - below * above


def hard_light(below: Tensor, above: Tensor) -> Tensor:
    return torch.where(above <= 0.5, below * above * 2, screen(below, above * 2 - 1))


def soft_light(below: Tensor, above: Tensor) -> Tensor:
    bright = torch.where(below <= 0.25, ((16 * below - 12) * below + 4) * below, below.sqrt())
    return torch.where(above <= 0.5, below - (1 - 2 * above) * below * (1 - below), below + (2 * above - 1) * (bright - below))


def divide(below: Tensor, above: Tensor) -> Tensor:
    """Of 0 / 0 it is 0, so that black stays black."""
    return torch.where(below == 0, 0.0, below / above).clamp_(0, 1)


def colour_burn(below: Tensor, above: Tensor) -> Tensor:
    return torch.where(below == 1, 1.0, 1 - ((1 - below) / above).clamp_(max=1))


BLEND: Mapping[BlendMode, Callable[[Tensor, Tensor], Tensor]] = {
    "normal": lambda _below, above: above,
    "multiply": torch.mul,
    "screen": screen,
    "overlay": lambda below, above: hard_light(above, below),
    "soft_light": soft_light,
    "hard_light": hard_light,
    "darken": torch.minimum,
    "lighten": torch.maximum,
    "colour_dodge": lambda below, above: divide(below, 1 - above),
    "colour_burn": colour_burn,
    "difference": lambda below, above: (below - above).abs_(),
    "exclusion": lambda below, above: below + above - 2 * below * above,
    "add": lambda below, above: (below + above).clamp_(max=1),
    "subtract": lambda below, above: (below - above).clamp_(min=0),
    "divide": divide,
}


def cover_(below: Tensor, above: Tensor, mode: BlendMode, opacity: Tensor | float) -> None:
    """``mixed``, written over ``below``."""
    blended = BLEND[mode](below, above)
    if isinstance(opacity, Tensor):
        below.lerp_(blended, opacity[..., None])
    elif opacity == 1:
        below.copy_(blended)
    else:
        below.lerp_(blended, opacity)


def mixed(below: Tensor, above: Tensor, mode: BlendMode, opacity: Tensor | float) -> Tensor:
    """``below`` covered by the blend of both, as far as ``opacity`` (a number, or [batch, height, width]) says."""
    weight = opacity[..., None] if isinstance(opacity, Tensor) else opacity
    return torch.lerp(below, BLEND[mode](below, above), weight)
