"""Decides what a server's answers are in Python: frozen records of what a program uses, with unknown fields left out.

So a program goes on working with a server that tells more. Times are seconds since 1970 in UTC; sizes are bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Generic, Literal, TypeVar, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict

from graph_engine.errors import Cancelled, LoomError, NodeError, Problem
from graph_engine.workflow.document import Workflow

JobState = Literal["queued", "running", "succeeded", "failed", "cancelled", "interrupted"]
Item = TypeVar("Item")


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class JobFailed(NodeError):
    """A job failed on the server: at which node, why, and what to do next."""

    def __init__(self, *, node: str, type: str, cause: str, action: str) -> None:
        super().__init__(node=node, type=type, inputs={}, cause=cause, action=action)
        where = f"{node} ({type}) failed: " if node else ""
        LoomError.__init__(self, f"{where}{cause}" + (f"\n  {action}" if action else ""))


class Fault(Record):
    """One reason why a job failed."""

    cause: str
    action: str = ""
    node: str | None = None
    type: str | None = None

    def error(self) -> JobFailed:
        return JobFailed(node=self.node or "", type=self.type or "", cause=self.cause, action=self.action)


class NodeRun(Record):
    """What became of one node. ``memory_bytes``: how much more its process held while it ran."""

    status: Literal["ran", "served", "failed", "blocked"]
    reason: str = ""
    seconds: float | None = None
    memory_bytes: int | None = None


class Output(Record):
    name: str
    value: Any


class Job(Record):
    """A job. In lists, ``inputs``, ``outputs`` and ``nodes`` are left out. ``results`` are ids of files that it made."""

    id: str
    state: JobState
    title: str
    client: str
    priority: int
    created_at: float
    started_at: float | None = None
    ended_at: float | None = None
    device: str | None = None
    position: int | None = None
    done: int = 0
    total: int = 0
    errors: list[Fault] = []
    results: list[str] = []
    inputs: dict[str, Any] = {}
    targets: list[str] | None = None
    workflow_name: str | None = None
    outputs: list[Output] = []
    nodes: dict[str, NodeRun] = {}
    attempts: int = 0

    @property
    def ended(self) -> bool:
        """Whether its state will not change any more."""
        return self.state in ("succeeded", "failed", "cancelled")

    @property
    def values(self) -> dict[str, Any]:
        """Its declared outputs that are plain values, by name."""
        return {one.name: one.value for one in self.outputs}

    def raise_errors(self) -> None:
        """Raise JobFailed for the first thing that went wrong, or Cancelled; do nothing after a success."""
        for fault in self.errors:
            raise fault.error()
        if self.state == "cancelled":
            raise Cancelled("the job was cancelled")


class PlannedNode(Record):
    """What a run would do with one node, why, and what that cost before."""

    node: str
    type: str
    status: Literal["runs", "cached", "muted"]
    reason: str
    seconds: float | None = None
    size_bytes: float | None = None


class Plan(Record):
    """``known`` is false where it cannot be told before a list is computed; ``seconds`` adds up what is known."""

    known: bool = True
    nodes: list[PlannedNode] = []
    seconds: float | None = None


class Submitted(Record):
    """``repeated``: the key was known, and this is the job that it made."""

    job: Job
    plan: Plan
    repeated: bool = False


class Worker(Record):
    device: str
    state: Literal["starting", "idle", "busy", "stopped"]
    job: str | None = None
    models: list[str] = []
    restarts: int = 0


class Queue(Record):
    """Running jobs first, then the others in the order in which they would start."""

    paused: bool
    jobs: list[Job]
    workers: list[Worker]


def problem(facts: Any) -> Any:
    """A problem as the server tells it. A later server may know codes that we do not."""
    if not isinstance(facts, Mapping):
        return facts
    told = {name: facts.get(name) for name in ("code", "cause", "action", "node", "input")}
    return Problem(**cast("dict[str, Any]", {**told, "cause": str(told["cause"]), "action": str(told["action"] or "")}))


class DeclaredInput(Record):
    """A declared input of a workflow; ``field`` says its type, range and choices."""

    name: str
    title: str
    help: str
    required: bool
    default: Any = None
    field: dict[str, Any]


class Check(Record):
    problems: list[Annotated[Problem, BeforeValidator(problem)]]
    warnings: list[Annotated[Problem, BeforeValidator(problem)]]
    inputs: list[DeclaredInput] = []


class Event(Record):
    """Something that happened. ``cursor`` grows: events after it are those that were not heard yet."""

    cursor: int
    at: float
    kind: str
    job: str | None = None
    data: dict[str, Any] = {}


class Progress(Record):
    """How far a running node is."""

    job: str
    node: str
    done: int
    total: int


class WorkflowSummary(Record):
    """``problem``: why the file cannot be opened; empty if it can."""

    name: str
    title: str
    description: str
    etag: str
    saved_at: float
    size_bytes: int
    nodes: int
    problem: str = ""


class StoredWorkflow(Record):
    """``etag`` names this content: give it to ``save_workflow`` to replace it."""

    name: str
    etag: str
    saved_at: float
    workflow: Workflow


class Revision(Record):
    number: int
    etag: str
    saved_at: float
    size_bytes: int


class Result(Record):
    """A file that a job made. In lists, ``inputs`` and ``record`` are left out."""

    id: str
    file: str
    media_type: str
    size_bytes: int
    width: int | None = None
    height: int | None = None
    created_at: float
    job: str | None = None
    node: str = ""
    title: str = ""
    prompt: str = ""
    seed: int | None = None
    model: str = ""
    favourite: bool = False
    trashed_at: float | None = None
    gone: bool = False
    inputs: dict[str, Any] = {}
    record: dict[str, Any] = {}


class Uploaded(Record):
    """``name`` is what a node such as 'Load image' takes."""

    name: str
    width: int
    height: int
    size_bytes: int


class NodeType(Record):
    """A node type; ``inputs`` and ``outputs`` say all that the catalogue knows of them."""

    type: str
    version: int
    title: str
    category: str
    summary: str
    description: str
    pack: str
    inputs: list[dict[str, Any]]
    outputs: list[dict[str, Any]]


class Page(Record, Generic[Item]):
    """A part of a list; ``total`` counts the whole."""

    items: list[Item]
    total: int
