"""Decides how jobs are asked for, looked at, waited for and stopped."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from graph_engine.jobs import Job, NewJob
from graph_engine.workflow.document import Workflow
from graph_engine.workflow.text import parse, to_data
from web_ui import catalogue, describe, schema
from web_ui.problems import RequestError
from web_ui.routing import Call, NoBody, NoQuery, PageQuery, Reply, Routes, WaitQuery
from web_ui.sentences import say
from web_ui.server import Server

routes = Routes("runs")
MAX_KEY = 200


class RunsQuery(PageQuery):
    state: Annotated[schema.JobState | None, Field(description="Only jobs in this state.")] = None
    client: Annotated[str | None, Field(max_length=100)] = None


@routes.add(
    "POST", "/api/runs", query=WaitQuery, body=schema.RunRequest, reply=schema.Submitted, status=201, errors=(404, 429, 507),
    headers={"Idempotency-Key": "A text of your own: asking again with it gives the same job."},
)  # fmt: skip
async def submit_run(server: Server, call: Call[WaitQuery, schema.RunRequest]) -> Reply:
    """Queue a workflow, and say what its run will do.

    With ``wait`` the answer comes when the job has ended, or the time is over.
    """
    body = call.body
    if (body.workflow is None) == (body.name is None):
        raise RequestError(422, "What is to run?", "Give either a workflow or the name of a stored one.")
    if body.name is not None:
        data = (await server.in_files(server.workflows.get, body.name)).workflow
    else:
        assert body.workflow is not None
        data = body.workflow
    workflow = await server.in_files(catalogue.document, data)
    return await submitted(server, call, workflow, body.name)


async def submitted(server: Server, call: Call[WaitQuery, Any], workflow: Workflow, name: str | None) -> Reply:
    """Queue ``workflow`` as the call's body says, and answer."""
    body: schema.RunRequest | schema.StoredRunRequest = call.body
    server.webhooks.check(body.webhook)
    title = body.title or workflow.title or name or "untitled"
    new, plan = await prepared(server, workflow, body.inputs, body.targets, name, title)
    key = call.headers.get("Idempotency-Key")
    if key is not None and not 0 < len(key) <= MAX_KEY:
        raise RequestError(422, "Not a key", f"An Idempotency-Key has 1 to {MAX_KEY} characters.")
    request = NewJob(**new, title=title[:200], client=body.client, priority=body.priority, webhook=body.webhook, key=key)
    job, repeated = await server.in_thread(server.jobs.submit, request)
    server.pool.wake()
    job = await ended(server, job, call.query.wait)
    return Reply(schema.Submitted(job=await _detail(server, job), plan=plan, repeated=repeated), 200 if repeated else 201)


async def prepared(
    server: Server, workflow: Workflow, inputs: Mapping[str, Any], targets: Sequence[str] | None, name: str | None, title: str
) -> tuple[dict[str, Any], schema.Plan]:
    """The facts of a new job, and what its run would do. Raises WorkflowError."""
    found = await server.in_files(server.catalogue.prepare, workflow, inputs, targets, f"server:{name or title}")
    facts = {
        "workflow": found.text, "inputs": dict(inputs), "targets": targets, "workflow_name": name, "models": found.models,
        "total": found.nodes,
    }  # fmt: skip
    return facts, found.plan


async def ended(server: Server, job: Job, wait_s: float) -> Job:
    """The job once it has ended, or as it stands after ``wait_s``."""
    if wait_s <= 0 or job.ended:
        return job
    listener = server.hub.listen(job.id)
    ends = time.monotonic() + wait_s
    try:
        while not (job := await server.in_thread(server.jobs.get, job.id)).ended:
            left = ends - time.monotonic()
            if left <= 0 or server.stopping.is_set():
                break
            try:
                await asyncio.wait_for(listener.news.wait(), min(left, 5.0))
            except TimeoutError:
                continue
            listener.news.clear()
            listener.progress.clear()
    finally:
        server.hub.leave(listener)
    return job


async def positions(server: Server) -> dict[str, int]:
    order = await server.in_thread(server.jobs.order)
    return {id: place for place, id in enumerate(order, start=1)}


async def _detail(server: Server, job: Job) -> schema.JobDetail:
    found = replace(job, nodes=server.pool.nodes(job))
    return describe.job_detail(found, await positions(server) if job.waits else None)


