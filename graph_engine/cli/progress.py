"""Decides what is known of a run that goes on, from its events alone: what runs, how far it is, how fast, until when."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from graph_engine import events

WINDOW = 12
"""Steps over which the pace is taken: enough to be steady, few enough to follow a change."""


@dataclass(slots=True)
class Running:
    """One node that runs. Each point of ``points`` is (seconds since the run started, steps done)."""

    node: str
    started_s: float
    done: int = 0
    total: int = 0
    points: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=WINDOW))

    def step(self, at_s: float, done: int, total: int) -> None:
        if self.points and done < self.points[-1][1]:
            self.points.clear()  # a second pass, such as the tiles of a decoder
        self.done, self.total = done, total
        self.points.append((at_s, done))

    @property
    def steps_per_s(self) -> float | None:
        """None until two steps are known: the first one includes loading weights."""
        if len(self.points) < 2:
            return None
        (first_s, first), (last_s, last) = self.points[0], self.points[-1]
        return (last - first) / (last_s - first_s) if last > first and last_s > first_s else None

    def left_s(self, now_s: float) -> float | None:
        """Seconds until the last step, counted down between steps."""
        if self.steps_per_s is None:
            return None
        return max(0.0, (self.total - self.done) / self.steps_per_s - (now_s - self.points[-1][0]))


@dataclass(slots=True)
class Progress:
    """The run as far as its events tell."""

    nodes: int = 0
    ran: int = 0
    served: int = 0
    failed: int = 0
    running: dict[str, Running] = field(default_factory=dict)
    finished: list[str] = field(default_factory=list)

    def on_event(self, event: events.Event) -> None:
        match event:
            case events.RunStarted():
                self.nodes = event.nodes
            case events.NodeStarted():
                self.running[event.node] = Running(event.node, event.at_s)
            case events.NodeProgress():
                if running := self.running.get(event.node):
                    running.step(event.at_s, event.done, event.total)
            case events.NodeFinished():
                self.running.pop(event.node, None)
                self.finished.append(event.node)
                self.ran += 1
            case events.NodeServed():
                self.served += 1
            case events.NodeFailed():
                self.running.pop(event.node, None)
                self.failed += 1

    def lines(self) -> list[Running]:
        """What runs, a line each."""
        return list(self.running.values())

    def overall(self) -> Running | None:
        """A bar for all of it; None where there is nothing to count."""
        return None

    def behind(self) -> list[str]:
        """What is finished, in few words."""
        parts = [f"{self.ran} of {self.nodes} done"]
        parts += [f"{self.served} from cache"] if self.served else []
        return parts + ([f"{self.failed} failed"] if self.failed else [])


@dataclass(slots=True)
class SweepProgress:
    """A sweep as far as the events of its runs tell. A run's times are counted from its own start, ``began`` by item."""

    items: int
    done: int = 0
    failed: int = 0
    served: int = 0
    running: dict[tuple[int, str], Running] = field(default_factory=dict)
    began: dict[int, float] = field(default_factory=dict)
    whole: Running = field(default_factory=lambda: Running("all", 0.0))

    def started(self, item: int, at_s: float) -> None:
        self.began[item] = at_s
        if self.whole.total == 0:
            self.whole.step(at_s, 0, self.items)

    def on_event(self, item: int, event: events.Event) -> None:
        at_s = self.began.get(item, 0.0) + event.at_s
        match event:
            case events.NodeStarted():
                self.running[item, event.node] = Running(f"#{item} {event.node}", at_s)
            case events.NodeProgress():
                if running := self.running.get((item, event.node)):
                    running.step(at_s, event.done, event.total)
            case events.NodeFinished() | events.NodeFailed():
                self.running.pop((item, event.node), None)
            case events.NodeServed():
                self.served += 1
            case events.RunFinished():
                self.whole.step(at_s, self.done + self.failed + 1, self.items)

    def ended(self, item: int, ok: bool) -> None:
        self.done, self.failed = self.done + ok, self.failed + (not ok)
        self.began.pop(item, None)
        for key in [key for key in self.running if key[0] == item]:
            del self.running[key]
        self.whole.done = self.done + self.failed

    def lines(self) -> list[Running]:
        return list(self.running.values())

    def overall(self) -> Running | None:
        return self.whole

    def behind(self) -> list[str]:
        parts = [f"{self.done} of {self.items} items done"]
        parts += [f"{self.served} results from cache"] if self.served else []
        return parts + ([f"{self.failed} failed"] if self.failed else [])


def pace(steps_per_s: float) -> str:
    """``3.4 it/s``, or ``2.1 s/it`` when a step takes longer than a second."""
    return f"{steps_per_s:.1f} it/s" if steps_per_s >= 1 else f"{1 / steps_per_s:.1f} s/it"


def duration(seconds: float) -> str:
    """``0.04 s``, ``3.1 s``, ``42 s``, ``2 min 05 s``, ``1 h 02 min``; an int is taken as it is."""
    if isinstance(seconds, int) and seconds < 60:
        return f"{seconds} s"
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def size(size_bytes: float) -> str:
    """``1.4 GB``, ``640 MB``, ``1.2 MB``, ``12 kB``, ``840 B`` (powers of ten)."""
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size_bytes >= unit:
            number = size_bytes / unit
            return f"{number:.1f} {name}" if unit == 1e9 or number < 9.95 else f"{number:.0f} {name}"
    return f"{size_bytes:.0f} B"
