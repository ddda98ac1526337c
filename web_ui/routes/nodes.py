"""Decides how the catalogue of nodes is asked, what shows a choice, and how a workflow is checked and planned."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from aiohttp import web
from pydantic import Field

from web_ui import catalogue, schema
from web_ui.problems import RequestError
from web_ui.routing import Call, NoBody, NoQuery, Reply, Routes
from web_ui.server import Server
from web_ui.store.thumbnails import content_id

routes = Routes("nodes")


class NodeQuery(schema.Model):
    search: Annotated[str, Field(max_length=200, description="Words that must all stand in title, name or help.")] = ""
    category: Annotated[str, Field(max_length=100)] = ""
    offset: Annotated[int, Field(ge=0, le=2**31)] = 0
    limit: Annotated[int, Field(ge=1, le=5000)] = 1000


class OptionQuery(schema.Model):
    name: Annotated[str, Field(max_length=1000, description="One of the choices.")]


@routes.add(
    "GET", "/api/nodes", query=NodeQuery, reply=schema.NodePage, headers={"If-None-Match": "The ETag of a page that is known."}
)
async def list_nodes(server: Server, call: Call[NodeQuery, NoBody]) -> Reply:
    """List the node types, each with all that a field or a socket needs."""
    query = call.query
    etag = f'"{server.catalogue.etag}"'
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if call.headers.get("If-None-Match") == etag:
        return Reply(None, 304, headers)
    found = await server.in_files(server.catalogue.find, query.search, query.category)
    page = schema.NodePage(nodes=found[query.offset : query.offset + query.limit], total=len(found))
    return Reply(page, headers=headers)


@routes.add("GET", "/api/nodes/{type}", reply=schema.NodeInfo, errors=(404,))
async def read_node(server: Server, call: Call[NoQuery, NoBody]) -> schema.NodeInfo:
    """Describe one node type."""
    server.catalogue.spec(call.path["type"])
    return next(node for node in server.catalogue.nodes if node.type == call.path["type"])


@routes.add("GET", "/api/nodes/{type}/choices/{input}", reply=schema.Choices, errors=(404,))
async def list_choices(server: Server, call: Call[NoQuery, NoBody]) -> schema.Choices:
    """List what a field offers now, such as the models or the pictures that are there, and of which there is a small picture."""
    return await server.in_files(_choices, server, call.path["type"], call.path["input"])


@routes.add("GET", "/api/nodes/{type}/choices/{input}/thumbnail", query=OptionQuery, gives=("image/webp",), errors=(404,))
async def read_choice_thumbnail(server: Server, call: Call[OptionQuery, NoBody]) -> web.StreamResponse:
    """Give a small picture in WebP of one of the choices, such as a model.

    It is of the file that came with it, or of what the model drew last.
    """
    small = await server.in_files(_thumbnail, server, call.path["type"], call.path["input"], call.query.name)
    return web.FileResponse(small, headers={"Content-Type": "image/webp", "Cache-Control": "no-cache"})


@routes.add("POST", "/api/check", body=schema.CheckRequest, reply=schema.CheckReply)
async def check_workflow(server: Server, call: Call[NoQuery, schema.CheckRequest]) -> schema.CheckReply:
    """List every problem of a workflow, and the type of each output in it."""
    return await server.in_files(server.catalogue.check, call.body)


@routes.add("POST", "/api/plan", body=schema.CheckRequest, reply=schema.Plan)
async def plan_workflow(server: Server, call: Call[NoQuery, schema.CheckRequest]) -> schema.Plan:
    """Say what a run would do with each node, why, and about how long it takes."""
    body = call.body
    workflow = await server.in_files(catalogue.document, body.workflow)
    origin = f"server:{workflow.title or 'untitled'}"
    prepared = await server.in_files(server.catalogue.prepare, workflow, body.inputs, body.targets, origin)
    return prepared.plan


def _choices(server: Server, type: str, input: str) -> schema.Choices:
    options = server.catalogue.choices(type, input)
    return schema.Choices(choices=options, pictures=[name for name in options if _picture(server, type, input, name) is not None])


def _picture(server: Server, type: str, input: str, name: str) -> Path | str | None:
    """The file that came with an option, or the id of the newest result of a model."""
    found = server.catalogue.picture(type, input, name)
    return server.results.newest_of(name) if found is None and server.catalogue.names_model(type, input) else found


def _thumbnail(server: Server, type: str, input: str, name: str) -> Path:
    """Only of what is offered: a name that a caller makes up leads to no file."""
    found = _picture(server, type, input, name) if name in server.catalogue.choices(type, input) else None
    if found is None:
        raise RequestError(404, "No such picture", f"There is no picture of {name[:100]!r}.")
    if isinstance(found, str):
        return server.thumbnails.get(server.results.file(found), found)
    return server.thumbnails.get(found, content_id(found))
