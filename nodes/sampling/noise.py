"""Decides where randomness comes from: a seeded CPU generator for each batch item, and how noise enters a latent.

One generator per item makes item i of a batch equal to the single run with its own seed, on any machine. Torch's CPU
generator uses the low 32 bits of a seed, so seeds that differ by a multiple of 2^32 give the same noise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from hashlib import blake2b

import torch
from torch import Tensor

from nodes.sampling.prediction import Levels
from nodes.sampling.step import StepNoise


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
