"""Decides how a solver extrapolates the slope d = (x - x0) / sigma from earlier steps: the methods of Adams and Bashforth."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from nodes.sampling.quadrature import lagrange_weights
from nodes.sampling.step import History, Run, Step

Weigh = Callable[[Sequence[float], float, float], Sequence[float]]
"""(sigmas of the slopes, youngest first, sigma, sigma_next) -> the weight of each slope, summing up to sigma_next - sigma."""

CONSTANT_STEP: Final = ((1.0,), (3 / 2, -1 / 2), (23 / 12, -16 / 12, 5 / 12), (55 / 24, -59 / 24, 37 / 24, -9 / 24))
"""The weights of Adams and Bashforth for steps of equal length, of order 1 to 4."""


def lms(run: Run, *, order: int = 4) -> Iterator[Step]:
    """Linear multistep with the weights of unequal steps, up to order 4: Katherine Crowson's k-diffusion, one evaluation a step.

    The step to 0 is x0 itself.
    """

    def weigh(sigmas: Sequence[float], sigma: float, sigma_next: float) -> Sequence[float]:
        return lagrange_weights(sigmas, sigma, sigma_next)

    return _adams_bashforth(run, order, weigh, last_is_x0=True)


def ipndm(run: Run, *, order: int = 4) -> Iterator[Step]:
    """Improved PNDM, Zhang and Chen 2022 (arXiv 2204.13902): the weights of equal steps, whatever the sigmas.

    Of order 4 where the sigmas are evenly spaced, and of order 2 where their spacing changes little from step to step.
    """

    def weigh(sigmas: Sequence[float], sigma: float, sigma_next: float) -> Sequence[float]:
        return [weight * (sigma_next - sigma) for weight in CONSTANT_STEP[len(sigmas) - 1]]

    return _adams_bashforth(run, order, weigh)


def deis(run: Run, *, order: int = 3) -> Iterator[Step]:
    """DEIS with polynomials in time (tAB), Zhang and Chen 2022 (arXiv 2204.13902), equation 15: one evaluation a step.

    The slope is extrapolated in the time t of the variance-preserving SDE, and integrated over sigma. sigma(t) is that of
    Song et al. 2021 with beta from 0.1 to 20, since the spacing in time is what matters and not the model's own.
    """

    def weigh(sigmas: Sequence[float], sigma: float, sigma_next: float) -> Sequence[float]:
        return lagrange_weights([_time(one) for one in sigmas], sigma, sigma_next, place=_time)

    return _adams_bashforth(run, order, weigh)


def _adams_bashforth(run: Run, order: int, weigh: Weigh, *, last_is_x0: bool = False) -> Iterator[Step]:
    x, history = run.current, History(order, run.memory)
    for index, sigma, sigma_next in run.intervals():
        x0 = run.denoise(x, sigma)
        history.add(sigma, (x - x0) / sigma)
        if sigma_next == 0 and last_is_x0:
            x = x0
        elif sigma_next != sigma:
            for weight, d in zip(weigh(history.sigmas, sigma, sigma_next), history.values, strict=True):
                x = x + d * weight
        yield Step(x=x, x0=x0, sigma=sigma_next, index=index, memory=history.memory)


_BETA_MIN: Final = 0.1
_BETA_RANGE: Final = 19.9


def _time(sigma: float) -> float:
    """t with 1 + sigma(t)^2 = exp(beta_min * t + beta_range * t^2 / 2)."""
    return (math.sqrt(_BETA_MIN**2 + 2 * _BETA_RANGE * math.log1p(sigma**2)) - _BETA_MIN) / _BETA_RANGE
