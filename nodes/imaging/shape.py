"""Decides what growing, shrinking and filling mean for a mask whose edge may be soft: the largest and smallest value around a pixel.

What is selected at a picture's edge is taken to go on beyond it.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from torch import Tensor

from nodes.imaging.opencv import Array, each

DISC = 8
"""A larger disc is reached by growing several times, which is much faster and, for the pixels there are, as round."""


def grown(values: Tensor, pixels: int, *, is_round: bool = True) -> Tensor:
    """[batch, height, width], grown by ``pixels``; shrunk where that is negative."""
    change: Any = cv2.dilate if pixels > 0 else cv2.erode
    radius = min(abs(pixels), max(values.shape[1:]))
    steps = [DISC] * (radius // DISC) + [radius % DISC] * (radius % DISC > 0)

    brushes = [disc(step) for step in steps] if is_round else [np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)]

    def work(source: Array, target: Array) -> Any:
        for brush in brushes[:-1]:
            source = change(source, brush)
        return change(source, brushes[-1], dst=target)

    return each(values, work) if radius else values.clone()


def disc(radius: int) -> Array:
    square = np.arange(-radius, radius + 1) ** 2
    found: Array = (square[:, None] + square <= radius * radius).astype(np.uint8)
    return found


def filled(values: Tensor, smaller_than: int | None) -> Tensor:
    """Selects the holes: what is below 0.5, enclosed, and of fewer pixels than ``smaller_than``; None: of any size."""

    def work(source: Array, target: Array) -> None:
        count, labels, found, _ = cv2.connectedComponentsWithStats((source < 0.5).astype(np.uint8), connectivity=4)
        edge = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
        hole = np.ones(count, bool)
        hole[edge] = hole[0] = False
        if smaller_than is not None:
            hole &= found[:, cv2.CC_STAT_AREA] < smaller_than
        np.copyto(target, np.where(hole[labels], np.float32(1), source))

    return each(values, work)


def without_specks(values: Tensor, smaller_than: int) -> Tensor:
    """Deselects what is at least 0.5, stands alone, and has fewer pixels than ``smaller_than``."""

    def work(source: Array, target: Array) -> None:
        _, labels, found, _ = cv2.connectedComponentsWithStats((source >= 0.5).astype(np.uint8), connectivity=8)
        speck = found[:, cv2.CC_STAT_AREA] < smaller_than
        speck[0] = False
        np.copyto(target, np.where(speck[labels], np.float32(0), source))

    return each(values, work)
