"""A node like those of image generation, for the editor's bench: six inputs with fields, three outputs."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from graph_engine import Range, Seed, node


class Sampled(NamedTuple):
    """What the next node may go on with."""

    steps: int
    cfg: float
    denoise: float


@node("bench.sample", version=1, category="bench")
def sample(
    prompt: str = "",
    seed: Annotated[int, Seed()] = 0,
    steps: Annotated[int, Range(1, 1000, step=1, unit="steps")] = 20,
    cfg: Annotated[float, Range(0, 30, step=0.5)] = 5.0,
    sampler: Literal["euler", "euler_ancestral", "dpmpp_2m"] = "dpmpp_2m",
    denoise: Annotated[float, Range(0, 1, step=0.05)] = 1.0,
) -> Sampled:
    """Give back what is set."""
    return Sampled(steps, cfg, denoise)
