"""Decides what it means that a picture has the colours of another: the same mean and spread in Lab, or the same histograms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import repeat

import cv2
import numpy as np
from torch import Tensor

from nodes.imaging.choices import Match
from nodes.imaging.fit import repeated
from nodes.imaging.opencv import Array, Function, each

FLAT = 1e-3
"""A spread in Lab below this is one of a single shade, which no stretching makes wider."""


def matched(batch: Tensor, references: Tensor, method: Match) -> Tensor:
    """Pictures [batch, height, width, 3] with the colours of one reference or of one for each; one picture goes with all of them."""
    prepare = METHODS[method]
    changes = [prepare(reference.contiguous().numpy()) for reference in references]
    count = max(len(batch), len(changes))
    ordered = iter(repeat(changes[0], count) if len(changes) == 1 else changes)
    return each(repeated(batch, count), lambda source, target: next(ordered)(source, target))


def mean_and_spread(reference: Array) -> Function:
    """Reinhard et al., Color Transfer between Images, 2001, in CIE Lab."""
    new_mean, new_spread = cv2.meanStdDev(cv2.cvtColor(reference, cv2.COLOR_RGB2Lab))

    def change(source: Array, target: Array) -> None:
        lab = cv2.cvtColor(source, cv2.COLOR_RGB2Lab, dst=target)
        mean, spread = cv2.meanStdDev(lab)
        gain = np.where(spread < FLAT, 1, new_spread / np.maximum(spread, FLAT))
        moved = cv2.transform(lab, np.hstack([np.diagflat(gain), new_mean - gain * mean]))
        np.clip(cv2.cvtColor(moved, cv2.COLOR_Lab2RGB, dst=target), 0, 1, out=target)

    return change


def histogram(reference: Array) -> Function:
    """Each value of a channel becomes that of the reference with the same rank."""
    wanted = [np.sort(reference[:, :, channel], axis=None) for channel in range(3)]
    known = (np.arange(wanted[0].size) + 0.5) / wanted[0].size

    def change(source: Array, target: Array) -> None:
        for channel in range(3):
            values = source[:, :, channel].ravel()
            _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
            rank = (np.cumsum(counts) - counts / 2) / values.size  # of the middle of those with one shade
            target[:, :, channel] = np.interp(rank, known, wanted[channel])[place].reshape(source.shape[:2])

    return change


METHODS: Mapping[Match, Callable[[Array], Function]] = {"mean_and_spread": mean_and_spread, "histogram": histogram}
