"""Decides how far a Gaussian reaches and what lies beyond a picture's edge: its own mirror image."""

from __future__ import annotations

from typing import Any

import cv2
from torch import Tensor

from nodes.imaging.opencv import Array, each


def gaussian(batch: Tensor, sigma: float) -> Tensor:
    """A batch of pictures or masks, blurred by a Gaussian with the standard deviation ``sigma`` in pixels; at 0 the same tensor."""
    return each(batch, lambda source, target: _blur(source, sigma, target)) if sigma > 0 else batch


def sharpened(batch: Tensor, sigma: float, amount: float) -> Tensor:
    """``amount`` times what a Gaussian blur would take away, added; not held in range."""

    def work(source: Array, target: Array) -> Any:
        soft = _blur(source, sigma, target) if sigma > 0 else source
        return cv2.addWeighted(source, 1 + amount, soft, -amount, 0, dst=target)

    return each(batch, work)


def _blur(source: Array, sigma: float, target: Array) -> Any:
    side = 2 * round(4 * sigma) + 1  # beyond 4 sigma lies less than 1/10,000 of it
    return cv2.GaussianBlur(source, (side, side), sigma, dst=target, borderType=cv2.BORDER_REFLECT_101)
