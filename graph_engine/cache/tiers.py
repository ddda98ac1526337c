"""Decides where a result is looked for and where it goes: memory first, then disk; and who computes what several want."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from graph_engine.cache.claims import Claims
from graph_engine.cache.costs import Cost, estimate, signatures
from graph_engine.cache.disk import DiskCache
from graph_engine.cache.memory import MISSING, MemoryCache, Result
from graph_engine.digest import Key
from graph_engine.graph import Node
from graph_engine.spec import NodeSpec
from graph_engine.values import Digest


class Cache:
    """What the engine asks. ``disk`` is None where nothing is to outlive the process."""

    def __init__(self, memory: MemoryCache, disk: DiskCache | None = None, claims_file: Path | None = None) -> None:
        self.memory, self.disk = memory, disk
        self._claims = Claims(claims_file)

    def result(self, key: Key) -> Result | None:
        found = self.memory.result(key)
        if found is None and self.disk is not None:
            found = self.disk.result(key)
            if found is not None:
                self.memory.learn(key, found)
        return found

    def holds(self, result: Result) -> bool:
        """Whether all values can be had without computing; one that turns out to be damaged is told by ``value``."""
        return self.memory.holds(result) or (self.disk is not None and self.disk.holds(result))

    def value(self, digest: Digest, elapsed_s: float = 0.0) -> Any:
        """The value, or MISSING."""
        found = self.memory.value(digest)
        if found is MISSING and self.disk is not None:
            found = self.disk.value(digest)
            if found is not MISSING:
                self.memory.keep(digest, found, elapsed_s)
        return found

    def store(self, key: Key, spec: NodeSpec, outputs: Mapping[str, Digest], values: Mapping[str, Any], elapsed_s: float) -> None:
        """Keep a result and its values, and let those in who waited for them."""
        self.memory.store(key, outputs, values, elapsed_s)
        self._claims.release(key)
        if self.disk is not None and spec.on_disk:
            self.disk.store(key, spec.type, outputs, values, elapsed_s, then=lambda: self._claims.release_shared(key))
        else:
            if self.disk is not None:
                self.disk.note(key, spec.type, outputs, elapsed_s)
            self._claims.release_shared(key)

    def claim(self, key: Key, spec: NodeSpec, when_free: Callable[[], None]) -> bool:
        """Whether the caller is to compute ``key``; if not, ``when_free`` is called when another look is worth it."""
        return self._claims.take(key, when_free, shared=self.disk is not None and spec.on_disk)

    def unclaim(self, key: Key) -> None:
        """The value will not come after all."""
        self._claims.release(key)
        self._claims.release_shared(key)

    def checkpoint(self, key: Key, state: Any) -> None:
        if self.disk is not None:
            self.disk.checkpoint(key, state)

    def checkpointed(self, key: Key) -> Any:
        return self.disk.checkpointed(key) if self.disk is not None else None

    def drop_checkpoint(self, key: Key) -> None:
        """The computation is done. Its checkpoint goes once its result is written, so that at any moment one of the two is there."""
        disk = self.disk
        if disk is not None:
            disk.later(lambda: disk.drop_checkpoint(key))

    def measured(self, runs: Iterable[tuple[Node, float, int]]) -> None:
        """Learn what nodes cost, once the writer has time."""
        disk = self.disk
        if disk is None:
            return

        def learn() -> None:
            found = [(signature, seconds, size) for node, seconds, size in runs for signature in signatures(node)]
            if disk.index is not None:
                disk.index.measured(found)

        disk.later(learn)

    def estimate(self, node: Node) -> Cost | None:
        return estimate(node, self.disk.index) if self.disk is not None and self.disk.index is not None else None

    def close(self) -> None:
        """Write what is queued, and give everything back."""
        if self.disk is not None:
            self.disk.close()
        self._claims.close()
