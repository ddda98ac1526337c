"""Decides what every solver takes and yields, and what a run needs in order to go on from any of its steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

from nodes.sampling.prediction import Denoise

if TYPE_CHECKING:
    from torch import Tensor

StepNoise: TypeAlias = "Callable[[int], Tensor]"
"""(index of the step) -> unit normal noise of the shape of x; the same tensor whenever asked, in any order."""

PathNoise: TypeAlias = "Callable[[float, float], Tensor]"
"""(sigma, sigma_next) -> the increment of one Brownian path between them, scaled to unit variance; the same whenever asked."""


@runtime_checkable
class TwoSided(Protocol):
    """A denoiser that can also tell the negative's prediction, as ``Guided`` does."""

    def both(self, x: Tensor, sigma: float) -> tuple[Tensor, Tensor]: ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Step:
    """One finished step. Passed back as `resume`, it lets the same solver go on bit for bit as if never interrupted.

    x: the latent after the step, at noise level `sigma`. x0: the model's prediction during the step. Both [batch, ...];
    both belong to the solver, so a reader must not write to them. index: 0 for the first step. memory: what else the
    solver remembers, in an order of its own.
    """

    x: Tensor
    x0: Tensor
    sigma: float
    index: int
    memory: tuple[Tensor | float, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """What a solver is given. x [batch, ...] is at noise level sigmas[0]; with `resume`, x is taken from there instead.

    `noise` and `path` are needed by the stochastic solvers alone. `flow`: x is (1 - sigma) * x0 + sigma * noise, and not
    x0 + sigma * noise. In both, dx/dsigma = (x - x0) / sigma, so that only what adds noise must know which one it is.
    """

    denoise: Denoise
    x: Tensor
    sigmas: Sequence[float]
    noise: StepNoise | None = None
    path: PathNoise | None = None
    flow: bool = False
    resume: Step | None = None

    @property
    def current(self) -> Tensor:
        """The x to go on from."""
        return self.x if self.resume is None else self.resume.x

    @property
    def memory(self) -> tuple[Tensor | float, ...]:
        """What the solver remembered at that x; nothing at the start."""
        return () if self.resume is None else self.resume.memory

    def intervals(self) -> Iterator[tuple[int, float, float]]:
        """(index, sigma, sigma_next) of each step that is still to be done. Raises ValueError for what cannot be followed."""
        sigmas, resume = self.sigmas, self.resume
        for position, sigma in enumerate(sigmas):
            final_zero = sigma == 0 and position == len(sigmas) - 1
            if not (final_zero or 0 < sigma < math.inf):
                raise ValueError(
                    f"sigmas[{position}] is {sigma}, but every sigma must be finite and above 0, save a last 0; "
                    f"use the sigmas of a schedule"
                )
            if self.flow and sigma > 1:
                raise ValueError(f"sigmas[{position}] is {sigma}, but a flow model knows none above 1; use its own schedule")
        if resume is not None and not (0 < resume.index + 1 < len(sigmas) and sigmas[resume.index + 1] == resume.sigma):
            raise ValueError(
                f"cannot resume after step {resume.index} at sigma {resume.sigma}: these sigmas lack that step; "
                f"resume with the sigmas of the interrupted run, or start afresh"
            )
        first = 0 if resume is None else resume.index + 1
        for index in range(first, len(sigmas) - 1):
            yield index, sigmas[index], sigmas[index + 1]

    def alpha(self, sigma: float) -> float:
        """How much of x0 is in x."""
        return 1 - sigma if self.flow else 1.0

    def fresh(self, index: int, like: Tensor) -> Tensor:
        """The noise of a step."""
        if self.noise is None:
            raise ValueError("this sampler adds noise at each step, but has none; pass noise=step_noise(seeds, shape)")
        return self.noise(index).to(like)

    def along(self, sigma: float, sigma_next: float, like: Tensor) -> Tensor:
        """The noise of a Brownian path between two sigmas."""
        if self.path is None:
            raise ValueError("this sampler follows a Brownian path, but has none; pass path=path_noise(seeds, shape)")
        return self.path(sigma, sigma_next).to(like)

    def both(self, x: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
        """(guided x0, the negative's x0) of the same call."""
        sides: object = self.denoise
        if not isinstance(sides, TwoSided):
            raise ValueError("this sampler steps along the negative's prediction; pass a guided denoiser, or choose another one")
        return sides.both(x, sigma)


Solver: TypeAlias = Callable[[Run], Iterator[Step]]
"""Follows a denoiser down a list of sigmas, yielding after each step so that the caller can preview or stop.

A pure function of the run. Options are keywords with defaults. Raises ValueError, on the first step, for sigmas that it cannot
follow, missing noise and a step of another run.
"""


class History:
    """The youngest ``length`` evaluations at different sigmas, the youngest first: what a multistep solver remembers."""

    def __init__(self, length: int, memory: Sequence[Tensor | float] = ()) -> None:
        self._length = length
        self.sigmas: list[float] = [item for item in memory[::2] if isinstance(item, float)]
        self.values: list[Tensor] = [item for item in memory[1::2] if not isinstance(item, float)]

    def add(self, sigma: float, value: Tensor) -> None:
        """A second evaluation at the same sigma takes the first one's place, since no slope can be seen between them."""
        same = self.sigmas[:1] == [sigma]
        self.sigmas = [float(sigma), *self.sigmas[same:]][: self._length]
        self.values = [value, *self.values[same:]][: self._length]

    @property
    def memory(self) -> tuple[Tensor | float, ...]:
        return tuple(item for pair in zip(self.sigmas, self.values, strict=True) for item in pair)
