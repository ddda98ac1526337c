"""Decides how a solver uses the model's earlier predictions to take a more exact step at no further evaluation."""
# ruff: noqa: ARG001 - all solvers share one signature, so these take noise and leave it

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from nodes.sampling.prediction import Denoise
from nodes.sampling.step import Step, StepNoise, intervals

if TYPE_CHECKING:
    from torch import Tensor


def dpmpp_2m(
    denoise: Denoise,
    x: Tensor,
    sigmas: Sequence[float],
    *,
    noise: StepNoise | None = None,
    resume: Step | None = None,
) -> Iterator[Step]:
    """DPM-Solver++(2M), Algorithm 2 of Lu et al. 2022 (arXiv 2211.01095): order 2, one evaluation a step.

    With lambda = -log(sigma), h the step in lambda and x at noise level sigma, the paper's update is
    x = sigma_next / sigma * x + (1 - sigma_next / sigma) * D, where D is x0 extrapolated half a step
    ahead. The first step has no history, the step to 0 an infinite h, and a repeated sigma gives no slope: these take
    x0 itself, at order 1.
    """
    x, x0_last = (x, None) if resume is None else (resume.x, resume.x0)
    for index, sigma, sigma_next in intervals(sigmas, resume):
        x0 = x0_ahead = denoise(x, sigma)
        if x0_last is not None and sigma_next > 0 and sigmas[index - 1] != sigma:
            h, h_last = math.log(sigma / sigma_next), math.log(sigmas[index - 1] / sigma)
            x0_ahead = x0 + (x0 - x0_last) * (h / (2 * h_last))
        x = x * (sigma_next / sigma) + x0_ahead * (1 - sigma_next / sigma)
        yield Step(x=x, x0=x0, sigma=sigma_next, index=index)
        x0_last = x0
