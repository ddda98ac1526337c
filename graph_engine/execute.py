"""Decides how commands become work: the only owner of threads. One Run drives one scheduler over the engine's lanes.

The scheduler is fed under one lock, by whichever thread has news; nodes run outside it. Values that this run still needs are held here,
so that the cache may drop what it likes at any time.
"""

from __future__ import annotations

import itertools
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from graph_engine import call, collector, events, schedule
from graph_engine.cache.memory import MISSING
from graph_engine.cache.tiers import Cache
from graph_engine.context import Context, Services
from graph_engine.deliver import write_new
from graph_engine.digest import Digests, Key, Keys
from graph_engine.errors import Cancelled, LoomError, NodeError
from graph_engine.folders import Folders
from graph_engine.graph import Graph, Link, Node
from graph_engine.history import History, Reasons, Trace, trace, why
from graph_engine.lanes import Lanes
from graph_engine.secrets import Secrets
from graph_engine.sentences import message
from graph_engine.values import Codecs, Digest, File

log = logging.getLogger(__name__)

RUN_NUMBERS = itertools.count()

RunStatus = Literal["succeeded", "failed", "cancelled"]
Listener = Callable[[events.Event], None]
Stamp = Callable[[File, Node, int, "Run"], bytes]
"""(file, the node that made it, which of its files it is from 0, the run) -> what is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a run shares with others of its engine."""

    lanes: Lanes
    cache: Cache
    history: History
    codecs: Codecs
    services: Services
    folders: Folders
    secrets: Secrets = field(default_factory=Secrets)
    checkpoint_interval_s: float = 5.0


class Interval(NamedTuple):
    """When a node (or the writing of its files) was at work, in seconds since the run started, on which lane and thread."""

    node: str
    lane: str
    thread: str
    start_s: float
    end_s: float


@dataclass(slots=True, kw_only=True)
class RunResult:
    """How a run ended. ``outputs`` holds the declared outputs that were reached, ``ran`` seconds by node, ``served`` node paths."""

    status: RunStatus = "succeeded"
    outputs: dict[str, Any] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)
    errors: list[LoomError] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)
    ran: dict[str, float] = field(default_factory=dict)
    served: list[str] = field(default_factory=list)
    reasons: Mapping[str, str] = field(default_factory=dict)
    intervals: list[Interval] = field(default_factory=list)
    elapsed_s: float = 0.0
    fault: BaseException | None = None  # of the engine itself, which ended the run

    def raise_errors(self) -> None:
        """Raise the first error, or Cancelled; do nothing after a success."""
        if self.fault is not None:
            raise self.fault
        if self.errors:
            raise self.errors[0]
        if self.status == "cancelled":
            raise Cancelled("the run was cancelled")


class _Again(NamedTuple):
    """The key that this node waited for is free: look again."""

    node: int


