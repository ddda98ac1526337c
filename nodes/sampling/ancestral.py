"""Decides how an ancestral solver splits a step: how far down it goes, and how much fresh noise brings it up again."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nodes.sampling.flow import exploded, imploded
from nodes.sampling.step import Run, Step

if TYPE_CHECKING:
    from torch import Tensor


def euler_ancestral(run: Run, *, eta: float = 1.0, s_noise: float = 1.0) -> Iterator[Step]:
    """Euler down to sigma_down, then noise up to sigma_next: one evaluation a step, order 1 in the marginals.

    The marginals are kept because variances of independent noise add: sigma_down^2 + sigma_up^2 = sigma_next^2.
    The split is the DDPM posterior (Ho et al. 2020) in this convention; eta as in Song et al. 2021 (DDIM), 0 being Euler.
    Needs `noise` and sigmas that do not ascend; the last step, to 0, draws none.
    """
    x = run.current
    for index, sigma, sigma_next in run.intervals():
        down, _, _ = parts = split(run, sigma, sigma_next, eta)
        x0 = run.denoise(x, sigma)
        x = renoised(run, index, x + (x - x0) / sigma * (down - sigma), parts, s_noise)
        yield Step(x=x, x0=x0, sigma=sigma_next, index=index)


def ddim(run: Run, *, eta: float = 0.0, s_noise: float = 1.0) -> Iterator[Step]:
    """DDIM, Song et al. 2021 (arXiv 2010.02502): without eta Euler, in this convention; with eta 1 the DDPM posterior."""
    return euler_ancestral(run, eta=eta, s_noise=s_noise)


def ddpm(run: Run, *, s_noise: float = 1.0) -> Iterator[Step]:
    """Ho et al. 2020 (arXiv 2006.11239) with the posterior's variance (``fixed_small``): DDIM at eta 1."""
    return euler_ancestral(run, eta=1.0, s_noise=s_noise)


def dpm_2_ancestral(run: Run, *, eta: float = 1.0, s_noise: float = 1.0) -> Iterator[Step]:
    """dpm_2 down to sigma_down, then noise up to sigma_next: two evaluations a step, one where sigma_down is 0."""
    x = run.current
    for index, sigma, sigma_next in run.intervals():
        down, _, _ = parts = split(run, sigma, sigma_next, eta)
        x0 = run.denoise(x, sigma)
        d = (x - x0) / sigma
        if down > 0:
            sigma_mid = math.sqrt(sigma * down)
            x_mid = x + d * (sigma_mid - sigma)
            d = (x_mid - run.denoise(x_mid, sigma_mid)) / sigma_mid
        x = renoised(run, index, x + d * (down - sigma), parts, s_noise)
        yield Step(x=x, x0=x0, sigma=sigma_next, index=index)


def dpmpp_2s_ancestral(run: Run, *, eta: float = 1.0, s_noise: float = 1.0) -> Iterator[Step]:
    """DPM-Solver++(2S), Algorithm 1 of Lu et al. 2022 (arXiv 2211.01095) with r = 1/2, down to sigma_down; then noise.

    Two evaluations a step, one where sigma_down is 0. The middle is that of the log signal-to-noise ratio.
    """
    x = run.current
    for index, sigma, sigma_next in run.intervals():
        down, _, _ = parts = split(run, sigma, sigma_next, eta)
        x0 = x0_mid = run.denoise(x, sigma)
        if down > 0:
            sigma_mid = middle(run, sigma, down)
            x0_mid = run.denoise(x * (sigma_mid / sigma) + x0 * (1 - sigma_mid / sigma), sigma_mid)
        x = renoised(run, index, x * (down / sigma) + x0_mid * (1 - down / sigma), parts, s_noise)
        yield Step(x=x, x0=x0, sigma=sigma_next, index=index)


def lcm(run: Run, *, s_noise: float = 1.0) -> Iterator[Step]:
    """Multistep consistency sampling, Algorithm 3 of Luo et al. 2023 (arXiv 2310.04378): x0 itself, noised to the next sigma.

    For models distilled to jump to x0 from anywhere; any other gets too smooth.
    """
    x = run.current
    for index, sigma, sigma_next in run.intervals():
        x0 = run.denoise(x, sigma)
        if sigma_next != sigma:
            x = x0 * run.alpha(sigma_next)
            if sigma_next > 0:
                x = x + run.fresh(index, x) * (sigma_next * s_noise)
        yield Step(x=x, x0=x0, sigma=sigma_next, index=index)


def split(run: Run, sigma: float, sigma_next: float, eta: float) -> tuple[float, float, float]:
    """(sigma_down, scale, sigma_up): from x at sigma_down, x * scale + noise * sigma_up is at sigma_next <= sigma.

    With eta 1, sigma_down = sigma_next^2 / sigma: for x0 + sigma * noise that is the posterior of x at sigma_next, given x0 and
    x. With less, the added variance is eta^2 times that; in a flow, sigma_down is that share of the way down. A flow also scales,
    because noise that is added there must take the place of signal.
    """
    if sigma_next > sigma:
        raise ValueError(
            f"an ancestral step goes from sigma {sigma} up to {sigma_next}, but can only go down; "
            f"use descending sigmas, or a deterministic sampler such as euler"
        )
    if sigma_next == sigma or eta == 0:
        return sigma_next, 1.0, 0.0
    lowest = sigma_next**2 / sigma
    if run.flow:
        down = sigma_next + (lowest - sigma_next) * eta
        scale = (1 - sigma_next) / (1 - down)
    else:
        down = lowest if eta == 1 else math.sqrt(max(sigma_next**2 - eta**2 * (sigma_next**2 - lowest**2), 0.0))
        scale = 1.0
    return down, scale, math.sqrt(max(sigma_next**2 - (scale * down) ** 2, 0.0))


def renoised(run: Run, index: int, x: Tensor, parts: tuple[float, float, float], s_noise: float) -> Tensor:
    """x at sigma_next, from x at sigma_down."""
    _, scale, up = parts
    if scale != 1:
        x = x * scale
    return x + run.fresh(index, x) * (up * s_noise) if up > 0 else x


def middle(run: Run, sigma: float, sigma_next: float) -> float:
    """The sigma where the logarithm of the signal-to-noise ratio is halfway."""
    if run.flow:
        return imploded(math.sqrt(exploded(sigma) * exploded(sigma_next)))
    return math.sqrt(sigma * sigma_next)
