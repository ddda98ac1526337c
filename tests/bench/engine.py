"""Prints what the engine itself costs: chains and wide graphs of trivial nodes, a node at a time and in all.

    python tests/bench/engine.py [N …]        default: 1000 10000 100000

The milliseconds are those of the fastest run, since the machine is shared. The microseconds a node are the mean over a window of many
runs, the best of several windows: one run of a small graph may slip into a moment in which nobody else is at work, which no run of a
large graph finds. Each graph has a process to itself, so that none pays for what another left in memory, and the sizes take turns, so
that a slow minute of the machine meets them all. Nothing here is asserted.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import reduce
from multiprocessing import get_context
from typing import NamedTuple

from graph_engine import Engine, Request, Workflow, node
from graph_engine.registry import of_functions
from graph_engine.workflow import canonical, parse

PASSES = 3
WINDOWS = 2
WINDOW_NODES = 20_000


@node("bench.add", version=1, category="bench")
def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    return a + b


@node("bench.total", version=1, category="bench")
def total(numbers: list[int]) -> int:
    """Add many numbers."""
    return sum(numbers)


def chain(count: int, start: int = 0) -> Workflow:
    """Each node reads the one before."""
    nodes: dict[str, object] = {"n0": {"type": "bench.add", "version": 1, "values": {"a": start, "b": 1}}}
    for index in range(1, count):
        nodes[f"n{index}"] = {"type": "bench.add", "version": 1, "values": {"b": 1}, "links": {"a": f"n{index - 1}.value"}}
    return _workflow(nodes, f"n{count - 1}")


def wide(count: int, start: int = 0) -> Workflow:
    """All nodes are independent, and the last reads them all."""
    nodes: dict[str, object] = {
        f"n{index}": {"type": "bench.add", "version": 1, "values": {"a": start + index, "b": 1}} for index in range(count - 1)
    }
    nodes["last"] = {"type": "bench.total", "version": 1, "links": {"numbers": [f"{name}.value" for name in nodes]}}
    return _workflow(nodes, "last")


def _workflow(nodes: dict[str, object], last: str) -> Workflow:
    return Workflow.model_validate({"nodes": nodes, "outputs": {"out": {"from": f"{last}.value"}}})


class Found(NamedTuple):
    """Seconds: of the fastest run, and of a node in the best window."""

    least_s: float
    node_s: float

    def better(self, other: Found) -> Found:
        return Found(min(self.least_s, other.least_s), min(self.node_s, other.node_s))


def timed(action: Callable[[Workflow], object], make: Callable[[int], Workflow], count: int) -> Found:
    """What ``action`` takes on what ``make(run)`` gives, which is not timed: a graph of ``count`` nodes."""
    runs = -(-WINDOW_NODES // count)
    windows = []
    for window in range(WINDOWS):
        seconds = []
        for run in range(runs):
            workflow = make(window * runs + run)
            gc.collect()
            started = time.perf_counter()
            action(workflow)
            seconds.append(time.perf_counter() - started)
        windows.append(Found(min(seconds), sum(seconds) / runs / count))
    return reduce(Found.better, windows)


def measure(shape: Callable[..., Workflow], count: int) -> dict[str, Found]:
    """Each kind of work on one graph of ``count`` nodes."""
    with Engine(of_functions(add, total)) as engine:
        workflow = shape(count)
        text = canonical(workflow)

        def same(_index: int) -> Workflow:
            return workflow

        def fresh(index: int) -> Workflow:
            return shape(count, start=(index + 1) * 10**9)

        def run(document: Workflow) -> object:
            return engine.run(Request(workflow=document))

        def plan(document: Workflow) -> object:
            return engine.plan(Request(workflow=document))

        found = {"parse": timed(lambda _: parse(text), same, count)}
        found["check"] = timed(lambda document: engine.check(Request(workflow=document)), same, count)
        found["plan, nothing known"] = timed(plan, lambda index: fresh(-index - 2), count)
        found["run, cold"] = timed(run, fresh, count)
        run(workflow)
        found["run, unchanged"] = timed(run, same, count)
        found["plan, unchanged"] = timed(plan, same, count)
        found["run, last value changed"] = timed(run, lambda index: _last_changed(shape, workflow, index), count)
    return found


def _last_changed(shape: Callable[..., Workflow], workflow: Workflow, index: int) -> Workflow:
    name = next(reversed(workflow.nodes)) if shape is chain else "n0"
    return workflow.with_values({f"{name}.b": index + 2})


def main(counts: list[int]) -> None:
    cases = [(shape, count) for shape in (chain, wide) for count in counts]
    found: dict[tuple[Callable[..., Workflow], int], dict[str, Found]] = {}
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as alone:
        for _ in range(PASSES):
            for case in cases:
                one = alone.submit(measure, *case).result()
                found[case] = {name: value.better(found.get(case, one)[name]) for name, value in one.items()}
    for shape, count in cases:
        print(f"\n{shape.__name__}, {count} nodes{'':12}      ms   µs a node   times the first size's")
        for name, value in found[shape, count].items():
            ratio = value.node_s / found[shape, counts[0]][name].node_s
            print(f"  {name:28}{value.least_s * 1e3:9.1f}{value.node_s * 1e6:12.1f}{ratio:12.2f}")


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]] or [1000, 10_000, 100_000])
