"""Decides how a deterministic solver that remembers nothing goes from one sigma to the next."""
# ruff: noqa: ARG001 - all solvers share one signature, so these take noise and leave it

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from nodes.sampling.prediction import Denoise
from nodes.sampling.step import Step, StepNoise, intervals

if TYPE_CHECKING:
    from torch import Tensor


def euler(
    denoise: Denoise,
    x: Tensor,
    sigmas: Sequence[float],
    *,
    noise: StepNoise | None = None,
    resume: Step | None = None,
) -> Iterator[Step]:
    """Order 1, one evaluation a step. Algorithm 2 without churn and second-order correction, Karras et al. 2022."""
    x = x if resume is None else resume.x
    for index, sigma, sigma_next in intervals(sigmas, resume):
        x0 = denoise(x, sigma)
        x = x + (x - x0) / sigma * (sigma_next - sigma)
        yield Step(x=x, x0=x0, sigma=sigma_next, index=index)
