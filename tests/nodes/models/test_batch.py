from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from nodes.models.batch import Question, RowByRow, in_batches, keep_rows_apart
from nodes.models.parts import borrow_unet
from nodes.models.unet import predictor
from nodes.types import Entry
from tests.nodes.tiny import Models


def random(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_a_row_of_a_linear_layer_never_sees_how_many_there_are() -> None:
    layer = RowByRow(64, 256)
    rows = random(7, 64)
    with torch.inference_mode():
        assert torch.equal(layer(rows), torch.cat([layer(rows[item : item + 1]) for item in range(7)]))
        torch.testing.assert_close(layer(rows), nn.Linear.forward(layer, rows))
        assert torch.equal(layer(rows[None]), nn.Linear.forward(layer, rows[None]))


def test_only_linear_layers_are_changed_and_keep_their_weights() -> None:
    network = nn.Sequential(nn.Linear(4, 4), nn.Conv2d(4, 4, 1), nn.Sequential(nn.Linear(4, 2)))
    weights = [id(weight) for weight in network.parameters()]
    keep_rows_apart(network)
    assert [type(layer) for layer in network.modules()] == [nn.Sequential, RowByRow, nn.Conv2d, nn.Sequential, RowByRow]
    assert [id(weight) for weight in network.parameters()] == weights


def test_a_real_network_is_asked_for_a_whole_batch_exactly_where_it_gives_the_same_bits(models: Models) -> None:
    """Which shapes those are is the processor's affair: the test finds out by asking the network itself."""
    entries = [Entry(embedding=random(1, 77, 32, seed=seed)) for seed in (1, 2)]
    with borrow_unet(models.load("sd1").model, models.context) as part, torch.inference_mode():
        rows: list[int] = []
        hook = part.module.register_forward_pre_hook(lambda _module, inputs: rows.append(len(inputs[0])))

        def ask(x: Tensor, exact: bool = True) -> Sequence[Tensor]:
            rows.clear()
            device = replace(part.device, exact=exact)
            return predictor(part.module, part.family, part.info, device, len(x), (40, 72))(x, 2.0, entries)

        x = random(3, 4, 5, 9)
        singles = [torch.cat(found) for found in zip(*map(ask, x.split(1)), strict=True)]
        whole = ask(x, exact=False)
        first, asked_first = ask(x), list(rows)
        again = ask(x)
        hook.remove()
    same = all(map(torch.equal, whole, singles))
    assert rows == ([6] if same else [2, 2, 2])
    assert asked_first in ([2, 2, 2, 6], rows)  # nothing is left to compare where an earlier test asked the same shape
    assert all(map(torch.equal, first, singles))
    assert all(map(torch.equal, again, singles))


class _RoundsByBatch(nn.Module):
    """A network with another kernel for more than one item, which is off by a last digit."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[int] = []

    def forward(self, x: Tensor) -> Tensor:
        self.asked.append(len(x))
        return x.clone() if len(x) == 1 else torch.nextafter(x, torch.tensor(torch.inf))


def about(network: nn.Module) -> Callable[[slice], Question]:
    return lambda items: lambda x, sigma: [network(x[items]) * sigma]


def test_a_network_that_rounds_otherwise_in_a_batch_is_asked_item_by_item() -> None:
    network, x = _RoundsByBatch(), random(3, 4)
    ask = in_batches(network, 3, about(network), "these", exact=True)
    for asked in ([1, 1, 1, 3], [1, 1, 1]):
        [found] = ask(x, 2.0)
        assert torch.equal(found, x * 2)
        assert network.asked == asked
        network.asked.clear()


def test_another_shape_is_compared_anew() -> None:
    network = _RoundsByBatch()
    ask = in_batches(network, 2, about(network), "these", exact=True)
    ask(random(2, 4), 1.0)
    ask(random(2, 6), 1.0)
    in_batches(network, 2, about(network), "those", exact=True)(random(2, 6), 1.0)
    assert network.asked == [1, 1, 2] * 3


def test_a_device_that_need_not_be_exact_asks_for_all_at_once() -> None:
    network = _RoundsByBatch()
    in_batches(network, 3, about(network), "these", exact=False)(random(3, 4), 1.0)
    assert network.asked == [3]
