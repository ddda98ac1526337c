"""Decides how a deterministic solver that remembers nothing goes from one sigma to the next."""

from __future__ import annotations

import math
from collections.abc import Iterator

from nodes.sampling.step import Run, Step


def euler(run: Run) -> Iterator[Step]:
    """Order 1, one evaluation a step. Algorithm 2 without churn and second-order correction, Karras et al. 2022."""
    x = run.current
    for index, sigma, sigma_next in run.intervals():
        x0 = run.denoise(x, sigma)
        x = x + (x - x0) / sigma * (sigma_next - sigma)
        yield Step(x=x, x0=x0, sigma=sigma_next, index=index)


def heun(run: Run) -> Iterator[Step]:
    """Order 2, two evaluations a step, one in the step to 0. Algorithm 2 without churn, Karras et al. 2022."""
    x = run.current
    for index, sigma, sigma_next in run.intervals():
        x0 = run.denoise(x, sigma)
        d = (x - x0) / sigma
        if sigma_next > 0:
            x_next = x + d * (sigma_next - sigma)
            d = (d + (x_next - run.denoise(x_next, sigma_next)) / sigma_next) / 2
        x = x + d * (sigma_next - sigma)
        yield Step(x=x, x0=x0, sigma=sigma_next, index=index)


def dpm_2(run: Run) -> Iterator[Step]:
    """DPM-Solver-2, Lu et al. 2022 (arXiv 2206.00927) as in Karras et al.'s convention: the slope at the middle of log sigma.

    Order 2, two evaluations a step, one in the step to 0.
    """
    x = run.current
    for index, sigma, sigma_next in run.intervals():
        x0 = run.denoise(x, sigma)
        d = (x - x0) / sigma
        if sigma_next > 0:
            sigma_mid = math.sqrt(sigma * sigma_next)
            x_mid = x + d * (sigma_mid - sigma)
            d = (x_mid - run.denoise(x_mid, sigma_mid)) / sigma_mid
        x = x + d * (sigma_next - sigma)
        yield Step(x=x, x0=x0, sigma=sigma_next, index=index)
