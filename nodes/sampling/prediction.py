"""Decides what a network's raw output means: which noise levels it knows, and how its output becomes a clean latent.

Here and in the solvers, a model of noise (epsilon, v) speaks of x = x0 + sigma * noise, since there a solver needs no other
coefficient than sigma; a flow model speaks of x = (1 - sigma) * x0 + sigma * noise, as it was trained. Torch is imported for types
alone, so that schedules load without it.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate, pairwise
from operator import mul
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor

Prediction = Literal["epsilon", "v", "flow"]
"""What a network was trained to predict: the noise, v = alpha * noise - sigma_vp * x0, or the flow's velocity, noise - x0."""

BetaSchedule = Literal["linear", "scaled_linear", "squaredcos_cap_v2"]

Network: TypeAlias = "Callable[[Tensor, float], Tensor]"
"""(x / sqrt(1 + sigma^2) [batch, ...], timestep in [0, T-1], may be fractional) -> raw output [batch, ...]."""

Denoise: TypeAlias = "Callable[[Tensor, float], Tensor]"
"""(x [batch, ...], sigma > 0) -> the clean latent x0 [batch, ...] that the model expects behind x."""

_LAST_ALPHA_BAR: Final = 2.0**-24
"""Stands in for a terminal signal of zero, whose sigma would be infinite; gives sigma 4096, as diffusers has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseTable:
    """The noise levels that a discrete model was trained on, T of them; entry t is the sigma of timestep t.

    `sigmas` are worked out in float64, finite, above 0 and strictly ascending.
    """

    sigmas: tuple[float, ...]
    flow: ClassVar[bool] = False

    def __post_init__(self) -> None:
        sound = all(0 < low < high < math.inf for low, high in pairwise(self.sigmas))
        if len(self.sigmas) < 2 or not sound:
            raise ValueError(
                f"a noise table needs two or more sigmas, finite, above 0 and strictly ascending, but has "
                f"{_shown(self.sigmas)}; check the beta schedule in the model's configuration"
            )

    @classmethod
    @lru_cache(maxsize=16, typed=True)  # every run asks for that of its model
    def from_betas(
        cls,
        *,
        beta_schedule: BetaSchedule = "scaled_linear",
        beta_start: float = 0.00085,
        beta_end: float = 0.012,
        num_train_timesteps: int = 1000,
        rescale_betas_zero_snr: bool = False,
    ) -> NoiseTable:
        """The table of a model's training configuration; arguments are named as in a diffusers scheduler_config.json.

        sigma_t = sqrt((1 - alpha_bar_t) / alpha_bar_t) with alpha_bar_t the product of 1 - beta_s up to t
        (Ho et al. 2020; cosine: Nichol and Dhariwal 2021, which leaves beta_start and beta_end unused).
        `rescale_betas_zero_snr` moves the last entry to (almost) pure noise: Algorithm 1, Lin et al. 2023.
        Raises ValueError for a configuration that gives no sound table.
        """
        if num_train_timesteps < 2:
            raise ValueError(
                f"num_train_timesteps is {num_train_timesteps}, but a noise table needs 2 or more; "
                f"check the model's scheduler configuration"
            )
        if beta_schedule not in _BETAS:
            raise ValueError(f"beta_schedule {beta_schedule!r} is unknown; use one of {', '.join(_BETAS)}")
        betas = _BETAS[beta_schedule](beta_start, beta_end, num_train_timesteps)
        if not all(0 < beta < 1 for beta in betas):
            raise ValueError(
                f"betas must lie between 0 and 1, both excluded, but {beta_schedule} from {beta_start} to {beta_end} "
                f"leaves that range; check beta_start and beta_end in the model's scheduler configuration"
            )
        alpha_bars = list(accumulate((1 - beta for beta in betas), mul))
        if rescale_betas_zero_snr:
            alpha_bars = _rescaled(alpha_bars)
        return cls(sigmas=tuple(math.sqrt((1 - alpha_bar) / alpha_bar) for alpha_bar in alpha_bars))

    @property
    def sigma_min(self) -> float:
        return self.sigmas[0]

    @property
    def sigma_max(self) -> float:
        return self.sigmas[-1]

    def timestep_of(self, sigma: float) -> float:
        """The timestep in [0, T-1], fractional between entries, linear in log sigma; an end outside the table."""
        if sigma <= self.sigma_min:
            return 0.0
        if sigma >= self.sigma_max:
            return float(len(self.sigmas) - 1)
        low = bisect_right(self.sigmas, sigma) - 1
        return low + math.log(sigma / self.sigmas[low]) / math.log(self.sigmas[low + 1] / self.sigmas[low])

    def sigma_of(self, timestep: float) -> float:
        """The sigma at a timestep, log-linear between entries; an end outside [0, T-1]."""
        timestep = min(max(timestep, 0.0), len(self.sigmas) - 1.0)
        low = int(timestep)
        if timestep == low:
            return self.sigmas[low]
        return self.sigmas[low] * math.pow(self.sigmas[low + 1] / self.sigmas[low], timestep - low)

    def sigma_at(self, share: float) -> float:
        """The sigma at a share of the way through the timesteps: infinite at 0, where nothing is above, and 0 at 1."""
        if share <= 0:
            return math.inf
        return 0.0 if share >= 1 else self.sigma_of((1 - share) * (len(self.sigmas) - 1))


@dataclass(frozen=True)
class FlowTable:
    """The noise levels of a flow model, from 0 to 1: `count` of them, which for a `shift` above 1 lie closer to 1.

    sigma(t) = shift * t / (1 + (shift - 1) * t), Esser et al. 2024 (arXiv 2403.03206), equation 23. The form that Flux uses,
    exp(mu) / (exp(mu) + 1 / t - 1), is the same with shift = exp(mu): see ``flux_shift``.
    """

    shift: float = 1.0
    count: int = 1000
    flow: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not (0 < self.shift < math.inf and self.count >= 2):
            raise ValueError(
                f"a flow of {self.count} levels with shift {self.shift} is none; use a shift above 0 and 2 or more levels"
            )

    @cached_property
    def sigmas(self) -> tuple[float, ...]:
        return tuple(self._shifted((i + 1) / self.count) for i in range(self.count))

    @property
    def sigma_min(self) -> float:
        return self.sigmas[0]

    @property
    def sigma_max(self) -> float:
        return 1.0

    def timestep_of(self, sigma: float) -> float:
        """What the network is told, from 0 to 1000: it knows nothing of the shift."""
        return sigma * 1000

    def sigma_of(self, timestep: float) -> float:
        """The sigma of a schedule that counts timesteps: shifted, so this is no inverse of ``timestep_of``."""
        return self._shifted(min(max(timestep / 1000, 0.0), 1.0))

    def sigma_at(self, share: float) -> float:
        """The sigma at a share of the way."""
        return self._shifted(min(max(1 - share, 0.0), 1.0))

    def _shifted(self, t: float) -> float:
        return self.shift * t / (1 + (self.shift - 1) * t)


Levels: TypeAlias = NoiseTable | FlowTable
"""The noise levels of a model, of either kind."""


def flux_shift(tokens: int) -> float:
    """The shift of Flux for a picture of so many tokens (16 x 16 pixels each): mu is linear, 0.5 at 256 and 1.15 at 4096."""
    return math.exp(0.5 + (tokens - 256) / (4096 - 256) * (1.15 - 0.5))


def denoiser(network: Network, table: Levels, prediction: Prediction) -> Denoise:
    """A raw network as a function to x0.

    A network of noise sees x / sqrt(1 + sigma^2), which has the variance it was trained on; one of a flow sees x. Its output is
    brought to the dtype of x first, since sigma * output overflows in float16 at a large sigma. The result has the shape and
    dtype of x. Raises ValueError for an unknown prediction, and one that is not of these noise levels.
    """
    if prediction not in (*_X0, "flow"):
        raise ValueError(f"prediction {prediction!r} is unknown; use one of {', '.join(_X0)}, flow")
    if table.flow != (prediction == "flow"):
        raise ValueError(f"prediction {prediction!r} does not go with a {type(table).__name__}; check the model's configuration")
    if prediction == "flow":
        return lambda x, sigma: x - sigma * network(x, table.timestep_of(sigma)).to(x.dtype)
    to_x0 = _X0[prediction]

    def denoise(x: Tensor, sigma: float) -> Tensor:
        output = network(x / math.sqrt(1 + sigma**2), table.timestep_of(sigma))
        return to_x0(x, output.to(x.dtype), sigma)

    return denoise


def velocity(x: Tensor, x0: Tensor, sigma: float, *, flow: bool) -> Tensor:
    """What a v or flow network would have said to mean x0: an affine function of it at a given x and sigma."""
    return (x - x0) / sigma if flow else (x - x0 * (1 + sigma**2)) / (sigma * math.sqrt(1 + sigma**2))


def x0_of(x: Tensor, v: Tensor, sigma: float, *, flow: bool) -> Tensor:
    """The inverse of ``velocity``."""
    return x - v * sigma if flow else _x0_from_v(x, v, sigma)


def _x0_from_epsilon(x: Tensor, output: Tensor, sigma: float) -> Tensor:
    return x - sigma * output


def _x0_from_v(x: Tensor, output: Tensor, sigma: float) -> Tensor:
    """x0 = alpha * x_vp - sigma_vp * v (Salimans and Ho 2022), with alpha = 1 / sqrt(1 + sigma^2), x_vp = alpha * x."""
    return x / (1 + sigma**2) - output * (sigma / math.sqrt(1 + sigma**2))


_X0: Final[Mapping[Prediction, Callable[[Tensor, Tensor, float], Tensor]]] = MappingProxyType(
    {"epsilon": _x0_from_epsilon, "v": _x0_from_v}
)


def _linear(beta_start: float, beta_end: float, count: int) -> list[float]:
    return [beta_start + (beta_end - beta_start) * i / (count - 1) for i in range(count)]


def _scaled_linear(beta_start: float, beta_end: float, count: int) -> list[float]:
    """Linear in sqrt(beta): Rombach et al. 2022."""
    return [root**2 for root in _linear(math.sqrt(max(beta_start, 0.0)), math.sqrt(max(beta_end, 0.0)), count)]


def _squaredcos_cap_v2(_beta_start: float, _beta_end: float, count: int) -> list[float]:
    def alpha_bar(t: float) -> float:
        return math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2

    return [min(1 - alpha_bar((i + 1) / count) / alpha_bar(i / count), 0.999) for i in range(count)]


_BETAS: Final[Mapping[BetaSchedule, Callable[[float, float, int], list[float]]]] = MappingProxyType(
    {"linear": _linear, "scaled_linear": _scaled_linear, "squaredcos_cap_v2": _squaredcos_cap_v2}
)


def _rescaled(alpha_bars: list[float]) -> list[float]:
    """Shift and scale sqrt(alpha_bar) so that the last is 0 and the first stays."""
    first, last = math.sqrt(alpha_bars[0]), math.sqrt(alpha_bars[-1])
    roots = [(math.sqrt(alpha_bar) - last) * first / (first - last) for alpha_bar in alpha_bars]
    return [*(root**2 for root in roots[:-1]), _LAST_ALPHA_BAR]


def _shown(sigmas: tuple[float, ...]) -> str:
    return str(list(sigmas)) if len(sigmas) <= 4 else f"{len(sigmas)} from {sigmas[0]:g} to {sigmas[-1]:g}"
