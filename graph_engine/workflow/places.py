"""Decides how a document divides into fields that change on their own, and when two of them say the same.

A place is the way to a field in the plain data of a document: ``("nodes", "sample", "values", "cfg")``. That data has no
defaults in it (``text.to_data``), so that what is not written and what is written as its default are the same.
"""

from __future__ import annotations

import json
from enum import Enum
from typing import Any, Final, Literal, TypeAlias

Data: TypeAlias = dict[str, Any]
Place: TypeAlias = tuple[str, ...]


class Absence(Enum):
    """What stands where a document says nothing; JSON's null is something said."""

    ABSENT = "absent"


ABSENT: Final = Absence.ABSENT


def split(place: Place) -> tuple[Place, Place]:
    """The definitions that ``place`` lies in, outermost first, and the way from there."""
    definitions: Place = ()
    while len(place) > 1 and place[0] == "definitions":
        definitions, place = (*definitions, place[1]), place[2:]
    return definitions, place


def inside(definitions: Place) -> Place:
    """The place of what lies in these definitions: the other way of ``split``."""
    return tuple(step for name in definitions for step in ("definitions", name))


def kind(place: Place) -> Literal["container", "entry", "field"]:
    """A container is always there, be it empty; an entry is there or not; both divide further. A field is one thing."""
    match split(place)[1]:
        case ():
            return "entry" if place else "container"
        case ("nodes" | "inputs" | "outputs" | "definitions" | "requires" | "view",) | ("nodes", _, "values" | "links" | "state"):
            return "container"
        case ("nodes" | "inputs" | "outputs" | "view", _) | ("requires", *_):
            return "entry"
    return "field"


def is_layout(place: Place) -> bool:
    """Whether what stands there never reaches the engine."""
    return split(place)[1][:1] == ("view",)


def divides(place: Place, *values: object) -> bool:
    """Whether ``values``, which stand at ``place`` in several documents, are compared part by part."""
    return kind(place) != "field" and all(isinstance(value, dict) for value in values)


def filled(place: Place, value: Any) -> Any:
    """``value``, or an empty object where a container is not written."""
    return {} if value is ABSENT and kind(place) == "container" else value


def same(one: Any, other: Any) -> bool:
    """Equal, and of one kind: 1, 1.0 and true differ."""
    return one is other or (bool(one == other) and text(one) == text(other))


def text(value: Any) -> str:
    """A value as one line of JSON, the same for the same value."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
