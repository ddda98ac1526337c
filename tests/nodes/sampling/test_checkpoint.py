from __future__ import annotations

from typing import Any

import pytest
import torch

from nodes.sampling.checkpoint import Progress
from nodes.sampling.step import Step

SIGMAS = (8.0, 4.0, 2.0, 1.0, 0.0)
SHAPE = (1, 4, 2, 2)
PROGRESS = Progress(SIGMAS, SHAPE, place="cpu torch.float32 2.9")


def step(index: int = 1) -> Step:
    generator = torch.Generator().manual_seed(index)
    x, x0, older = (torch.randn(SHAPE, generator=generator) for _ in range(3))
    return Step(x=x, x0=x0, sigma=SIGMAS[index + 1], index=index, memory=(older, 0.25))


def resumed(state: Any, progress: Progress = PROGRESS) -> Step | None:
    return progress.resumed(state, lambda tensor: tensor)


def test_a_state_gives_its_step_back() -> None:
    before = step()
    after = resumed(PROGRESS.state(before))
    assert after is not None
    assert (after.index, after.sigma, after.memory[1]) == (1, 2.0, 0.25)
    assert torch.equal(after.x, before.x)
    assert torch.equal(after.x0, before.x0)
    torch.testing.assert_close(after.memory[0], before.memory[0], rtol=0, atol=0)
    assert after.x.data_ptr() != before.x.data_ptr()


@pytest.mark.parametrize(
    "other",
    [
        Progress((8.0, 4.0, 2.5, 1.0, 0.0), SHAPE, PROGRESS.place),
        Progress(SIGMAS[:-1], SHAPE, PROGRESS.place),
        Progress(SIGMAS, (2, 4, 2, 2), PROGRESS.place),
        Progress(SIGMAS, SHAPE, "cuda torch.float16 2.9"),
    ],
    ids=["sigmas", "steps", "shape", "place"],
)
def test_a_state_of_another_run_is_ignored(other: Progress) -> None:
    assert resumed(PROGRESS.state(step()), other) is None


@pytest.mark.parametrize(
    "change",
    [
        {"format": "latent-loom-sampling/0"},
        {"index": 2},
        {"index": -1},
        {"index": 99},
        {"index": "1"},
        {"sigma": 3.0},
        {"x": None},
        {"x0": torch.zeros(1, 4, 2, 3)},
        {"x": torch.full(SHAPE, torch.nan)},
        {"memory": ("text",)},
        {"sigmas": None},
    ],
    ids=str,
)
def test_a_state_that_does_not_fit_is_ignored(change: dict[str, Any]) -> None:
    assert resumed({**PROGRESS.state(step()), **change}) is None


@pytest.mark.parametrize("state", [None, 7, [], {}, "state"])
def test_what_is_no_state_is_ignored(state: Any) -> None:
    assert resumed(state) is None
