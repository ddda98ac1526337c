"""Decides how ``loom explain`` answers: a line for each node from the one that was asked for up to where something did change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from graph_engine.cli import output
from graph_engine.cli.command import verbose_option
from graph_engine.cli.keeping import cache_folder, cache_options
from graph_engine.cli.progress import duration
from graph_engine.cli.request import Opened
from graph_engine.cli.workflow_command import WorkflowCommand, common_options
from graph_engine.explain import Cause

CACHE_HELP = """Say how the cache decides what is kept and what goes first; or, given FILE and NODE, why the node would run.

With FILE and NODE it is the same as "loom explain".
"""


@click.pass_obj
def explain(opened: Opened, /, node: str | None, cache: Path | None, no_cache: bool, as_json: bool, **_common: Any) -> None:
    """Say why NODE of FILE would run or be served, down to the value that changed.

    NODE is the name of a node or of a declared output. What FILE declares as inputs may be given as for run. The answer
    compares with the last run of FILE that this machine's cache knows.
    """
    if node is None:
        raise click.UsageError("NODE is missing: name a node of the file, or one of its outputs.")
    with opened.engine(cache=cache_folder(cache, no_cache)) as engine:
        request = opened.request()
        opened.checked(engine, request)
        chain = engine.explain(request, node)
    if as_json:
        for cause in chain:
            output.json_line({"event": "cause", **cause.as_json()})
        return
    for line in _lines(chain):
        output.say_styled(line)


def _lines(chain: list[Cause]) -> list[str]:
    first, *above = chain
    verdict = "would run" if first.status == "runs" else "is served"
    lines = [f"{output.styled(first.node, bold=True)} {output.styled(f'({first.type}) {verdict}: {first.reason}{_took(first)}')}"]
    wide = max((len(cause.node) for cause in above), default=0)
    depth = {first.node: 0}
    for cause in above:
        depth[cause.node] = depth.get(cause.feeds.rpartition(".")[0], 0) + 1
        mark = output.styled("root cause: ", fg="yellow") if cause.root else ""
        indent = "  " * depth[cause.node]
        shown = output.styled(cause.node.ljust(wide), bold=True)
        lines.append(f"{indent}{shown}  {output.styled(f'-> {cause.feeds}', dim=True)}  {mark}{output.styled(cause.reason)}")
    return lines


def _took(cause: Cause) -> str:
    if cause.seconds is None:
        return ""
    return f" (it took {duration(cause.seconds)})" if cause.status == "cached" else f" (about {duration(cause.seconds)})"


def params(*, required: bool = True) -> list[click.Parameter]:
    """FILE, NODE, and what every command on a file takes."""
    file, *rest = common_options()
    file.required = required
    return [file, click.Argument(["node"], required=required), *cache_options(), *rest, verbose_option()]


command = WorkflowCommand("explain", callback=explain, params=params(), help=explain.__doc__)
