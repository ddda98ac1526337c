"""Prints what the engine itself costs: chains and wide graphs of trivial nodes, a node at a time and in all.

    python tests/bench/engine.py [N …]        default: 1000 10000 100000

Each figure is the least of several runs, since the machine is shared. Each graph has a process to itself, so that none pays for what
another left in memory, and the sizes take turns, so that a slow minute of the machine meets them all. Nothing here is asserted.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from graph_engine import Engine, Request, Workflow, node
from graph_engine.registry import of_functions
from graph_engine.workflow import canonical, parse

PASSES = 3


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


def least(action: Callable[[Workflow], object], make: Callable[[int], Workflow], rounds: int) -> float:
    """Seconds of the fastest of ``rounds`` runs of ``action`` on what ``make(round)`` gives, which is not timed."""
    found = []
    for index in range(rounds):
        workflow = make(index)
        gc.collect()
        started = time.perf_counter()
        action(workflow)
        found.append(time.perf_counter() - started)
    return min(found)


def measure(shape: Callable[..., Workflow], count: int) -> dict[str, float]:
    """Seconds of each kind of work on one graph of ``count`` nodes."""
    rounds = 6 if count <= 1000 else 2
    with Engine(of_functions(add, total)) as engine:
        workflow = shape(count)
        text = canonical(workflow)

        def fresh(index: int) -> Workflow:
            return shape(count, start=(index + 1) * 10**9)

        def run(document: Workflow) -> object:
            return engine.run(Request(workflow=document))

        def plan(document: Workflow) -> object:
            return engine.plan(Request(workflow=document))

        found = {"parse": least(lambda _: parse(text), lambda _: workflow, rounds)}
        found["check"] = least(lambda document: engine.check(Request(workflow=document)), lambda _: workflow, rounds)
        found["plan, nothing known"] = least(plan, lambda index: fresh(-index - 2), rounds)
        found["run, cold"] = least(run, fresh, rounds)
        run(workflow)
        found["run, unchanged"] = least(run, lambda _: workflow, rounds)
        found["plan, unchanged"] = least(plan, lambda _: workflow, rounds)
        found["run, last value changed"] = least(run, lambda index: _last_changed(shape, workflow, index), rounds)
    return found


def _last_changed(shape: Callable[..., Workflow], workflow: Workflow, index: int) -> Workflow:
    name = next(reversed(workflow.nodes)) if shape is chain else "n0"
    return workflow.with_values({f"{name}.b": index + 2})


def main(counts: list[int]) -> None:
    cases = [(shape, count) for shape in (chain, wide) for count in counts]
    found: dict[tuple[Callable[..., Workflow], int], dict[str, float]] = {}
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as alone:
        for _ in range(PASSES):
            for case in cases:
                seconds = alone.submit(measure, *case).result()
                found[case] = {name: min(value, found.get(case, seconds)[name]) for name, value in seconds.items()}
    for shape, count in cases:
        print(f"\n{shape.__name__}, {count} nodes{'':12}      ms   µs a node   times the first size's")
        for name, seconds in found[shape, count].items():
            ratio = seconds / count / (found[shape, counts[0]][name] / counts[0])
            print(f"  {name:28}{seconds * 1e3:9.1f}{seconds / count * 1e6:12.1f}{ratio:12.2f}")


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]] or [1000, 10_000, 100_000])
