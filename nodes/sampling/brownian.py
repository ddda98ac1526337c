"""Decides the path of the noise that SDE solvers follow: one Brownian motion over sigma for each seed.

What a solver adds between two sigmas is the increment of that motion, so that more steps, or steps elsewhere, refine the same
picture instead of making another. The motion is a pure function of the seed: nothing is remembered that could depend on what was
asked before. It is fixed at the powers of two by increments of their own, and between two of them by halving, as often as DEPTH
(Lévy's construction; Li et al. 2020, arXiv 2001.01328, section 4, call it a virtual Brownian tree); below that it is a line.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

import torch
from torch import Tensor

from nodes.sampling.step import PathNoise

DEPTH: Final = 12
"""Each costs a draw. Sigmas that differ by many times 2^-12 of themselves get increments of the right variance, closer ones smaller
ones; 1,000 steps over the range of Stable Diffusion differ by 25 times that."""


def path_noise(seeds: Sequence[int], shape: Sequence[int]) -> PathNoise:
    """Noise for an SDE solver: (sigma, sigma_next) -> [len(seeds), *shape], unit normal; item i depends on seeds[i] alone.

    Both sigmas are above 0, and they differ. Float32 on the CPU.
    """
    seeds, shape = tuple(seeds), tuple(shape)
    last: list[tuple[float, Tensor]] = []  # a step begins where the one before it ended

    def within(sigma: float) -> Tensor:
        for known, value in last:
            if known == sigma:
                return value
        value = torch.stack([_within_octave(seed, sigma, shape) for seed in seeds])
        last[:] = [*last[-1:], (sigma, value)]
        return value

    def noise(sigma: float, sigma_next: float) -> Tensor:
        if not (0 < sigma < math.inf and 0 < sigma_next < math.inf and sigma != sigma_next):
            raise ValueError(
                f"a Brownian path has no increment from sigma {sigma} to {sigma_next}; both must be above 0 and differ"
            )
        low, high = sorted((sigma, sigma_next))
        grown = within(high) - within(low)
        for octave in range(math.frexp(low)[1], math.frexp(high)[1]):
            length = math.ldexp(1, octave - 1)
            grown = grown + torch.stack([_draw(seed, f"octave {octave}", shape) for seed in seeds]) * math.sqrt(length)
        return grown / math.copysign(math.sqrt(high - low), sigma - sigma_next)

    return noise


def _within_octave(seed: int, sigma: float, shape: tuple[int, ...]) -> Tensor:
    """W(sigma) - W(2^k), 2^k being the power of two below sigma or at it: the octave's share, and a tent at each halving."""
    mantissa, octave = math.frexp(sigma)
    length = math.ldexp(1, octave - 1)
    at = 2 * mantissa - 1  # in [0, 1), the place in the octave
    value = _draw(seed, f"octave {octave}", shape) * (at * math.sqrt(length))
    place = 1
    for _ in range(DEPTH):
        if at == 0:
            break
        tent = (1 - abs(2 * at - 1)) * math.sqrt(length) / 2
        value.add_(_draw(seed, f"octave {octave} node {place}", shape), alpha=tent)
        upper, at = divmod(2 * at, 1)
        length, place = length / 2, 2 * place + int(upper)
    return value


def _draw(seed: int, name: str, shape: tuple[int, ...]) -> Tensor:
    digest = blake2b(f"brownian {name} of seed {seed}".encode(), digest_size=8)
    generator = torch.Generator().manual_seed(int.from_bytes(digest.digest(), "little"))
    return torch.randn(shape, generator=generator)
