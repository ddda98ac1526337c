"""Decides how the parts meet: an Engine holds what runs share (registry, cache, lanes, services) and checks, plans and runs workflows."""

from __future__ import annotations

import math
import os
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from graph_engine import collector
from graph_engine.cache import disk, memory
from graph_engine.cache.disk import DiskCache
from graph_engine.cache.memory import MemoryCache
from graph_engine.cache.tiers import Cache
from graph_engine.context import Services
from graph_engine.digest import Keys
from graph_engine.errors import LoomError, UnsupportedValueError, WorkflowError
from graph_engine.execute import Listener, Run, RunResult, Surroundings
from graph_engine.explain import Cause, explain
from graph_engine.folders import Folders
from graph_engine.graph import Graph, Link, Node, compile
from graph_engine.history import History
from graph_engine.interface import used_inputs
from graph_engine.lanes import Lanes
from graph_engine.plan import Planned, plan
from graph_engine.record import run_record
from graph_engine.registry import Registry, discover
from graph_engine.secrets import Secrets
from graph_engine.values import Codecs, Digest, File
from graph_engine.workflow.document import Workflow
from graph_engine.workflow.embed import embed

PREPARED_KEPT = 4
CHECKPOINT_VARIABLE = "LOOM_CHECKPOINT_S"
"""Seconds between checkpoints of long work. It is read here alone."""
CHECKPOINT_INTERVAL_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to run: a workflow, values for its declared inputs, and the targets (None: every sink and declared output).

    ``origin`` tells one workflow from another in explanations; ``output_folder`` is where sinks write (None: nowhere).
    """

    workflow: Workflow
    given: Mapping[str, Any] = field(default_factory=dict)
    targets: Sequence[str] | None = None
    origin: str = ""
    output_folder: Path | None = None


class Engine:
    """Runs workflows. Make one and keep it: what it computed is served to every later run. Use as a context manager, or ``close``."""

    def __init__(
        self,
        registry: Registry | None = None,
        *,
        folders: Folders | None = None,
        options: Mapping[str, str] | None = None,
        memory_bytes: int = memory.DEFAULT_BUDGET_BYTES,
        cache_folder: Path | None = None,
        disk_bytes: int = disk.DEFAULT_BUDGET_BYTES,
        workers: Mapping[str, int] | None = None,
        secrets: Secrets | None = None,
        checkpoint_interval_s: float | None = None,
    ) -> None:
        """``options`` go to shared services (``device``, ``dtype``); ``workers`` sets how many nodes run at once in a lane.

        ``cache_folder`` keeps results for other processes and later ones; None keeps them in memory alone.
        ``checkpoint_interval_s``: how old the kept state of long work gets before it is renewed; 0 keeps each that is offered, inf
        none. None: what the environment variable LOOM_CHECKPOINT_S says, or 5 s.
        """
        self.registry = discover() if registry is None else registry
        self.folders = folders or Folders()
        self.options = dict(options or {})
        self.codecs = Codecs(self.registry.codecs)
        cache = self._cache(memory_bytes, cache_folder, disk_bytes)
        self.around = Surroundings(
            lanes=Lanes(workers),
            cache=cache,
            history=History(cache.disk),
            codecs=self.codecs,
            services=Services(self.options),
            folders=self.folders,
            secrets=secrets or Secrets(),
            checkpoint_interval_s=_checkpoint_interval_s() if checkpoint_interval_s is None else checkpoint_interval_s,
        )
        self._prepared: deque[tuple[Workflow, Digest, Graph, Keys]] = deque(maxlen=PREPARED_KEPT)
        self._runs: set[Run] = set()  # those that may still go on
        self._closed = False
        self._lock = threading.Lock()

    @property
    def _numerics(self) -> str:
        """How the device lane was asked to calculate: its results are kept apart by it, since they differ in the last digits.

        Which of several devices of a kind it is makes no difference.
        """
        return f"{self.options.get('device', 'auto').partition(':')[0]} {self.options.get('dtype', 'auto')}"

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Cancel what still runs, and end the engine's threads once their tasks are done and what they computed is written."""
        with self._lock:
            self._closed = True
        for run in self._runs:
            run.cancel()
        for run in self._runs:
            run.wait()
        self.around.lanes.close()
        self.around.cache.close()

    def check(self, request: Request) -> Graph:
        """Every problem at once, in ``problems`` and ``warnings`` of the graph; never raises for what the file says."""
        return compile(request.workflow, self.registry, folders=self.folders, given=request.given, targets=request.targets)

    def plan(self, request: Request) -> list[Planned]:
        """What a run would do. Raises WorkflowError when it could not start."""
        graph, keys = self._prepare(request)
        self.around.history.refresh()
        return plan(graph, keys, self.around.cache, self.around.history, request.origin)

    def explain(self, request: Request, node: str) -> list[Cause]:
        """Why ``node`` (a path, or a declared output) would run or be served, followed to the root. Raises WorkflowError."""
        graph, keys = self._prepare(request)
        self.around.history.refresh()
        return explain(graph, keys, self.around.cache, self.around.history, request.origin, node)

    def start(self, request: Request, listener: Listener | None = None) -> Run:
        """Start a run and return at once. ``listener`` is called from worker threads, one event at a time.

        Raises WorkflowError when the workflow has problems: then nothing was started. Raises RuntimeError after ``close``.
        """
        graph, keys = self._prepare(request)
        with collector.resting():
            return self._start(request, graph, keys, listener)

    def _start(self, request: Request, graph: Graph, keys: Keys, listener: Listener | None) -> Run:
        run = Run(
            graph,
            keys,
            self.around,
            origin=request.origin,
            output_folder=request.output_folder,
            stamp=lambda file, node, item, run: self._stamp(file, node, item, run, request),
            listener=listener,
        )
        with self._lock:
            if self._closed:
                raise RuntimeError("the engine is closed: make another one to run more.")
            self._runs = {one for one in self._runs if one.wait(0) is None} | {run}
        return run.start()

    def run(self, request: Request, listener: Listener | None = None) -> RunResult:
        """Start a run and wait for its end. Failures of nodes are in the result; see ``RunResult.raise_errors``."""
        result = self.start(request, listener).wait()
        assert result is not None
        return result

    def _cache(self, memory_bytes: int, folder: Path | None, disk_bytes: int) -> Cache:
        kept = MemoryCache(self.codecs, memory_bytes)
        if folder is None:
            return Cache(kept)
        kept_on_disk = DiskCache(folder, self.codecs, self.registry.find_class, disk_bytes)
        return Cache(kept, kept_on_disk, folder / "claims" if kept_on_disk.index is not None else None)

    def _prepare(self, request: Request) -> tuple[Graph, Keys]:
        """The graph and its keys; kept for the next run of the same document object, which is most often the next request."""
        try:
            call = self.codecs.digest([request.given, request.targets])
        except UnsupportedValueError:  # no value that a node takes: ``check`` says so in its place
            if problems := self.check(request).problems:
                raise WorkflowError(problems) from None
            raise
        for workflow, known_call, graph, keys in self._prepared:
            if workflow is request.workflow and known_call == call:
                return graph, keys.afresh()
        graph = self.check(request)
        if graph.problems:
            raise WorkflowError(graph.problems)
        keys = Keys(self.codecs, self.folders, self._numerics)
        if graph.unsized:
            return self._sized(request, graph), keys
        if not graph.depends_on_files:
            self._prepared.append((request.workflow, call, graph, keys))
        return graph, keys

    def _sized(self, request: Request, graph: Graph) -> Graph:
        """Lay out the graph again with the length of each list that a map goes over: what gives the lists is run for it first."""
        lengths: dict[str, int] = {}
        while graph.unsized:
            sources = {address: Link(graph.by_path[one.path].index, one.name) for address, one in graph.unsized.items()}
            targets = tuple(dict.fromkeys(link.node for link in sources.values()))
            keys = Keys(self.codecs, self.folders, self._numerics)
            found = Run(replace(graph, targets=targets, outputs=sources), keys, self.around).start().wait()
            assert found is not None
            found.raise_errors()
            lengths |= {address: len(items) for address, items in found.outputs.items()}
            graph = compile(
                request.workflow,
                self.registry,
                folders=self.folders,
                given=request.given,
                targets=request.targets,
                lengths=lengths,
            )
            if graph.problems:
                raise WorkflowError(graph.problems)
        return graph

    def _stamp(self, file: File, node: Node, item: int, run: Run, request: Request) -> bytes:
        """The bytes to write: a PNG carries the workflow and the run record."""
        if file.suffix != ".png":
            return file.data
        above = _ancestors(node, run.graph)
        record = run_record(
            inputs=used_inputs(run.graph),
            node=node.path,
            item=item,
            keys={one.path: known.key for one in above if (known := run.traces[one.index]) is not None},
            fingerprints={one.path: found for one in above if (found := run.keys.fingerprints.get(one.path))},
            packs={one.spec.pack: self.registry.versions.get(one.spec.pack, "") for one in above},
            results=_results(above, run),
            options=self.options,
            runtime=self.around.services.facts(),
        )
        return embed(file.data, request.workflow, record)


