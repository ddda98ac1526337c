"""Decides the names that a user chooses between where a choice is one of method; they load without torch."""

from __future__ import annotations

from typing import Literal

Method = Literal["nearest", "bilinear", "bicubic", "area", "lanczos"]
"""How a picture is scaled."""

BlendMode = Literal[
    "normal", "multiply", "screen", "overlay", "soft_light", "hard_light", "darken", "lighten",
    "colour_dodge", "colour_burn", "difference", "exclusion", "add", "subtract", "divide",
]  # fmt: skip
"""How a picture mixes with what lies below it."""

Match = Literal["mean_and_spread", "histogram"]
"""What of a picture's colours is given to another."""

Filling = Literal["colour", "edge", "mirror"]
"""What stands beyond a picture's edge."""

Anchor = Literal[
    "top_left", "top", "top_right", "left", "centre", "right", "bottom_left", "bottom", "bottom_right",
]  # fmt: skip
"""Which point of one rectangle lies on the same point of another."""
