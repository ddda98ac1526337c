"""Decides what a colour's name means, and how bright a colour is."""

from __future__ import annotations

import torch
from torch import Tensor

from graph_engine import NodeInputError

LUMA = (0.2126, 0.7152, 0.0722)
"""Shares of red, green and blue in brightness: ITU-R BT.709."""


def parsed(colour: str, input: str = "colour") -> Tensor:
    """[3] in [0, 1] of a name (``red``), ``#rgb``, ``#rrggbb``, ``rgb(…)`` or ``hsl(…)``. Raises NodeInputError for anything else."""
    from PIL import ImageColor

    try:
        found = ImageColor.getrgb(colour.strip())
    except ValueError:
        raise NodeInputError(input, f"{colour!r} is no colour.", "Write a name such as red, or #rrggbb.") from None
    return torch.tensor(found[:3], dtype=torch.float32) / 255


def brightness(pixels: Tensor) -> Tensor:
    """[…] of [..., 3]."""
    return pixels @ torch.tensor(LUMA)
