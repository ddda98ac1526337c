"""Decides how predictions for several conditionings become one, and that they cost one network call.

A conditioning is opaque here: how texts of different length are padded and joined is known to the model family alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

import torch
from torch import Tensor

from nodes.sampling.prediction import Denoise

Cond = TypeVar("Cond")

Predict: TypeAlias = Callable[[Tensor, float, Sequence[Cond]], Sequence[Tensor]]
"""(x [batch, ...], sigma, conditionings) -> one x0 [batch, ...] for each conditioning, in order."""


def classifier_free(positive: Tensor, negative: Tensor, scale: float) -> Tensor:
    """Ho and Salimans 2022 on x0 (scale here = 1 + w there): scale 1 is the positive, 0 the negative. Shapes agree.

    On x0 or on noise is the same, since each is an affine function of the other at a given x and sigma.
    """
    return negative + (positive - negative) * scale


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Guided(Generic[Cond]):
    """A denoiser steered from `negative` towards `positive`; itself a `Denoise`. Made by `guided`."""

    predict: Predict[Cond]
    positive: Cond
    negative: Cond | None
    scale: float

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        """The guided x0 [batch, ...]; at scale 1 the negative is not evaluated."""
        if self.scale == 1:
            (x0,) = self.predict(x, sigma, [self.positive])
            return x0
        return self.both(x, sigma)[0]

    def both(self, x: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
        """(guided x0, the negative's x0), for solvers that step along the latter; evaluates it at any scale."""
        if self.negative is None:
            raise ValueError(
                "this sampler needs a negative conditioning, but there is none; connect one, or choose another sampler"
            )
        positive, negative = self.predict(x, sigma, [self.positive, self.negative])
        return classifier_free(positive, negative, self.scale), negative


def guided(predict: Predict[Cond], positive: Cond, negative: Cond | None, scale: float) -> Guided[Cond]:
    """Classifier-free guidance around a model: positive and negative go through `predict` in one call.

    Raises ValueError when `negative` is None, as for models without one, and scale is not 1.
    """
    if negative is None and scale != 1:
        raise ValueError(f"cfg is {scale} but there is no negative conditioning; connect one, or set cfg to 1")
    return Guided(predict=predict, positive=positive, negative=negative, scale=scale)


def batched(denoise_with: Callable[[Sequence[Cond]], Denoise]) -> Predict[Cond]:
    """A `Predict` that asks for all conditionings at once, x repeated along the batch for each of them.

    `denoise_with(conditionings)` is the model family's: a denoiser for [len(conditionings) * batch, ...], whose items
    are ordered by conditioning, then by batch item.
    """

    def predict(x: Tensor, sigma: float, conditionings: Sequence[Cond]) -> Sequence[Tensor]:
        x0 = denoise_with(conditionings)(torch.cat([x] * len(conditionings)), sigma)
        return x0.chunk(len(conditionings))

    return predict
