"""Decides why a node runs: by what it was given the last time, in plain words down to the value that changed.

Node paths are used here and only here, and only to explain: a wrong guess costs a sentence, never a result.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from graph_engine.digest import Digests, Key, Keys
from graph_engine.graph import Link, Node

FIRST_TIME = "first time"
VOLATILE = "changes on every run"
GONE = "its result is no longer kept"


class Trace(NamedTuple):
    """What a node was given when it last ran or was served. ``links`` holds the digests read, by input."""

    key: Key
    type: str
    version: int
    constants: Mapping[str, Any]
    links: Mapping[str, tuple[bytes, ...]]
    fingerprint: str | None


class History:
    """The last trace of each node of each workflow (``origin``: its file, or what else tells it from others)."""

    def __init__(self) -> None:
        self._traces: dict[tuple[str, str], Trace] = {}
        self._lock = threading.Lock()

    def last(self, origin: str, path: str) -> Trace | None:
        return self._traces.get((origin, path))

    def remember(self, origin: str, path: str, trace: Trace) -> None:
        with self._lock:
            self._traces[origin, path] = trace


def trace(node: Node, keys: Keys, needs: frozenset[str] | None, known: Sequence[Digests | None], last: Trace | None) -> Trace:
    """What the node is given now (``last`` itself when that has not changed). Every digest that it reads must be known."""
    inputs = node.reads(needs)
    key = keys.key(node, inputs, known)
    if last is not None and last.key == key:
        return last
    links = {}
    for name in inputs:
        link = node.links[name]
        links[name] = tuple((known[one.node] or {})[one.output] for one in ((link,) if isinstance(link, Link) else link))
    return Trace(key, node.spec.type, node.spec.version, node.constants, links, keys.fingerprints.get(node.path))


def why(node: Node, last: Trace | None, now: Trace | None) -> str:
    """Why ``node`` is not served. ``now`` is None while an input's digest cannot be told yet (planning)."""
    if node.spec.volatile:
        return VOLATILE
    if last is None or last.type != node.spec.type:
        return FIRST_TIME
    if last.version != node.spec.version:
        return f"node version {last.version} -> {node.spec.version}"
    changes = [
        f"{name} {_shown(last.constants[name])} -> {_shown(value)}"
        for name, value in node.constants.items()
        if name in last.constants and not _same(last.constants[name], value)
    ]
    changes += [f"{name} is now a value" for name in node.constants if name in last.links]
    changes += [f"{name} is now linked" for name in node.links if name in last.constants]
    if changes:
        return ", ".join(changes)
    if now is None:
        return "its input changes"
    if now.key == last.key:
        return GONE
    if now.fingerprint != last.fingerprint:
        return "the file changed"
    changed = [name for name, digests in now.links.items() if last.links.get(name) != digests]
    return f"its input {' and '.join(changed)} changed" if changed else FIRST_TIME


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}…"
