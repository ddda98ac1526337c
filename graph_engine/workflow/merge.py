"""Decides what three documents make together: each field for itself, ours where both sides changed one, always a workflow.

What a conflict leaves out stands in the result under ``conflicts``, so that nothing is lost without being told. A node that one
side removed comes back where the result still refers to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Any

from graph_engine.errors import FormatError
from graph_engine.workflow.align import Naming, Three, aligned
from graph_engine.workflow.document import SUBGRAPH, Workflow
from graph_engine.workflow.places import ABSENT, Data, Place, divides, filled, inside, same, split, text
from graph_engine.workflow.rename import references
from graph_engine.workflow.text import canonical, parse, to_data

CONFLICTS = "conflicts"
"""The field of the merged document that lists them. Settle each, then remove the field."""

USES = (SUBGRAPH, "map:", "fold:")
"""How the type of a node begins that stands for a definition, once or repeated."""

VALUES = ("base", "ours", "theirs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """A place that both sides changed, each in its way. A value is ABSENT where that document has nothing there."""

    place: Place
    base: Any = ABSENT
    ours: Any = ABSENT
    theirs: Any = ABSENT
    why: str = "both sides changed it"

    @property
    def within(self) -> Place:
        return split(self.place)[0]

    @property
    def node(self) -> str | None:
        rest = split(self.place)[1]
        return rest[1] if rest[:1] == ("nodes",) else None

    @property
    def field(self) -> str:
        """The field of the node, or of the document where it is in none; empty for a node or definition as a whole."""
        rest = split(self.place)[1]
        return ".".join(rest[2:] if rest[:1] == ("nodes",) else rest)

    def as_json(self, as_text: bool = False) -> Data:
        """``as_text``: the values as JSON text, which adds no depth."""
        where = {"definitions": list(self.within), "node": self.node, "field": self.field}
        values = {name: value for name in VALUES if (value := getattr(self, name)) is not ABSENT}
        shown = {name: text(value) if as_text else value for name, value in values.items()}
        return {name: value for name, value in where.items() if value} | {"why": self.why, **shown}


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The document that came of it. Its conflicts are listed in it too."""

    workflow: Workflow
    conflicts: tuple[Conflict, ...] = ()


def merge(base: Workflow, ours: Workflow, theirs: Workflow) -> Merged:
    """What ``ours`` and ``theirs`` made of ``base``, together. Raises FormatError only if that is too large for a workflow."""
    plain = Three(*map(to_data, (base, ours, theirs)))
    if same(plain.ours, plain.theirs) or same(plain.base, plain.theirs):
        return Merged(workflow=ours)
    if same(plain.base, plain.ours):
        return Merged(workflow=theirs)
    three, namings = aligned(plain)
    merger = _Merger(namings)
    data = deepcopy(merger.merge((), *three))
    merger.mend((), data, three)
    conflicts = tuple(sorted(merger.conflicts, key=lambda one: (one.place, one.why)))
    try:
        return Merged(workflow=_listed(data, conflicts), conflicts=conflicts)
    except FormatError:  # a value at the limit of nesting would lie deeper in the list of conflicts
        return Merged(workflow=_listed(data, conflicts, as_text=True), conflicts=conflicts)


class _Merger:
    def __init__(self, namings: list[Naming]) -> None:
        self.conflicts = [_of_names(one) for one in namings]

    def merge(self, place: Place, base: Any, ours: Any, theirs: Any) -> Any:
        """What stands at ``place`` afterwards, or ABSENT."""
        if same(ours, theirs) or same(base, theirs):
            return ours
        if same(base, ours):
            return theirs
        base, ours, theirs = (filled(place, value) for value in (base, ours, theirs))
        if divides(place, ours, theirs):
            was = base if isinstance(base, dict) else {}
            parts = {
                key: self.merge((*place, key), was.get(key, ABSENT), ours.get(key, ABSENT), theirs.get(key, ABSENT))
                for key in [*ours, *(key for key in theirs if key not in ours)]
            }
            return {key: part for key, part in parts.items() if part is not ABSENT}
        together = _together(place, base, ours, theirs)
        if together is not ABSENT:
            return together
        self.conflicts.append(Conflict(place=place, base=base, ours=ours, theirs=theirs))
        return ours

    def mend(self, place: Place, data: Data, three: Three) -> None:
        """Make ``data`` hang together, as far as both sides did: nothing that it refers to is missing, no circle."""
        while self._bring_back(place, data, three) or self._open_circle(place, data, three):
            pass
        _forget_spots(data, three.base)
        for name, inner in data.get("definitions", {}).items():
            deeper = Three(*(document.get("definitions", {}).get(name, {}) for document in three))
            self.mend((*place, "definitions", name), inner, deeper)

    def _bring_back(self, place: Place, data: Data, three: Three) -> bool:
        """Put back nodes and definitions that one side removed while the other has something refer to them."""
        found = False
        for side in (three.ours, three.theirs):
            known = set(_needs(side))
            for need in list(_needs(data)):
                user, section, name = need
                if name in data.get(section, {}) or name not in side.get(section, {}) or need not in known:
                    continue
                data.setdefault(section, {})[name] = deepcopy(side[section][name])
                where = (*place, section, name)
                values = (document.get(section, {}).get(name, ABSENT) for document in three)
                why = f"one side removed it, but {user} of the other needs it; it was kept"
                self.conflicts = [one for one in self.conflicts if one.place != where]
                self.conflicts.append(Conflict(place=where, why=why, **dict(zip(VALUES, values, strict=True))))
                found = True
        return found

    def _open_circle(self, place: Place, data: Data, three: Three) -> bool:
        """Take one link as ours has it, where links of both sides form a circle. A circle of ours is left to ``check``."""
        for source, node in pairwise(_circle(data)):
            links: Data = data["nodes"][node]["links"]
            base, ours, theirs = (document.get("nodes", {}).get(node, {}).get("links", {}) for document in three)
            for key, link in links.items():
                if source not in _sources(link) or same(link, ours.get(key, ABSENT)):
                    continue
                there = {name: side.get(key, ABSENT) for name, side in zip(VALUES, (base, ours, theirs), strict=True)}
                why = "the links of both sides together form a circle"
                self.conflicts.append(Conflict(place=(*place, "nodes", node, "links", key), why=why, **there))
                if key in ours:
                    links[key] = ours[key]
                else:
                    del links[key]
                return True
        return False


