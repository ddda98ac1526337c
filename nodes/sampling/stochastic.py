"""Decides how a solver follows the stochastic equation of diffusion: exactly in its linear part, by the model's x0 in the rest.

In lambda = -log(sigma), with h the step and eta the share of noise, x_next = exp(-(1 + eta) * h) * x + the integral of x0 + noise
of variance sigma_next^2 * (1 - exp(-2 * eta * h)). Each solver is one way to work the integral out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nodes.sampling.ancestral import split
from nodes.sampling.flow import for_flow_too
from nodes.sampling.multistep import has_slope
from nodes.sampling.quadrature import integral
from nodes.sampling.step import History, Run, Step

if TYPE_CHECKING:
    from torch import Tensor


@for_flow_too
def dpmpp_sde(run: Run, *, eta: float = 1.0, s_noise: float = 1.0) -> Iterator[Step]:
    """SDE-DPM-Solver++ with the model asked in the middle of each step (r = 1/2), after Lu et al. 2022 (arXiv 2211.01095).

    Two evaluations a step, one in the step to 0. The noise of the middle lies on the same Brownian path as that of the step.
    """
    x = run.current
    for index, sigma, sigma_next in run.intervals():
        x0 = x0_mid = run.denoise(x, sigma)
        if 0 < sigma_next < sigma:
            sigma_mid = math.sqrt(sigma * sigma_next)
            x_mid = _ancestral_step(run, x, x0, sigma, sigma_mid, eta, s_noise)
            x0_mid = run.denoise(x_mid, sigma_mid)
        x = _ancestral_step(run, x, x0_mid, sigma, sigma_next, eta, s_noise)
        yield Step(x=x, x0=x0, sigma=sigma_next, index=index)


@for_flow_too
def dpmpp_2m_sde(run: Run, *, eta: float = 1.0, s_noise: float = 1.0) -> Iterator[Step]:
    """SDE-DPM-Solver++(2M), Lu et al. 2022 (arXiv 2211.01095), x0 in the middle of the step: one evaluation a step."""
    return _multistep_sde(run, eta, s_noise, heun=False)


@for_flow_too
def dpmpp_2m_sde_heun(run: Run, *, eta: float = 1.0, s_noise: float = 1.0) -> Iterator[Step]:
    """dpmpp_2m_sde with x0 linear in lambda under the integral."""
    return _multistep_sde(run, eta, s_noise, heun=True)


def _multistep_sde(run: Run, eta: float, s_noise: float, *, heun: bool) -> Iterator[Step]:
    x, history = run.current, History(1, run.memory)
    for index, sigma, sigma_next in run.intervals():
        x0 = run.denoise(x, sigma)
        if sigma_next == 0:
            x = x0
        elif sigma_next != sigma:
            h = math.log(sigma / sigma_next)
            k = (1 + eta) * h
            slope = (
                (x0 - history.values[0]) * (h / math.log(history.sigmas[0] / sigma))
                if has_slope(history, sigma, sigma_next)
                else None
            )
            x = x * math.exp(-k) + x0 * -math.expm1(-k)
            if slope is not None:
                x = x + slope * (1 + math.expm1(-k) / k if heun else -math.expm1(-k) / 2)
            x = _with_noise(run, x, sigma, sigma_next, eta, s_noise)
        history.add(sigma, x0)
        yield Step(x=x, x0=x0, sigma=sigma_next, index=index, memory=history.memory)


@for_flow_too
def dpmpp_3m_sde(run: Run, *, eta: float = 1.0, s_noise: float = 1.0) -> Iterator[Step]:
    """The multistep of k-diffusion with two earlier evaluations: x0 quadratic in lambda, by divided differences.

    Of the quadratic term it takes half, as the field does, so that it is of order 2 with a small error and not of order 3; to take
    all of it would change every picture that was made with this solver. One evaluation a step.
    """
    x, history = run.current, History(2, run.memory)
    for index, sigma, sigma_next in run.intervals():
        x0 = run.denoise(x, sigma)
        if sigma_next == 0:
            x = x0
        elif sigma_next != sigma:
            h = math.log(sigma / sigma_next)
            k = (1 + eta) * h
            phi_2 = 1 + math.expm1(-k) / k
            x = x * math.exp(-k) + x0 * -math.expm1(-k)
            lambdas = [math.log(older / sigma) / h for older in history.sigmas if older != sigma]
            match lambdas:
                case [r]:
                    x = x + (x0 - history.values[-1]) * (phi_2 / r)
                case [r_0, r_01]:
                    r_1 = r_01 - r_0
                    near, far = (x0 - history.values[0]) / r_0, (history.values[0] - history.values[1]) / r_1
                    bend = (near - far) / (r_0 + r_1)
                    x = x + (near + bend * r_0) * phi_2 - bend * (phi_2 / k - 0.5)
            x = _with_noise(run, x, sigma, sigma_next, eta, s_noise)
        history.add(sigma, x0)
        yield Step(x=x, x0=x0, sigma=sigma_next, index=index, memory=history.memory)


@for_flow_too
def er_sde(run: Run, *, s_noise: float = 1.0) -> Iterator[Step]:
    """ER-SDE-Solver-3, Cui et al. 2023 (arXiv 2309.06169), with their noise scale phi(sigma) = sigma * (exp(sigma^0.3) + 10).

    Linear part and noise are exact for any phi; x0 is a Taylor polynomial in sigma. One evaluation a step.
    """
    x, history = run.current, History(2, run.memory)
    for index, sigma, sigma_next in run.intervals():
        x0 = run.denoise(x, sigma)
        if sigma_next == 0:
            x = x0
        elif sigma_next != sigma:
            ratio = _phi(sigma_next) / _phi(sigma)
            x = x * ratio + x0 * (1 - ratio)
            older = [(s, value) for s, value in zip(history.sigmas, history.values, strict=True) if s != sigma]
            near = [(x0 - value) / (sigma - s) for s, value in older[:1]]
            bend = [(near[0] - (older[0][1] - value) / (older[0][0] - s)) * 2 / (sigma - s) for s, value in older[1:]]
            for power, derivative in enumerate((*near, *bend), start=1):
                x = x + derivative * _er_moment(sigma, sigma_next, power)
            up = math.sqrt(max(sigma_next**2 - (sigma * ratio) ** 2, 0.0))
            if s_noise > 0 and up > 0:
                x = x + run.fresh(index, x) * (up * s_noise)
        history.add(sigma, x0)
        yield Step(x=x, x0=x0, sigma=sigma_next, index=index, memory=history.memory)


def _er_moment(sigma: float, sigma_next: float, power: int) -> float:
    """The weight of x0's derivative: the integral of phi(sigma_next) * phi'(s) / phi(s)^2 * (s - sigma)^power / power!, over log s."""

    def of(log_s: float) -> float:
        s = math.exp(log_s)
        return s * _phi(sigma_next) * _phi_slope(s) / _phi(s) ** 2 * (s - sigma) ** power / math.factorial(power)

    return integral(of, math.log(sigma_next), math.log(sigma))


def _phi(sigma: float) -> float:
    return sigma * (math.exp(math.pow(sigma, 0.3)) + 10)


def _phi_slope(sigma: float) -> float:
    power = math.pow(sigma, 0.3)
    return math.exp(power) * (1 + 0.3 * power) + 10


def _ancestral_step(run: Run, x: Tensor, x0: Tensor, sigma: float, sigma_next: float, eta: float, s_noise: float) -> Tensor:
    down, _, up = split(run, sigma, sigma_next, eta)
    x = x * (down / sigma) + x0 * (1 - down / sigma)
    return x + run.along(sigma, sigma_next, x) * (up * s_noise) if up > 0 else x


def _with_noise(run: Run, x: Tensor, sigma: float, sigma_next: float, eta: float, s_noise: float) -> Tensor:
    if eta == 0:
        return x
    h = math.log(sigma / sigma_next)
    return x + run.along(sigma, sigma_next, x) * (sigma_next * math.sqrt(-math.expm1(-2 * eta * h)) * s_noise)
