"""Decides what the API says: one frozen model for each thing that goes over the wire. The OpenAPI description is made from these.

Field names are those of the engine. Times are seconds since 1970 in UTC; sizes are bytes; a cursor is the number of an event.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

Name = Annotated[str, Field(min_length=1, max_length=100)]
JobId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
WorkflowData = Annotated[dict[str, JsonValue], Field(description="A workflow document, as the file holds it.")]
Inputs = Annotated[dict[str, JsonValue], Field(description="Values for the workflow's declared inputs, by name.")]
Targets = Annotated[
    list[str] | None,
    Field(max_length=10_000, description="Nodes or declared outputs to run for. None: every sink and declared output."),
]
JobState = Literal["queued", "running", "succeeded", "failed", "cancelled", "interrupted"]
"""``interrupted``: its worker or the server stopped while it ran; it goes on from its finished nodes before anything else."""


class Model(BaseModel):
    """Frozen; unknown fields are refused, so that a misspelt one is told."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


# sentences


class Sentence(Model):
    """What an English text was made from, so that it can be said in another language. A fact is a text, a number, another sentence, or
    a list of these. Codes are added over time: who does not know one says the English."""

    code: str
    facts: dict[str, JsonValue] = {}


Said = Annotated[
    dict[str, Sentence], Field(description="The sentences among the texts of this object, by the name of the field.")
]


# errors


class ProblemEntry(Model):
    """One thing that keeps a workflow from running."""

    code: str
    cause: str
    action: str
    node: str | None = None
    input: str | None = None
    said: Said = {}


class ProblemDetails(Model):
    """The one form of an error (RFC 9457). ``problems`` lists what is wrong with a workflow; ``action`` says what to do next."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    action: str = ""
    problems: list[ProblemEntry] = []
    said: Said = {}
    etag: str | None = None
    """What is stored now, where a save came too late."""


# the catalogue of nodes


class SocketTypeInfo(Model):
    """A socket type, taken apart. ``any`` takes all; a ``variable`` is bound by the first link of its node."""

    kind: Literal["named", "variable", "list", "union", "any"]
    name: str = ""
    parameters: list[SocketTypeInfo] = []
    item: SocketTypeInfo | None = None
    options: list[SocketTypeInfo] = []
    text: str
    """As people read it, such as ``Model[clip_768, sd1]``."""


class NumberRange(Model):
    """Bounds of a number, both included unless said otherwise; None where there is no bound."""

    minimum: float | int | None
    maximum: float | int | None
    exclude_minimum: bool = False
    step: float | None = None
    unit: str = ""


class InputInfo(Model):
    """One input of a node. ``default`` is there unless ``required``. ``choice_of``: a text that names one of what
    ``GET /api/nodes/{type}/choices/{input}`` lists (a model, a picture). ``colour``: a text that names a colour, as ``#rrggbb`` or as
    CSS does. ``strokes``: a text that is a drawing, one stroke a line: ``+`` paints or ``-`` erases, the brush's radius, points
    ``x,y``, all as shares of the picture."""

    name: str
    type: SocketTypeInfo
    required: bool
    default: JsonValue = None
    optional: bool = False
    """Whether ``null`` is a value of it."""
    lazy: bool = False
    range: NumberRange | None = None
    choices: list[str] | None = None
    choice_of: str | None = None
    multiline: bool = False
    colour: bool = False
    strokes: bool = False
    seed: bool = False
    help: str = ""


class OutputInfo(Model):
    name: str
    type: SocketTypeInfo
    help: str = ""


class NodeInfo(Model):
    """A node type. ``sink``: runs even if nothing reads it. ``conversion``: may be offered between two types that do not agree."""

    type: str
    version: int
    title: str
    category: str
    summary: str
    description: str
    example: str
    pack: str
    lane: str
    sink: bool
    volatile: bool
    conversion: bool
    inputs: list[InputInfo]
    outputs: list[OutputInfo]


class NodePage(Model):
    nodes: list[NodeInfo]
    total: int


class Choices(Model):
    choices: list[str]
    pictures: Annotated[list[str], Field(description="Those of which there is a small picture.")] = []


# checking and planning


class DeclaredInputInfo(Model):
    """A declared input of a workflow, in the order of its form."""

    name: str
    title: str
    help: str
    field: InputInfo
    required: bool
    default: JsonValue = None


class CheckRequest(Model):
    workflow: WorkflowData
    inputs: Inputs = {}
    targets: Targets = None


class CheckReply(Model):
    """``types``: what each output gives here, with latent format and text-embedding kind filled in, by node path and output."""

    problems: list[ProblemEntry]
    warnings: list[ProblemEntry]
    inputs: list[DeclaredInputInfo]
    types: dict[str, dict[str, SocketTypeInfo]]


class PlannedNode(Model):
    node: str
    type: str
    status: Literal["runs", "cached", "muted"]
    reason: str
    seconds: float | None = None
    size_bytes: float | None = None
    said: Said = {}


class Plan(Model):
    """``known`` is false where it cannot be told before a list in the workflow is computed; then ``nodes`` is empty.

    ``seconds`` adds up what is known of the nodes that run; None where nothing is.
    """

    known: bool = True
    nodes: list[PlannedNode] = []
    seconds: float | None = None


# jobs


class RunRequest(Model):
    """What to run: a workflow, or the name of a stored one. Higher ``priority`` goes first; jobs of one priority take turns by client."""

    workflow: WorkflowData | None = None
    name: Name | None = None
    inputs: Inputs = {}
    targets: Targets = None
    title: Annotated[str, Field(max_length=200)] = ""
    priority: Annotated[int, Field(ge=-100, le=100)] = 0
    client: Annotated[str, Field(max_length=100, description="Whose job it is; queued jobs of several clients take turns.")] = ""
    webhook: Annotated[
        str | None, Field(max_length=2000, description="Told when the job ends. Its origin must be allowed by --webhook-to.")
    ] = None


class StoredRunRequest(Model):
    """Values for a stored workflow's declared inputs."""

    inputs: Inputs = {}
    targets: Targets = None
    title: Annotated[str, Field(max_length=200)] = ""
    priority: Annotated[int, Field(ge=-100, le=100)] = 0
    client: Annotated[str, Field(max_length=100)] = ""
    webhook: Annotated[str | None, Field(max_length=2000)] = None


