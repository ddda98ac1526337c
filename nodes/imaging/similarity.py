"""Decides the numbers that say how alike two pictures are, as the field computes them."""

from __future__ import annotations

import math

import cv2
import numpy as np
import torch
from torch import Tensor

from nodes.imaging.fit import repeated
from nodes.imaging.opencv import Array

SAME_DB = 200.0
"""Stands for infinity, which no file of JSON can hold: a difference of 1e-10 on average."""

WINDOW, SIGMA = 11, 1.5
K1, K2 = 0.01, 0.03


def psnr(difference: Tensor) -> float:
    """Peak signal-to-noise ratio in dB of values in [0, 1], from their absolute differences."""
    error = float(difference.square().mean(dtype=torch.float64))
    return SAME_DB if error == 0 else min(SAME_DB, -10 * math.log10(error))


def ssim(first: Tensor, second: Tensor) -> float:
    """Wang et al., Image Quality Assessment, 2004: Gaussian window of 11 and 1.5 px, K 0.01 and 0.03; the mean of all."""
    count = max(len(first), len(second))
    pairs = zip(repeated(first, count), repeated(second, count), strict=True)
    return sum(_ssim(one.contiguous().numpy(), other.contiguous().numpy()) for one, other in pairs) / count


def _ssim(one: Array, other: Array) -> float:
    """In float64: variances are differences of large numbers."""
    x, y = one.astype(np.float64), other.astype(np.float64)
    mean_x, mean_y = _window(x), _window(y)
    product, squares = mean_x * mean_y, mean_x * mean_x + mean_y * mean_y
    covariance, variances = _window(x * y) - product, _window(x * x + y * y) - squares
    luminance = (2 * product + K1**2) / (squares + K1**2)
    structure = (2 * covariance + K2**2) / (variances + K2**2)
    return float((luminance * structure).mean())


def _window(values: Array) -> Array:
    found: Array = cv2.GaussianBlur(values, (WINDOW, WINDOW), SIGMA, borderType=cv2.BORDER_REFLECT_101)
    return found
