"""Decides what it means that a picture has the colours of another: the same mean and spread in Lab, or the same histograms."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np
import torch
from torch import Tensor

from nodes.imaging.opencv import Array

FLAT = 1e-3
"""A spread in Lab below this is one of a single shade, which no stretching makes wider."""


def mean_and_spread(source: Tensor, reference: Tensor) -> Tensor:
    """Reinhard et al., Color Transfer between Images, 2001, in CIE Lab. Both [height, width, 3]."""
    own, wanted = _lab(source), _lab(reference)
    (mean, spread), (new_mean, new_spread) = cv2.meanStdDev(own), cv2.meanStdDev(wanted)
    gain = np.where(spread < FLAT, 1, new_spread / np.maximum(spread, FLAT))
    moved = cv2.transform(own, np.hstack([np.diagflat(gain), new_mean - gain * mean]))
    return torch.from_numpy(cv2.cvtColor(moved, cv2.COLOR_Lab2RGB)).clamp_(0, 1)


def histogram(source: Tensor, reference: Tensor) -> Tensor:
    """Each value of a channel becomes that of the reference with the same rank. Both [height, width, 3]."""
    found = np.empty(source.shape, np.float32)
    for channel in range(3):
        values = source[:, :, channel].numpy().ravel()
        _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
        rank = (np.cumsum(counts) - counts / 2) / values.size  # of the middle of those with one shade
        wanted = np.sort(reference[:, :, channel].numpy(), axis=None)
        known = (np.arange(wanted.size) + 0.5) / wanted.size
        found[:, :, channel] = np.interp(rank, known, wanted)[place].reshape(source.shape[:2])
    return torch.from_numpy(found)


MATCH: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {"mean_and_spread": mean_and_spread, "histogram": histogram}


def _lab(pixels: Tensor) -> Array:
    lab: Array = cv2.cvtColor(pixels.contiguous().numpy(), cv2.COLOR_RGB2Lab)
    return lab
