"""Decides how a solver corrects a step once the model was asked at its end, at no further evaluation.

Such a step ends at the predicted x. When the next one asks the model there, the answer first corrects that x, for which the
solver remembers where the step began. The step to 0 is x0 itself, and is not corrected.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from nodes.sampling.flow import for_flow_too
from nodes.sampling.quadrature import lagrange_weights
from nodes.sampling.step import History, Run, Step

if TYPE_CHECKING:
    from torch import Tensor


@for_flow_too
def uni_pc(run: Run, *, order: int = 3) -> Iterator[Step]:
    """UniPC, Zhao et al. 2023 (arXiv 2302.04867), algorithms 1 and 2 for x0, with B_1(h) = h."""
    return _uni_pc(run, order, bh2=False)


@for_flow_too
def uni_pc_bh2(run: Run, *, order: int = 3) -> Iterator[Step]:
    """UniPC, Zhao et al. 2023 (arXiv 2302.04867), algorithms 1 and 2 for x0, with B_2(h) = exp(h) - 1."""
    return _uni_pc(run, order, bh2=True)


def _uni_pc(run: Run, order: int, *, bh2: bool) -> Iterator[Step]:
    """The order rises from 1 at the start and falls to 1 at the end, where an error is seen and cannot be made good."""
    x, (begin, memory) = run.current, _unpacked(run)
    history = History(order, memory)
    for index, sigma, sigma_next in run.intervals():
        x0 = run.denoise(x, sigma)
        if sigma_next == sigma:
            yield Step(x=x, x0=x0, sigma=sigma_next, index=index, memory=_packed(begin, history))
            continue
        if begin is not None:
            used = _orders(run, order, index - 1, len(history.sigmas))
            x = _uni_step(begin, history, sigma, used, x0, bh2=bh2)
        history.add(sigma, x0)
        begin = x
        x = _uni_step(x, history, sigma_next, _orders(run, order, index, len(history.sigmas)), None, bh2=bh2)
        yield Step(x=x, x0=x0, sigma=sigma_next, index=index, memory=_packed(begin, history))


def _orders(run: Run, order: int, index: int, known: int) -> int:
    return max(1, min(order, known, len(run.sigmas) - 1 - index))


def _uni_step(x: Tensor, history: History, sigma_next: float, order: int, x0_next: Tensor | None, *, bh2: bool) -> Tensor:
    """From the youngest sigma of the history to sigma_next: predicted, or with ``x0_next``, the answer there, corrected."""
    import numpy as np

    sigma, x0 = history.sigmas[0], history.values[0]
    ratio = sigma_next / sigma
    plain = x * ratio + x0 * (1 - ratio)
    count = order if x0_next is not None else order - 1
    if count == 0 or sigma_next == 0:
        return plain
    h = -math.log(ratio)
    b_of_h = math.expm1(-h) if bh2 else -h
    places = [math.log(sigma / older) / h for older in history.sigmas[1:order]]
    slopes = [(older - x0) / place for older, place in zip(history.values[1:order], places, strict=True)]
    if x0_next is not None:
        places, slopes = [*places, 1.0], [*slopes, x0_next - x0]
    if count == 1:
        weights: Sequence[float] = [0.5]
    else:
        powers = np.vander(np.array(places), count, increasing=True).T
        weights = np.linalg.solve(powers, np.array(_moments(h, count)) / b_of_h).tolist()
    for weight, slope in zip(weights, slopes, strict=True):
        plain = plain - slope * (b_of_h * weight)
    return plain


def _moments(h: float, count: int) -> list[float]:
    """k! * h * phi_(k+1)(h) of the paper for x0, k from 1 to count: what a polynomial of degree k adds under the integral."""
    found, factorial = [], 1
    phi = math.expm1(-h) / -h - 1
    for k in range(1, count + 1):
        found.append(phi * factorial)
        factorial *= k + 1
        phi = phi / -h - 1 / factorial
    return found


@for_flow_too
def sa_solver(
    run: Run,
    *,
    eta: float = 1.0,
    s_noise: float = 1.0,
    start: float = 0.2,
    end: float = 0.8,
    predictor: int = 3,
    corrector: int = 4,
) -> Iterator[Step]:
    """SA-Solver, Xue et al. 2023 (arXiv 2309.05019), algorithm 1: stochastic Adams, predicted and corrected with one noise.

    ``eta`` is the paper's tau, in the steps between the shares ``start`` and ``end`` of all; before and after, the solver is
    deterministic. One evaluation a step.
    """
    x, (begin, memory) = run.current, _unpacked(run)
    history = History(max(predictor, corrector - 1), memory)
    count = len(run.sigmas) - 1

    def stepped(x: Tensor, last: float, until: float, step: int, nodes: Sequence[float], values: Sequence[Tensor]) -> Tensor:
        tau = eta if start * count <= step <= end * count else 0.0
        rate = 1 + tau**2
        h = math.log(last / until)
        weights = lagrange_weights(nodes, 0.0, h, weight=lambda at: rate * math.exp(-rate * (h - at)))
        x = x * math.exp(-rate * h)
        for weight, value in zip(weights, values, strict=True):
            x = x + value * weight
        if tau > 0 and s_noise > 0:
            x = x + run.fresh(step, x) * (until * math.sqrt(-math.expm1(-2 * tau**2 * h)) * s_noise)
        return x

    def places(sigma: float, others: Sequence[float]) -> list[float]:
        return [math.log(sigma / other) for other in others]

    for index, sigma, sigma_next in run.intervals():
        x0 = run.denoise(x, sigma)
        if sigma_next == sigma:
            yield Step(x=x, x0=x0, sigma=sigma_next, index=index, memory=_packed(begin, history))
            continue
        if begin is not None:
            last, known = history.sigmas[0], corrector - 1
            nodes = places(last, [sigma, *history.sigmas[:known]])
            x = stepped(begin, last, sigma, _step_from(run, last), nodes, [x0, *history.values[:known]])
        history.add(sigma, x0)
        begin = x
        if sigma_next > 0:
            x = stepped(x, sigma, sigma_next, index, places(sigma, history.sigmas[:predictor]), history.values[:predictor])
        else:
            x = x0
        yield Step(x=x, x0=x0, sigma=sigma_next, index=index, memory=_packed(begin, history))


def _step_from(run: Run, sigma: float) -> int:
    """The index of the last step that begins at sigma."""
    return len(run.sigmas) - 1 - list(reversed(run.sigmas)).index(sigma)


def _packed(begin: Tensor | None, history: History) -> tuple[Tensor | float, ...]:
    return () if begin is None else (begin, *history.memory)


def _unpacked(run: Run) -> tuple[Tensor | None, tuple[Tensor | float, ...]]:
    if not run.memory or isinstance(run.memory[0], float):
        return None, ()
    return run.memory[0], run.memory[1:]
