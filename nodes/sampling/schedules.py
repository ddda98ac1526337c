"""Decides at which noise levels a run evaluates the model: `steps` of them, descending, then 0."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from nodes.sampling.prediction import NoiseTable

Sigmas: TypeAlias = tuple[float, ...]
"""Noise levels of one run in float64: steps + 1 of them, none ascending, the last 0."""

Schedule: TypeAlias = Callable[[NoiseTable, int], Sigmas]

ScheduleName = Literal["normal", "karras", "simple"]

_RHO: Final = 7.0
_LONGEST: Final = 1_000_000
"""A bound on the work of one call: a shared workflow with denoise 1e-9 must not fill the memory."""


def normal(table: NoiseTable, steps: int) -> Sigmas:
    """Evenly spaced timesteps from the table's last to its first, both included; `linspace` in diffusers' terms."""
    _check(steps)
    last = table.timestep_of(table.sigma_max)
    return (*(table.sigma_of(last * (1 - ramp)) for ramp in _ramp(steps)), 0.0)


def karras(table: NoiseTable, steps: int) -> Sigmas:
    """Evenly spaced in sigma^(1/7) from sigma_max to sigma_min, both included: equation 5, Karras et al. 2022."""
    _check(steps)
    high, low = table.sigma_max ** (1 / _RHO), table.sigma_min ** (1 / _RHO)
    return (*((high + ramp * (low - high)) ** _RHO for ramp in _ramp(steps)), 0.0)


def simple(table: NoiseTable, steps: int) -> Sigmas:
    """Every (T / steps)-th entry of the table counted from its end, rounded down; repeats entries when steps > T."""
    _check(steps)
    count = len(table.sigmas)
    return (*(table.sigmas[count - 1 - i * count // steps] for i in range(steps)), 0.0)


SCHEDULES: Final[Mapping[ScheduleName, Schedule]] = MappingProxyType({"normal": normal, "karras": karras, "simple": simple})


def trim_for_denoise(schedule: Schedule, table: NoiseTable, steps: int, denoise: float) -> Sigmas:
    """The last steps + 1 sigmas of a schedule of floor(steps / denoise): still `steps` evaluations, from a lower start.

    `denoise` is the share of the schedule that is run, in (0, 1]; at 1 this is the schedule itself.
    Raises ValueError for steps < 1, denoise outside (0, 1], and one so small that the whole schedule is unreasonable.
    """
    _check(steps)
    if not 0 < denoise <= 1:
        raise ValueError(
            f"denoise is {denoise}, but must be above 0 and at most 1; to leave the latent unchanged, do not sample it"
        )
    if steps / denoise > _LONGEST:
        raise ValueError(f"denoise {denoise} with {steps} steps needs a schedule of more than {_LONGEST} steps; raise denoise")
    return schedule(table, int(steps / denoise))[-(steps + 1) :]


def _ramp(steps: int) -> list[float]:
    """`steps` evenly spaced numbers from 0 to 1; a single one is 0, so that one step starts at sigma_max."""
    return [i / max(steps - 1, 1) for i in range(steps)]


def _check(steps: int) -> None:
    if not 1 <= steps <= _LONGEST:
        raise ValueError(f"steps is {steps}, but must be from 1 to {_LONGEST}; choose a number of steps in that range")