@routes.add("GET", "/api/runs", query=RunsQuery, reply=schema.JobPage)
async def list_runs(server: Server, call: Call[RunsQuery, NoBody]) -> schema.JobPage:
    """List jobs, the newest first."""
    query = call.query
    states = [] if query.state is None else [query.state]
    jobs, total = await server.in_thread(server.jobs.listed, states, query.client, query.offset, query.limit)
    places = await positions(server)
    return schema.JobPage(jobs=[describe.job(job, places) for job in jobs], total=total)


@routes.add("GET", "/api/runs/{id}", query=WaitQuery, reply=schema.JobDetail, errors=(404,))
async def read_run(server: Server, call: Call[WaitQuery, NoBody]) -> schema.JobDetail:
    """Show a job; with ``wait`` once it has ended, or the time is over."""
    job = await server.in_thread(server.jobs.get, call.path["id"])
    return await _detail(server, await ended(server, job, call.query.wait))


@routes.add("PATCH", "/api/runs/{id}", body=schema.JobChange, reply=schema.JobDetail, errors=(404, 409, 507))
async def move_run(server: Server, call: Call[NoQuery, schema.JobChange]) -> schema.JobDetail:
    """Give a waiting job another priority or place."""
    job = await server.in_thread(server.jobs.change, call.path["id"], call.body.priority, call.body.before)
    return await _detail(server, job)


@routes.add("POST", "/api/runs/{id}/cancel", body=NoBody, reply=schema.JobDetail, errors=(404, 507))
async def cancel_run(server: Server, call: Call[NoQuery, NoBody]) -> schema.JobDetail:
    """Stop a job: at once if it waits, at its next step if it runs. One that has ended stays as it is."""
    before = await server.in_thread(server.jobs.get, call.path["id"])
    job = await server.in_thread(server.jobs.cancel, call.path["id"])
    server.pool.cancel(job.id)
    if before.waits and job.ended:
        server.pool.ended(job)
    return await _detail(server, job)


@routes.add("POST", "/api/runs/{id}/retry", body=NoBody, reply=schema.Submitted, status=201, errors=(404, 409, 429, 507))
async def retry_run(server: Server, call: Call[NoQuery, NoBody]) -> Reply:
    """Queue the same request once more, as a new job."""
    old = await server.in_thread(server.jobs.get, call.path["id"])
    workflow = await server.in_files(parse, old.workflow)
    _, plan = await prepared(server, workflow, old.inputs, old.targets, old.workflow_name, old.title)
    job = await server.in_thread(server.jobs.retry, old.id)
    server.pool.wake()
    return Reply(schema.Submitted(job=await _detail(server, job), plan=plan))


@routes.add("GET", "/api/runs/{id}/workflow", reply=schema.OpenedFile, errors=(404,))
async def read_run_workflow(server: Server, call: Call[NoQuery, NoBody]) -> schema.OpenedFile:
    """Give the workflow that a job runs, and the inputs that it was given."""
    job = await server.in_thread(server.jobs.get, call.path["id"])
    workflow = await server.in_files(parse, job.workflow)
    return schema.OpenedFile(workflow=to_data(workflow), inputs=dict(job.inputs))


@routes.add("GET", "/api/runs/{id}/log", reply=schema.JobLog, errors=(404,))
async def read_run_log(server: Server, call: Call[NoQuery, NoBody]) -> schema.JobLog:
    """Give a job's log: what each node did, and what was said meanwhile."""
    job = await server.in_thread(server.jobs.get, call.path["id"])
    return schema.JobLog(lines=await server.in_thread(server.jobs.lines, job.id))


@routes.add("GET", "/api/runs/{id}/trace", errors=(404,))
async def read_run_trace(server: Server, call: Call[NoQuery, NoBody]) -> web.Response:
    """Give the timeline of a job that has ended, for ui.perfetto.dev or chrome://tracing."""
    job = await server.in_thread(server.jobs.get, call.path["id"])
    trace = await server.in_thread(server.jobs.trace, job.id)
    if trace is None:
        raise RequestError(404, "No timeline", say("no_timeline", state=job.state))
    return web.Response(text=trace, content_type="application/json")
