"""Decides how ``loom run`` answers: in what form a run is followed, how its results look, and with which exit code it ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from graph_engine.bytecode import compile_ahead
from graph_engine.cli import output, summary
from graph_engine.cli.command import verbose_option
from graph_engine.cli.keeping import cache_folder, cache_options, keeps
from graph_engine.cli.progress import Progress
from graph_engine.cli.request import Opened
from graph_engine.cli.sweep_run import FAILED, run_sweep
from graph_engine.cli.watch import CANCELLED, JsonLines, OnTerminal, Silent, Watcher, follow
from graph_engine.cli.whole_file import refuse_unwritable, write_whole
from graph_engine.cli.workflow_command import WorkflowCommand, common_options
from graph_engine.errors import DeliveryError
from graph_engine.execute import RunResult
from graph_engine.registry import compiled_ahead
from graph_engine.timeline import chrome_trace

EXIT_CODES = {"succeeded": 0, "failed": FAILED, "cancelled": CANCELLED}
FILE = click.Path(path_type=Path, dir_okay=False)


@click.pass_context
def run(
    ctx: click.Context, /, output_folder: Path, device: str | None, dtype: str | None, cache: Path | None, no_cache: bool,
    trace: Path | None, sheet: Path | None, server: str | None, token: str | None, as_json: bool, **_common: Any,
) -> None:  # fmt: skip
    """Run FILE and write what it makes.

    FILE is a workflow, or a picture that one made: then what made it runs again. What the file declares as inputs are
    further options: "loom run FILE --help" lists them. An input that names a file takes a path.

    An input with several values runs FILE for each of them: a list (--cfg 3,5,7), a range with both its ends (--seed 1..16,
    --seed 1..9..2), the lines of a file (--prompt @prompts.txt), or the option given again (--prompt a --prompt b). Several such
    inputs run in every combination, and what the runs share is computed once. --set and --input take the same. A text that
    begins with @ is written with @@.

    With --server a Latent Loom server runs FILE as a job: pictures that are named here are sent there, and what it makes
    is written here.
    """
    opened: Opened = ctx.obj
    options = {name: value for name, value in (("device", device), ("dtype", dtype)) if value is not None}
    if server is not None:
        _refuse_local_options(ctx, opened)
    elif token is not None:
        raise click.UsageError("--token is for --server: give both.")
    if sheet is not None:
        if opened.grid is None:
            raise click.UsageError("--sheet shows a sweep: give an input several values, such as --seed 1..4.")
        refuse_unwritable(sheet, "--sheet")
    if trace is not None:
        refuse_unwritable(trace, "--trace")
    if server is not None:
        code = _run_on_server(opened, server, token, output_folder, trace, as_json)
    else:
        code = _run_here(opened, options, cache_folder(cache, no_cache), output_folder, trace, sheet, as_json)
    if code:
        raise click.exceptions.Exit(code)


def _run_here(
    opened: Opened, options: Mapping[str, str], cache: Path | None, output_folder: Path, trace: Path | None, sheet: Path | None,
    as_json: bool,
) -> int:  # fmt: skip
    compile_ahead(compiled_ahead())
    with opened.engine(options, cache) as engine:
        request = opened.request(output_folder)
        if opened.grid is None:
            graph = opened.checked(engine, request)
            output.problems(graph.warnings, as_json=as_json, event="warning")
        else:
            graph = engine.check(request)
        if any(graph.nodes[target].spec.writes for target in graph.targets):
            _refuse_unwritable(output_folder)
        if opened.grid is None:
            lean = opened.lean(request, graph)
            result = _answer(lambda watcher: follow(engine, lean, watcher), as_json, lambda: keeps(engine))
            code, intervals = EXIT_CODES[result.status], result.intervals
        else:
            code, intervals = run_sweep(opened, engine, output_folder, sheet=sheet, traced=trace is not None, as_json=as_json)
    if trace is not None:
        write_whole(trace, chrome_trace(intervals).encode())
    return code


def _run_on_server(opened: Opened, server: str, token: str | None, output_folder: Path, trace: Path | None, as_json: bool) -> int:
    from graph_engine.cli.remote import Remote

    remote = Remote(opened, server, token, output_folder)
    _refuse_unwritable(output_folder)
    result = _answer(remote.follow, as_json, lambda: True, here=False)
    if trace is not None and result.status != "cancelled":
        write_whole(trace, remote.trace())
    return EXIT_CODES[result.status]


def _refuse_local_options(ctx: click.Context, opened: Opened) -> None:
    if opened.grid is not None:
        raise click.UsageError("a sweep runs on this machine alone: give each input one value, or leave out --server.")
    for name in ("device", "dtype", "cache", "no_cache"):
        if ctx.get_parameter_source(name) == ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name.replace('_', '-')} is for runs on this machine; a server decides that itself.")


Follow = Callable[[Watcher], RunResult]
"""Runs to the end, telling a watcher."""
Kept = Callable[[], bool]
"""Whether what was computed outlives the run."""


def _answer(follow: Follow, as_json: bool, kept: Kept, *, here: bool = True) -> RunResult:
    if as_json:
        return _in_json(follow, kept)
    return _on_terminal(follow, kept, here) if sys.stdout.isatty() else _to_pipe(follow, kept)


def _on_terminal(follow: Follow, kept: Kept, here: bool) -> RunResult:
    from rich.console import Console

    from graph_engine.cli.display import Display

    console, progress = Console(highlight=False), Progress()
    result = follow(OnTerminal(Display(console, progress), progress))
    summary.show(console, result, here=here)
    _tell_errors(result, kept)
    return result


def _to_pipe(follow: Follow, kept: Kept) -> RunResult:
    """The paths of files and the values of plain outputs, one a line."""
    result = follow(Silent())
    for path in result.files:
        output.say(summary.shown_path(path))
    for _name, value in summary.plain_outputs(result.outputs):
        output.say(value)
    _tell_errors(result, kept)
    return result


def _in_json(follow: Follow, kept: Kept) -> RunResult:
    lines = JsonLines()
    result = follow(lines)
    for name, value in result.outputs.items():
        if isinstance(value, str | int | float):
            output.json_line({"event": "output", "name": name, "value": value})
    for error in result.errors:
        output.error(error, as_json=True)
    if lines.last is not None:
        output.json_line(lines.last.as_json())
    if result.status == "cancelled":
        output.tell(summary.kept(result, on_disk=kept()))
    return result


def _tell_errors(result: RunResult, kept: Kept) -> None:
    for error in result.errors:
        output.error(error, as_json=False)
    if result.errors and result.blocked:
        shown = ", ".join(result.blocked[:6]) + (" …" if len(result.blocked) > 6 else "")
        output.tell(f"not run, because of that: {shown}")
    if result.status == "cancelled":
        output.tell(summary.kept(result, on_disk=kept()), fg="yellow")


def _refuse_unwritable(folder: Path) -> None:
    """Before anything is computed: a folder that is no folder, or that cannot be written."""
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        return
    cause = "is no folder" if not there.is_dir() else "cannot be written"
    raise DeliveryError(f"{there} {cause}. Choose another folder with --output.")


OPTIONS: list[click.Parameter] = [
    click.Option(
        ["--output", "output_folder"], type=click.Path(path_type=Path), default=Path("output"), metavar="DIR", show_default=True,
        help="Where files are written.",
    ),
    click.Option(["--device"], metavar="NAME", help="Where models run: auto, cpu, cuda, cuda:1, mps …"),
    click.Option(["--dtype"], metavar="NAME", help="Their number format: auto, float32, float16, bfloat16."),
    *cache_options(),
    click.Option(["--trace"], type=FILE, metavar="FILE", help="Write what ran when, for ui.perfetto.dev or chrome://tracing."),
    click.Option(["--sheet"], type=FILE, metavar="FILE", help="Write a PNG with the first picture of each run of a sweep."),
    click.Option(["--server"], metavar="URL", help="Let the Latent Loom server there run it, such as http://127.0.0.1:8288."),
    click.Option(["--token"], metavar="TEXT", help="What that server asks for; without it $LOOM_TOKEN."),
    verbose_option(),
]  # fmt: skip


class RunCommand(WorkflowCommand):
    """The one command on a file that takes several values for an input."""

    sweeps = True


command = RunCommand("run", callback=run, params=[*common_options(), *OPTIONS], help=run.__doc__)
