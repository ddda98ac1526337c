"""Decides what is said of a run when it is over: what ran and why, what was served, time and memory, where the files are."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graph_engine.cli.output import clean
from graph_engine.cli.progress import duration, size

if TYPE_CHECKING:
    from rich.console import Console

    from graph_engine.execute import RunResult

MAX_NODES = 16


def show(console: Console, result: RunResult, *, here: bool = True) -> None:
    """The summary on a terminal. ``here``: whether it ran in this process."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=32)
    table.add_column(no_wrap=True, justify="right")
    table.add_column(no_wrap=True, overflow="ellipsis", style="dim")
    slowest = sorted(result.ran, key=result.ran.__getitem__, reverse=True)[:MAX_NODES]
    for node in [node for node in result.ran if node in slowest]:
        table.add_row(Text(clean(node)), duration(result.ran[node]), Text(clean(result.reasons.get(node, ""))))
    if len(result.ran) > MAX_NODES:
        table.add_row(Text(f"and {len(result.ran) - MAX_NODES} faster ones", style="dim"), "", "")
    if result.ran:
        console.print(table)
        console.print()
    console.print(Text(totals(result, here=here), style="dim"))
    for name, value in plain_outputs(result.outputs):
        console.print(Text.assemble((f"{name}: ", "dim"), clean(value)), soft_wrap=True)
    for path in result.files:
        console.print(Text(clean(shown_path(path)), style="bold green"), soft_wrap=True)


def totals(result: RunResult, *, here: bool = True) -> str:
    """``5 ran · 3 from cache · 3.1 s · peak memory 1.4 GB``; memory is known of this process alone."""
    parts = [f"{len(result.ran)} ran", f"{len(result.served)} from cache", duration(result.elapsed_s)]
    return " · ".join([*parts, f"peak memory {size(peak_memory_bytes())}"] if here else parts)


def plain_outputs(outputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The declared outputs that are texts, numbers or truth values, as texts."""
    for name, value in outputs.items():
        if isinstance(value, bool):
            yield name, "true" if value else "false"
        elif isinstance(value, str | int | float):
            yield name, str(value)


def kept(result: RunResult, *, on_disk: bool) -> str:
    """What is left of a cancelled run: files, and where the cache is on also the results of finished nodes."""
    nodes = list(result.ran)
    shown = ", ".join(nodes[:6]) + (f" and {len(nodes) - 6} more" if len(nodes) > 6 else "")
    left = "were in memory and are gone" if not on_disk else "are kept: the same command goes on from there"
    finished = f"Finished: {shown}; their results {left}." if nodes else "No node had finished."
    files = "".join(f"\n  {shown_path(path)}" for path in result.files)
    return f"cancelled. {finished} " + (f"Files already written stay:{files}" if files else "No file was written.")


def shown_path(path: Path) -> str:
    """The path from the working folder where that is shorter, else in full."""
    full = str(path.absolute())
    try:
        return min(os.path.relpath(full), full, key=len)
    except ValueError:  # another drive
        return full


def peak_memory_bytes() -> int:
    """The most main memory that this process held so far."""
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
