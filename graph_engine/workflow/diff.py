"""Decides what differs between two documents in meaning: fields that came, went or changed, and nodes with another name.

Layout is counted apart. ``apply`` is the proof that nothing is left out: what differs, done to the one, gives the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from graph_engine.workflow.document import Workflow
from graph_engine.workflow.places import ABSENT, Data, Place, divides, filled, is_layout, same
from graph_engine.workflow.rename import renamed, same_nodes
from graph_engine.workflow.text import to_data


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One place where two documents differ. ``before`` or ``after`` is ABSENT where nothing stands there."""

    place: Place
    before: Any = ABSENT
    after: Any = ABSENT

    @property
    def kind(self) -> Literal["added", "removed", "changed"]:
        return "added" if self.before is ABSENT else "removed" if self.after is ABSENT else "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename:
    """A node with another id. ``within`` are the definitions it lies in, outermost first."""

    within: Place
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """All that differs; changes use the newer ids. ``used`` are inputs that two runs were given, ``layout`` is no meaning."""

    renames: tuple[Rename, ...] = ()
    changes: tuple[Change, ...] = ()
    used: tuple[Change, ...] = ()
    layout: tuple[Change, ...] = ()

    def __bool__(self) -> bool:
        """Whether something differs in meaning."""
        return bool(self.renames or self.changes or self.used)


def diff(
    before: Workflow, after: Workflow, used_before: Mapping[str, Any] | None = None, used_after: Mapping[str, Any] | None = None
) -> Diff:
    """What must be done to ``before`` to get ``after``. ``used_…`` are the inputs of a run record, for a picture."""
    old, new = to_data(before), to_data(after)
    renames = tuple(_renames((), old, new))
    found = list(_changes((), _with_names(old, renames), new))
    return Diff(
        renames=renames,
        changes=tuple(change for change in found if not is_layout(change.place)),
        used=tuple(_used(before, used_before, after, used_after)),
        layout=tuple(change for change in found if is_layout(change.place)),
    )


def apply(difference: Diff, workflow: Workflow) -> Workflow:
    """``workflow`` with the renames and changes of ``difference`` made, which was found from it. Its layout stays its own."""
    data = _with_names(to_data(workflow), difference.renames)
    for change in difference.changes:
        data = _put(data, change.place, change.after)
    return Workflow.model_validate(data)


def _renames(within: Place, before: Data, after: Data) -> Iterator[Rename]:
    for was, now in sorted(same_nodes(before, after).items()):
        if was != now:
            yield Rename(within=within, before=was, after=now)
    inner, now_inner = before.get("definitions", {}), after.get("definitions", {})
    for name in sorted(inner.keys() & now_inner.keys()):
        yield from _renames((*within, name), inner[name], now_inner[name])


def _with_names(data: Data, renames: tuple[Rename, ...], within: Place = ()) -> Data:
    here = {one.before: one.after for one in renames if one.within == within}
    deeper = {one.within[len(within)] for one in renames if len(one.within) > len(within) and one.within[: len(within)] == within}
    data = renamed(data, here)
    if deeper:
        inner = {name: _with_names(data["definitions"][name], renames, (*within, name)) for name in deeper}
        data = {**data, "definitions": {**data["definitions"], **inner}}
    return data


def _changes(place: Place, before: Any, after: Any) -> Iterator[Change]:
    before, after = filled(place, before), filled(place, after)
    if same(before, after):
        return
    if divides(place, before, after):
        for key in sorted(before.keys() | after.keys()):
            yield from _changes((*place, key), before.get(key, ABSENT), after.get(key, ABSENT))
    else:
        yield Change(place=place, before=before, after=after)


def _put(data: Data, place: Place, value: Any) -> Data:
    """A copy of ``data`` with ``value`` at ``place``, or nothing there where it is ABSENT."""
    key, *rest = place
    if rest:
        value = _put(data.get(key, {}), tuple(rest), value)
    return {name: one for name, one in {**data, key: value}.items() if one is not ABSENT}


def _used(
    before: Workflow, used_before: Mapping[str, Any] | None, after: Workflow, used_after: Mapping[str, Any] | None
) -> Iterator[Change]:
    """Where at least one is a picture: the declared inputs as both would use them, where that is known of both."""
    if used_before is None and used_after is None:
        return
    old, new = {**_defaults(before), **(used_before or {})}, {**_defaults(after), **(used_after or {})}
    for name in sorted(old.keys() | new.keys()):
        known = name in old and name in new
        both_ran = used_before is not None and used_after is not None
        if (known or both_ran) and not same(old.get(name, ABSENT), new.get(name, ABSENT)):
            yield Change(place=("used", name), before=old.get(name, ABSENT), after=new.get(name, ABSENT))


def _defaults(workflow: Workflow) -> dict[str, Any]:
    found = {}
    for name, port in workflow.inputs.items():
        node, _, key = port.to[0].partition(".")
        entry = workflow.nodes.get(node)
        if entry is not None and key in entry.values and key not in entry.links:
            found[name] = entry.values[key]
    return found
