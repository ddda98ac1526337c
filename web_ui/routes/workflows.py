"""Decides how stored workflows are read, saved, run and compared; a save says which content it replaces."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from graph_engine.workflow.diff import Change, diff
from graph_engine.workflow.places import ABSENT
from web_ui import catalogue, schema, templates
from web_ui.problems import RequestError
from web_ui.routes.results import A_FILE_STAYS
from web_ui.routes.runs import submitted
from web_ui.routing import Call, NoBody, NoQuery, PageQuery, Reply, Routes, WaitQuery
from web_ui.sentences import say
from web_ui.server import Server
from web_ui.store.thumbnails import content_id

routes = Routes("workflows")
IF_MATCH = "The ETag of the content that is to be replaced."
IF_NONE_MATCH = "``*`` to create a workflow, and never to replace one."


class SearchQuery(PageQuery):
    search: Annotated[str, Field(max_length=200)] = ""


@routes.add("GET", "/api/workflows", query=SearchQuery, reply=schema.WorkflowPage)
async def list_workflows(server: Server, call: Call[SearchQuery, NoBody]) -> schema.WorkflowPage:
    """List the stored workflows by name."""
    query = call.query
    return await server.in_files(server.workflows.page, query.search, query.offset, query.limit)


@routes.add("GET", "/api/workflows/{name}", reply=schema.StoredWorkflow, errors=(404,))
async def read_workflow(server: Server, call: Call[NoQuery, NoBody]) -> Reply:
    """Give a stored workflow."""
    return _with_etag(await server.in_files(server.workflows.get, call.path["name"]))


@routes.add(
    "PUT", "/api/workflows/{name}", body=schema.WorkflowWrite, reply=schema.StoredWorkflow, errors=(404, 409, 412, 428, 507),
    headers={"If-Match": IF_MATCH, "If-None-Match": IF_NONE_MATCH},
)  # fmt: skip
async def save_workflow(server: Server, call: Call[NoQuery, schema.WorkflowWrite]) -> Reply:
    """Store a workflow: in place of the content that If-Match names, or as a new one."""
    workflow = await server.in_files(catalogue.document, call.body.workflow)
    name = call.path["name"]
    if call.headers.get("If-None-Match", "").strip() == "*":
        saved = await server.in_files(server.workflows.create, name, workflow)
    else:
        saved = await server.in_files(server.workflows.change, name, workflow, _if_match(call))
    await server.tell("workflow_saved", name=saved.name, etag=saved.etag)
    return _with_etag(saved)


@routes.add(
    "DELETE", "/api/workflows/{name}", body=NoBody, status=204, errors=(404, 412, 428, 507), headers={"If-Match": IF_MATCH}
)
async def delete_workflow(server: Server, call: Call[NoQuery, NoBody]) -> web.Response:
    """Put a stored workflow into the trash; its revisions stay."""
    await server.in_files(server.workflows.delete, call.path["name"], _if_match(call))
    await server.tell("workflow_deleted", name=call.path["name"])
    return web.Response(status=204)


@routes.add(
    "POST", "/api/workflows/{name}/rename", body=schema.RenameRequest, reply=schema.StoredWorkflow, errors=(404, 409, 507)
)
async def rename_workflow(server: Server, call: Call[NoQuery, schema.RenameRequest]) -> Reply:
    """Give a stored workflow another name; its revisions go with it."""
    renamed = await server.in_files(server.workflows.rename, call.path["name"], call.body.name)
    await server.tell("workflow_deleted", name=call.path["name"])
    await server.tell("workflow_saved", name=renamed.name, etag=renamed.etag)
    return _with_etag(renamed)


@routes.add("GET", "/api/workflows/{name}/revisions", reply=schema.RevisionList, errors=(404,))
async def list_revisions(server: Server, call: Call[NoQuery, NoBody]) -> schema.RevisionList:
    """List every content that a workflow had, the newest first."""
    return await server.in_files(server.workflows.revisions, call.path["name"])


@routes.add("GET", "/api/workflows/{name}/revisions/{number}", reply=schema.StoredWorkflow, errors=(404,))
async def read_revision(server: Server, call: Call[NoQuery, NoBody]) -> Reply:
    """Give one of them. Saving it again restores it."""
    number = call.path["number"]
    if not (number.isascii() and number.isdecimal() and len(number) < 10):
        raise RequestError(404, "No such revision", say("no_revision_number", number=number[:20]))
    return _with_etag(await server.in_files(server.workflows.revision, call.path["name"], int(number)))


@routes.add("GET", "/api/workflows/{name}/schema", errors=(404,), gives=("application/json",))
async def read_workflow_schema(server: Server, call: Call[NoQuery, NoBody]) -> web.Response:
    """Give a JSON Schema of the inputs that a stored workflow declares."""
    stored = await server.in_files(server.workflows.get, call.path["name"])
    workflow = await server.in_files(catalogue.document, stored.workflow)
    return web.json_response(await server.in_files(server.catalogue.interface, workflow))


@routes.add(
    "POST", "/api/workflows/{name}/runs", query=WaitQuery, body=schema.StoredRunRequest, reply=schema.Submitted, status=201,
    errors=(404, 429, 507), headers={"Idempotency-Key": "A text of your own: asking again with it gives the same job."},
)  # fmt: skip
async def run_workflow(server: Server, call: Call[WaitQuery, schema.StoredRunRequest]) -> Reply:
    """Queue a stored workflow with values for its declared inputs."""
    stored = await server.in_files(server.workflows.get, call.path["name"])
    workflow = await server.in_files(catalogue.document, stored.workflow)
    return await submitted(server, call, workflow, stored.name)


@routes.add("GET", "/api/templates", query=SearchQuery, reply=schema.WorkflowPage)
async def list_templates(server: Server, call: Call[SearchQuery, NoBody]) -> schema.WorkflowPage:
    """List the example workflows that ship with Latent Loom."""
    query = call.query
    return await server.in_files(server.templates.page, query.search, query.offset, query.limit)


@routes.add("GET", "/api/templates/{name}", reply=schema.StoredWorkflow, errors=(404,))
async def read_template(server: Server, call: Call[NoQuery, NoBody]) -> Reply:
    """Give an example workflow."""
    return _with_etag(await server.in_files(server.templates.get, call.path["name"]))


@routes.add("GET", "/api/templates/{name}/picture", gives=("image/webp",), errors=(404,))
async def read_template_picture(server: Server, call: Call[NoQuery, NoBody]) -> web.StreamResponse:
    """Give a small copy, in WebP, of what the built-in model makes of an example workflow."""
    small = await server.in_files(_template_picture, server, call.path["name"])
    return web.FileResponse(small, headers={**A_FILE_STAYS, "Content-Type": "image/webp", "Cache-Control": "no-cache"})


@routes.add("POST", "/api/diff", body=schema.DiffRequest, reply=schema.DiffReply)
async def compare_workflows(server: Server, call: Call[NoQuery, schema.DiffRequest]) -> schema.DiffReply:
    """Say what differs between two workflows, in meaning and in layout."""
    before = await server.in_files(catalogue.document, call.body.before)
    after = await server.in_files(catalogue.document, call.body.after)
    found = await server.in_files(diff, before, after)
    renames = [schema.DiffRename(within=list(one.within), before=one.before, after=one.after) for one in found.renames]
    return schema.DiffReply(
        renames=renames, changes=[_entry(one) for one in found.changes], layout=[_entry(one) for one in found.layout]
    )


def _template_picture(server: Server, name: str) -> Path:
    source = templates.picture(server.templates.content(name).entry.name)
    if not source.is_file():
        raise RequestError(404, "No such picture", f"There is no picture of the template {name!r}.")
    return server.thumbnails.get(source, content_id(source))


def _entry(change: Change) -> schema.DiffEntry:
    before, after = (None if one is ABSENT else one for one in (change.before, change.after))
    return schema.DiffEntry(place=list(map(str, change.place)), kind=change.kind, before=before, after=after)


def _if_match(call: Call[Any, Any]) -> str:
    given = call.headers.get("If-Match")
    if given is None:
        raise RequestError(
            428, "Which content?", "A change says what it replaces.", "Send If-Match with its ETag, or If-None-Match: * to create."
        )  # fmt: skip
    return given.strip().removeprefix("W/").strip('"')


def _with_etag(stored: schema.StoredWorkflow) -> Reply:
    return Reply(stored, headers={"ETag": f'"{stored.etag}"'})
