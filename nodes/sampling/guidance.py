"""Decides how predictions for several conditions become one x0, and that they cost one network call.

A condition is opaque here: how texts of different length are joined, and what a perturbed network is, is known to the model family
alone. What is known here is where a condition holds, when, and with which weight.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from torch import Tensor

from nodes.sampling.prediction import velocity, x0_of

Cond = TypeVar("Cond")

Predict: TypeAlias = Callable[[Tensor, float, "Sequence[Cond | Perturbed[Cond]]"], Sequence[Tensor]]
"""(x [batch, ...], sigma, conditions) -> one x0 for each condition, in order: [batch, ...], or the box of x that it is for."""

Box: TypeAlias = tuple[int, int, int, int]
"""Top, bottom, left and right in cells of the latent, bottom and right excluded."""

Window: TypeAlias = tuple[float, float]
"""The highest and the lowest sigma where something holds, both included."""

ALWAYS: Window = (math.inf, 0.0)
SMALLEST = 1e-37
"""Where no condition has weight, the sum of weights is this, and x0 is 0."""


@dataclass(frozen=True, slots=True)
class Perturbed(Generic[Cond]):
    """A condition for a network that looks away: its self-attention in the middle is the identity (Ahn et al. 2024)."""

    condition: Cond


@dataclass(frozen=True, slots=True, eq=False)
class Part(Generic[Cond]):
    """A condition with its weight (a number, or [1 or batch, 1, height, width] of the box), the box it is for, and when."""

    condition: Cond
    weight: Tensor | float = 1.0
    box: Box | None = None
    window: Window = ALWAYS


def classifier_free(positive: Tensor, negative: Tensor, scale: float) -> Tensor:
    """Ho and Salimans 2022 on x0 (scale here = 1 + w there): scale 1 is the positive, 0 the negative. Shapes agree.

    On x0 or on noise is the same, since each is an affine function of the other at a given x and sigma.
    """
    return negative + (positive - negative) * scale


def rescaled(guided: Tensor, positive: Tensor, x: Tensor, sigma: float, share: float, *, flow: bool) -> Tensor:
    """Lin et al. 2023 (arXiv 2305.08891), section 3.4, on the velocity: a share of the way back to the positive's deviation.

    Guidance makes pictures too contrasty; the deviation of each item of the batch is that of one picture.
    """
    v, v_positive = (velocity(x, x0, sigma, flow=flow) for x0 in (guided, positive))
    every = tuple(range(1, v.ndim))
    ratio = v_positive.std(every, keepdim=True) / v.std(every, keepdim=True).clamp(min=1e-12)
    return x0_of(x, v * (1 + share * (ratio - 1)), sigma, flow=flow)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Guided(Generic[Cond]):
    """A denoiser steered from `negative` towards `positive`; itself a `Denoise`. All that it asks at a step is asked in one call.

    `scale`: 1 is the positive alone, which then is all that is evaluated. `window`: outside of it the scale is 1.
    `rescale`: from 0 to 1, see ``rescaled``. `perturbed`: how far to go from what a perturbed network says, 0 leaves it out
    (perturbed-attention guidance, Ahn et al. 2024, arXiv 2403.17377). A side without a condition at some sigma has no say there.
    """

    predict: Predict[Cond]
    positive: Sequence[Part[Cond]]
    negative: Sequence[Part[Cond]] = ()
    scale: float = 1.0
    window: Window = ALWAYS
    rescale: float = 0.0
    perturbed: float = 0.0
    flow: bool = False

    def __post_init__(self) -> None:
        if not self.negative and self.scale != 1:
            raise ValueError(f"cfg is {self.scale} but there is no negative conditioning; connect one, or set cfg to 1")

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        """The guided x0 [batch, ...]."""
        return self._asked(x, sigma, both=False)[0]

    def both(self, x: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
        """(guided x0, the negative's x0), for solvers that step along the latter; evaluates it at any scale."""
        if not self.negative:
            raise ValueError(
                "this sampler needs a negative conditioning, but there is none; connect one, or choose another sampler"
            )
        return self._asked(x, sigma, both=True)

    def _asked(self, x: Tensor, sigma: float, *, both: bool) -> tuple[Tensor, Tensor]:
        inside = _holds(self.window, sigma)
        scale = self.scale if inside else 1.0
        wanted = [part for part in self.positive if _holds(part.window, sigma)]
        unwanted = [part for part in self.negative if _holds(part.window, sigma)] if both or scale != 1 or not wanted else []
        astray = wanted if inside and self.perturbed else []
        if not wanted and not unwanted:
            raise ValueError(f"no conditioning holds at sigma {sigma:g}; let one of them hold for the whole way")
        plain: list[Cond | Perturbed[Cond]] = [part.condition for part in (*wanted, *unwanted)]
        answers = iter(self.predict(x, sigma, [*plain, *(Perturbed(part.condition) for part in astray)]))
        positive, negative, perturbed = (_joined(parts, answers, x) for parts in (wanted, unwanted, astray))
        if positive is None or negative is None:
            only = positive if positive is not None else negative
            assert only is not None  # one of the sides was asked
            positive = negative = x0 = only
        else:
            x0 = classifier_free(positive, negative, scale)
        if perturbed is not None:
            x0 = x0 + (positive - perturbed) * self.perturbed
        if self.rescale and x0 is not positive:
            x0 = rescaled(x0, positive, x, sigma, self.rescale, flow=self.flow)
        return x0, negative


def _holds(window: Window, sigma: float) -> bool:
    high, low = window
    return low <= sigma <= high


def _joined(parts: Sequence[Part[Cond]], answers: Iterator[Tensor], x: Tensor) -> Tensor | None:
    """The mean of the answers by weight; None of no part."""
    if not parts:
        return None
    found = [next(answers) for _ in parts]
    if len(parts) == 1 and parts[0].box is None and isinstance(parts[0].weight, float):
        return found[0]
    total, weights = x.new_zeros(x.shape), x.new_zeros((x.shape[0], 1, *x.shape[2:]))
    for part, answer in zip(parts, found, strict=True):
        top, bottom, left, right = part.box or (0, x.shape[-2], 0, x.shape[-1])
        total[..., top:bottom, left:right] += answer * part.weight
        weights[..., top:bottom, left:right] += part.weight
    return total / weights.clamp(min=SMALLEST)
