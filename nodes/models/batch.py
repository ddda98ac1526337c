"""Decides how many items of a batch go into one network call: all of them, where each then has the very bits of its single run.

Nothing in a network mixes the items, but a kernel may be chosen by how many there are, and another one rounds differently. So the
promise that item i equals its single run is not taken for granted: the first question of each shape is asked both ways and compared,
and where a bit differs, that shape is asked item by item. A kernel is chosen by shapes, never by the numbers in them, so one comparison
tells for all.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import cache
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

Question: TypeAlias = Callable[[Tensor, float], Sequence[Tensor]]
"""(x of all items, sigma) -> x0 of some items, for each of the entries that are asked."""

_agrees: WeakKeyDictionary[nn.Module, dict[Hashable, bool]] = WeakKeyDictionary()
"""By network and shape of the question: whether all at once gave what one by one gave."""


class RowByRow(nn.Linear):
    """A linear layer that multiplies the rows of a matrix [rows, features] one by one on a CPU.

    There the kernel depends on the number of rows while they are few. In a U-Net that concerns the layers that bring the timestep
    in, and, as measured, nothing else; beside the whole network their work is nothing.
    """

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim != 2 or len(input) == 1 or input.device.type != "cpu":
            return super().forward(input)
        return torch.cat([super(RowByRow, self).forward(row) for row in torch.split(input, 1)])


def keep_rows_apart(network: nn.Module) -> None:
    """Make the linear layers of ``network`` RowByRow ones, in place."""
    for layer in network.modules():
        if type(layer) is nn.Linear:
            layer.__class__ = RowByRow


def in_batches(network: nn.Module, batch: int, about: Callable[[slice], Question], alike: Hashable, *, exact: bool) -> Question:
    """A question about all items of a batch. ``about`` makes the one about a part of them, which is a call of ``network``.

    ``exact``: give each item the bits of its single run, if need be by asking for one at a time. ``alike``: what besides the shape
    of x tells questions apart whose kernels could differ.
    """
    whole = about(slice(0, batch))
    if batch == 1 or not exact:
        return whole
    agrees = _agrees.setdefault(network, {})

    @cache
    def singles() -> list[Question]:
        return [about(slice(item, item + 1)) for item in range(batch)]

    def ask(x: Tensor, sigma: float) -> Sequence[Tensor]:
        shape: Any = (tuple(x.shape), alike, torch.get_num_threads())
        if agrees.get(shape):
            return whole(x, sigma)
        found = [torch.cat(items) for items in zip(*(single(x, sigma) for single in singles()), strict=True)]
        if shape not in agrees:
            agrees[shape] = all(map(torch.equal, whole(x, sigma), found))
        return found

    return ask
