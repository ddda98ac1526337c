"""Decides at which noise levels a run evaluates the model: `steps` of them, descending, then 0."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import groupby
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from nodes.sampling.beta import beta_quantile
from nodes.sampling.prediction import Levels

Sigmas: TypeAlias = tuple[float, ...]
"""Noise levels of one run in float64: steps + 1 of them, none ascending, the last 0."""

Schedule: TypeAlias = Callable[[Levels, int], Sigmas]

ScheduleName = Literal[
    "normal", "karras", "exponential", "sgm_uniform", "simple", "ddim_uniform", "beta", "linear_quadratic",
    "kl_optimal", "align_your_steps", "align_your_steps_xl",
]  # fmt: skip

_LONGEST: Final = 1_000_000
"""A bound on the work of one call: a shared workflow with denoise 1e-9 must not fill the memory."""


def normal(table: Levels, steps: int) -> Sigmas:
    """Evenly spaced timesteps from the table's last to its first, both included; `linspace` in diffusers' terms."""
    _check(steps)
    high, low = table.timestep_of(table.sigma_max), table.timestep_of(table.sigma_min)
    return (*(table.sigma_of(high * (1 - ramp) + low * ramp) for ramp in _ramp(steps)), 0.0)


def sgm_uniform(table: Levels, steps: int) -> Sigmas:
    """As `normal` with one step more, of which the last is left out: the model is never asked at sigma_min."""
    _check(steps)
    high, low = table.timestep_of(table.sigma_max), table.timestep_of(table.sigma_min)
    return (*(table.sigma_of(high + (low - high) * i / steps) for i in range(steps)), 0.0)


def karras(table: Levels, steps: int) -> Sigmas:
    """Evenly spaced in sigma^(1/7) from sigma_max to sigma_min, both included: equation 5, Karras et al. 2022."""
    return between_karras(table.sigma_max, table.sigma_min, steps)


def exponential(table: Levels, steps: int) -> Sigmas:
    """Evenly spaced in log sigma from sigma_max to sigma_min, both included."""
    return between_polyexponential(table.sigma_max, table.sigma_min, steps, rho=1.0)


def between_karras(high: float, low: float, steps: int, *, rho: float = 7.0) -> Sigmas:
    """Evenly spaced in sigma^(1 / rho): a larger rho takes more steps at low noise."""
    _check(steps)
    first, last = high ** (1 / rho), low ** (1 / rho)
    return (*((first + ramp * (last - first)) ** rho for ramp in _ramp(steps)), 0.0)


def between_polyexponential(high: float, low: float, steps: int, *, rho: float) -> Sigmas:
    """log sigma = log low + (1 - i / (steps - 1))^rho * log(high / low)."""
    _check(steps)
    return (*(low * (high / low) ** ((1 - ramp) ** rho) for ramp in _ramp(steps)), 0.0)


def simple(table: Levels, steps: int) -> Sigmas:
    """Every (T / steps)-th entry of the table counted from its end, rounded down; repeats entries when steps > T."""
    _check(steps)
    count = len(table.sigmas)
    return (*(table.sigmas[count - 1 - i * count // steps] for i in range(steps)), 0.0)


def ddim_uniform(table: Levels, steps: int) -> Sigmas:
    """Entries 1, 1 + s, 1 + 2 s, … of the table with s = T / steps rounded down; `leading` in diffusers' terms.

    It begins below sigma_max, and the further below the worse T divides by the steps.
    """
    _check(steps)
    count = len(table.sigmas)
    stride = max(count // steps, 1)
    return (*(table.sigmas[min(1 + i * stride, count - 1)] for i in reversed(range(steps))), 0.0)


def beta(table: Levels, steps: int) -> Sigmas:
    """Entries of the table at quantiles of the Beta(0.6, 0.6) distribution, dense at both ends: Lee et al. 2024 (arXiv 2407.12173).

    An entry is taken once, so that beyond about 100 steps there are fewer than asked for.
    """
    _check(steps)
    last = len(table.sigmas) - 1
    entries = [round(beta_quantile(1 - i / steps, 0.6, 0.6) * last) for i in range(steps)]
    return (*(table.sigmas[entry] for entry, _ in groupby(entries)), 0.0)


def linear_quadratic(table: Levels, steps: int) -> Sigmas:
    """Half of the steps fall in a line by 2.5 % of sigma_max, the others in a parabola to 0: the schedule of Mochi 1 (Genmo 2024)."""
    _check(steps)
    half, fallen = steps // 2, 0.025
    bend = (half - fallen * steps) / (half * (steps - half) ** 2) if half else 1.0
    slope = fallen / half - 2 * (half - fallen * steps) / (steps - half) ** 2 if half else 0.0
    falls = [fallen * i / half if i < half else bend * (i**2 + half**2) + slope * i for i in range(steps)]
    return (*(table.sigma_max * (1 - fall) for fall in falls), 0.0)


def kl_optimal(table: Levels, steps: int) -> Sigmas:
    """Evenly spaced in arctan sigma, from sigma_max to sigma_min: Sabour et al. 2024 (arXiv 2404.14507), theorem 3.1."""
    _check(steps)
    high, low = math.atan(table.sigma_max), math.atan(table.sigma_min)
    return (*(math.tan(high + ramp * (low - high)) for ramp in _ramp(steps)), 0.0)


_ALIGNED: Final = (14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029)
_ALIGNED_XL: Final = (14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.380, 0.234, 0.113, 0.029)


def align_your_steps(table: Levels, steps: int) -> Sigmas:
    """The schedule that Sabour et al. 2024 (arXiv 2404.14507) found for Stable Diffusion 1.5 with 10 steps, else between its entries."""
    return _aligned(_ALIGNED, table, steps)


def align_your_steps_xl(table: Levels, steps: int) -> Sigmas:
    """The one that they found for SDXL."""
    return _aligned(_ALIGNED_XL, table, steps)


def _aligned(found: Sigmas, table: Levels, steps: int) -> Sigmas:
    _check(steps)
    if table.flow:
        raise ValueError("align_your_steps was found for Stable Diffusion, and this is a flow model; choose another schedule")
    last = len(found) - 1
    places = [last * i / steps for i in range(steps)]
    logs = [math.log(sigma) for sigma in found]
    lows = [min(int(place), last - 1) for place in places]
    return (*(math.exp(logs[k] + (logs[k + 1] - logs[k]) * (at - k)) for k, at in zip(lows, places, strict=True)), 0.0)


SCHEDULES: Final[Mapping[ScheduleName, Schedule]] = MappingProxyType(
    {
        "normal": normal,
        "karras": karras,
        "exponential": exponential,
        "sgm_uniform": sgm_uniform,
        "simple": simple,
        "ddim_uniform": ddim_uniform,
        "beta": beta,
        "linear_quadratic": linear_quadratic,
        "kl_optimal": kl_optimal,
        "align_your_steps": align_your_steps,
        "align_your_steps_xl": align_your_steps_xl,
    }
)


def trim_for_denoise(schedule: Schedule, table: Levels, steps: int, denoise: float) -> Sigmas:
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
