"""Decides what solvers are measured against: data of a normal distribution, for which the best denoiser and the flow are known."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import get_args

import pytest
import torch
from torch import Tensor

from nodes.sampling.flow import exploded
from nodes.sampling.noise import step_noise
from nodes.sampling.schedules import Sigmas
from nodes.sampling.solvers import SOLVERS, SamplerName, Step, options_of
from nodes.sampling.step import Run

NAMES = get_args(SamplerName)
STOCHASTIC = {
    "euler_ancestral", "dpm_2_ancestral", "dpmpp_2s_ancestral", "dpmpp_sde", "dpmpp_2m_sde", "dpmpp_2m_sde_heun", "dpmpp_3m_sde",
    "ddpm", "lcm", "er_sde", "sa_solver", "euler_ancestral_cfg_pp", "dpmpp_2s_ancestral_cfg_pp",
}  # fmt: skip
TWICE = {"heun", "dpm_2", "dpm_2_ancestral", "dpmpp_2s_ancestral", "dpmpp_sde", "dpmpp_2s_ancestral_cfg_pp"}
"""The solvers that ask the model twice a step."""

NOISE = step_noise([5, 6], (1, 4, 4))
MEAN, DEVIATION = 0.3, 0.7


def path(sigma: float, sigma_next: float) -> Tensor:
    """Noise of the right shape and size that depends on both sigmas; the real path has a test of its own."""
    return step_noise([7, 8], (1, 4, 4))(int(1e6 * sigma) * 31 + int(1e6 * sigma_next))


def gaussian_denoise(x: Tensor, sigma: float) -> Tensor:
    return MEAN + (x - MEAN) * (DEVIATION**2 / (DEVIATION**2 + sigma**2))


def exact(x: Tensor, sigma: float, sigma_next: float) -> Tensor:
    """The probability flow keeps (x - mean) / sqrt(deviation^2 + sigma^2)."""
    return MEAN + (x - MEAN) * math.sqrt((DEVIATION**2 + sigma_next**2) / (DEVIATION**2 + sigma**2))


def gaussian_flow_denoise(x: Tensor, t: float) -> Tensor:
    """The same data in a flow, where x = (1 - t) * x0 + t * noise."""
    shrink = (1 - t) * DEVIATION**2 / ((1 - t) ** 2 * DEVIATION**2 + t**2)
    return MEAN + (x - (1 - t) * MEAN) * shrink


def exact_flow(x: Tensor, t: float, t_next: float) -> Tensor:
    def deviation(t: float) -> float:
        return math.sqrt((1 - t) ** 2 * DEVIATION**2 + t**2)

    return (1 - t_next) * MEAN + (x - (1 - t) * MEAN) * deviation(t_next) / deviation(t)


class Sides:
    """A denoiser whose negative says the same as the positive: for solvers that ask for both."""

    def __init__(self, denoise: Callable[[Tensor, float], Tensor]) -> None:
        self._denoise = denoise

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        return self._denoise(x, sigma)

    def both(self, x: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
        x0 = self._denoise(x, sigma)
        return x0, x0


def run(
    denoise: Callable[[Tensor, float], Tensor],
    x: Tensor,
    sigmas: Sequence[float],
    *,
    flow: bool = False,
    resume: Step | None = None,
) -> Run:
    return Run(Sides(denoise), x, sigmas, noise=NOISE, path=path, flow=flow, resume=resume)


def log_spaced(steps: int, last: float, first: float = 10.0) -> Sigmas:
    return tuple(first * (last / first) ** (i / steps) for i in range(steps + 1))


def last_x(name: SamplerName, given: Run, **options: float) -> Tensor:
    *_, last = SOLVERS[name](given, **options)
    assert isinstance(last, Step)
    return last.x


def deterministic(name: SamplerName) -> dict[str, float]:
    """The options that take the noise out."""
    return {option: 0.0 for option in ("eta", "s_noise") if option in options_of(name)}


def start_of(shape: Sequence[int] = (2, 1, 4, 4)) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(11), dtype=torch.float64)


def final_variance(name: SamplerName, sigmas: Sequence[float], *, flow: bool = False, **options: float) -> float:
    """The variance that a stochastic solver ends with, without sampling error, for data of mean 0.

    The run is linear in its start and its noises then, so the final variance is the sum of the squares of its answers to each of
    them alone: item 0 starts from 1 without noise; each other item starts from 0 with a single noise, that of a step, or the
    increment of the Brownian path over one of the smallest intervals that are asked for.
    """
    levels = [exploded(t) for t in sigmas] if flow else list(sigmas)
    ends = sorted({*levels, *(math.sqrt(high * low) for high, low in pairwise(levels))}, reverse=True)
    count = len(sigmas) - 1
    x = torch.zeros(1 + count + len(ends) - 1, dtype=torch.float64)
    x[0] = math.sqrt((1 - sigmas[0]) ** 2 * DEVIATION**2 + sigmas[0] ** 2) if flow else math.sqrt(DEVIATION**2 + sigmas[0] ** 2)

    def only(place: int) -> Tensor:
        alone = torch.zeros_like(x)
        alone[place] = 1
        return alone

    def path(high: float, low: float) -> Tensor:
        inside = [k for k in range(len(ends) - 1) if ends[k] <= high * (1 + 1e-9) and ends[k + 1] >= low * (1 - 1e-9)]
        assert sum(ends[k] - ends[k + 1] for k in inside) == pytest.approx(high - low)
        return sum(only(1 + count + k) * math.sqrt(ends[k] - ends[k + 1]) for k in inside) / math.sqrt(high - low)

    def denoise(x: Tensor, sigma: float) -> Tensor:
        signal = 1 - sigma if flow else 1.0
        return x * (signal * DEVIATION**2 / (signal**2 * DEVIATION**2 + sigma**2))

    given = Run(Sides(denoise), x, sigmas, noise=lambda index: only(1 + index), path=path, flow=flow)
    return float(last_x(name, given, **options).square().sum())
