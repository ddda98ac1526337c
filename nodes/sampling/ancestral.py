"""Decides how an ancestral solver splits a step: how far down it goes, and how much fresh noise brings it up again."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from nodes.sampling.prediction import Denoise
from nodes.sampling.step import Step, StepNoise, intervals

if TYPE_CHECKING:
    from torch import Tensor


def euler_ancestral(
    denoise: Denoise,
    x: Tensor,
    sigmas: Sequence[float],
    *,
    noise: StepNoise | None = None,
    resume: Step | None = None,
) -> Iterator[Step]:
    """Euler down to sigma_down, then noise up to sigma_next: one evaluation a step, order 1 in the marginals.

    The marginals are kept because variances of independent noise add: sigma_down^2 + sigma_up^2 = sigma_next^2.
    The split is the DDPM posterior (Ho et al. 2020) in this convention; eta = 1 in Song et al. 2021 (DDIM).
    Needs `noise` and sigmas that do not ascend; the last step, to 0, draws none.
    """
    if noise is None:
        raise ValueError("euler_ancestral adds noise at each step, but has none; pass noise=step_noise(seeds, shape)")
    x = x if resume is None else resume.x
    for index, sigma, sigma_next in intervals(sigmas, resume):
        sigma_down, sigma_up = split(sigma, sigma_next)
        x0 = denoise(x, sigma)
        x = x + (x - x0) / sigma * (sigma_down - sigma)
        if sigma_up > 0:
            x = x + noise(index).to(x) * sigma_up
        yield Step(x=x, x0=x0, sigma=sigma_next, index=index)


def split(sigma: float, sigma_next: float) -> tuple[float, float]:
    """(sigma_down, sigma_up) of the posterior of x at sigma_next, given x0 and x at sigma >= sigma_next."""
    if sigma_next > sigma:
        raise ValueError(
            f"an ancestral step goes from sigma {sigma} up to {sigma_next}, but can only go down; "
            f"use descending sigmas, or a deterministic sampler such as euler"
        )
    sigma_down = sigma_next**2 / sigma
    return sigma_down, math.sqrt(max(sigma_next**2 - sigma_down**2, 0.0))
