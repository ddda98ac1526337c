"""Decides how CFG++ uses guidance: the guided x0 says where to go, the negative's prediction which noise is in x.

Chung et al. 2024 (arXiv 2406.08070). Plain guidance exaggerates both, which burns; here small scales (up to about 2) do. At scale 1
with equal sides each of these is the solver that it is named after. They need both predictions at any scale.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nodes.sampling.ancestral import middle, renoised, split
from nodes.sampling.flow import for_flow_too
from nodes.sampling.multistep import has_slope
from nodes.sampling.step import History, Run, Step

if TYPE_CHECKING:
    from torch import Tensor


def euler_cfg_pp(run: Run) -> Iterator[Step]:
    """Algorithm 2 of the paper (DDIM without eta): order 1, one evaluation a step."""
    x = run.current
    for index, sigma, sigma_next in run.intervals():
        x0, negative = run.both(x, sigma)
        x = _towards(run, x, x0, negative, sigma, sigma_next)
        yield Step(x=x, x0=x0, sigma=sigma_next, index=index)


def euler_ancestral_cfg_pp(run: Run, *, eta: float = 1.0, s_noise: float = 1.0) -> Iterator[Step]:
    """euler_cfg_pp down to sigma_down, then noise up to sigma_next."""
    x = run.current
    for index, sigma, sigma_next in run.intervals():
        down, _, _ = parts = split(run, sigma, sigma_next, eta)
        x0, negative = run.both(x, sigma)
        x = renoised(run, index, _towards(run, x, x0, negative, sigma, down), parts, s_noise)
        yield Step(x=x, x0=x0, sigma=sigma_next, index=index)


def dpmpp_2s_ancestral_cfg_pp(run: Run, *, eta: float = 1.0, s_noise: float = 1.0) -> Iterator[Step]:
    """dpmpp_2s_ancestral with both of its stages as in CFG++: two evaluations a step, one where sigma_down is 0."""
    x = run.current
    for index, sigma, sigma_next in run.intervals():
        down, _, _ = parts = split(run, sigma, sigma_next, eta)
        x0, negative = run.both(x, sigma)
        x0_mid, negative_mid = x0, negative
        if down > 0:
            sigma_mid = middle(run, sigma, down)
            x0_mid, negative_mid = run.both(_towards(run, x, x0, negative, sigma, sigma_mid), sigma_mid)
        x = renoised(run, index, _towards(run, x, x0_mid, negative_mid, sigma, down), parts, s_noise)
        yield Step(x=x, x0=x0, sigma=sigma_next, index=index)


@for_flow_too
def dpmpp_2m_cfg_pp(run: Run) -> Iterator[Step]:
    """dpmpp_2m whose slope is seen between the guided x0 and the last step's negative."""
    x, history = run.current, History(1, run.memory)
    for index, sigma, sigma_next in run.intervals():
        x0, negative = run.both(x, sigma)
        extra = None
        if has_slope(history, sigma, sigma_next):
            h, h_last = math.log(sigma / sigma_next), math.log(history.sigmas[0] / sigma)
            extra = (x0 - history.values[0]) * (h / (2 * h_last) * (1 - sigma_next / sigma))
        x = _towards(run, x, x0, negative, sigma, sigma_next)
        x = x if extra is None else x + extra
        history.add(sigma, negative)
        yield Step(x=x, x0=x0, sigma=sigma_next, index=index, memory=history.memory)


@for_flow_too
def res_multistep_cfg_pp(run: Run) -> Iterator[Step]:
    """res_multistep whose slope is that of the negative's prediction."""
    x, history = run.current, History(1, run.memory)
    for index, sigma, sigma_next in run.intervals():
        x0, negative = run.both(x, sigma)
        extra = None
        if has_slope(history, sigma, sigma_next):
            h, h_last = math.log(sigma / sigma_next), math.log(history.sigmas[0] / sigma)
            extra = (negative - history.values[0]) * ((h + math.expm1(-h)) / h_last)
        x = _towards(run, x, x0, negative, sigma, sigma_next)
        x = x if extra is None else x + extra
        history.add(sigma, negative)
        yield Step(x=x, x0=x0, sigma=sigma_next, index=index, memory=history.memory)


def gradient_estimation_cfg_pp(run: Run, *, gamma: float = 2.0) -> Iterator[Step]:
    """gradient_estimation on the noise that the negative sees."""
    x, history = run.current, History(1, run.memory)
    for index, sigma, sigma_next in run.intervals():
        x0, negative = run.both(x, sigma)
        d = (x - negative * run.alpha(sigma)) / sigma
        change = (d - history.values[0]) * ((gamma - 1) * (sigma_next - sigma)) if has_slope(history, sigma, sigma_next) else None
        x = _towards(run, x, x0, negative, sigma, sigma_next)
        x = x if change is None else x + change
        history.add(sigma, d)
        yield Step(x=x, x0=x0, sigma=sigma_next, index=index, memory=history.memory)


def _towards(run: Run, x: Tensor, x0: Tensor, negative: Tensor, sigma: float, sigma_next: float) -> Tensor:
    """x0 with the noise that the negative sees in x, at sigma_next."""
    if sigma_next == sigma:
        return x
    noise = (x - negative * run.alpha(sigma)) / sigma
    return x0 * run.alpha(sigma_next) + noise * sigma_next
