"""Decides how a flow model is seen by a solver that is written for x0 + sigma * noise: both are divided by 1 - sigma.

A flow's x = (1 - t) * x0 + t * noise is, divided by 1 - t, at noise level sigma = t / (1 - t). There half the logarithm of the
signal-to-noise ratio is -log(sigma), which is the time in which the SDE solvers are derived. t = 1 would be an infinite sigma,
and counts as t = 1 - FLOOR.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, Final, ParamSpec

from nodes.sampling.step import Run, Step

if TYPE_CHECKING:
    from torch import Tensor

P = ParamSpec("P")

FLOOR: Final = 1e-4


def exploded(t: float) -> float:
    """The sigma at which x / (1 - t) is."""
    t = min(t, 1 - FLOOR)
    return t / (1 - t)


def imploded(sigma: float) -> float:
    """The t of a sigma: the inverse of ``exploded``."""
    return sigma / (1 + sigma)


def for_flow_too(solve: Callable[Concatenate[Run, P], Iterator[Step]]) -> Callable[Concatenate[Run, P], Iterator[Step]]:
    """A solver for x0 + sigma * noise that also follows a flow. It goes on from the x that it had, which division would round."""

    @wraps(solve)
    def solver(run: Run, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[Step]:
        if not run.flow:
            yield from solve(run, *args, **kwargs)
            return
        list(run.intervals())  # refuses what it must in the caller's terms
        sigmas = [exploded(t) for t in run.sigmas]
        last = None
        if run.resume is not None:
            x, *memory = run.memory
            sigma = sigmas[run.resume.index + 1]
            last = replace(run.resume, x=_tensor(x), memory=tuple(memory), sigma=sigma)
        start = run.x * (1 + sigmas[0]) if sigmas else run.x
        seen = replace(run, denoise=_Exploded(run), x=start, sigmas=sigmas, flow=False, resume=last)
        for step in solve(seen, *args, **kwargs):
            x = step.x / (1 + step.sigma)
            yield replace(step, x=x, sigma=run.sigmas[step.index + 1], memory=(step.x, *step.memory))

    return solver


@dataclass(frozen=True, slots=True, eq=False)
class _Exploded:
    """The denoiser of a flow, asked at sigma."""

    run: Run

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        return self.run.denoise(x / (1 + sigma), imploded(sigma))

    def both(self, x: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
        return self.run.both(x / (1 + sigma), imploded(sigma))


def _tensor(item: Tensor | float) -> Tensor:
    if isinstance(item, float):
        raise ValueError("cannot resume: the step is of another sampler; resume with the same one, or start afresh")
    return item