class JobChange(Model):
    """``before``: the queued job that this one is to go before; an empty text puts it last among its priority."""

    priority: Annotated[int | None, Field(ge=-100, le=100)] = None
    before: Annotated[str | None, Field(pattern=r"^([0-9a-f]{32})?$")] = None


class JobError(Model):
    """Why a job failed: the node and input where it can be told, the cause, and what to do next."""

    cause: str
    action: str = ""
    node: str | None = None
    type: str | None = None
    said: Said = {}


class NodeRun(Model):
    """What became of one node. ``memory_bytes``: how much the worker's memory grew to at most while it ran, above where it began."""

    status: Literal["ran", "served", "failed", "blocked"]
    reason: str = ""
    seconds: float | None = None
    memory_bytes: int | None = None
    said: Said = {}


class JobOutput(Model):
    """A declared output that is a plain value."""

    name: str
    value: JsonValue


class Job(Model):
    """A job as lists show it."""

    id: JobId
    state: JobState
    title: str
    client: str
    priority: int
    created_at: float
    started_at: float | None = None
    ended_at: float | None = None
    device: str | None = None
    position: int | None = None
    """Place in the queue, from 1, while queued or interrupted."""
    done: int = 0
    total: int = 0
    """Nodes finished, and nodes in all, as far as is known."""
    errors: list[JobError] = []
    results: list[str] = []
    """Ids of the files that it made."""


class JobDetail(Job):
    inputs: Inputs = {}
    targets: Targets = None
    workflow_name: str | None = None
    outputs: list[JobOutput] = []
    nodes: dict[str, NodeRun] = {}
    attempts: int = 0


class JobPage(Model):
    jobs: list[Job]
    total: int


class Submitted(Model):
    """``plan`` is what was known when the job was queued. ``repeated``: the idempotency key was known, and this is the job it made."""

    job: JobDetail
    plan: Plan
    repeated: bool = False


