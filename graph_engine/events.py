"""Decides what a run tells while it goes on: typed events, numbered in order, each with a plain JSON form."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """``sequence`` counts from 1 without gaps; ``at_s`` is seconds since the run started."""

    kind: ClassVar[str]
    sequence: int
    at_s: float

    def as_json(self) -> dict[str, Any]:
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {"event": self.kind, **{name: value for name, value in values.items() if not callable(value)}}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Event):
    kind = "run_started"
    nodes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStarted(Event):
    kind = "node_started"
    node: str
    type: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeProgress(Event):
    kind = "node_progress"
    node: str
    done: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePreview(Event):
    """``render`` gives an encoded picture; it is not part of the JSON form."""

    kind = "node_preview"
    node: str
    render: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFinished(Event):
    kind = "node_finished"
    node: str
    type: str
    elapsed_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeServed(Event):
    """The node's result was there already."""

    kind = "node_served"
    node: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFailed(Event):
    kind = "node_failed"
    node: str
    type: str
    cause: str
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeBlocked(Event):
    """The node could not run because ``by`` failed."""

    kind = "node_blocked"
    node: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileWritten(Event):
    kind = "file_written"
    node: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(Event):
    """``status``: succeeded, failed or cancelled."""

    kind = "run_finished"
    status: str
    ran: int
    served: int
