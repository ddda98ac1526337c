"""Decides which random streams a picture grows from; the numbers are drawn where they are used, on the CPU."""

from __future__ import annotations

from typing import Annotated

from graph_engine import Seed, node
from nodes.types import Noise


@node("loom.noise", version=1, category="sampling")
def noise(*, seed: Annotated[int, Seed()] = 0) -> Noise:
    """Choose the noise that a picture grows from.

    The same seed gives the same noise on every machine. In a batch, the first picture uses the seed itself, the second
    seed + 1, and so on: each is the picture that its seed would have given alone.

    Args:
        seed: Any whole number from 0 to 18446744073709551615. Another one gives another picture of the same prompt.

    Returns:
        noise: Connect it to a sampler.
    """
    return Noise(seeds=(seed,))