class WorkerInfo(Model):
    device: str
    state: Literal["starting", "idle", "busy", "stopped"]
    job: str | None = None
    models: list[str] = []
    """The models that it holds."""
    restarts: int = 0


class Queue(Model):
    paused: bool
    jobs: list[Job]
    """Running ones first, then queued in the order in which they would start."""
    workers: list[WorkerInfo]


class JobLog(Model):
    lines: list[str]


# events


class EventInfo(Model):
    """Something that happened. ``cursor`` grows; asking for events after it misses nothing, also over a restart of the server.

    ``kind``: ``job_*`` for states (``job_queued``, ``job_running`` …), ``node_*`` and ``file_written`` from within a run,
    ``queue_*``, ``workflow_*`` and ``result_*`` for changes that other windows may show, ``jobs_forgotten`` with the ids of ``jobs`` that
    ended long ago and are no longer kept. Progress is no event: see ``Progress``.
    """

    cursor: int
    at: float
    kind: str
    job: str | None = None
    data: dict[str, JsonValue] = {}


class Progress(Model):
    """How far a running node is: only the latest is sent, and none is kept."""

    kind: Literal["progress"] = "progress"
    job: str
    node: str
    done: int
    total: int


class EventPage(Model):
    """``cursor``: pass it as ``after`` to go on."""

    events: list[EventInfo]
    cursor: int


# stored workflows


class WorkflowSummary(Model):
    """``etag`` names the content: pass it as If-Match to change it. ``problem``: why the file cannot be opened; empty if it can."""

    name: str
    title: str
    description: str
    etag: str
    saved_at: float
    size_bytes: int
    nodes: int
    problem: str = ""
    said: Said = {}


class WorkflowPage(Model):
    workflows: list[WorkflowSummary]
    total: int


class StoredWorkflow(Model):
    name: Name
    etag: str
    saved_at: float
    workflow: WorkflowData


class WorkflowWrite(Model):
    workflow: WorkflowData


class RenameRequest(Model):
    name: Name


class Revision(Model):
    """One earlier or present content of a stored workflow."""

    number: int
    etag: str
    saved_at: float
    size_bytes: int


class RevisionList(Model):
    revisions: list[Revision]


class OpenedFile(Model):
    """What an uploaded JSON file or picture holds."""

    workflow: WorkflowData
    inputs: Inputs = {}


class PictureRequest(Model):
    """``result``: the picture that is to carry the workflow. None: one of its graph is drawn."""

    workflow: WorkflowData
    result: JobId | None = None


class DiffRequest(Model):
    before: WorkflowData
    after: WorkflowData


class DiffEntry(Model):
    """One place that differs, such as ``["nodes", "sample", "values", "cfg"]``."""

    place: list[str]
    kind: Literal["added", "removed", "changed"]
    before: JsonValue = None
    after: JsonValue = None


class DiffRename(Model):
    within: list[str]
    before: str
    after: str


class DiffReply(Model):
    renames: list[DiffRename]
    changes: list[DiffEntry]
    layout: list[DiffEntry]


# results


class Result(Model):
    """A file that a job made. ``prompt``, ``seed`` and ``model`` are read from its run record where they can be told."""

    id: JobId
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
    """The file is not there any more, moved or deleted by somebody else."""


class ResultPage(Model):
    results: list[Result]
    total: int


class ResultDetail(Result):
    inputs: Inputs = {}
    record: dict[str, Any] = {}
    """The whole run record."""


class TrashEmptied(Model):
    """How many results were deleted for good."""

    deleted: int


class ResultChange(Model):
    favourite: bool


class Uploaded(Model):
    """``name`` is what a node such as 'Load image' takes."""

    name: str
    width: int
    height: int
    size_bytes: int


# the server itself


class Health(Model):
    status: Literal["ok"] = "ok"
    version: str


class Ready(Model):
    """``reasons`` says what is missing; then the status is 503."""

    ready: bool
    reasons: list[str] = []
    notes: list[str] = []
    """What the owner should know, though it keeps nothing from running."""


class SessionRequest(Model):
    token: Annotated[str, Field(max_length=1000)]


class Session(Model):
    """``required``: whether this server asks for a token."""

    authenticated: bool
    required: bool
