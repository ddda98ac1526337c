"""Decides where randomness comes from: a seeded CPU generator for each batch item, and how noise enters a latent.

One generator per item makes item i of a batch equal to the single run with its own seed, on any machine. Torch's CPU
generator uses the low 32 bits of a seed, so seeds that differ by a multiple of 2^32 give the same noise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from nodes.sampling.prediction import Levels
from nodes.sampling.step import StepNoise

if TYPE_CHECKING:
    from nodes.types import Noise


def seeded_noise(seeds: Sequence[int], shape: Sequence[int]) -> Tensor:
    """Unit normal noise [len(seeds), *shape], float32 on the CPU; item i depends on seeds[i] and shape alone.

    Raises ValueError when there is no seed, or one outside 0 to 2^64 - 1.
    """
    if not seeds:
        raise ValueError("noise needs one seed for each batch item, but got none; pass one or more seeds")
    for seed in seeds:
        if not 0 <= seed < 2**64:
            raise ValueError(f"seed {seed} is out of range; choose a seed from 0 to 18446744073709551615")
    items = [torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float32) for seed in seeds]
    return torch.stack(items)


def starting_noise(noise: Noise, count: int, shape: Sequence[int]) -> Tensor:
    """The noise [count, *shape] that ``count`` items start from: that of their seeds, turned towards other noise."""
    found = seeded_noise(noise.for_batch(count), shape)
    for turn in noise.turns:
        found = slerp(found, starting_noise(turn.towards, count, shape), turn.share)
    return found


def slerp(one: Tensor, other: Tensor, share: float) -> Tensor:
    """Shoemake 1985, for each item of two [batch, ...] as one vector: unlike a plain mixture, noise keeps its variance.

    ``share`` 0 gives ``one`` and 1 gives ``other`` exactly. Vectors of one direction are mixed plainly.
    """
    first, second = (tensor.flatten(1).double() for tensor in (one, other))
    cosine = (first * second).sum(1) / (first.norm(dim=1) * second.norm(dim=1)).clamp_min(1e-300)
    angle = cosine.clamp(-1, 1).acos()
    plain = angle.sin() < 1e-6
    sine = torch.where(plain, 1.0, angle.sin())
    weights = [
        torch.where(plain, torch.full_like(angle, part), (part * angle).sin() / sine)
        .to(one.dtype)
        .reshape(-1, *[1] * (one.ndim - 1))
        for part in (1 - share, share)
    ]
    return one * weights[0] + other * weights[1]


def step_noise(seeds: Sequence[int], shape: Sequence[int]) -> StepNoise:
    """Noise for a stochastic solver: index -> [len(seeds), *shape], a pure function of (seeds[i], index, shape).

    Keeping no generator, a run resumes anywhere with nothing but its step index. The seed of a step is a blake2b digest
    of (seed, index), so that it is unrelated to the initial noise, which uses the seed itself.
    """
    seeds, shape = tuple(seeds), tuple(shape)

    def noise(index: int) -> Tensor:
        return seeded_noise([_step_seed(seed, index) for seed in seeds], shape)

    return noise


def noised(latent: Tensor, noise: Tensor, sigma: float, table: Levels) -> Tensor:
    """The x [batch, ...] that a run starts from: latent + sigma * noise, or (1 - sigma) * latent + sigma * noise in a flow.

    A start at sigma_max or above uses sqrt(1 + sigma^2) * noise where there is no flow: the network then sees unit variance, as in
    training, although an empty latent brings none of its own.
    """
    if table.flow:
        return latent * (1 - sigma) + noise * sigma
    at_top = sigma > table.sigma_max or math.isclose(sigma, table.sigma_max, rel_tol=1e-5)
    return latent + noise * (math.sqrt(1 + sigma**2) if at_top else sigma)


def _step_seed(seed: int, index: int) -> int:
    """A 64-bit seed for each (seed, index). Fixed by test: another value would change every stochastic picture."""
    digest = blake2b(f"step noise {index} of seed {seed}".encode(), digest_size=8)
    return int.from_bytes(digest.digest(), "little")