def _of_names(naming: Naming) -> Conflict:
    why = "both sides named it" if naming.base is not None else "both sides gave this id to a node of their own"
    names = {name: value for name in VALUES if (value := getattr(naming, name)) is not None}
    return Conflict(place=(*inside(naming.within), "nodes", naming.node, "id"), why=why, **names)


def _together(place: Place, base: Any, ours: Any, theirs: Any) -> Any:
    """What both mean where they do not contradict: of lists whose items stand for themselves, what either side added and neither
    removed; of a node's spot, the one that is left. Else ABSENT."""
    match split(place)[1]:
        case ("view", "nodes", *_) if ABSENT in (ours, theirs):
            return theirs if ours is ABSENT else ours
        case ("inputs", _, "to") | ("nodes", _, "over"):
            was = base
        case ("view", _) | ("conflicts",):
            was = [] if base is ABSENT else base
        case _:
            return ABSENT
    if not all(isinstance(one, list) for one in (was, ours, theirs)):
        return ABSENT
    old, left, right = ({text(one) for one in items} for items in (was, ours, theirs))
    found = [one for one in ours if text(one) in right or text(one) not in old]
    found += [one for one in theirs if text(one) not in old | left]
    ids = [one["id"] for one in found if isinstance(one, dict) and isinstance(one.get("id"), str)]
    return found if found and len(ids) == len(set(ids)) else ABSENT


def _needs(document: Data) -> Iterator[tuple[str, str, str]]:
    """What a document refers to: from where, in which section, by which name."""
    for place, reference in references(document):
        user = f"{place[1]}.{place[3]}" if place[0] == "nodes" else f"the {place[0][:-1]} {place[1]}"
        yield user, "nodes", reference.partition(".")[0]
    for name, node in document.get("nodes", {}).items():
        if node["type"].startswith(USES):
            yield name, "definitions", node["type"].partition(":")[2]


def _forget_spots(data: Data, base: Data) -> None:
    """Where a node stood that is gone."""
    spots = data.get("view", {}).get("nodes")
    if isinstance(spots, dict):
        gone = base.get("nodes", {}).keys() - data.get("nodes", {}).keys()
        data["view"]["nodes"] = {name: spot for name, spot in spots.items() if name not in gone}


def _sources(link: Any) -> set[str]:
    return {reference.partition(".")[0] for reference in (link if isinstance(link, list) else [link])}


def _circle(data: Data) -> list[str]:
    """The nodes of a circle, each after one that it is linked to; the first stands at the end again."""
    nodes = data.get("nodes", {})
    sources: dict[str, set[str]] = {}
    for name, node in nodes.items():
        sources[name] = {source for link in node.get("links", {}).values() for source in _sources(link) if source in nodes}
    try:
        TopologicalSorter(sources).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def _listed(data: Data, conflicts: tuple[Conflict, ...], *, as_text: bool = False) -> Workflow:
    """The document with its conflicts in it, read from its own text: what is returned here can be loaded."""
    if conflicts:
        before = data.get(CONFLICTS, [])
        listed = [one.as_json(as_text) for one in conflicts]
        data = {**data, CONFLICTS: [*(before if isinstance(before, list) else [before]), *listed]}
    return parse(canonical(Workflow.model_validate(data)))
