"""Decides how many runs of a sweep are under way at once: a few, so that saving one overlaps with computing the next, whatever the
number of items; and that one which fails, or cannot even start, does not stop the others.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterable
from typing import Protocol

from graph_engine import events
from graph_engine.cli.grid import Item
from graph_engine.cli.watch import TICK_S, ctrl_c, wait_for
from graph_engine.engine import Engine, Request
from graph_engine.errors import LoomError
from graph_engine.execute import Run, RunResult

WINDOW = 3
MAX_EVENTS = 1000
"""Told before the display is drawn again."""

Arrived = queue.SimpleQueue[tuple[Item, events.Event]]


class SweepWatcher(Protocol):
    """What is told of a sweep while it goes on."""

    def wants(self, event: events.Event, /) -> bool: ...
    def started(self, item: Item, at_s: float, /) -> None: ...
    def on_event(self, item: Item, event: events.Event, /) -> None: ...
    def ended(self, item: Item, result: RunResult, /) -> None: ...
    def tick(self) -> None: ...
    def cancelling(self) -> None: ...
    def close(self) -> None: ...


def fly(engine: Engine, items: Iterable[Item], request: Callable[[Item], Request], watcher: SweepWatcher) -> bool:
    """Run all items, telling ``watcher``, which is told of every end. True when they were cancelled before all had run."""
    return _Flight(engine, items, request, watcher).go()


class _Flight:
    def __init__(self, engine: Engine, items: Iterable[Item], request: Callable[[Item], Request], watcher: SweepWatcher) -> None:
        self.engine, self.waiting, self.request, self.watcher = engine, iter(items), request, watcher
        self.arrived: Arrived = queue.SimpleQueue()
        self.under_way: dict[int, tuple[Item, Run]] = {}
        self.began = time.perf_counter()

    def go(self) -> bool:
        told = False
        with ctrl_c() as interrupted:
            try:
                while (not interrupted.is_set() and self._fill()) or self.under_way:
                    self._drain()
                    self._look_for_ends()
                    if interrupted.is_set() and not told:
                        told = True
                        self.watcher.cancelling()
                        self._cancel()
                    self.watcher.tick()
            except BaseException:
                self._cancel()
                for _item, run in self.under_way.values():
                    wait_for(run.wait)
                raise
            finally:
                self.watcher.close()
        return interrupted.is_set()

    def _fill(self) -> bool:
        """Start items until enough are under way, or one could not start. False when there are no more."""
        while len(self.under_way) < WINDOW:
            item = next(self.waiting, None)
            if item is None:
                return False
            self.watcher.started(item, time.perf_counter() - self.began)
            try:
                self.under_way[item.number] = (item, self.engine.start(self.request(item), self._listener(item)))
            except LoomError as error:
                self.watcher.ended(item, RunResult(status="failed", errors=[error]))
                break
        return True

    def _listener(self, item: Item) -> Callable[[events.Event], None]:
        def listen(event: events.Event) -> None:
            if isinstance(event, events.RunFinished) or self.watcher.wants(event):
                self.arrived.put((item, event))

        return listen

    def _drain(self) -> None:
        """Pass on what is there, waiting a moment if nothing is; no longer than until a run ends, so that another can start."""
        timeout_s = TICK_S if self.under_way else 0.001
        try:
            for _ in range(MAX_EVENTS):
                item, event = self.arrived.get(timeout=timeout_s)
                timeout_s = 0.0
                self.watcher.on_event(item, event)
                if isinstance(event, events.RunFinished):
                    self._end(item.number)
                    return
        except queue.Empty:
            return

    def _look_for_ends(self) -> None:
        """A run that ended by a fault tells nothing of it."""
        for number, (_item, run) in list(self.under_way.items()):
            if (result := run.wait(0)) is not None and result.fault is not None:
                self._end(number)

    def _end(self, number: int) -> None:
        if number not in self.under_way:
            return
        item, run = self.under_way.pop(number)
        result = wait_for(run.wait)
        if result.fault is not None:
            raise result.fault
        self.watcher.ended(item, result)

    def _cancel(self) -> None:
        for _item, run in self.under_way.values():
            run.cancel()
