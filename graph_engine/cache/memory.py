"""Decides what is kept in memory: which values stay under a byte budget, and which result each computation had.

Results (key to output digests) are small and outlive the values they name: a key whose value is gone still lets everything below it be
served. Values are evicted by GreedyDual-Size (Cao and Irani 1997): the fewest recompute-seconds per byte go first, with age counted in.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from graph_engine.brief import BriefLock
from graph_engine.digest import Key
from graph_engine.values import Codecs, Digest

DEFAULT_BUDGET_BYTES = 2 * 2**30
MAX_RESULTS = 1_000_000
LEAST_SECONDS = 1e-6
MISSING: Any = object()


class Result(NamedTuple):
    """What a computation gave: the digest of each output, and how long it took."""

    outputs: Mapping[str, Digest]
    elapsed_s: float


class Report(NamedTuple):
    """Who holds what: how many values and how many bytes by type, the type with the most bytes first."""

    types: Mapping[str, tuple[int, int]]
    size_bytes: int
    budget_bytes: int


@dataclass(slots=True)
class _Kept:
    value: Any
    size_bytes: int
    worth: float  # recompute-seconds per byte
    priority: float


class MemoryCache:
    """Safe to use from several threads. Values are kept as given: whoever reads them hands out what cannot change them."""

    def __init__(self, codecs: Codecs, budget_bytes: int = DEFAULT_BUDGET_BYTES) -> None:
        self._codecs, self.budget_bytes = codecs, budget_bytes
        self.size_bytes = 0
        self._results: dict[Key, Result] = {}
        self._values: dict[Digest, _Kept] = {}
        self._unqueued: list[Digest] = []  # in no queue yet: most values of most processes never need to be
        self._queue: list[tuple[float, Digest]] = []
        self._age = 0.0
        self._lock = BriefLock()

    def result(self, key: Key) -> Result | None:
        """What the computation gave before, whether or not its values are still kept."""
        return self._results.get(key)

    def holds(self, result: Result) -> bool:
        return all(digest in self._values for digest in result.outputs.values())

    def value(self, digest: Digest) -> Any:
        """The value, or MISSING."""
        kept = self._values.get(digest)
        if kept is None:
            return MISSING
        kept.priority = self._age + kept.worth  # no lock: one that is being evicted is as good as one that was read before
        return kept.value

    def store(self, key: Key, outputs: Mapping[str, Digest], values: Mapping[str, Any], elapsed_s: float) -> None:
        """Remember the result, and keep the values as far as the budget allows."""
        with self._lock:
            self._results[key] = Result(outputs, elapsed_s)
            if len(self._results) > MAX_RESULTS:
                del self._results[next(iter(self._results))]
            for name, digest in outputs.items():
                if digest not in self._values:
                    self._keep(digest, values[name], elapsed_s)
            while self.size_bytes > self.budget_bytes:
                self._evict_one()

    def keep(self, digest: Digest, value: Any, elapsed_s: float) -> None:
        """Keep a value that was read from elsewhere."""
        with self._lock:
            if digest not in self._values:
                self._keep(digest, value, elapsed_s)
            while self.size_bytes > self.budget_bytes:
                self._evict_one()

    def learn(self, key: Key, result: Result) -> None:
        """Remember a result whose values are elsewhere."""
        with self._lock:
            self._results[key] = result

    def report(self) -> Report:
        counts, sizes = Counter[str](), Counter[str]()
        with self._lock:
            for kept in self._values.values():
                name = getattr(type(kept.value), "__socket_type__", type(kept.value).__name__)
                counts[name] += 1
                sizes[name] += kept.size_bytes
            total = self.size_bytes
        return Report({name: (counts[name], size) for name, size in sizes.most_common()}, total, self.budget_bytes)

    def clear(self) -> None:
        with self._lock:
            self._results.clear()
            self._values.clear()
            self._unqueued.clear()
            self._queue.clear()
            self.size_bytes, self._age = 0, 0.0

    def _keep(self, digest: Digest, value: Any, elapsed_s: float) -> None:
        size = self._codecs.size_bytes(value)
        if size <= self.budget_bytes:
            worth = (elapsed_s + LEAST_SECONDS) / max(size, 1)
            self._values[digest] = _Kept(value, size, worth, self._age + worth)
            self._unqueued.append(digest)
            self.size_bytes += size

    def _evict_one(self) -> None:
        """Drop the value of least priority; a queue entry older than the value's last use is put back with the newer one."""
        for digest in self._unqueued:
            heapq.heappush(self._queue, (self._values[digest].priority, digest))
        self._unqueued.clear()
        while True:
            queued, digest = heapq.heappop(self._queue)
            kept = self._values[digest]
            if kept.priority <= queued:
                break
            heapq.heappush(self._queue, (kept.priority, digest))
        self._age = kept.priority
        del self._values[digest]
        self.size_bytes -= kept.size_bytes
