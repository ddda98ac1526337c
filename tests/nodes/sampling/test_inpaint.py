from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from nodes.sampling.guidance import Guided, Part
from nodes.sampling.inpaint import Masked
from nodes.sampling.prediction import FlowTable, Levels, NoiseTable
from nodes.sampling.schedules import SCHEDULES
from nodes.sampling.solvers import SOLVERS, SamplerName
from nodes.sampling.step import Run
from tests.nodes.sampling.exact import NAMES, NOISE, path

LATENT = torch.randn(2, 1, 4, 4, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
MASK = torch.tensor([1.0, 0.5, 0.25, 0.0], dtype=torch.float64).expand(1, 1, 4, 4)


def masked(*, flow: bool = False, seen: list[Tensor] | None = None) -> Masked:
    def predict(x: Tensor, sigma: float, conditions: Sequence[float]) -> Sequence[Tensor]:
        if seen is not None:
            seen.append(x)
        return [torch.tanh(x) + condition for condition in conditions]

    inner: Guided[float] = Guided(predict=predict, positive=[Part(0.3)], negative=[Part(0.1)], scale=2.0)
    return Masked(inner=inner, latent=LATENT, noise=NOISE(99).double(), mask=MASK, flow=flow)


@pytest.mark.parametrize("flow", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_what_the_mask_leaves_alone_comes_out_as_it_was(name: SamplerName, flow: bool, table: NoiseTable, start: Tensor) -> None:
    levels: Levels = FlowTable(3.0) if flow else table
    sigmas = SCHEDULES["simple"](levels, 6)
    *_, last = SOLVERS[name](Run(masked(flow=flow), start * sigmas[0], sigmas, noise=NOISE, path=path, flow=flow))
    torch.testing.assert_close(last.x[..., 3], LATENT[..., 3], rtol=0, atol=1e-11)
    assert float((last.x[..., 0] - LATENT[..., 0]).abs().min()) > 1e-3


@pytest.mark.parametrize("flow", [False, True])
def test_the_model_is_shown_the_noised_latent_where_nothing_may_change(flow: bool, start: Tensor) -> None:
    seen: list[Tensor] = []
    masked(flow=flow, seen=seen)(start, 0.4)
    noised = LATENT * (0.6 if flow else 1.0) + NOISE(99).double() * 0.4
    torch.testing.assert_close(seen[0], start * MASK + noised * (1 - MASK))


def test_the_answer_is_mixed_with_the_latent_by_the_mask_on_both_sides(start: Tensor) -> None:
    everywhere: Any = masked()
    x0, negative = everywhere.both(start, 2.0)
    shown = start * MASK + (LATENT + NOISE(99).double() * 2.0) * (1 - MASK)
    torch.testing.assert_close(negative, (torch.tanh(shown) + 0.1) * MASK + LATENT * (1 - MASK))
    torch.testing.assert_close(x0, (torch.tanh(shown) + 0.5) * MASK + LATENT * (1 - MASK))
