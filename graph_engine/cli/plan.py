"""Decides how ``loom plan`` answers: a line for each node that a run would look at, what would happen to it, and why."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from typing import Any

import click

from graph_engine.cli import output
from graph_engine.cli.request import Opened
from graph_engine.cli.workflow_command import WorkflowCommand, common_options
from graph_engine.plan import Planned

COLOUR = {"runs": "green", "cached": "cyan", "muted": "bright_black"}


@click.pass_obj
def plan(opened: Opened, /, as_json: bool, **_common: Any) -> None:
    """Show what a run of FILE would do with each node, and why.

    FILE is a workflow or a picture made by one. What it declares as inputs may be given as for run:
    "loom run FILE --help" lists them.
    """
    with opened.engine() as engine:
        request = opened.request()
        graph = opened.checked(engine, request)
        planned = engine.plan(request)
    output.problems(graph.warnings, as_json=as_json, event="warning")
    if as_json:
        for one in planned:
            output.json_line({"event": "planned", **one.as_json()})
    else:
        _table(planned)


def _table(planned: Sequence[Planned]) -> None:
    wide = max((len(one.node) for one in planned), default=0)
    room = shutil.get_terminal_size().columns - wide - 12 if sys.stdout.isatty() else 10_000
    for one in planned:
        reason = one.reason if len(one.reason) <= max(room, 20) else f"{one.reason[: max(room, 20) - 1]}…"
        status = output.styled(f"{one.status:<6}", fg=COLOUR[one.status])
        output.say_styled(f"{output.styled(one.node.ljust(wide))}  {status}  {output.styled(reason, dim=True)}")
    counts = [sum(one.status == status for one in planned) for status in COLOUR]
    parts = [f"{number} {'run' if status == 'runs' else status}" for number, status in zip(counts, COLOUR, strict=True) if number]
    output.say_styled(output.styled(", ".join(parts) or "nothing to do", dim=True))


command = WorkflowCommand("plan", callback=plan, params=common_options(), help=plan.__doc__)
