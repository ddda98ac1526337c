"""The optimiser: orthogonal updates, a schedule that ends low, an average that follows."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from nodes.builtin.optimizer import MuonAdam, WeightAverage, orthogonalise, rate_share


@pytest.mark.parametrize("shape", [(12, 40), (40, 12), (16, 16)])
def test_orthogonalising_brings_every_singular_value_near_one(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonalise(torch.randn(shape)))
    assert values.max() < 1.3
    assert values.median() > 0.65


def test_orthogonalising_keeps_the_singular_vectors() -> None:
    torch.manual_seed(1)
    left, _ = torch.linalg.qr(torch.randn(8, 8))
    right, _ = torch.linalg.qr(torch.randn(8, 8))
    matrix = left @ torch.diag(torch.linspace(0.5, 2.0, 8)) @ right
    turned = left.T @ orthogonalise(matrix) @ right.T
    assert (turned - torch.diag(turned.diagonal())).abs().max() < 1e-3


def test_training_lowers_a_loss_and_clears_gradients() -> None:
    torch.manual_seed(2)
    net = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizer = MuonAdam([net], lr=0.02)
    inputs = torch.randn(64, 4)
    wanted = inputs.sum(1, keepdim=True)
    losses = []
    for _ in range(60):
        loss = (net(inputs) - wanted).square().mean()
        loss.backward()
        optimizer.step(1.0)
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]
    assert all(parameter.grad is None for parameter in net.parameters())


def test_a_restored_optimiser_takes_the_same_step() -> None:
    def train_on(optimizer: MuonAdam, net: nn.Module) -> None:
        net(torch.ones(2, 4)).square().sum().backward()
        optimizer.step(1.0)

    torch.manual_seed(3)
    first, second = nn.Linear(4, 4), nn.Linear(4, 4)
    optimizer = MuonAdam([first], lr=0.1)
    train_on(optimizer, first)
    second.load_state_dict(first.state_dict())
    restored = MuonAdam([second], lr=0.1)
    restored.load_state_dict(optimizer.state_dict())
    train_on(optimizer, first)
    train_on(restored, second)
    assert torch.equal(first.weight, second.weight)
    assert torch.equal(first.bias, second.bias)


def test_the_learning_rate_warms_up_stays_and_falls() -> None:
    shares = [rate_share(step, 1000) for step in (0, 59, 299, 650, 999)]
    assert shares[0] < 0.02
    assert shares[1] == shares[2] == 1.0
    assert 0.4 < shares[3] < 0.7
    assert 0.02 < shares[4] < 0.05


def test_an_average_moves_towards_the_weights() -> None:
    net = nn.Linear(1, 1, bias=False)
    nn.init.constant_(net.weight, 0.0)
    average = WeightAverage(net, 0.9)
    nn.init.constant_(net.weight, 1.0)
    average.update(net, step=10_000)
    assert average.weights["weight"].item() == pytest.approx(0.1)
