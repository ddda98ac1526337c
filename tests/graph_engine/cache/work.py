"""Nodes that note in a file each time they run, and a program that runs them in a process of its own.

    python -m tests.graph_engine.cache.work JSON        {"cache": FOLDER, "workflow": {…}, "targets": […], "disk_bytes": N}

It prints one line of JSON: the outputs, the nodes that ran and those that were served. Messages go to standard error.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graph_engine import Context, node, socket_type
from graph_engine.engine import Engine, Request
from graph_engine.registry import Registry, of_functions
from graph_engine.workflow import Workflow
from tests.graph_engine import toys

ROOT = Path(__file__).parents[3]


@socket_type("Blob")
@dataclass(frozen=True)
class Blob:
    """As many bytes as are wished: from a thousand on they get a file of their own."""

    data: bytes


def note(folder: str, what: object) -> None:
    with (Path(folder) / "ran").open("a") as file:
        file.write(f"{what}\n")


def noted(folder: Path) -> list[str]:
    path = folder / "ran"
    return path.read_text().splitlines() if path.exists() else []


@node("work.blob", version=1, category="x")
def blob(seed: int, size: int = 4000, folder: str = "") -> Blob:
    """Give bytes that tell the seed."""
    if folder:
        note(folder, seed)
    return Blob(seed.to_bytes(8, "little") * (size // 8))


@node("work.length", version=1, category="x")
def length(blob: Blob) -> int:
    """Tell how many bytes there are."""
    return len(blob.data)


@node("work.slow", version=1, category="x")
def slow(value: float, folder: str, context: Context) -> float:
    """Note that it runs, wait until the file ``go`` is there, and double the number."""
    note(folder, os.getpid())
    end = time.monotonic() + toys.PATIENCE_S
    while not (Path(folder) / "go").exists():
        context.progress(0, 1)
        assert time.monotonic() < end, "nobody let it go"
        time.sleep(0.01)
    return value * 2


@node("work.die", version=1, category="x")
def die(value: float, folder: str, context: Context) -> float:
    """Note that it runs; fail if the file ``fail`` is there."""
    note(folder, os.getpid())
    end = time.monotonic() + toys.PATIENCE_S
    while not (Path(folder) / "go").exists():
        context.progress(0, 1)
        assert time.monotonic() < end, "nobody let it go"
        time.sleep(0.01)
    if (Path(folder) / "fail").exists():
        (Path(folder) / "fail").unlink()
        raise RuntimeError("as told")
    return value * 3


REGISTRY: Registry = of_functions(*toys.ALL, blob, length, slow, die)


def start(cache: Path, of: Workflow, **options: Any) -> subprocess.Popen[str]:
    """The program, running."""
    told = json.dumps({"cache": str(cache), "workflow": of.model_dump(by_alias=True), **options})
    return subprocess.Popen(
        [sys.executable, "-m", "tests.graph_engine.cache.work", told],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process: subprocess.Popen[str]) -> tuple[dict[str, Any], str]:
    """What the program printed, and its messages."""
    out, messages = process.communicate(timeout=4 * toys.PATIENCE_S)
    assert process.returncode == 0, messages
    found: dict[str, Any] = json.loads(out)
    return found, messages


def main(told: dict[str, Any]) -> None:
    if "largest_file" in told:
        resource.setrlimit(resource.RLIMIT_FSIZE, (told["largest_file"], told["largest_file"]))
    with Engine(REGISTRY, cache_folder=Path(told["cache"]), disk_bytes=told.get("disk_bytes", 10**9)) as engine:
        result = engine.run(Request(workflow=Workflow.model_validate(told["workflow"]), targets=told.get("targets")))
    print(
        json.dumps(
            {
                "status": result.status,
                "outputs": {name: value for name, value in result.outputs.items() if isinstance(value, int | float | str)},
                "ran": sorted(result.ran),
                "served": sorted(result.served),
                "heavy": sorted({"torch", "numpy", "PIL"} & set(sys.modules)),
            }
        )
    )


if __name__ == "__main__":
    from tests.graph_engine.cache import work  # by its own name, as the classes of its values are known in files

    work.main(json.loads(sys.argv[1]))
