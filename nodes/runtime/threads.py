"""Decides how many of torch's threads a network's calls get on the CPU: one where a call is small, all that there are elsewhere.

Threads wait for each other after each layer, and asleep (see ``nodes/__init__``), so a small layer is done before they are awake.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

import torch
from torch import nn

from nodes.runtime.device import Device

SMALL_CALL = 10**10
"""Weights times places of the latent of one item, below which one thread is faster. Measured with loom-tiny on two cores, one thread
against two: 51 and 104 ms at 1e9, 125 and 151 at 4e9, 370 and 328 at 17e9."""

_sizes: WeakKeyDictionary[nn.Module, int] = WeakKeyDictionary()


@contextmanager
def threads_for(network: nn.Module, places: int, device: Device) -> Iterator[None]:
    """While this is open, the calling thread computes with as many threads as pay for ``network`` on a latent of ``places``.

    How many items a batch has is left out of it, since the number of threads decides about last bits, and an item is to have
    those of its single run.
    """
    usual = torch.get_num_threads()
    if device.torch_device.type != "cpu" or usual == 1 or _size(network) * places >= SMALL_CALL:
        yield
        return
    torch.set_num_threads(1)
    # That is also what threads begin with which torch has not seen yet. Only the calling thread is meant, so another one takes it back.
    other = threading.Thread(target=torch.set_num_threads, args=(usual,), name="loom-threads")
    other.start()
    other.join()
    try:
        yield
    finally:
        torch.set_num_threads(usual)


def _size(network: nn.Module) -> int:
    if network not in _sizes:
        _sizes[network] = sum(weights.numel() for weights in network.parameters())
    return _sizes[network]
