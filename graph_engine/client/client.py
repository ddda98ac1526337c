"""Decides what a program can ask of a server: jobs, the queue, events, stored workflows, results, pictures and the catalogue."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar
from urllib.parse import quote

from graph_engine.client import records
from graph_engine.client.listen import PATIENCE_S, listen
from graph_engine.client.records import Check, Event, Job, NodeType, Page, Plan, Progress, Queue, Result, Submitted
from graph_engine.client.wire import DEFAULT_URL, TIMEOUT_S, Wire
from graph_engine.deliver import write_new
from graph_engine.workflow.document import Workflow
from graph_engine.workflow.text import to_data

Item = TypeVar("Item", bound=records.Record)
Values = Mapping[str, Any]

MAX_WAIT_S = 50.0
"""How long one request waits; for longer, another one is made."""
NUMBER, SUFFIX = re.compile(r"_\d{4,}$"), re.compile(r"\.[A-Za-z0-9]{1,12}")


class Client:
    """A server. Every method raises ServerError when it refuses, Unreachable when it does not answer. Safe in several threads.

    ``token``: what the server asks for; without it that of $LOOM_TOKEN, or the one behind ``#token=`` in ``url``. ``certificates``: a
    file in PEM with the certificates to trust, for a server with one of its own. ``name`` tells clients apart, which take turns.
    """

    def __init__(
        self, url: str = DEFAULT_URL, *, token: str | None = None, certificates: Path | None = None, name: str = ""
    ) -> None:
        self._wire = Wire(url, token=token, certificates=certificates)
        self.url, self.name = self._wire.url, name

    # jobs

    def submit(
        self,
        workflow: Workflow | str,
        inputs: Values | None = None,
        *,
        targets: Sequence[str] | None = None,
        title: str = "",
        priority: int = 0,
        webhook: str | None = None,
        key: str | None = None,
        wait_s: float = 0.0,
    ) -> Submitted:
        """Queue a workflow, or the stored one of that name, with values for its declared inputs.

        The same ``key`` again gives the same job; without one, a new one is made up. ``wait_s``: how long to wait for its end. A
        workflow that cannot run is a ServerError with ``problems``.
        """
        what = {"name": workflow} if isinstance(workflow, str) else {"workflow": to_data(workflow)}
        facts = {"title": title, "priority": priority, "client": self.name, "webhook": webhook}
        body = {**what, "inputs": dict(inputs or {}), "targets": None if targets is None else list(targets), **facts}
        headers = {"Idempotency-Key": key or secrets.token_hex(16)}
        waited = min(wait_s, MAX_WAIT_S)
        answer = self._wire.ask(
            "POST", "/api/runs", body, query={"wait": waited}, headers=headers, timeout_s=TIMEOUT_S + waited, again=True
        )
        return Submitted(**answer)

    def run(
        self, workflow: Workflow | str, inputs: Values | None = None, *, timeout_s: float | None = None, **options: Any
    ) -> Job:
        """Queue a workflow (see ``submit``) and wait for its end; see ``Job.raise_errors`` and ``Job.values``."""
        submitted = self.submit(workflow, inputs, wait_s=MAX_WAIT_S if timeout_s is None else timeout_s, **options)
        return submitted.job if submitted.job.ended else self.wait(submitted.job.id, timeout_s)

    def job(self, id: str, *, wait_s: float = 0.0) -> Job:
        """A job; with ``wait_s`` once it has ended, or after that time."""
        waited = min(wait_s, MAX_WAIT_S)
        return Job(**self._get(f"/api/runs/{_part(id)}", wait=waited or None, timeout_s=TIMEOUT_S + waited))

    def wait(self, id: str, timeout_s: float | None = None) -> Job:
        """The job once it has ended. Raises TimeoutError."""
        until = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            left = MAX_WAIT_S if until is None else max(0.0, until - time.monotonic())
            job = self.job(id, wait_s=left)
            if job.ended:
                return job
            if until is not None and time.monotonic() >= until:
                raise TimeoutError(f"the job {id} is still {job.state} after {timeout_s} s.")

    def jobs(self, *, state: str | None = None, client: str | None = None, offset: int = 0, limit: int = 100) -> Page[Job]:
        """The newest first."""
        return self._page(Job, "/api/runs", "jobs", state=state, client=client, offset=offset, limit=limit)

    def cancel(self, id: str) -> Job:
        """Stop a job: at once while it waits, at its next step while it runs. One that has ended stays as it is."""
        return Job(**self._post(f"/api/runs/{_part(id)}/cancel", again=True))

    def retry(self, id: str) -> Submitted:
        """Queue what a job was asked for once more, as a new job."""
        return Submitted(**self._post(f"/api/runs/{_part(id)}/retry"))

    def move(self, id: str, *, priority: int | None = None, before: str | None = None) -> Job:
        """Give a waiting job another priority, or its place before another one ('': after all others of its priority)."""
        data = {"priority": priority, "before": before}
        return Job(**self._wire.ask("PATCH", f"/api/runs/{_part(id)}", data, again=True))

    def job_workflow(self, id: str) -> tuple[Workflow, dict[str, Any]]:
        """What a job runs, and the inputs that it was given."""
        return _opened(self._get(f"/api/runs/{_part(id)}/workflow"))

    def log(self, id: str) -> list[str]:
        return list(self._get(f"/api/runs/{_part(id)}/log")["lines"])

    def trace(self, id: str) -> bytes:
        """The timeline of a job that has ended, for ui.perfetto.dev or chrome://tracing."""
        with self._wire.open("GET", f"/api/runs/{_part(id)}/trace") as answer:
            return answer.read()

    # the queue

    def queue(self) -> Queue:
        return Queue(**self._get("/api/queue"))

    def pause(self) -> Queue:
        """Start no further job; those that run go on."""
        return Queue(**self._post("/api/queue/pause", again=True))

    def resume(self) -> Queue:
        return Queue(**self._post("/api/queue/resume", again=True))

    # events

    def cursor(self) -> int:
        """The cursor of now: ``events`` after it are those from here on."""
        return int(self._get("/api/events")["cursor"])

    def events(
        self, after: int | None = None, *, job: str | None = None, patience_s: float = PATIENCE_S
    ) -> Iterator[Event | Progress]:
        """Events as they happen, after a cursor or from now on, with the progress of nodes in between; it does not end by itself.

        A connection that breaks is made again, and goes on after the last event heard. Raises Unreachable when that fails for
        ``patience_s``; ServerError with status 410 for a cursor so old that events would be missing.
        """
        return listen(self._wire, after, job, patience_s)

    # stored workflows

    def workflows(self, search: str = "", *, offset: int = 0, limit: int = 100) -> Page[records.WorkflowSummary]:
        """By name."""
        query = {"search": search or None, "offset": offset, "limit": limit}
        return self._page(records.WorkflowSummary, "/api/workflows", "workflows", **query)

    def workflow(self, name: str) -> records.StoredWorkflow:
        return _stored(self._get(f"/api/workflows/{_part(name)}"))

    def save_workflow(self, name: str, workflow: Workflow, *, etag: str | None = None) -> records.StoredWorkflow:
        """Store a workflow: a new one, or in place of the content called ``etag``.

        Raises ServerError with status 412 when something else is stored under that name; its ``etag`` says what.
        """
        headers = {"If-None-Match": "*"} if etag is None else {"If-Match": f'"{etag}"'}
        body = {"workflow": to_data(workflow)}
        return _stored(self._wire.ask("PUT", f"/api/workflows/{_part(name)}", body, headers=headers))

    def rename_workflow(self, name: str, new_name: str) -> records.StoredWorkflow:
        return _stored(self._post(f"/api/workflows/{_part(name)}/rename", {"name": new_name}))

    def delete_workflow(self, name: str, etag: str) -> None:
        """Its revisions stay."""
        self._wire.ask("DELETE", f"/api/workflows/{_part(name)}", headers={"If-Match": f'"{etag}"'})

    def revisions(self, name: str) -> list[records.Revision]:
        """Every content that a workflow had, the newest first."""
        found = self._get(f"/api/workflows/{_part(name)}/revisions")["revisions"]
        return [records.Revision(**one) for one in found]

    def revision(self, name: str, number: int) -> records.StoredWorkflow:
        return _stored(self._get(f"/api/workflows/{_part(name)}/revisions/{number}"))

    def schema(self, name: str) -> dict[str, Any]:
        """The JSON Schema of a stored workflow's declared inputs."""
        return dict(self._get(f"/api/workflows/{_part(name)}/schema"))

    # results and pictures

    def results(
        self, search: str = "", *, job: str | None = None, favourite: bool | None = None, trashed: bool = False,
        offset: int = 0, limit: int = 100,
    ) -> Page[Result]:  # fmt: skip
        """The newest first."""
        query = {"search": search or None, "job": job, "favourite": favourite, "trashed": trashed}
        return self._page(Result, "/api/results", "results", **query, offset=offset, limit=limit)

    def result(self, id: str) -> Result:
        return Result(**self._get(f"/api/results/{_part(id)}"))

    def content(self, id: str) -> bytes:
        """The file of a result."""
        with self._wire.open("GET", f"/api/results/{_part(id)}/file", headers={"Accept": "*/*"}) as answer:
            return answer.read()

    def download(self, id: str, folder: Path) -> Path:
        """Write the file of a result into ``folder``, under its name with the next free number. Raises DeliveryError."""
        name = PurePosixPath(self.result(id).file)
        stem, suffix = NUMBER.sub("", name.stem).strip(". "), name.suffix if SUFFIX.fullmatch(name.suffix) else ""
        return write_new(folder, stem or "result", suffix, self.content(id))

    def result_workflow(self, id: str) -> tuple[Workflow, dict[str, Any]]:
        """What made a result, and with which inputs."""
        return _opened(self._get(f"/api/results/{_part(id)}/workflow"))

    def set_favourite(self, id: str, favourite: bool = True) -> Result:
        return Result(**self._wire.ask("PATCH", f"/api/results/{_part(id)}", {"favourite": favourite}, again=True))

    def delete_result(self, id: str) -> None:
        """Into the trash, from where ``restore_result`` brings it back."""
        self._wire.ask("DELETE", f"/api/results/{_part(id)}", again=True)

    def empty_trash(self) -> int:
        """Delete for good what is in the trash; returns how many results. It cannot be undone."""
        return int(self._post("/api/trash/empty", again=True)["deleted"])

    def restore_result(self, id: str) -> Result:
        return Result(**self._post(f"/api/results/{_part(id)}/restore", again=True))

    def upload(self, picture: Path | bytes) -> records.Uploaded:
        """Send a picture as an input; its ``name`` is what 'Load image' takes. The same one twice is kept once. Raises OSError."""
        data = picture if isinstance(picture, bytes) else picture.read_bytes()
        headers = {"Content-Type": "application/octet-stream"}
        with self._wire.open("POST", "/api/uploads", body=data, headers=headers) as answer:
            return records.Uploaded.model_validate_json(answer.read())

    # what the server knows

    def check(self, workflow: Workflow, inputs: Values | None = None, targets: Sequence[str] | None = None) -> Check:
        """Every problem at once, without running anything."""
        return Check(**self._post("/api/check", _asked(workflow, inputs, targets), again=True))

    def plan(self, workflow: Workflow, inputs: Values | None = None, targets: Sequence[str] | None = None) -> Plan:
        """What a run would do with each node, and why."""
        return Plan(**self._post("/api/plan", _asked(workflow, inputs, targets), again=True))

    def nodes(self, search: str = "", *, category: str | None = None, offset: int = 0, limit: int = 1000) -> Page[NodeType]:
        query = {"search": search or None, "category": category, "offset": offset, "limit": limit}
        return self._page(NodeType, "/api/nodes", "nodes", **query)

    def node(self, type: str) -> NodeType:
        return NodeType(**self._get(f"/api/nodes/{_part(type)}"))

    def choices(self, type: str, input: str) -> list[str]:
        """What an input that names a model or a picture may be here."""
        return list(self._get(f"/api/nodes/{_part(type)}/choices/{_part(input)}")["choices"])

    # inside

    def _get(self, path: str, *, timeout_s: float = TIMEOUT_S, **query: Any) -> Any:
        return self._wire.ask("GET", path, query=query, timeout_s=timeout_s)

    def _post(self, path: str, data: Any = None, *, again: bool = False) -> Any:
        return self._wire.ask("POST", path, data or {}, again=again)

    def _page(self, kind: type[Item], path: str, name: str, **query: Any) -> Page[Item]:
        found = self._get(path, **query)
        return Page(items=[kind(**one) for one in found[name]], total=found["total"])


def _part(text: str) -> str:
    """A text as one part of a path."""
    return quote(text, safe="")


def _asked(workflow: Workflow, inputs: Values | None, targets: Sequence[str] | None) -> dict[str, Any]:
    return {
        "workflow": to_data(workflow),
        "inputs": dict(inputs or {}),
        "targets": None if targets is None else list(targets),
    }


def _stored(found: Values) -> records.StoredWorkflow:
    return records.StoredWorkflow(**found)


def _opened(found: Values) -> tuple[Workflow, dict[str, Any]]:
    return Workflow.model_validate(found["workflow"]), dict(found["inputs"])
