"""Decides what is seen of a sweep while it goes on: an item and its files as soon as it ends, its events as JSON, one bar for all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from graph_engine import events
from graph_engine.cli import output, summary
from graph_engine.cli.grid import Item
from graph_engine.cli.watch import CANCELLING
from graph_engine.errors import LoomError, NodeError
from graph_engine.execute import RunResult

if TYPE_CHECKING:
    from rich.console import Console

    from graph_engine.cli.display import Display
    from graph_engine.cli.progress import SweepProgress


class SweepToPipe:
    """A line for each file and plain output of an item when it ends; errors go to stderr."""

    def wants(self, _event: events.Event, /) -> bool:
        return False

    def started(self, item: Item, at_s: float, /) -> None: ...
    def on_event(self, item: Item, event: events.Event, /) -> None: ...
    def tick(self) -> None: ...
    def close(self) -> None: ...

    def ended(self, item: Item, result: RunResult, /) -> None:
        for line in lines(item, result):
            output.say(line)
        for error in result.errors:
            output.tell(f"item {item.number} ({item.label}): {error}", fg="red")

    def cancelling(self) -> None:
        output.tell(CANCELLING)


class SweepInJson(SweepToPipe):
    """Every event but previews with its item's number; then the item's outputs and errors, and its end."""

    def __init__(self) -> None:
        self._last: dict[int, events.Event] = {}

    def wants(self, event: events.Event, /) -> bool:
        return not isinstance(event, events.NodePreview)

    def started(self, item: Item, _at_s: float, /) -> None:
        output.json_line({"event": "item_started", "item": item.number, "values": dict(item.values)})

    def on_event(self, item: Item, event: events.Event, /) -> None:
        if isinstance(event, events.RunFinished):
            self._last[item.number] = event
        else:
            output.json_line({**event.as_json(), "item": item.number})

    def ended(self, item: Item, result: RunResult, /) -> None:
        for name, value in result.outputs.items():
            if isinstance(value, str | int | float):
                output.json_line({"event": "output", "item": item.number, "name": name, "value": value})
        for error in result.errors:
            for facts in _facts(error):
                output.json_line({"event": "error", "item": item.number, "error": type(error).__name__, **facts})
        last = self._last.pop(item.number, None)
        ending = {"event": "run_finished", "status": result.status, "ran": 0, "served": 0} if last is None else last.as_json()
        output.json_line({**ending, "item": item.number})


class SweepOnTerminal(SweepToPipe):
    """The live display, and above it what is finished."""

    def __init__(self, console: Console, display: Display, progress: SweepProgress) -> None:
        self.console, self.display, self.progress = console, display, progress

    def wants(self, event: events.Event, /) -> bool:
        return not isinstance(event, events.NodePreview)

    def started(self, item: Item, at_s: float, /) -> None:
        self.progress.started(item.number, at_s)

    def on_event(self, item: Item, event: events.Event, /) -> None:
        self.progress.on_event(item.number, event)

    def ended(self, item: Item, result: RunResult, /) -> None:
        from rich.text import Text

        self.progress.ended(item.number, result.status == "succeeded")
        for line in lines(item, result):
            self.console.print(Text(output.clean(line)), soft_wrap=True)
        for error in result.errors:
            text = output.clean(f"item {item.number} ({item.label}): {error}")
            self.console.print(Text(text, style="red"), soft_wrap=True)

    def tick(self) -> None:
        self.display.show()

    def cancelling(self) -> None:
        self.display.note = f"{CANCELLING}  "

    def close(self) -> None:
        self.display.close()


def lines(item: Item, result: RunResult) -> Iterator[str]:
    """``3  seed=3 cfg=7 → output/picture_0003.png`` for each file, and for each plain output."""
    for path in result.files:
        yield f"{item.number}  {item.label} → {summary.shown_path(path)}"
    for name, value in summary.plain_outputs(result.outputs):
        yield f"{item.number}  {item.label} → {name}: {value}"


def _facts(error: LoomError) -> list[dict[str, Any]]:
    problems = getattr(error, "problems", None)
    if problems is not None:
        return [problem.as_json() for problem in problems]
    return [error.as_json() if isinstance(error, NodeError) else {"cause": str(error)}]
