"""Decides how ``loom check`` answers: every problem and warning of a workflow at once, or one line that says there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from graph_engine.cli import output
from graph_engine.cli.request import Opened
from graph_engine.cli.workflow_command import WorkflowCommand, common_options

PROBLEMS_FOUND = 3


@click.pass_obj
def check(opened: Opened, /, file: Path, as_json: bool, **_common: Any) -> None:
    """List every problem of FILE, without running it.

    FILE is a workflow or a picture made by one. What it declares as inputs may be given as for run:
    "loom run FILE --help" lists them.
    """
    with opened.engine() as engine:
        graph = engine.check(opened.request())
    problems = opened.problems(graph)
    output.problems(problems, as_json=as_json)
    output.problems(graph.warnings, as_json=as_json, event="warning")
    if as_json:
        output.json_line({"event": "checked", "problems": len(problems), "warnings": len(graph.warnings)})
    elif not problems:
        output.say(f"{file}: no problems, {_count(len(graph.nodes), 'node')}")
    else:
        output.tell(f"{file}: {_count(len(problems), 'problem')}")
    if problems:
        raise click.exceptions.Exit(PROBLEMS_FOUND)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


command = WorkflowCommand("check", callback=check, params=common_options(), help=check.__doc__)
