"""Decides what every solver takes and yields, and what a run needs in order to go on from any of its steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from nodes.sampling.prediction import Denoise

if TYPE_CHECKING:
    from torch import Tensor

StepNoise: TypeAlias = "Callable[[int], Tensor]"
"""(index of the step) -> unit normal noise of the shape of x; the same tensor whenever asked, in any order."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Step:
    """One finished step. Passed back as `resume`, it lets the same solver go on bit for bit as if never interrupted.

    x: the latent after the step, at noise level `sigma`. x0: the model's prediction during the step. Both [batch, ...];
    both belong to the solver, so a reader must not write to them. index: 0 for the first step. memory: what else the
    solver remembers; a multistep solver counts x0 as the youngest entry of its history, so it holds only older ones.
    """

    x: Tensor
    x0: Tensor
    sigma: float
    index: int
    memory: tuple[Tensor | float, ...] = ()


class Solver(Protocol):
    """Follows a denoiser down a list of sigmas from x, yielding after each step so that the caller can preview or stop.

    x [batch, ...] is at noise level sigmas[0]. The run is a pure function of the arguments. `noise` is needed by the
    stochastic solvers and ignored by the others. With `resume`, x is taken from there, and `sigmas` is the whole
    list again. A solver that also needs the negative's x0 (CFG++) takes it from `Guided.both`.
    Raises ValueError, on the first step, for sigmas that it cannot follow, missing noise and a step of another run.
    """

    def __call__(
        self,
        denoise: Denoise,
        x: Tensor,
        sigmas: Sequence[float],
        *,
        noise: StepNoise | None = None,
        resume: Step | None = None,
    ) -> Iterator[Step]: ...


def intervals(sigmas: Sequence[float], resume: Step | None) -> Iterator[tuple[int, float, float]]:
    """(index, sigma, sigma_next) of each step that is still to be done."""
    for position, sigma in enumerate(sigmas):
        final_zero = sigma == 0 and position == len(sigmas) - 1
        if not (final_zero or 0 < sigma < math.inf):
            raise ValueError(
                f"sigmas[{position}] is {sigma}, but every sigma must be finite and above 0, save a last 0; "
                f"use the sigmas of a schedule"
            )
    if resume is not None and not (0 < resume.index + 1 < len(sigmas) and sigmas[resume.index + 1] == resume.sigma):
        raise ValueError(
            f"cannot resume after step {resume.index} at sigma {resume.sigma}: these sigmas lack that step; "
            f"resume with the sigmas of the interrupted run, or start afresh"
        )
    first = 0 if resume is None else resume.index + 1
    for index in range(first, len(sigmas) - 1):
        yield index, sigmas[index], sigmas[index + 1]
