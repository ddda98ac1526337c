"""Decides which model the tests of sampling run: Stable Diffusion's noise table, and a small meaningless network."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from nodes.sampling.prediction import Network, NoiseTable


@pytest.fixture(scope="session")
def table() -> NoiseTable:
    return NoiseTable.from_betas()


@pytest.fixture(scope="session")
def network() -> Network:
    """Nonlinear in x and in time, mixes cells, and is made of operations whose result for an item ignores the batch."""

    def predict(x: Tensor, timestep: float) -> Tensor:
        mixed = 0.6 * x + 0.4 * x.roll(1, dims=-1)
        return (1.3 + math.sin(timestep / 150)) * mixed / (1 + 0.5 * mixed * mixed) + 0.1 * math.cos(timestep / 40)

    return predict


@pytest.fixture(scope="session")
def start() -> Tensor:
    """Unit noise in float64, two items of 1 x 4 x 4."""
    return torch.randn(2, 1, 4, 4, generator=torch.Generator().manual_seed(11), dtype=torch.float64)
