"""Decides what a run would do, without running: the scheduler is driven with lookups alone, so that plan and run cannot disagree."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from typing import Any, Literal

from graph_engine import collector
from graph_engine.cache.memory import MISSING
from graph_engine.cache.tiers import Cache
from graph_engine.digest import Digests, Keys
from graph_engine.graph import Graph, Link, Node
from graph_engine.history import History, Trace, trace, why
from graph_engine.schedule import (
    Answered,
    Ask,
    Begin,
    Command,
    Deliver,
    Delivered,
    Event,
    Finished,
    Found,
    Lookup,
    Missing,
    Run,
    Scheduler,
    State,
)
from graph_engine.sentences import Sentence, say

UNCHANGED = say("unchanged")
Status = Literal["runs", "cached", "muted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What would happen to one node, and why; what it will probably cost, where one like it ran on this machine before."""

    node: str
    type: str
    status: Status
    reason: Sentence
    seconds: float | None = None
    size_bytes: float | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def plan(graph: Graph, keys: Keys, cache: Cache, history: History, origin: str = "") -> list[Planned]:
    """For each node that the targets need, in the order of the graph: whether it runs, and why."""
    return Planner(graph, keys, cache, history, origin).run()


class Planner:
    """Drives a scheduler without running anything. ``traces`` and ``runs`` tell afterwards what it found for each node."""

    def __init__(self, graph: Graph, keys: Keys, cache: Cache, history: History, origin: str) -> None:
        self.graph, self.keys, self.cache, self.history, self.origin = graph, keys, cache, history, origin
        self.known: list[Digests | None] = [None] * len(graph.nodes)
        self.needs: dict[int, frozenset[str]] = {}
        self.traces: dict[int, Trace] = {}
        self.runs: set[int] = set()
        self.unknown: dict[int, Sentence] = {}

    def run(self) -> list[Planned]:
        with collector.resting():
            return self._run()

    def _run(self) -> list[Planned]:
        machine = Scheduler(self.graph.units, self.graph.targets)
        waiting: deque[Command] = deque(machine.on_event(Begin()))
        while waiting:
            event = self._answer(waiting.popleft())
            if event is not None:
                waiting.extend(machine.on_event(event))
        planned = [self._planned(node) for node in self.graph.nodes if machine.state[node.index] != State.IDLE]
        return planned + [Planned(node=path, type="", status="muted", reason=say("muted")) for path in sorted(self.graph.skipped)]

    def _answer(self, command: Command) -> Event | None:
        match command:
            case Lookup(index):
                return self._lookup(self.graph.nodes[index])
            case Ask(index):
                return self._ask(self.graph.nodes[index])
            case Run(index):
                self.runs.add(index)
                return Finished(index, known=False)
            case Deliver(index):
                return Delivered(index)
        return None

    def _lookup(self, node: Node) -> Event:
        last = self.history.last(self.origin, node.path)
        try:
            found = self.traces[node.index] = trace(node, self.keys, self.needs.get(node.index), self.known, last)
        except Exception as error:  # the fingerprint is the pack's; the run will tell in full what is wrong
            self.unknown[node.index] = say("basis_unreadable", error=str(error))
            return Missing(node.index)
        result = None if node.spec.volatile else self.cache.result(found.key)
        if result is None:
            return Missing(node.index)
        self.known[node.index] = result.outputs
        return Found(node.index, self.cache.holds(result))

    def _ask(self, node: Node) -> Event:
        """What the node needs, if the values that decide it are kept; else all that it may need."""
        values = dict(node.constants)
        for name in node.eager:
            link = node.links[name]
            found = [self._value(one) for one in ((link,) if isinstance(link, Link) else link)]
            if any(value is MISSING for value in found):
                needs = self.needs[node.index] = frozenset(node.lazy)
                return Answered(node.index, needs)
            values[name] = found[0] if isinstance(link, Link) else found
        try:
            if node.spec.fingerprint is not None:
                self.keys.fingerprint(node, values)
            needs = frozenset(node.spec.needs(values)) if node.spec.needs else frozenset[str]()
        except Exception as error:  # both functions are the pack's, as above
            self.unknown[node.index] = say("basis_untold", error=str(error))
            needs = frozenset(node.lazy)
        self.needs[node.index] = needs
        return Answered(node.index, needs)

    def _value(self, link: Link) -> Any:
        digests = self.known[link.node]
        return MISSING if digests is None else self.cache.value(digests[link.output])

    def _planned(self, node: Node) -> Planned:
        if node.index not in self.runs:
            return Planned(node=node.path, type=node.spec.type, status="cached", reason=UNCHANGED)
        reason = self.unknown.get(node.index) or why(node, self.history.last(self.origin, node.path), self.traces.get(node.index))
        cost = self.cache.estimate(node)
        seconds, size = (cost.seconds, cost.size_bytes) if cost else (None, None)
        return Planned(node=node.path, type=node.spec.type, status="runs", reason=reason, seconds=seconds, size_bytes=size)
