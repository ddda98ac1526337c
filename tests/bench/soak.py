"""Prints what a process holds while it runs 200 mixed workflows: its memory (RSS), and what the memory cache says that it holds.

    python tests/bench/soak.py [RUNS]        default: 200

The runs differ in size and shape, make more than the budget holds, and some fail or are cancelled. RSS should be flat from the second
quarter on. tests/graph_engine/cache/test_soak.py asserts a generous bound on it.
"""

from __future__ import annotations

import gc
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graph_engine import Engine, Request, Workflow, node, socket_type
from graph_engine.cache.memory import Report
from graph_engine.registry import of_functions

BUDGET_BYTES = 8 * 2**20
DISK_BYTES = 4 * 2**20


@socket_type("Block")
@dataclass(frozen=True)
class Block:
    """Many bytes."""

    data: bytes


@node("soak.block", version=1, category="soak")
def block(seed: int, kibibytes: int = 256) -> Block:
    """Give bytes that no other seed gives."""
    return Block(seed.to_bytes(8, "little") * (kibibytes * 128))


@node("soak.half", version=1, category="soak", lane="device")
def half(block: Block) -> Block:
    """Give the first half."""
    return Block(block.data[: len(block.data) // 2])


@node("soak.size", version=1, category="soak")
def size(blocks: list[Block]) -> int:
    """Count the bytes of several."""
    return sum(len(one.data) for one in blocks)


@node("soak.fail", version=1, category="soak")
def fail(block: Block) -> int:
    """Fail."""
    raise RuntimeError("as meant")


REGISTRY = of_functions(block, half, size, fail)


def mixed(number: int) -> Workflow:
    """A few blocks, their halves, and a sum; every seventh fails, every third asks for what an earlier one made."""
    seed = number if number % 3 else number // 2
    nodes: dict[str, Any] = {}
    for index in range(1 + number % 5):
        nodes[f"b{index}"] = {"type": "soak.block", "values": {"seed": 1000 * seed + index, "kibibytes": 32 * (1 + number % 8)}}
        nodes[f"h{index}"] = {"type": "soak.half", "links": {"block": f"b{index}.block"}}
    nodes["sum"] = {"type": "soak.size", "links": {"blocks": [f"{name}.block" for name in nodes]}}
    outputs = {"sum": {"from": "sum.value"}}
    if number % 7 == 0:
        nodes["bad"] = {"type": "soak.fail", "links": {"block": "b0.block"}}
        outputs["bad"] = {"from": "bad.value"}
    return Workflow.model_validate({"nodes": nodes, "outputs": outputs})


def resident_bytes() -> int:
    """What the process holds now (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def soak(runs: int, folder: Path) -> tuple[list[int], Report]:
    """RSS after each run, and what the cache held at the end."""
    found = []
    with Engine(REGISTRY, memory_bytes=BUDGET_BYTES, cache_folder=folder, disk_bytes=DISK_BYTES) as engine:
        for number in range(runs):
            run = engine.start(Request(workflow=mixed(number)))
            if number % 11 == 0:
                run.cancel()
            run.wait()
            del run
            if number % 10 == 0:
                gc.collect()
                assert engine.around.cache.disk is not None
                engine.around.cache.disk.flush()  # what a slow disk has still to write is held too, within a bound of its own
            found.append(resident_bytes())
        return found, engine.around.cache.memory.report()


def main(runs: int = 200) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found, report = soak(runs, Path(folder))
    for quarter in range(4):
        part = found[runs * quarter // 4 : runs * (quarter + 1) // 4]
        print(f"runs {runs * quarter // 4:>4} to {runs * (quarter + 1) // 4:>4}: RSS at most {max(part) / 2**20:.1f} MiB")
    print(f"the memory cache holds {report.size_bytes / 2**20:.1f} of {report.budget_bytes / 2**20:.1f} MiB:")
    for name, (count, size_bytes) in report.types.items():
        print(f"  {name:<10} {count:>6} values {size_bytes / 2**20:>8.2f} MiB")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
