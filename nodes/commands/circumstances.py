"""Decides how two runs of one workflow are told apart: what around them changed, and at which node they first parted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from graph_engine.graph import Graph, Node
from graph_engine.record import RunRecord

NOT_THERE = "none"
SHOWN_DIGITS = 8


class Change(NamedTuple):
    """Something that was otherwise ``then``, when the picture was made, than it is ``now``."""

    what: str
    then: str
    now: str

    def __str__(self) -> str:
        return f"{self.what}: {self.then} then, {self.now} now"


class Parting(NamedTuple):
    """The first node that did something else, and how that came."""

    node: str
    cause: str

    def __str__(self) -> str:
        return f"{self.node}: {self.cause}"


def changes(then: RunRecord, now: RunRecord, graph: Graph) -> list[Change]:
    """Everything recorded that differs: versions, device, packs, files. What one of the two does not know is left out."""
    found = [*_changed("", then.versions, now.versions)]
    if then.runtime and now.runtime:
        found += _changed("", then.runtime, now.runtime)
    found += _changed("node pack ", then.packs, now.packs)
    for path in _common(then.fingerprints, now.fingerprints, graph):
        before, after = then.fingerprints[path], now.fingerprints[path]
        if before != after:
            found.append(Change(f"{_what_it_reads(path, graph)} (node {path})", _short(before), _short(after)))
    return found


def parting(then: RunRecord, now: RunRecord, graph: Graph) -> Parting | None:
    """The first node, in the order of the graph, that was asked for something else or gave something else. None: there is none."""
    for path in _common(then.keys, now.keys, graph):
        if then.keys[path] != now.keys[path]:
            return Parting(path, _why_asked_otherwise(path, then, now, graph))
        names = [name for name in then.results if name.rpartition(".")[0] == path]
        if any(then.results[name] != now.results.get(name, then.results[name]) for name in names):
            return Parting(path, "it gave another result for the same inputs")
    return None


def _why_asked_otherwise(path: str, then: RunRecord, now: RunRecord, graph: Graph) -> str:
    if then.fingerprints.get(path) != now.fingerprints.get(path):
        return f"{_what_it_reads(path, graph)} is another one now"
    node = graph.by_path.get(path)
    dtypes = [record.options.get("dtype", "auto") for record in (then, now)]
    if node is not None and node.spec.lane == "device" and dtypes[0] != dtypes[1]:
        before, after = (record.runtime.get("dtype", said) for record, said in zip((then, now), dtypes, strict=True))
        return f"it computes in {after} and not in {before}"
    if not then.results:
        return "its inputs, its values or its version are others"
    return "its values or its version are others"


def _changed(prefix: str, then: Mapping[str, str], now: Mapping[str, str]) -> Iterator[Change]:
    for name in sorted(then.keys() | now.keys()):
        before, after = then.get(name, NOT_THERE), now.get(name, NOT_THERE)
        if before != after:
            yield Change(f"{prefix}{name}", before, after)


def _common(then: Mapping[str, str], now: Mapping[str, str], graph: Graph) -> list[str]:
    """The node paths in both, in the order of the graph; copies made during a run, which it does not have, come last."""
    both = then.keys() & now.keys()
    return [*(node.path for node in graph.nodes if node.path in both), *sorted(both - graph.by_path.keys())]


def _what_it_reads(path: str, graph: Graph) -> str:
    node = graph.by_path.get(path)
    return "the file that it reads" if node is None else _named(node)


def _named(node: Node) -> str:
    for name, field in node.spec.inputs.items():
        if field.choice is not None and name in node.constants:
            return f"the {field.choice.what} {node.constants[name]!r}"
    return "the file that it reads"


def _short(fingerprint: str) -> str:
    return fingerprint[:SHOWN_DIGITS] or NOT_THERE
