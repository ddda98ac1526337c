"""Decides how a solver uses the model's earlier predictions to take a more exact step at no further evaluation."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nodes.sampling.step import History, Run, Step

if TYPE_CHECKING:
    from torch import Tensor


def dpmpp_2m(run: Run) -> Iterator[Step]:
    """DPM-Solver++(2M), Algorithm 2 of Lu et al. 2022 (arXiv 2211.01095): order 2, one evaluation a step.

    With lambda = -log(sigma), h the step in lambda and x at noise level sigma, the paper's update is
    x = sigma_next / sigma * x + (1 - sigma_next / sigma) * D, where D is x0 extrapolated half a step
    ahead. The first step has no history, the step to 0 an infinite h, and a repeated sigma gives no slope: these take
    x0 itself, at order 1.
    """
    x, history = run.current, History(1, run.memory)
    for index, sigma, sigma_next in run.intervals():
        x0 = ahead = run.denoise(x, sigma)
        if has_slope(history, sigma, sigma_next):
            h, h_last = math.log(sigma / sigma_next), math.log(history.sigmas[0] / sigma)
            ahead = x0 + (x0 - history.values[0]) * (h / (2 * h_last))
        x = x * (sigma_next / sigma) + ahead * (1 - sigma_next / sigma)
        history.add(sigma, x0)
        yield Step(x=x, x0=x0, sigma=sigma_next, index=index, memory=history.memory)


def res_multistep(run: Run) -> Iterator[Step]:
    """RES, Zhang et al. 2023 (arXiv 2308.02157), its exponential multistep of order 2: one evaluation a step.

    As dpmpp_2m, but x0 is taken as linear in lambda under the integral, and not at its middle: phi_2 weighs the slope.
    """
    x, history = run.current, History(1, run.memory)
    for index, sigma, sigma_next in run.intervals():
        x0 = run.denoise(x, sigma)
        x = x * (sigma_next / sigma) + x0 * (1 - sigma_next / sigma) + _second_order(history, x0, sigma, sigma_next)
        history.add(sigma, x0)
        yield Step(x=x, x0=x0, sigma=sigma_next, index=index, memory=history.memory)


def gradient_estimation(run: Run, *, gamma: float = 2.0) -> Iterator[Step]:
    """Permenter and Yuan 2023 (arXiv 2306.04848), algorithm 2: Euler along gamma * d + (1 - gamma) * d_last, order 1.

    d = (x - x0) / sigma is the estimated noise; the error of two in a row is much the same, so their difference cancels some.
    The step to 0 is x0 itself.
    """
    x, history = run.current, History(1, run.memory)
    for index, sigma, sigma_next in run.intervals():
        x0 = run.denoise(x, sigma)
        d = slope = (x - x0) / sigma
        if has_slope(history, sigma, sigma_next):
            slope = d * gamma + history.values[0] * (1 - gamma)
        x = x + slope * (sigma_next - sigma)
        history.add(sigma, d)
        yield Step(x=x, x0=x0, sigma=sigma_next, index=index, memory=history.memory)


def has_slope(history: History, sigma: float, sigma_next: float) -> bool:
    """Whether there is an earlier evaluation at another sigma, and the step is no step to 0."""
    return bool(history.sigmas) and history.sigmas[0] != sigma and sigma_next > 0


def _second_order(history: History, x0: Tensor, sigma: float, sigma_next: float) -> Tensor | float:
    if not has_slope(history, sigma, sigma_next):
        return 0.0
    h, h_last = math.log(sigma / sigma_next), math.log(history.sigmas[0] / sigma)
    return (x0 - history.values[0]) * ((h + math.expm1(-h)) / h_last)
