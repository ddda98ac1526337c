"""Decides how ``loom plan`` answers: a line for each node that a run would look at, what would happen to it, what it costs, and why."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from graph_engine.cli import output
from graph_engine.cli.keeping import cache_folder, cache_options
from graph_engine.cli.progress import duration, size
from graph_engine.cli.request import Opened
from graph_engine.cli.workflow_command import WorkflowCommand, common_options
from graph_engine.plan import Planned

COLOUR = {"runs": "green", "cached": "cyan", "muted": "bright_black"}
UNKNOWN = "?"


@click.pass_obj
def plan(opened: Opened, /, cache: Path | None, no_cache: bool, as_json: bool, **_common: Any) -> None:
    """Show what a run of FILE would do with each node, what that costs, and why.

    FILE is a workflow or a picture made by one. What it declares as inputs may be given as for run:
    "loom run FILE --help" lists them. Seconds and sizes are those of runs before on this machine; "?" means that there was none.
    """
    with opened.engine(cache=cache_folder(cache, no_cache)) as engine:
        request = opened.request()
        graph = opened.checked(engine, request)
        planned = engine.plan(request)
    output.problems(graph.warnings, as_json=as_json, event="warning")
    if as_json:
        for one in planned:
            output.json_line({"event": "planned", **one.as_json()})
        output.json_line({"event": "plan_total", **_total(planned)})
    else:
        _table(planned)


def _total(planned: Sequence[Planned]) -> dict[str, Any]:
    """What all nodes that run cost together, as far as it is known; ``unknown`` counts those that never ran here."""
    runs = [one for one in planned if one.status == "runs"]
    known = [one for one in runs if one.seconds is not None]
    return {
        **{status: sum(one.status == status for one in planned) for status in COLOUR},
        "seconds": sum(one.seconds or 0.0 for one in known),
        "size_bytes": sum(one.size_bytes or 0.0 for one in known),
        "unknown": len(runs) - len(known),
    }


def _table(planned: Sequence[Planned]) -> None:
    rows = [(one.node, one.status, *_cost(one), one.reason) for one in planned]
    widths = [max(map(len, column), default=0) for column in list(zip(*rows, strict=True))[:4]] or [0] * 4
    room = max(20, shutil.get_terminal_size().columns - sum(widths) - 8) if sys.stdout.isatty() else 10_000
    for node, status, seconds, bytes_made, reason in rows:
        cut = reason if len(reason) <= room else f"{reason[: room - 1]}…"
        cells = [
            output.styled(node.ljust(widths[0])),
            output.styled(status.ljust(widths[1]), fg=COLOUR[status]),
            output.styled(seconds.rjust(widths[2])),
            output.styled(bytes_made.rjust(widths[3])),
            output.styled(cut, dim=True),
        ]
        output.say_styled("  ".join(cells))
    output.say_styled(output.styled(_summary(_total(planned)), dim=True))


def _cost(one: Planned) -> tuple[str, str]:
    if one.status != "runs":
        return "", ""
    seconds = UNKNOWN if one.seconds is None else duration(one.seconds)
    return seconds, UNKNOWN if one.size_bytes is None else size(one.size_bytes)


def _summary(total: dict[str, Any]) -> str:
    """``3 run, 2 cached; about 12 s and 1.4 MB``."""
    parts = [f"{total[status]} {'run' if status == 'runs' else status}" for status in COLOUR if total[status]]
    counts = ", ".join(parts) or "nothing to do"
    if not total["runs"]:
        return counts
    if total["unknown"] == total["runs"]:
        return f"{counts}; how long is not known: nothing like it ran here"
    least = "at least" if total["unknown"] else "about"
    more = f", and {total['unknown']} that never ran here" if total["unknown"] else ""
    return f"{counts}; {least} {duration(total['seconds'])} and {size(total['size_bytes'])}{more}"


command = WorkflowCommand("plan", callback=plan, params=[*common_options(), *cache_options()], help=plan.__doc__)
