"""Decides how a run is followed: its events come through a queue to the main thread, which alone writes and alone hears Ctrl-C.

The first Ctrl-C cancels at the next step, the second leaves at once. The main thread never waits for more than a tenth of a
second at a time, since on Windows a waiting thread hears nothing.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Protocol

from graph_engine import events
from graph_engine.cli import output
from graph_engine.engine import Engine, Request
from graph_engine.execute import RunResult

if TYPE_CHECKING:
    from graph_engine.cli.display import Display
    from graph_engine.cli.progress import Progress

TICK_S = 0.1
CANCELLED = 130
SHOW_CURSOR = b"\x1b[?25h\n"
CANCELLING = "cancelling at the next step … (Ctrl-C again leaves at once)"


class Watcher(Protocol):
    """What is told of a run while it goes on."""

    def wants(self, event: events.Event, /) -> bool: ...
    def on_event(self, event: events.Event, /) -> None: ...
    def tick(self) -> None: ...
    def cancelling(self) -> None: ...
    def close(self) -> None: ...


class Silent:
    """For a pipe: nothing until the end."""

    def wants(self, _event: events.Event, /) -> bool:
        return False

    def on_event(self, _event: events.Event, /) -> None: ...
    def tick(self) -> None: ...
    def close(self) -> None: ...

    def cancelling(self) -> None:
        output.tell(CANCELLING)


class JsonLines(Silent):
    """Every event but previews, one a line. The last one is held back until the outputs are told."""

    def __init__(self) -> None:
        self.last: events.Event | None = None

    def wants(self, event: events.Event, /) -> bool:
        return not isinstance(event, events.NodePreview)

    def on_event(self, event: events.Event, /) -> None:
        if isinstance(event, events.RunFinished):
            self.last = event
        else:
            output.json_line(event.as_json())


class OnTerminal(Silent):
    """The live display."""

    def __init__(self, display: Display, progress: Progress) -> None:
        self.display, self.progress = display, progress

    def wants(self, event: events.Event, /) -> bool:
        return not isinstance(event, events.NodePreview)

    def on_event(self, event: events.Event, /) -> None:
        self.progress.on_event(event)

    def tick(self) -> None:
        self.display.show()

    def cancelling(self) -> None:
        self.display.note = f"{CANCELLING}  "

    def close(self) -> None:
        self.display.close()


def follow(engine: Engine, request: Request, watcher: Watcher) -> RunResult:
    """Run ``request`` to its end, telling ``watcher``. What the watcher raises (nobody reads any more) stops the run first."""
    arrived: queue.SimpleQueue[events.Event] = queue.SimpleQueue()

    def listen(event: events.Event) -> None:
        if isinstance(event, events.RunFinished) or watcher.wants(event):
            arrived.put(event)

    with ctrl_c() as interrupted:
        run = engine.start(request, listen)
        told = False
        try:
            while True:
                finished = _drain(arrived, watcher)
                if finished or run.wait(0) is not None:
                    break
                if interrupted.is_set() and not told:
                    told = True
                    watcher.cancelling()
                    run.cancel()
                watcher.tick()
        except BaseException:
            run.cancel()
            wait_for(run.wait)
            raise
        finally:
            watcher.close()
        result = wait_for(run.wait)
        if result.fault is not None:  # of the engine itself
            raise result.fault
        return result


def _drain(arrived: queue.SimpleQueue[events.Event], watcher: Watcher) -> bool:
    """Pass on what is there, waiting a moment if nothing is. True when the run's last event was among it."""
    try:
        event = arrived.get(timeout=TICK_S)
        for _ in range(1000):  # then draw, however many more there are
            watcher.on_event(event)
            if isinstance(event, events.RunFinished):
                return True
            event = arrived.get_nowait()
        watcher.on_event(event)
        return isinstance(event, events.RunFinished)
    except queue.Empty:
        return False


def wait_for(wait: Callable[[float], RunResult | None]) -> RunResult:
    """The result, waited for in short moments."""
    while (result := wait(TICK_S)) is None:
        pass
    return result


@contextmanager
def ctrl_c() -> Iterator[threading.Event]:
    """Sets the event at the first Ctrl-C; at the second the process ends there and then."""
    interrupted = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if interrupted.is_set():
            if sys.stdout.isatty():
                os.write(sys.stdout.fileno(), SHOW_CURSOR)
            os._exit(CANCELLED)
        interrupted.set()

    if threading.current_thread() is not threading.main_thread():
        yield interrupted
        return
    before = signal.signal(signal.SIGINT, on_signal)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)
