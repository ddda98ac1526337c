"""Decides under which ids three documents are merged, so that one node has one id in all of them and no two nodes share one.

A rename on one side is followed by the others. Renamed on both sides: our name stays. Where a name is taken, their node gives
way. The ids of ours change only to follow theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from graph_engine.workflow.places import Data, Place
from graph_engine.workflow.rename import renamed, same_nodes

MAX_ID = 100


class Three(NamedTuple):
    """The document that both sides began with, and what each made of it."""

    base: Data
    ours: Data
    theirs: Data


@dataclass(frozen=True, slots=True)
class Naming:
    """A node that the sides name differently, or two nodes that they name the same. ``node`` is the id it has from here on."""

    within: Place
    node: str
    base: str | None
    ours: str | None
    theirs: str | None


def aligned(three: Three, within: Place = ()) -> tuple[Three, list[Naming]]:
    """The three documents with one id for each node, in definitions too, and the names that contradicted each other."""
    names = _Names(three, within)
    base, ours, theirs = renamed(three.base, names.base), renamed(three.ours, names.ours), renamed(three.theirs, names.theirs)
    found = names.contradictions
    inner = [document.get("definitions", {}) for document in three]
    replaced: list[Data] = [{}, {}, {}]
    for name in sorted(set().union(*inner)):
        deeper, more = aligned(Three(*(definitions.get(name, {}) for definitions in inner)), (*within, name))
        found += more
        for definitions, one, into in zip(inner, deeper, replaced, strict=True):
            if name in definitions:
                into[name] = one
    sides = zip((base, ours, theirs), replaced, strict=True)
    return Three(*({**document, "definitions": into} if into else document for document, into in sides)), found


class _Names:
    """What each document's nodes are called from here on, for those whose id changes."""

    def __init__(self, three: Three, within: Place) -> None:
        self.base: dict[str, str] = {}
        self.ours: dict[str, str] = {}
        self.theirs: dict[str, str] = {}
        self.contradictions: list[Naming] = []
        self._three, self._within = three, within
        self._in_ours, self._in_theirs = same_nodes(three.base, three.ours), same_nodes(three.base, three.theirs)
        self._our_ids = set(three.ours.get("nodes", {}))
        for node in sorted(three.base.get("nodes", {})):
            self._settle(node, self._in_ours.get(node), self._in_theirs.get(node))
        for node in sorted(set(three.theirs.get("nodes", {})) - set(self._in_theirs.values())):
            self._settle_added(node)

    def _settle(self, node: str, ours: str | None, theirs: str | None) -> None:
        """A node of the base, and what it is called on each side that still has it."""
        name = node
        if ours is not None and ours != node:
            name = ours
            if theirs not in (None, node, ours):
                self._contradict(name, node, ours, theirs)
        elif theirs is not None and theirs != node:
            if theirs in self._our_ids:
                self._contradict(name, node, ours, theirs)
            else:
                name = theirs
        self.base[node] = name
        if ours is not None:
            self.ours[ours] = name
        if theirs is not None:
            self.theirs[theirs] = name

    def _settle_added(self, node: str) -> None:
        """A node that they added: another of ours with that name is the same only if it was added too and has its type."""
        if node not in self._our_ids:
            return
        ours, theirs = self._three.ours["nodes"][node], self._three.theirs["nodes"][node]
        if node in self._in_ours.values() or ours["type"] != theirs["type"]:
            name = next(name for name in _variants(node) if name not in self._taken())
            self.theirs[node] = name
            self._contradict(name, None, node, node)

    def _taken(self) -> set[str]:
        documents = [set(document.get("nodes", {})) for document in self._three]
        return set().union(*documents, self.base.values(), self.ours.values(), self.theirs.values())

    def _contradict(self, node: str, base: str | None, ours: str | None, theirs: str | None) -> None:
        self.contradictions.append(Naming(self._within, node, base, ours, theirs))


def _variants(name: str) -> Iterator[str]:
    number = 2
    while True:
        yield f"{name[: MAX_ID - 10]}_{number}"
        number += 1
