"""Decides which random streams a picture grows from; the numbers are drawn where they are used, on the CPU."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from graph_engine import NodeInputError, Range, Seed, node
from nodes.types import SEEDS, Noise, Turn


@node("loom.noise", version=1, category="noise")
def noise(*, seed: Annotated[int, Seed()] = 0, same_for_all: bool = False) -> Noise:
    """Choose the noise that a picture grows from.

    The same seed gives the same noise on every machine. In a batch, the first picture uses the seed itself, the second
    seed + 1, and so on: each is the picture that its seed would have given alone. Seeds that differ by a multiple of
    4294967296 give the same noise, as elsewhere.

    Args:
        seed: Any whole number from 0 to 18446744073709551615. Another one gives another picture of the same prompt.
        same_for_all: Give every picture of a batch the noise of this seed, to compare what else differs between them.

    Returns:
        noise: Connect it to a sampler.

    Example:
        noise(seed=42)
    """
    return Noise(seeds=(seed,), repeats=same_for_all)


@node("loom.noise_from_seeds", version=1, category="noise")
def noise_from_seeds(*, seeds: list[Annotated[int, Range(0, SEEDS - 1)]]) -> Noise:
    """Give each picture of a batch a seed of its own choice.

    Args:
        seeds: One seed for each picture, in order. Pictures beyond the last one count up from it.

    Returns:
        noise: Connect it to a sampler.

    Example:
        noise_from_seeds(seeds=[42, 7, 1234])
    """
    if not seeds:
        raise NodeInputError("seeds", "There is no seed.", "Give at least one.")
    return Noise(seeds=tuple(seeds))


@node("loom.vary_noise", version=1, category="noise")
def vary_noise(noise: Noise, other: Noise, *, share: Annotated[float, Range(0, 1, step=0.05)] = 0.1) -> Noise:
    """Turn noise a little towards other noise: the picture stays the same in the main and differs in details.

    Only the noise at the beginning changes; what some samplers add at each step is still that of the first noise.

    Args:
        noise: The noise of the picture that you like.
        other: The noise of another seed. Each seed leads to another variation.
        share: How far: 0 is the first noise, 0.1 a small change, 1 the other noise.

    Returns:
        noise: Connect it to a sampler.

    Example:
        vary_noise(noise, other, share=0.1)
    """
    return replace(noise, turns=(*noise.turns, Turn(towards=other, share=share)))
