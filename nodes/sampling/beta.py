"""Decides where a share of a Beta distribution lies: its quantile, for the schedule of that name."""

from __future__ import annotations

import math
from typing import Final

ROUNDS: Final = 200
TINY: Final = 1e-300


def beta_quantile(share: float, a: float, b: float) -> float:
    """The x in [0, 1] below which Beta(a, b) has that share, for share in [0, 1]; to the last digits of a double, by halving."""
    if share <= 0 or share >= 1:
        return min(max(share, 0.0), 1.0)
    low, high = 0.0, 1.0
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if _share_below(middle, a, b) < share else (low, middle)
    return high


def _share_below(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function: its continued fraction (DLMF 8.17.22), on the side where it converges fast."""
    if x > (a + 1) / (a + b + 2):
        return 1 - _share_below(1 - x, b, a)
    log_scale = a * math.log(x) + b * math.log1p(-x) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    return math.exp(log_scale) / a / _fraction(x, a, b)


def _fraction(x: float, a: float, b: float) -> float:
    """1 + d_1 / (1 + d_2 / (1 + …)) by the method of Lentz (1976)."""
    value, upper, lower = 1.0, 1.0, 0.0
    for n in range(1, ROUNDS):
        m = n // 2
        d = (-(a + m) * (a + b + m) if n % 2 else m * (b - m)) * x / ((a + n - 1) * (a + n))
        lower = 1 / (1 + d * lower or TINY)
        upper = 1 + d / upper or TINY
        value *= upper * lower
        if abs(upper * lower - 1) < 1e-16:
            break
    return value
