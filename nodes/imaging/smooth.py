"""Decides how far a Gaussian reaches and what lies beyond a picture's edge: its own mirror image."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from nodes.imaging.opencv import Array, each


def gaussian(batch: Tensor, sigma: float) -> Tensor:
    """A batch of pictures or masks, blurred by a Gaussian with the standard deviation ``sigma`` in pixels; at 0 the same tensor."""
    import cv2

    if sigma <= 0:
        return batch
    side = 2 * round(4 * sigma) + 1  # beyond 4 sigma lies less than 1/10,000 of it

    def blur(source: Array, target: Array) -> Any:
        return cv2.GaussianBlur(source, (side, side), sigma, dst=target, borderType=cv2.BORDER_REFLECT_101)

    return each(batch, blur)
