"""Decides what a job is: a request to run a workflow, where it stands, and what came of it.

    queued ──> running ──> succeeded | failed | cancelled
                 │  ▲
                 ▼  │
             interrupted            its worker or the server stopped; it goes on from its finished nodes

A job that waits (queued or interrupted) may be cancelled at once; one that runs ends at its next step. An ended job never changes again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

JobState = Literal["queued", "running", "succeeded", "failed", "cancelled", "interrupted"]
WAITING: frozenset[JobState] = frozenset({"queued", "interrupted"})
ENDED: frozenset[JobState] = frozenset({"succeeded", "failed", "cancelled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """What is asked for. ``workflow`` is its canonical text; ``models`` are the models it names, so that a worker that holds them can
    be preferred; ``key`` makes asking twice harmless."""

    workflow: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    targets: Sequence[str] | None = None
    title: str = ""
    client: str = ""
    priority: int = 0
    models: Sequence[str] = ()
    total: int = 0
    workflow_name: str | None = None
    webhook: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run of a job ended. ``nodes``: what became of each; ``trace``: its timeline for a trace viewer."""

    state: Literal["succeeded", "failed", "cancelled"]
    errors: Sequence[Mapping[str, Any]] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)
    nodes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    trace: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as it stands. ``turn`` orders jobs of one priority and client; ``deaths`` counts workers that died of it."""

    id: str
    state: JobState
    workflow: str
    inputs: Mapping[str, Any]
    targets: Sequence[str] | None
    title: str
    client: str
    priority: int
    models: Sequence[str]
    workflow_name: str | None
    webhook: str | None
    turn: float
    created_at: float
    started_at: float | None
    ended_at: float | None
    device: str | None
    attempts: int
    deaths: int
    passed_over: int
    cancelling: bool
    done: int
    total: int
    errors: Sequence[Mapping[str, Any]]
    outputs: Mapping[str, Any]
    nodes: Mapping[str, Mapping[str, Any]]
    results: Sequence[str]

    @property
    def waits(self) -> bool:
        return self.state in WAITING

    @property
    def ended(self) -> bool:
        return self.state in ENDED