class Run:
    """One run of one graph: ``start`` it, ``wait`` for it, ``cancel`` it from any thread."""

    def __init__(
        self,
        graph: Graph,
        keys: Keys,
        around: Surroundings,
        *,
        origin: str = "",
        output_folder: Path | None = None,
        stamp: Stamp | None = None,
        listener: Listener | None = None,
    ) -> None:
        self.graph, self.keys, self.around = graph, keys, around
        self.origin, self.output_folder, self.stamp, self.listener = origin, output_folder, stamp, listener
        self._reasons = Reasons()
        self.result = RunResult(reasons=self._reasons)
        self.traces: list[Trace | None] = [None] * len(graph.nodes)
        self._before: list[Trace | None] = [None] * len(graph.nodes)  # what was remembered of each node when it was looked up
        self._machine = schedule.Scheduler(graph.units, graph.targets)
        self._targets = frozenset(graph.targets)
        self._known: list[Digests | None] = [None] * len(graph.nodes)
        self._values: dict[int, dict[str, Any]] = {}
        self._needs: dict[int, frozenset[str]] = {}
        self._claims: dict[int, Key] = {}
        self._waiting: set[int] = set()  # nodes whose key somebody else is computing
        self._wavered = False  # some node gave another value than before, with the same inputs
        self._measured: list[tuple[Node, float, int]] = []
        self._outputs_of: dict[int, list[tuple[str, str]]] = {}
        for name, link in graph.outputs.items():
            self._outputs_of.setdefault(link.node, []).append((name, link.output))
        self._inbox: deque[schedule.Event | _Again] = deque()
        self._stopped: set[int] = set()  # nodes that ended because of a cancel
        self._lock = threading.Lock()
        self._telling = threading.Lock()
        self._done = threading.Event()
        self._cancelled = False
        self._sequence = 0
        self._number = next(RUN_NUMBERS)  # an older run goes before a newer one
        self._started_at = 0.0
        self._obeying: Mapping[type, Callable[[Any], schedule.Event | None]] = {
            schedule.Lookup: self._lookup,
            schedule.Run: self._submit,
            schedule.Release: self._release,
            schedule.Deliver: self._deliver,
            schedule.Ask: self._ask,
            schedule.Stop: self._finish,
        }

    def start(self) -> Run:
        self._started_at = time.perf_counter()
        self._tell(events.RunStarted, nodes=len(self.graph.nodes))
        with collector.resting():  # what is found now is kept, and no node runs on this thread
            self._post(schedule.Begin())
        return self

    def wait(self, timeout_s: float | None = None) -> RunResult | None:
        """The result, or None when it is not there within ``timeout_s``."""
        return self.result if self._done.wait(timeout_s) else None

    def cancel(self) -> None:
        """Start nothing more, and stop what runs at its next step."""
        self._cancelled = True
        self._post(schedule.Cancel())

    # the scheduler's side

    def _post(self, event: schedule.Event | _Again) -> None:
        """Tell the scheduler what happened and do what it says. Lookups are answered at once, everything else goes to a lane.

        Whoever holds the lock takes up what others post meanwhile, so no thread waits for another here: a listener may cancel the
        run, and another run may free a key, wherever this one is.
        """
        self._inbox.append(event)
        while self._inbox and self.result.fault is None and self._lock.acquire(blocking=False):
            try:
                while self._inbox and self.result.fault is None:
                    self._take(self._inbox.popleft())
            except BaseException as error:
                self._give_up(error)
            finally:
                self._lock.release()

    def _give_up(self, fault: BaseException) -> None:
        """A fault of ours: the run cannot go on, and nobody may wait for it forever. Who asks for the result is told."""
        log.error("the run ended by a fault of the engine", exc_info=fault)
        self.result.status, self.result.fault = "failed", fault
        self._cancelled = True
        self._done.set()
        for key in list(self._claims.values()):  # other threads may still add to it
            self.around.cache.unclaim(key)

    def _take(self, event: schedule.Event | _Again) -> None:
        if isinstance(event, _Again):
            commands: list[schedule.Command] = [schedule.Lookup(event.node)] if event.node in self._waiting else []
            self._waiting.discard(event.node)  # before the look-up, which may make it wait for the next one who computes the key
        else:
            commands = self._machine.on_event(event)
        for command in commands:
            answer = self._obeying[type(command)](command)
            if answer is not None:
                self._inbox.append(answer)
        if type(event) is schedule.Cancel:
            self._stopped |= self._waiting
            self._inbox.extend(map(schedule.Failed, self._waiting))
            self._waiting.clear()

    def _release(self, command: schedule.Release) -> None:
        self._values.pop(command.node, None)

    def _lookup(self, command: schedule.Lookup) -> schedule.Event | None:
        node = self.graph.nodes[command.node]
        try:
            last = self._before[node.index] = self.around.history.last(self.origin, node.path)
            now = self.traces[node.index] = trace(node, self.keys, self._needs.get(node.index), self._known, last)
        except Exception as error:  # the fingerprint is the pack's
            return self._failed(node, node.constants, error)
        result = None if node.spec.volatile else self.around.cache.result(now.key)
        if result is None:
            return self._claim(node, now)
        self._known[node.index] = result.outputs
        held = not self._machine.wants_values(node.index) or self.around.cache.holds(result)
        if held and node.index in self._targets:
            values = {name: self.around.cache.value(digest) for name, digest in result.outputs.items()}
            held = not any(value is MISSING for value in values.values())
            if held:
                self._values[node.index] = values
        if node.path not in self.result.ran:
            self.result.served.append(node.path)
            self._tell(events.NodeServed, node=node.path, type=node.spec.type)
        if now is not last:
            self.around.history.remember(self.origin, node.path, now)
        return schedule.Found(node.index, held)

    def _claim(self, node: Node, now: Trace) -> schedule.Event | None:
        """Nothing was found: run the node, unless somebody else is at it; then look again when they are done."""
        if self._cancelled:
            return schedule.Missing(node.index)
        if not node.spec.volatile and self._claims.get(node.index) != now.key:
            if not self.around.cache.claim(now.key, node.spec, lambda: self._post(_Again(node.index))):
                self._waiting.add(node.index)
                return None
            if self.around.cache.result(now.key) is not None:  # it was computed, and let go of, since we looked
                self.around.cache.unclaim(now.key)
                return self._lookup(schedule.Lookup(node.index))
            self._claims[node.index] = now.key
        return schedule.Missing(node.index)

    def _ask(self, command: schedule.Ask) -> schedule.Event:
        node = self.graph.nodes[command.node]
        inputs, lost = self._gather(node, node.eager)
        if lost:
            return schedule.Lost(node.index, lost)
        try:
            if node.spec.fingerprint is not None:
                self.keys.fingerprint(node, inputs)
            needs = frozenset(node.spec.needs(inputs)) if node.spec.needs else frozenset[str]()
        except Exception as error:  # the node boundary: both functions are the pack's
            return self._failed(node, inputs, error)
        self._needs[node.index] = needs
        return schedule.Answered(node.index, needs)

    def _submit(self, command: schedule.Run) -> None:
        node = self.graph.nodes[command.node]
        if node.spec.asynchronous:
            self.around.lanes.asynchronous.submit(self._run_async(node))
        else:
            alone = not node.spec.overlaps
            self.around.lanes.submit(node.spec.lane, (self._number, command.rank), lambda: self._run_node(node), alone)

    def _finish(self, _command: schedule.Stop) -> None:
        result, state = self.result, self._machine.state
        blocked = {index: by for index, by in self._machine.blocked_by.items() if by not in self._stopped}
        result.blocked = [self.graph.nodes[index].path for index in blocked]
        for index, by in blocked.items():
            self._tell(events.NodeBlocked, node=self.graph.nodes[index].path, by=self.graph.nodes[by].path)
        reached = all(state[target] in schedule.SETTLED for target in self.graph.targets)
        result.status = "failed" if result.errors else "succeeded" if reached else "cancelled"
        result.outputs = {name: result.outputs[name] for name in self.graph.outputs if name in result.outputs}  # as declared
        result.elapsed_s = time.perf_counter() - self._started_at
        self._tell(events.RunFinished, status=result.status, ran=len(result.ran), served=len(result.served))
        self._values.clear()
        for key in self._claims.values():
            self.around.cache.unclaim(key)
        if self._measured:
            self.around.cache.measured(self._measured)
        self.around.history.write(self.origin)
        self._done.set()

    # the nodes' side

    def _run_node(self, node: Node) -> None:
        """On a lane's thread: run the node, and post what came of it."""
        try:
            self._post(self._attempt(node))
        except BaseException as fault:  # outside of a node's own code it is ours: it ends the run, and leaves nobody waiting
            self._give_up(fault)

    def _attempt(self, node: Node) -> schedule.Event:
        if self._cancelled:  # it waited for its lane meanwhile
            return self._failed(node, {}, Cancelled())
        inputs, lost = self._gather(node, node.reads(self._needs.get(node.index)))
        if lost:
            return schedule.Lost(node.index, lost)
        try:
            arguments = self._arguments(node, inputs)
            started = time.perf_counter()
            returned = node.spec.function(**arguments)
            return self._succeeded(node, returned, self._worked(node.path, node.spec.lane, started))
        except BaseException as error:  # the node boundary: whatever foreign code raises, SystemExit too, ends the node alone
            return self._failed(node, inputs, error)

    async def _run_async(self, node: Node) -> None:
        try:
            self._post(await self._attempt_async(node))
        except BaseException as fault:  # as above
            self._give_up(fault)

    async def _attempt_async(self, node: Node) -> schedule.Event:
        if self._cancelled:
            return self._failed(node, {}, Cancelled())
        inputs, lost = self._gather(node, node.reads(self._needs.get(node.index)))
        if lost:
            return schedule.Lost(node.index, lost)
        try:
            arguments = self._arguments(node, inputs)
            started = time.perf_counter()
            returned = await node.spec.function(**arguments)
            return self._succeeded(node, returned, self._worked(node.path, "async", started))
        except BaseException as error:  # the node boundary, as above
            return self._failed(node, inputs, error)

    def _gather(self, node: Node, names: tuple[str, ...]) -> tuple[dict[str, Any], tuple[int, ...]]:
        """The node's inputs, constants and linked, as they are kept; and the sources whose values are gone after all."""
        inputs = dict(node.constants)
        lost: list[int] = []
        for name in names:
            link = node.links[name]
            if isinstance(link, Link):
                inputs[name] = self._read(link, lost)
            else:
                inputs[name] = [self._read(source, lost) for source in link]
        return inputs, tuple(sorted(set(lost))) if lost else ()

    def _read(self, source: Link, lost: list[int]) -> Any:
        values = self._values.get(source.node)
        if values is not None:
            return values[source.output]
        digests = self._known[source.node]
        value = MISSING if digests is None else self.around.cache.value(digests[source.output])
        if value is MISSING:
            lost.append(source.node)
        return value

    def _arguments(self, node: Node, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """What the function is called with: linked values checked, everything handed out so that it cannot change what is kept."""
        arguments = self.around.codecs.hand_out_each(inputs)
        for name in node.bounded:
            if name in arguments:
                arguments[name] = call.linked_value(node, name, arguments[name], self.around.folders)
        for name in node.lazy:
            arguments.setdefault(name, None)
        if node.spec.context_parameter is not None:
            arguments[node.spec.context_parameter] = self._context(node)
        given = node, self._before[node.index], self.traces[node.index]
        self._reasons.note(*given)
        if self.listener is not None:
            self._tell(events.NodeStarted, node=node.path, type=node.spec.type, reason=why(*given))
        return arguments

    def _context(self, node: Node) -> Context:
        now = self.traces[node.index]
        assert now is not None
        return Context(
            folders=self.around.folders,
            services=self.around.services,
            secrets=self.around.secrets,
            cancelled=lambda: self._cancelled,
            on_progress=lambda done, total: self._tell(events.NodeProgress, node=node.path, done=done, total=total),
            on_preview=lambda render: self._tell(events.NodePreview, node=node.path, render=render),
            on_checkpoint=(lambda _state: None) if node.spec.volatile else self._checkpointer(now.key),
            saved=lambda: self.around.cache.checkpointed(now.key),
        )

    def _checkpointer(self, key: Key) -> Callable[[Callable[[], Any]], None]:
        """Keeps a state if the last one is old enough, or if the run was cancelled: then this step is the last."""
        last = time.perf_counter()

        def checkpoint(state: Callable[[], Any]) -> None:
            nonlocal last
            interval_s = self.around.checkpoint_interval_s
            last_step = self._cancelled and interval_s < math.inf
            if last_step or time.perf_counter() - last >= interval_s:
                self.around.cache.checkpoint(key, state())
                last = time.perf_counter()

        return checkpoint

    def _succeeded(self, node: Node, returned: Any, elapsed_s: float) -> schedule.Event:
        values = call.named_outputs(node.spec, returned)
        digest = self.around.codecs.digest
        digests: dict[str, Digest] = {name: digest(value) for name, value in values.items()}
        now = self.traces[node.index]
        assert now is not None
        before = self._known[node.index]
        if before is not None and before != digests:
            self._wavered = True
            log.info("%s gave another value than before, with the same inputs.", node.path)
        if node.spec.volatile:
            pass
        elif not self._read_as_traced(node, now):  # a source gave another value the second time: the key names the first
            if (key := self._claims.pop(node.index, None)) is not None:
                self.around.cache.unclaim(key)
        else:
            self.around.cache.store(now.key, node.spec, digests, values, elapsed_s)
            self._claims.pop(node.index, None)
            if node.spec.context_parameter is not None:
                self.around.cache.drop_checkpoint(now.key)
            if self.around.cache.disk is not None:
                self._measured.append((node, elapsed_s, sum(map(self.around.codecs.size_bytes, values.values()))))
        self._known[node.index], self._values[node.index] = digests, values
        self.around.history.remember(self.origin, node.path, now)
        self.result.ran[node.path] = elapsed_s
        self._tell(events.NodeFinished, node=node.path, type=node.spec.type, elapsed_s=elapsed_s)
        return schedule.Finished(node.index)

    def _read_as_traced(self, node: Node, now: Trace) -> bool:
        """Whether the values that the node was given are still those that its key was made of."""
        return not self._wavered or all(
            self._known[source.node] is None or self._known[source.node][source.output] == digest  # type: ignore[index]
            for name, digests in now.links.items()
            for source, digest in zip(node.sources([name]), digests, strict=True)
        )

    def _failed(self, node: Node, inputs: Mapping[str, Any], error: BaseException) -> schedule.Event:
        if (key := self._claims.pop(node.index, None)) is not None:
            self.around.cache.unclaim(key)
        if isinstance(error, Cancelled):
            self._stopped.add(node.index)
            return schedule.Failed(node.index)
        log.debug("node %s failed", node.path, exc_info=error)
        located = call.failure(node, inputs, error, self.around.codecs, self.around.secrets.redact)
        located.__cause__ = error
        self._report(located, node)
        return schedule.Failed(node.index)

    def _report(self, error: LoomError, node: Node) -> None:
        self.result.errors.append(error)
        cause, action = (error.cause, error.action) if isinstance(error, NodeError) else (message(error), "")
        self._tell(events.NodeFailed, node=node.path, type=node.spec.type, cause=cause, action=action)

    # the user's side

    def _deliver(self, command: schedule.Deliver) -> schedule.Event | None:
        node = self.graph.nodes[command.node]
        values = self._values[node.index]
        for name, output in self._outputs_of.get(node.index, ()):
            self.result.outputs[name] = self.around.codecs.hand_out(values[output])
        files = [item for value in values.values() for item in (value if isinstance(value, list) else [value])]
        files = [item for item in files if isinstance(item, File)] if node.spec.writes and self.output_folder else []
        if not files:
            return schedule.Delivered(node.index)
        self.around.lanes.submit("disk", (self._number, 0), lambda: self._write(node, files))
        return None

    def _write(self, node: Node, files: list[File]) -> None:
        assert self.output_folder is not None
        try:
            for item, file in enumerate(files):
                started = time.perf_counter()
                data = self.stamp(file, node, item, self) if self.stamp else file.data
                path = write_new(self.output_folder, file.stem, file.suffix, data)
                self._worked(f"{node.path} (writing)", "disk", started)
                self.result.files.append(path)
                self._tell(events.FileWritten, node=node.path, path=str(path))
        except Exception as error:  # a full disk, say: the run goes on, the error is told
            self._report(error if isinstance(error, LoomError) else call.failure(node, {}, error, self.around.codecs), node)
            self._post(schedule.Failed(node.index))
            return
        self._post(schedule.Delivered(node.index))

    def _worked(self, name: str, lane: str, started: float) -> float:
        """Record that this was at work from ``started`` until now; returns the seconds."""
        ended, thread = time.perf_counter(), threading.current_thread().name
        self.result.intervals.append(Interval(name, lane, thread, started - self._started_at, ended - self._started_at))
        return ended - started

    def _tell(self, kind: type[events.Event], **facts: Any) -> None:
        if self.listener is None:
            return
        with self._telling:
            self._sequence += 1
            try:
                self.listener(kind(sequence=self._sequence, at_s=time.perf_counter() - self._started_at, **facts))
            except Exception:  # the listener is the caller's, and the run does not depend on it
                log.exception("a listener of the run failed")
