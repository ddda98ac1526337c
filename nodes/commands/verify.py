"""Decides what ``loom verify`` says of a picture: whether what made it makes it again here, how far off it is, and what may be why."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graph_engine import FormatError
from graph_engine.cli import output
from graph_engine.cli.command import FOLDER, LoomCommand, find_nodes, json_option, models_option, packs_option, verbose_option
from nodes.commands.difference import DEFAULT_TOLERANCE, Difference, Verdict

if TYPE_CHECKING:
    from graph_engine.engine import Engine
    from graph_engine.execute import RunResult
    from nodes.commands.circumstances import Change, Parting
    from nodes.commands.remake import Made

DIFFERS = 1
CANCELLED = 130
COLOUR: dict[Verdict, str] = {"identical": "green", "within tolerance": "cyan", "differs": "red"}
UNTOUCHED = "every node did what it did then, so the picture itself was changed after it was made"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came out. ``compared`` counts the files that may be the picture: more than one only for records of early versions."""

    picture: Path
    verdict: Verdict
    difference: Difference
    changes: Sequence[Change]
    parting: Parting | None
    untouched: bool
    runtime_known: bool
    compared: int

    def as_json(self) -> dict[str, Any]:
        apart = self.difference
        return {
            "event": "verified",
            "picture": str(self.picture),
            "verdict": self.verdict,
            "largest": None if apart.unlike else apart.largest,
            "mean": None if apart.unlike else apart.mean,
            "share": None if apart.unlike else apart.share,
            "scale": apart.scale,
            "unlike": apart.unlike or None,
            "environment": [change._asdict() for change in self.changes],
            "first_difference": None if self.parting is None else self.parting._asdict(),
            "changed_afterwards": self.untouched,
            "device_recorded": self.runtime_known,
            "compared": self.compared,
        }

    def lines(self) -> list[str]:
        """What stands below the verdict."""
        found = [f"environment: {change}" for change in self.changes] or ["environment: nothing recorded differs"]
        if not self.runtime_known:
            found.append("device: not recorded, since the results were served from a cache when the picture was made")
        if self.verdict != "identical":
            if self.parting is not None:
                found.append(f"first difference: {self.parting}")
            elif self.untouched:
                found.append(f"first difference: {UNTOUCHED}")
        if self.compared > 1:
            found.append(f"its record does not say which of {self.compared} files it is: compared with the nearest")
        return found


@click.command(cls=LoomCommand, short_help="Run what made a picture again, and compare.")
@click.argument("picture", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--device", metavar="NAME", help="Where models run. Left out: what the picture was made with.")
@click.option("--dtype", metavar="NAME", help="Their number format. Left out: what the picture was made with.")
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    default=DEFAULT_TOLERANCE,
    show_default=True,
    metavar="STEPS",
    help="The largest difference of a value that still counts as the same picture, in steps of 1/255.",
)
@click.option("--inputs", type=FOLDER, multiple=True, metavar="DIR", help="A folder with the files that it was made from.")
def verify(
    picture: Path, device: str | None, dtype: str | None, tolerance: float, inputs: tuple[Path, ...],
    packs: tuple[Path, ...], models: tuple[Path, ...], as_json: bool, verbose: bool,
) -> None:  # fmt: skip
    """Run again what made PICTURE, without any cache, and compare every value.

    It says identical, within tolerance or differs, what of the environment is not what the picture was made in, and
    which node was the first to do something else.

    \b
    Exit codes:
        0  identical, or within tolerance
        1  differs
        3  no workflow in it, it cannot be read, or the workflow cannot run here
        4  a node failed
    """
    del verbose  # read by LoomCommand
    from graph_engine.cli.source import folders_for, open_source
    from graph_engine.engine import Engine
    from graph_engine.workflow.embed import is_png
    from nodes.commands.remake import read_picture

    if not is_png(picture):
        raise FormatError(f"{picture} is no PNG: only pictures that a run wrote can be verified.")
    source = open_source(picture)
    made = read_picture(picture, source.workflow, source.recorded)
    found = folders_for(picture, models)
    folders = replace(found, inputs=(*inputs, *found.inputs))
    with Engine(find_nodes(packs), folders=folders, options=made.options({"device": device, "dtype": dtype})) as engine:
        answer = _answer(engine, made, tolerance)
    if as_json:
        output.json_line(answer.as_json())
    else:
        said = answer.verdict if answer.verdict == "identical" else f"{answer.verdict} ({answer.difference})"
        output.say_styled(f"{output.styled(str(picture))}: {output.styled(said, fg=COLOUR[answer.verdict])}")
        for line in answer.lines():
            output.say(f"  {line}")
    if answer.verdict == "differs":
        raise click.exceptions.Exit(DIFFERS)


def _answer(engine: Engine, made: Made, tolerance: float) -> Answer:
    from graph_engine import WorkflowError
    from nodes.commands.circumstances import changes, parting
    from nodes.commands.difference import difference

    with tempfile.TemporaryDirectory(prefix="loom-verify-") as folder:
        request, graph = made.request(engine, Path(folder))
        if graph.problems:
            raise WorkflowError(graph.problems)
        result = _follow(engine, request)
        candidates = made.again(result.files)
        if not candidates:
            raise FormatError(f"{made.path}: what it says made it, {made.record.node}, gives no such picture.")
        found = [(difference(made.path, path), record) for path, record in candidates]
    nearest, record = min(found, key=lambda pair: (bool(pair[0].unlike), pair[0].mean))
    parted = parting(made.record, record, graph)
    verdict = nearest.verdict(tolerance)
    same = parted is None and bool(made.record.results) and made.record.keys.get(made.record.node) == record.keys.get(record.node)
    return Answer(
        picture=made.path,
        verdict=verdict,
        difference=nearest,
        changes=changes(made.record, record, graph),
        parting=parted,
        untouched=same and verdict != "identical",
        runtime_known=bool(made.record.runtime) or not record.runtime,
        compared=len(candidates),
    )


def _follow(engine: Engine, request: Any) -> RunResult:
    from graph_engine.cli.watch import OnTerminal, Silent, Watcher, follow

    watcher: Watcher = Silent()
    if sys.stdout.isatty():
        from rich.console import Console

        from graph_engine.cli.display import Display
        from graph_engine.cli.progress import Progress

        progress = Progress()
        watcher = OnTerminal(Display(Console(highlight=False), progress), progress)
    result = follow(engine, request, watcher)
    if result.status == "cancelled":
        raise click.exceptions.Exit(CANCELLED)
    result.raise_errors()
    return result


verify.params += [packs_option(), models_option(), json_option(), verbose_option()]
