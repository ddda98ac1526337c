"""Decides why a node runs: by what it was given the last time, in plain words down to the value that changed.

Node paths are used here and only here, and only to explain: a wrong guess costs a sentence, never a result.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from graph_engine.brief import BriefLock
from graph_engine.cache.disk import DiskCache
from graph_engine.digest import Digests, Key, Keys
from graph_engine.graph import Link, Node
from graph_engine.sentences import Sentence, say

FIRST_TIME = say("first_time")
VOLATILE = say("every_run")
GONE = say("result_gone")
HANDLE = say("handle_anew")
SHOWN = 40


class Trace(NamedTuple):
    """What a node was given when it last ran or was served. ``links`` holds the digests read, by input."""

    key: Key
    type: str
    version: int
    constants: Mapping[str, Any]
    links: Mapping[str, tuple[bytes, ...]]
    fingerprint: str | None


class History:
    """The last trace of each node of each workflow (``origin``: its file, or what else tells it from others).

    With a ``disk`` it outlives the process, for workflows that have an origin: those of one are read when it is first asked for, and
    written by the cache's own thread when a run ends. What cannot be read or written there is left out.
    """

    def __init__(self, disk: DiskCache | None = None) -> None:
        self._disk = disk
        self._traces: dict[tuple[str, str], Trace] = {}
        self._stored: dict[str, Mapping[str, str]] = {}  # by origin and path, as they were found on disk …
        self._read_back: dict[tuple[str, str], Trace] = {}  # … and what was made of them
        self._new: dict[str, dict[str, Trace]] = {}  # what is not written yet, by origin and path
        self._lock = BriefLock()

    def last(self, origin: str, path: str) -> Trace | None:
        found = self._traces.get((origin, path)) or self._read_back.get((origin, path))
        if found is None and origin and self._disk is not None:
            found = from_text(self._read(origin).get(path))
            if found is not None:
                self._read_back[origin, path] = found
        return found

    def refresh(self) -> None:
        """Forget what was read from disk, where another process may have written since."""
        self._stored, self._read_back = {}, {}

    def remember(self, origin: str, path: str, trace: Trace) -> None:
        self._traces[origin, path] = trace
        if origin and self._disk is not None:
            with self._lock:
                self._new.setdefault(origin, {})[path] = trace

    def write(self, origin: str) -> None:
        """A run of ``origin`` ended: what it left is written once the cache's writer has time."""
        with self._lock:
            new = self._new.pop(origin, None)
        disk = self._disk
        if not new or disk is None:
            return

        def store() -> None:
            if disk.index is not None:
                rows = ((origin, path, text) for path, one in new.items() if (text := as_text(one)) is not None)
                disk.index.remember(rows)

        disk.later(store)

    def _read(self, origin: str) -> Mapping[str, str]:
        if origin not in self._stored:
            try:
                index = self._disk.index if self._disk is not None else None
                self._stored[origin] = index.traces(origin) if index is not None else {}
            except sqlite3.Error:
                self._stored[origin] = {}
        return self._stored[origin]


def as_text(trace: Trace) -> str | None:
    """The trace as JSON; None for one with a value that JSON does not hold."""
    links = {name: [digest.hex() for digest in digests] for name, digests in trace.links.items()}
    facts = {**trace._asdict(), "key": trace.key.hex(), "constants": dict(trace.constants), "links": links}
    try:
        return json.dumps(facts, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return None


def from_text(text: str | None) -> Trace | None:
    """What ``as_text`` wrote; None for anything else."""
    try:
        facts = json.loads(text or "null")
        links = {name: tuple(map(bytes.fromhex, digests)) for name, digests in facts.pop("links").items()}
        found = Trace(key=Key(bytes.fromhex(facts.pop("key"))), links=links, **facts)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return found if isinstance(found.constants, dict) and isinstance(found.type, str) else None


def trace(node: Node, keys: Keys, needs: frozenset[str] | None, known: Sequence[Digests | None], last: Trace | None) -> Trace:
    """What the node is given now (``last`` itself when that has not changed). Every digest that it reads must be known."""
    inputs = node.reads(needs)
    key = keys.key(node, inputs, known)
    if last is not None and last.key == key:
        return last
    links = {}
    for name in inputs:
        link = node.links[name]
        links[name] = tuple([(known[one.node] or {})[one.output] for one in ((link,) if isinstance(link, Link) else link)])
    return Trace(key, node.spec.type, node.spec.version, node.constants, links, keys.fingerprints.get(node.path))


def why(node: Node, last: Trace | None, now: Trace | None) -> Sentence:
    """Why ``node`` is not served. ``now`` is None while an input's digest cannot be told yet (planning)."""
    if node.spec.volatile:
        return VOLATILE
    if last is None or last.type != node.spec.type:
        return FIRST_TIME
    if last.version != node.spec.version:
        return say("other_node_version", before=last.version, now=node.spec.version)
    if changes := _changes(node, last):
        return say("changes", changes=changes)
    if now is None:
        return say("input_will_change")
    if now.key == last.key:
        return GONE if node.spec.on_disk else HANDLE
    if now.fingerprint != last.fingerprint:
        return say("file_changed")
    changed = [name for name, digests in now.links.items() if last.links.get(name) != digests]
    return say("input_changed", inputs=changed) if changed else FIRST_TIME


class Reasons(Mapping[str, Sentence]):
    """Why the nodes of a run ran, by path in the order in which they started. Put into words only when read, since few are."""

    def __init__(self) -> None:
        self._given: dict[str, tuple[Node, Trace | None, Trace | None]] = {}

    def note(self, node: Node, last: Trace | None, now: Trace | None) -> None:
        """``node`` starts; see ``why``."""
        self._given[node.path] = (node, last, now)

    def __getitem__(self, path: str) -> Sentence:
        return why(*self._given[path])

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)

    def __repr__(self) -> str:
        return repr(dict(self))


def _changes(node: Node, last: Trace) -> list[Sentence]:
    changes = []
    for name, value in node.constants.items():
        if name in last.links:
            changes.append(say("now_a_value", input=name))
        elif name in last.constants:
            before = last.constants[name]
            if type(value) is not type(before) or value != before:
                changes.append(_change(name, before, value))
    return changes + [say("now_linked", input=name) for name in node.links if name in last.constants]


def _change(name: str, before: Any, after: Any) -> Sentence:
    """``cfg 7.0 -> 7.5``; of long texts the part where they begin to differ."""
    texts = [repr(before), repr(after)]
    same = next((index for index, pair in enumerate(zip(*texts, strict=False)) if pair[0] != pair[1]), min(map(len, texts)))
    begin = same - SHOWN // 2
    shown = [_shown(text, begin) for text in texts]
    return say("value_changed", input=name, before=shown[0], now=shown[1])


def _shown(text: str, begin: int) -> str:
    if len(text) > SHOWN and begin > 0:
        text = f"…{text[begin:]}"
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}…"
