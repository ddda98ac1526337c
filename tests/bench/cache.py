"""Prints what the disk cache costs: look-ups of many cached nodes, writing beside a run, start and eviction with many entries.

    python tests/bench/cache.py [NODES [ENTRIES]]        default: 10000 100000

Ratios are of runs side by side in this process, the least of several, since the machine is shared. Nothing here is asserted.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from graph_engine import Engine, Request, Workflow, node, socket_type
from graph_engine.cache.index import Index
from graph_engine.digest import Key
from graph_engine.registry import Registry, of_functions
from graph_engine.values import Digest

ROUNDS = 5


@socket_type("Blob")
@dataclass(frozen=True)
class Blob:
    """Half a megabyte, as a small picture has."""

    data: bytes


@node("bench.add", version=1, category="bench")
def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    return a + b


@node("bench.work", version=1, category="bench", lane="device")
def work(seed: int, after: Blob | None = None) -> Blob:
    """Be busy for about a tenth of a second, and give half a megabyte."""
    block = hashlib.sha256(f"{seed} {after}".encode()).digest() * 2**14
    for _ in range(200):
        hashlib.sha256(block).digest()
    return Blob(block)


REGISTRY: Registry = of_functions(add, work)


def adds(count: int) -> Workflow:
    """A chain of additions."""
    nodes: dict[str, object] = {"n0": {"type": "bench.add", "values": {"a": 0, "b": 1}}}
    for index in range(1, count):
        nodes[f"n{index}"] = {"type": "bench.add", "values": {"b": 1}, "links": {"a": f"n{index - 1}.value"}}
    return Workflow.model_validate({"nodes": nodes, "outputs": {"out": {"from": f"n{count - 1}.value"}}})


def works(count: int, seed: int) -> Workflow:
    """A chain of busy nodes."""
    nodes: dict[str, object] = {"n0": {"type": "bench.work", "values": {"seed": seed}}}
    for index in range(1, count):
        nodes[f"n{index}"] = {"type": "bench.work", "values": {"seed": seed}, "links": {"after": f"n{index - 1}.blob"}}
    return Workflow.model_validate({"nodes": nodes, "outputs": {"out": {"from": f"n{count - 1}.blob"}}})


def seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def look_ups(count: int, folder: Path) -> None:
    """A new engine serves a cached graph from disk: what a second process does."""
    workflow = adds(count)
    with Engine(REGISTRY, cache_folder=folder) as engine:
        engine.run(Request(workflow=workflow))
    least = float("inf")
    for _ in range(ROUNDS):
        with Engine(REGISTRY, cache_folder=folder) as engine:
            graph = engine.check(Request(workflow=workflow))
            checked = seconds(lambda: engine.check(Request(workflow=workflow)))
            least = min(least, seconds(lambda: engine.run(Request(workflow=workflow))) - checked)
        assert not graph.problems
    print(f"keys and look-ups of {count} cached nodes: {least:.3f} s, {least / count * 1e6:.1f} µs a node")


def writing(folder: Path) -> None:
    """The wall time of a run with the disk cache, times that of the same run without."""
    ratios = []
    for index in range(ROUNDS):
        workflow = works(10, seed=index)
        ratios.append(_run_seconds(workflow, folder) / _run_seconds(workflow, None))
    middle = sorted(ratios)[len(ratios) // 2]
    print(f"a run with the disk cache, times one without: {middle:.3f} ({min(ratios):.3f} to {max(ratios):.3f})")


def _run_seconds(workflow: Workflow, folder: Path | None) -> float:
    with Engine(REGISTRY, cache_folder=folder) as engine:
        return seconds(lambda: engine.run(Request(workflow=workflow)))


def many_entries(count: int, folder: Path) -> None:
    """Start and eviction of an index with many entries."""
    index = Index(folder / "index.sqlite")
    with index.transaction() as database:
        rows = ((hashlib.sha256(b"%d" % n).digest(), 1000, n / count, n / count, "bench", 0.0, b"") for n in range(count))
        database.executemany("insert into kept values (?, ?, ?, ?, ?, ?, ?)", rows)
        database.execute("update facts set value = ? where name = 'size_bytes'", (count * 1000,))
    index.close()
    started = seconds(lambda: Index(folder / "index.sqlite").close())
    index = Index(folder / "index.sqlite")
    evicted = seconds(lambda: index.evict(count * 990))
    added = seconds(lambda: index.add(Key(b"k"), "bench", {"out": Digest(b"d" * 32)}, 1.0, {Digest(b"d" * 32): (1000, b"")}))
    index.close()
    print(
        f"an index of {count} entries: start {started * 1e3:.1f} ms, evict 1 % {evicted * 1e3:.1f} ms, add one {added * 1e3:.2f} ms"
    )


def main(count: int = 10_000, entries: int = 100_000) -> None:
    for measure in (lambda folder: look_ups(count, folder), writing, lambda folder: many_entries(entries, folder)):
        with tempfile.TemporaryDirectory() as folder:
            measure(Path(folder))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
