"""Decides which weights are in memory: loaded when first lent, kept under a byte budget, dropped when longest idle.

They are dropped and not copied to the CPU: the tensors came from memory-mapped files, so they are still in the system's
page cache, and coming back costs the same copy to the device as coming from the CPU would.
"""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar, cast

import torch
from torch import nn

from graph_engine import LoomError
from nodes.runtime.device import Device

log = logging.getLogger(__name__)

Module = TypeVar("Module", bound=nn.Module)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What makes two loads the same: the files' fingerprint, which part of the model, in which dtype."""

    fingerprint: str
    component: str
    dtype: torch.dtype


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A report of one module in memory. ``readers``: how many nodes are using it right now."""

    name: str
    component: str
    dtype: str
    device: str
    size_bytes: int
    readers: int


@dataclass(slots=True, eq=False)
class _Entry:
    name: str
    ready: threading.Event = field(default_factory=threading.Event)
    module: nn.Module | None = None
    size_bytes: int = 0
    readers: int = 0
    last_use: int = 0


class Weights:
    """The modules of all models on one device. Safe to use from several threads: one thread loads, others wait for it.

    The budget is kept whenever what is in use allows it; a model larger than all of it is still loaded, alone.
    """

    def __init__(self, device: Device, budget_bytes: int) -> None:
        self.device = device
        self.budget_bytes = budget_bytes
        self._entries: dict[Key, _Entry] = {}
        self._lock = threading.Lock()
        self._clock = 0  # counts uses: what was used last has the highest number

    @classmethod
    def from_options(cls, options: Mapping[str, str]) -> Weights:
        """Options: those of Device, and ``weights_budget``, in bytes or as ``auto``."""
        device = Device.from_options(options)
        wanted = options.get("weights_budget", "auto")
        if wanted != "auto" and not wanted.isdecimal():
            raise LoomError(f"weights_budget is {wanted!r}, but must be a number of bytes, or auto.")
        return cls(device, device.budget_bytes() if wanted == "auto" else int(wanted))

    @contextmanager
    def lend(self, name: str, key: Key, load: Callable[[], Module]) -> Iterator[Module]:
        """The module behind ``key`` on the device, for as long as the block runs.

        ``load`` gives it on the CPU, in any dtype, and what it raises is raised here; ``name`` is for the report.
        """
        entry = self._enter(name, key, load)
        try:
            yield cast(Module, entry.module)
        finally:
            with self._lock:
                entry.readers -= 1

    def facts(self) -> Mapping[str, str]:
        """For the run record: on what the networks run, as far as it decides about their last digits."""
        return self.device.facts()

    def held(self) -> list[Held]:
        """What is in memory now, the most recently used first."""
        with self._lock:
            found = sorted(self._entries.items(), key=lambda item: -item[1].last_use)
            return [
                Held(
                    name=entry.name,
                    component=key.component,
                    dtype=str(key.dtype).removeprefix("torch."),
                    device=str(self.device.torch_device),
                    size_bytes=entry.size_bytes,
                    readers=entry.readers,
                )
                for key, entry in found
                if entry.module is not None
            ]

    def release(self) -> int:
        """Drop everything that nobody uses; gives the bytes freed."""
        with self._lock:
            freed = self._make_room(0)
        self._return_memory(freed)
        return freed

    def _enter(self, name: str, key: Key, load: Callable[[], nn.Module]) -> _Entry:
        while True:
            with self._lock:
                entry = self._entries.get(key)
                first = entry is None
                if entry is None:
                    entry = self._entries[key] = _Entry(name)
                entry.readers += 1
                self._clock += 1
                entry.last_use = self._clock
            if first:
                self._fill(key, entry, load)
                return entry
            entry.ready.wait()
            if entry.module is not None:
                return entry  # else its load failed, and this thread tries again with its own

    def _fill(self, key: Key, entry: _Entry, load: Callable[[], nn.Module]) -> None:
        try:
            module = load().requires_grad_(False).eval()
            with self._lock:
                entry.size_bytes = weight_bytes(module, key.dtype)
                freed = self._make_room(self.budget_bytes)
            self._return_memory(freed)
            entry.module = self._place(module, key.dtype)
            log.info("loaded %s of %s: %.1f MB", key.component, entry.name, entry.size_bytes / 2**20)
        except BaseException:
            with self._lock:
                del self._entries[key]
            raise
        finally:
            entry.ready.set()

    def _place(self, module: nn.Module, dtype: torch.dtype) -> nn.Module:
        try:
            return self.device.place(module, dtype)
        except torch.OutOfMemoryError:
            log.warning("the device is full before the budget is: dropping all weights that are not in use")
            self.release()
            return self.device.place(module, dtype)

    def _make_room(self, budget_bytes: int) -> int:
        """Drop idle modules, the longest unused first, until the rest fits the budget; gives the bytes freed.

        The caller holds the lock. What is still being loaded counts, and is never dropped.
        """
        used = sum(entry.size_bytes for entry in self._entries.values())
        freed = 0
        for key, entry in sorted(self._entries.items(), key=lambda item: item[1].last_use):
            if used - freed <= budget_bytes:
                break
            if entry.readers == 0 and entry.module is not None:
                log.info("dropped %s of %s: %.1f MB", key.component, entry.name, entry.size_bytes / 2**20)
                freed += entry.size_bytes
                del self._entries[key]
        return freed

    def _return_memory(self, freed_bytes: int) -> None:
        """Give freed memory back to the device, so that other programs and larger blocks can have it."""
        if freed_bytes == 0:
            return
        gc.collect()
        match self.device.torch_device.type:
            case "cuda":
                torch.cuda.empty_cache()
            case "mps":
                torch.mps.empty_cache()


def weight_bytes(module: nn.Module, dtype: torch.dtype) -> int:
    """The memory that a module's weights take once they are of ``dtype``; integer buffers keep theirs."""
    total = 0
    for tensor in (*module.parameters(), *module.buffers()):
        width = dtype.itemsize if tensor.is_floating_point() else tensor.element_size()
        total += tensor.numel() * width
    return total
