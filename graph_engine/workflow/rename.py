"""Decides which node of one document is which of another, and gives nodes other ids with all that refers to them.

The same id is the same node. What is left is paired by what a node says (values, links, title, mode) and by who uses it: first
those alike in everything, then the most alike of the same type, down to half. Ties go by id: no order of a file has a say.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any, TypeAlias

from graph_engine.workflow.places import Data, Place, text

ALIKE = 0.5
"""The least share of what two nodes say that must be the same for one to be the other under a new name."""

MAX_PAIRS = 1_000_000
"""Where more pairs of one type than this are left, only nodes alike in everything are paired: time must not grow squared."""

MAX_TURNS = 100
"""How often pairs are looked for again with what is known by then. After that, ties go by id at once."""

Says: TypeAlias = frozenset[Place]


def same_nodes(before: Data, after: Data) -> dict[str, str]:
    """Nodes of ``before`` that are there in ``after``, by id: theirs, and what it is now."""
    old, new = before.get("nodes", {}), after.get("nodes", {})
    found = {name: name for name in old if name in new}
    for turn in count():
        said = _sayings(before, {name: f"={name}" for name in found}, old.keys() - found.keys())
        says = _sayings(after, {name: f"={was}" for was, name in found.items()}, new.keys() - set(found.values()))
        pairs = _alike_in_all(said, old, says, new, patient=turn < MAX_TURNS) or _most_alike(said, old, says, new)
        if not pairs:
            break
        found |= pairs
    return found


def renamed(document: Data, names: Mapping[str, str]) -> Data:
    """``document`` with other ids for some nodes, followed in links, ports and layout. Definitions are left as they are."""
    names = {old: new for old, new in names.items() if old != new and old in document.get("nodes", {})}
    if not names:
        return document

    def follow(reference: Any) -> Any:
        if isinstance(reference, list):
            return [follow(one) for one in reference]
        node, dot, rest = reference.partition(".")
        return f"{names.get(node, node)}{dot}{rest}"

    changed = dict(document)
    changed["nodes"] = {}
    for name, node in document["nodes"].items():
        links = {key: follow(link) for key, link in node.get("links", {}).items()}
        changed["nodes"][names.get(name, name)] = {**node, "links": links} if links else node
    for ports, key in (("inputs", "to"), ("outputs", "from")):
        if ports in document:
            changed[ports] = {name: {**port, key: follow(port[key])} for name, port in document[ports].items()}
    if isinstance(places := document.get("view", {}).get("nodes"), dict):
        changed["view"] = {**document["view"], "nodes": {names.get(name, name): place for name, place in places.items()}}
    return changed


def references(document: Data) -> Iterator[tuple[Place, str]]:
    """Every ``node.socket`` that a document refers to, with the place where it does."""
    for name, node in document.get("nodes", {}).items():
        for key, link in node.get("links", {}).items():
            for reference in link if isinstance(link, list) else [link]:
                yield ("nodes", name, "links", key), reference
    for ports, key in (("inputs", "to"), ("outputs", "from")):
        for name, port in document.get(ports, {}).items():
            for reference in port[key] if isinstance(port[key], list) else [port[key]]:
                yield (ports, name, key), reference


def _sayings(document: Data, known: Mapping[str, str], wanted: set[str]) -> dict[str, Says]:
    """What each wanted node says and who uses it. Other nodes are named by what they are known as, else by their type."""
    nodes, says = document.get("nodes", {}), defaultdict[str, set[Place]](set)
    if not wanted:
        return {}
    for name in wanted:
        node = nodes[name]
        says[name] |= {("value", key, text(value)) for key, value in node.get("values", {}).items()}
        says[name] |= {(key, text(node[key])) for key in ("title", "mode", "over", "state") if key in node}

    def called(node: str) -> str:
        return known.get(node) or str(nodes.get(node, {}).get("type", "?"))

    for place, reference in references(document):
        source, _, socket = reference.partition(".")
        if place[0] == "nodes":
            if place[1] in wanted:
                says[place[1]].add(("link", place[3], called(source), socket))
            if source in wanted:
                says[source].add(("used", socket, called(place[1]), place[3]))
        elif source in wanted:
            says[source].add((*place, socket))
    return {name: frozenset(says[name]) for name in wanted}


def _alike_in_all(said: dict[str, Says], old: Data, says: dict[str, Says], new: Data, *, patient: bool) -> dict[str, str]:
    """Pairs that say the same. Those that only one pair fits come alone: what they settle may tell the others apart.

    ``patient``: leave what is not settled so for a later turn, but for one group where there is no other way.
    """
    groups: dict[tuple[str, Says], tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for side, (sayings, nodes) in enumerate(((said, old), (says, new))):
        for name in sorted(sayings):
            groups[nodes[name]["type"], sayings[name]][side].append(name)
    both = [group for group in groups.values() if all(group)]
    single = {was[0]: now[0] for was, now in both if len(was) == len(now) == 1}
    if patient and (single or not both):
        return single
    return {one: other for was, now in ([min(both)] if patient else both) for one, other in zip(was, now, strict=False)}


def _most_alike(said: dict[str, Says], old: Data, says: dict[str, Says], new: Data) -> dict[str, str]:
    """Pairs of one type that share at least half of what they say, the most alike first."""
    left, right = (Counter(nodes[name]["type"] for name in sayings) for sayings, nodes in ((said, old), (says, new)))
    few = {type for type in left if left[type] * right[type] <= MAX_PAIRS}
    by_type = defaultdict[str, list[str]](list)
    for name in says:
        by_type[new[name]["type"]].append(name)
    ranked = sorted(
        (-share, was, now)
        for was in said
        if old[was]["type"] in few
        for now in by_type[old[was]["type"]]
        if (share := _share(said[was], says[now])) >= ALIKE
    )
    found: dict[str, str] = {}
    taken: set[str] = set()
    for _, was, now in ranked:
        if was not in found and now not in taken:
            found[was] = now
            taken.add(now)
    return found


def _share(one: Says, other: Says) -> float:
    """Twice what both say, of all that either says (Dice 1945); between 0 and 1."""
    return 2 * len(one & other) / (len(one) + len(other)) if one or other else 1.0
