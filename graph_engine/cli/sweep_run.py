"""Decides how a sweep is run and how it ends: which item failed and why, what is missing, and the command that runs no more than that."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from graph_engine import events
from graph_engine.cli import output, summary
from graph_engine.cli.flight import SweepWatcher, fly
from graph_engine.cli.grid import Grid, Item, Places, short
from graph_engine.cli.keeping import keeps
from graph_engine.cli.progress import SweepProgress, duration
from graph_engine.cli.request import Opened
from graph_engine.cli.sheet import Sheet
from graph_engine.cli.sweep_watch import SweepInJson, SweepOnTerminal, SweepToPipe
from graph_engine.cli.watch import CANCELLED
from graph_engine.engine import Engine
from graph_engine.errors import WorkflowError
from graph_engine.execute import Interval, RunResult
from graph_engine.graph import Graph

FAILED = 4
MAX_LISTED = 20
CHECKED_FIRST = 8
"""How many items are looked at for one without a problem, before the sweep starts."""


class Sweep:
    """Stands between the runs and what is seen of them, and keeps what the end needs: of each item a mark, never its result."""

    def __init__(self, grid: Grid, watcher: SweepWatcher, *, sheet: Sheet | None, traced: bool) -> None:
        self.grid, self.watcher, self.sheet = grid, watcher, sheet
        self.done = bytearray(len(grid))
        self.failed: dict[int, tuple[Item, str]] = {}
        self.intervals: list[Interval] | None = [] if traced else None
        self.ran = self.served = 0
        self._began: dict[int, float] = {}

    def wants(self, event: events.Event, /) -> bool:
        return self.watcher.wants(event)

    def started(self, item: Item, at_s: float, /) -> None:
        self._began[item.number] = at_s
        self.watcher.started(item, at_s)

    def on_event(self, item: Item, event: events.Event, /) -> None:
        self.watcher.on_event(item, event)

    def ended(self, item: Item, result: RunResult, /) -> None:
        began_s = self._began.pop(item.number)
        self.ran, self.served = self.ran + len(result.ran), self.served + len(result.served)
        if result.status == "succeeded":
            self.done[item.number - 1] = True
        elif result.status == "failed":
            self.failed[item.number] = (item, short(str(result.errors[0]).partition("\n")[0], 120))
        if self.sheet is not None:
            self.sheet.add(item, result)
        if self.intervals is not None:
            self.intervals += [
                one._replace(node=f"#{item.number} {one.node}", start_s=one.start_s + began_s, end_s=one.end_s + began_s)
                for one in result.intervals
            ]
        self.watcher.ended(item, result)

    def tick(self) -> None:
        self.watcher.tick()

    def cancelling(self) -> None:
        self.watcher.cancelling()

    def close(self) -> None:
        self.watcher.close()

    def missing(self) -> Iterator[Places]:
        return (item.places for item in self.grid if not self.done[item.number - 1])


class Ended(NamedTuple):
    """How a sweep ended, and when what was at work if that was to be kept."""

    exit_code: int
    intervals: list[Interval]


def run_sweep(opened: Opened, engine: Engine, folder: Path, *, sheet: Path | None, traced: bool, as_json: bool) -> Ended:
    """Run every item. Raises LoomError for what would keep all of them from running."""
    grid = opened.grid
    assert grid is not None
    graph = _checked(opened, engine, grid, folder)
    drawn = Sheet(sheet, grid, graph, opened.registry) if sheet is not None else None
    output.problems(graph.warnings, as_json=as_json, event="warning")
    for line in opened.typed.bad_lines:
        output.json_line({"event": "bad_line", "cause": line}) if as_json else output.tell(f"left out: {line}", fg="yellow")
    if as_json:
        output.json_line({"event": "sweep_started", "items": len(grid), "inputs": [axis.name for axis in grid.axes]})
    sweep = Sweep(grid, _watcher(len(grid), as_json), sheet=drawn, traced=traced)
    began = time.perf_counter()
    targets = opened.lean(opened.request(folder), graph, wanted=[drawn.output] if drawn is not None else []).targets
    cancelled = fly(engine, grid, lambda item: replace(opened.item(item).request(folder), targets=targets), sweep)
    if drawn is not None:
        _write_sheet(drawn, as_json)
    missing = list(sweep.missing())
    cancelled = cancelled and len(missing) > len(sweep.failed)
    if as_json:
        _end_in_json(sweep, missing, cancelled, len(opened.typed.bad_lines))
    else:
        _tell_end(sweep, missing, cancelled, opened.typed.bad_lines, time.perf_counter() - began, on_disk=keeps(engine))
    code = CANCELLED if cancelled else FAILED if missing or opened.typed.bad_lines else 0
    return Ended(code, sweep.intervals or [])


def _checked(opened: Opened, engine: Engine, grid: Grid, folder: Path) -> Graph:
    """The graph of an item that can run. Raises WorkflowError for what is wrong with all of them, whatever is swept."""
    swept = {axis.name for axis in grid.axes}
    graph = None
    for item in itertools.islice(grid, CHECKED_FIRST):
        one = opened.item(item)
        graph = engine.check(one.request(folder))
        problems = one.problems(graph)
        if not problems:
            break
        places = {place for name in swept for place in graph.inputs.get(name, ())}
        places |= {(node, field) for node, _, field in (name.partition(".") for name in swept)}
        own = [one for one in problems if not (one.input in swept or (one.node, one.input) in places)]
        if own:
            raise WorkflowError(own)
    assert graph is not None
    return graph


def _watcher(items: int, as_json: bool) -> SweepWatcher:
    if as_json:
        return SweepInJson()
    if not sys.stdout.isatty():
        return SweepToPipe()
    from rich.console import Console

    from graph_engine.cli.display import Display

    console, progress = Console(highlight=False), SweepProgress(items)
    return SweepOnTerminal(console, Display(console, progress), progress)


def _write_sheet(sheet: Sheet, as_json: bool) -> None:
    if not sheet.write():
        output.tell("no sheet was drawn: no item gave a picture.")
    elif as_json:
        output.json_line({"event": "sheet_written", "path": str(sheet.path)})
    else:
        output.say(f"sheet → {summary.shown_path(sheet.path)}")


def _end_in_json(sweep: Sweep, missing: Sequence[Places], cancelled: bool, bad_lines: int) -> None:
    failed = sorted(sweep.failed)
    status = "cancelled" if cancelled else "failed" if missing else "succeeded"
    facts = {"items": len(sweep.grid), "done": len(sweep.grid) - len(missing), "failed": failed, "bad_lines": bad_lines}
    resume = sweep.grid.missing(missing) if missing else []
    output.json_line({"event": "sweep_finished", "status": status, **facts, "resume": resume})


def _tell_end(
    sweep: Sweep, missing: Sequence[Places], cancelled: bool, bad_lines: Sequence[str], elapsed_s: float, *, on_disk: bool
) -> None:
    items = len(sweep.grid)
    done = items - len(missing)
    if sys.stdout.isatty():
        output.say(f"{done} of {items} items · {sweep.ran} ran · {sweep.served} from cache · {duration(elapsed_s)}")
    if cancelled:
        kept = "what their nodes finished is kept" if on_disk else "their files stay"
        output.tell(f"cancelled: {done} of {items} items are done; {kept}.", fg="yellow")
    if sweep.failed:
        output.tell(f"{len(sweep.failed)} of {items} items failed:", fg="red")
        for number, (item, cause) in sorted(sweep.failed.items())[:MAX_LISTED]:
            output.tell(f"  {number}  {item.label}: {cause}")
        if len(sweep.failed) > MAX_LISTED:
            output.tell(f"  and {len(sweep.failed) - MAX_LISTED} more")
    if bad_lines:
        output.tell(f"{len(bad_lines)} {'line was' if len(bad_lines) == 1 else 'lines were'} left out, as said at the start.")
    if missing:
        output.tell("What is missing runs with:")
        for command in sweep.grid.missing(missing):
            output.tell(f"  {command}")
