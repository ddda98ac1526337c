"""Decides how far a node's reason is followed: from "its input changed" up to the nodes where something did change.

The same planner as for a plan looks at every node, so that an explanation and a run cannot disagree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from graph_engine import check
from graph_engine.cache.tiers import Cache
from graph_engine.digest import Digests, Keys
from graph_engine.errors import WorkflowError
from graph_engine.graph import Graph, Link, Node
from graph_engine.history import GONE, HANDLE, History, why
from graph_engine.plan import UNCHANGED, Planner, Status
from graph_engine.sentences import Sentence

FROM_ABOVE = ("input_changed", "input_will_change")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One node of the chain. ``feeds`` is the input that it reaches (empty for the node that was asked for).

    ``seconds``: what its result took for the node that was asked for and is served, else what it will probably take.
    """

    node: str
    type: str
    status: Status
    reason: Sentence
    feeds: str = ""
    root: bool = False
    seconds: float | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def explain(graph: Graph, keys: Keys, cache: Cache, history: History, origin: str, name: str) -> list[Cause]:
    """The node first, then what it goes back to, each right below what it feeds. Raises WorkflowError for a node that no target needs."""
    start = graph.nodes[graph.outputs[name].node] if name in graph.outputs else graph.by_path.get(name)
    planner = Planner(graph, keys, cache, history, origin)
    planned = {one.node: one for one in planner.run()}
    if start is None or start.path not in planned:
        raise WorkflowError([check.unknown_target(name, [*planned, *graph.outputs])])
    if start.index not in planner.runs:
        trace = planner.traces.get(start.index)
        result = None if trace is None else cache.result(trace.key)
        seconds = None if result is None else result.elapsed_s
        return [Cause(node=start.path, type=start.spec.type, status="cached", reason=UNCHANGED, root=True, seconds=seconds)]
    found: dict[int, Cause] = {}
    waiting = [(start, "")]
    while waiting:
        node, feeds = waiting.pop()
        if node.index in found:
            continue
        runs = node.index in planner.runs
        now = planner.traces.get(node.index)
        reason = planned[node.path].reason if runs else why(node, history.last(origin, node.path), now)
        above = _above(node, planner)
        if not runs and reason in (GONE, HANDLE) and feeds:
            continue  # it is served, and as it was: the cause lies elsewhere
        found[node.index] = Cause(
            node=node.path,
            type=node.spec.type,
            status="runs" if runs else "cached",
            reason=reason,
            feeds=feeds,
            root=reason.code not in FROM_ABOVE,
            seconds=planned[node.path].seconds,
        )
        waiting.extend((graph.nodes[link.node], f"{node.path}.{name}") for name, link in reversed(above))
    return list(found.values())


def _above(node: Node, planner: Planner) -> Sequence[tuple[str, Link]]:
    """The links through which something else comes than the last time; none where that is not known."""
    last = planner.history.last(planner.origin, node.path)
    if last is None or last.type != node.spec.type or last.version != node.spec.version or node.spec.volatile:
        return ()
    found = []
    for name in node.reads(planner.needs.get(node.index)):
        link = node.links[name]
        links = (link,) if isinstance(link, Link) else link
        before = last.links.get(name, ()) if last is not None else ()
        for index, one in enumerate(links):
            digest = _digest(planner.known[one.node], one.output)  # None: it runs, so nobody knows yet
            if digest is None or index >= len(before) or before[index] != digest:
                found.append((name, one))
    return found


def _digest(known: Digests | None, output: str) -> bytes | None:
    return None if known is None else known[output]