def _results(nodes: Sequence[Node], run: Run) -> dict[str, Digest]:
    """The digests of what these nodes read from each other, by ``node.output``."""
    found = {}
    for node in nodes:
        read = run.traces[node.index]
        for name, digests in read.links.items() if read is not None else ():
            for source, digest in zip(node.sources([name]), digests, strict=True):
                found[f"{run.graph.nodes[source.node].path}.{source.output}"] = Digest(digest)
    return found


def _checkpoint_interval_s() -> float:
    """What the environment says of it. Raises LoomError for what is no number from 0 on."""
    said = os.environ.get(CHECKPOINT_VARIABLE) or str(CHECKPOINT_INTERVAL_S)
    try:
        found = float(said)
    except ValueError:
        found = math.nan
    if not found >= 0:
        raise LoomError(
            f"{CHECKPOINT_VARIABLE} is {said!r}, but must be a number of seconds: 0 or more, or inf for no checkpoints."
        )
    return found


def _ancestors(node: Node, graph: Graph) -> list[Node]:
    found, waiting = {node.index: node}, [node]
    while waiting:
        one = waiting.pop()
        for link in one.sources(one.links):
            if link.node not in found:
                found[link.node] = graph.nodes[link.node]
                waiting.append(graph.nodes[link.node])
    return [found[index] for index in sorted(found)]
