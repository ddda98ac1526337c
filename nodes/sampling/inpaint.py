"""Decides how sampling leaves part of a latent alone: there the model is shown the noised latent, and its answer is the latent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nodes.sampling.guidance import Guided

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Masked:
    """A denoiser that changes only where `mask` [1 or batch, 1, height, width] is 1; in between, by its share.

    Every solver reaches exactly what a model says that always says the same, so what is left alone comes out as it was. `noise`
    is the one that the run begins with, so that the parts fit each other at every sigma.
    """

    inner: Guided[Any]
    latent: Tensor
    noise: Tensor
    mask: Tensor
    flow: bool

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        return self._kept(self.inner(self._shown(x, sigma), sigma))

    def both(self, x: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
        x0, negative = self.inner.both(self._shown(x, sigma), sigma)
        return self._kept(x0), self._kept(negative)

    def _shown(self, x: Tensor, sigma: float) -> Tensor:
        noised = self.latent * (1 - sigma if self.flow else 1.0) + self.noise * sigma
        return noised.lerp(x, self.mask)  # exact at 0 and 1

    def _kept(self, x0: Tensor) -> Tensor:
        return self.latent.lerp(x0, self.mask)
