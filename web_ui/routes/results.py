"""Decides how what jobs made is listed, shown, marked and thrown away."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import Field

from graph_engine.workflow.text import to_data
from web_ui import schema
from web_ui.routing import Call, NoBody, NoQuery, PageQuery, Routes
from web_ui.server import Server

routes = Routes("results")
A_FILE_STAYS = {"Cache-Control": "private, max-age=31536000, immutable"}


class ResultsQuery(PageQuery):
    search: Annotated[str, Field(max_length=200, description="Words of the prompt, title, model or file name.")] = ""
    favourite: bool | None = None
    trashed: bool = False
    job: Annotated[str | None, Field(pattern=r"^[0-9a-f]{32}$")] = None


@routes.add("GET", "/api/results", query=ResultsQuery, reply=schema.ResultPage)
async def list_results(server: Server, call: Call[ResultsQuery, NoBody]) -> schema.ResultPage:
    """List the files that jobs made, the newest first."""
    query = call.query
    return await server.in_files(
        server.results.page,
        search=query.search,
        favourite=query.favourite,
        trashed=query.trashed,
        job=query.job,
        offset=query.offset,
        limit=query.limit,
    )


@routes.add("GET", "/api/results/{id}", reply=schema.ResultDetail, errors=(404,))
async def read_result(server: Server, call: Call[NoQuery, NoBody]) -> schema.ResultDetail:
    """Show a file with the record of the run that made it."""
    return await server.in_files(server.results.get, call.path["id"])


@routes.add("GET", "/api/results/{id}/file", gives=("image/png", "application/octet-stream"), errors=(404,))
async def read_result_file(server: Server, call: Call[NoQuery, NoBody]) -> web.StreamResponse:
    """Give the file itself."""
    found = await server.in_files(server.results.get, call.path["id"])
    path = await server.in_files(server.results.file, call.path["id"])
    headers = {**A_FILE_STAYS, "Content-Type": found.media_type, "Content-Disposition": "inline"}
    return web.FileResponse(path, headers=headers)


@routes.add("GET", "/api/results/{id}/thumbnail", gives=("image/webp",), errors=(404,))
async def read_result_thumbnail(server: Server, call: Call[NoQuery, NoBody]) -> web.StreamResponse:
    """Give a small picture of it in WebP."""
    found = await server.in_files(server.results.get, call.path["id"])
    path = await server.in_files(server.results.file, found.id)
    small = await server.in_files(server.thumbnails.get, path, found.id)
    return web.FileResponse(small, headers={**A_FILE_STAYS, "Content-Type": "image/webp"})


@routes.add("GET", "/api/results/{id}/workflow", reply=schema.OpenedFile, errors=(404,))
async def read_result_workflow(server: Server, call: Call[NoQuery, NoBody]) -> schema.OpenedFile:
    """Give the workflow that made it, and the inputs that it was given."""
    workflow, inputs = await server.in_files(server.results.workflow, call.path["id"])
    return schema.OpenedFile(workflow=to_data(workflow), inputs=inputs)


@routes.add("PATCH", "/api/results/{id}", body=schema.ResultChange, reply=schema.ResultDetail, errors=(404, 507))
async def mark_result(server: Server, call: Call[NoQuery, schema.ResultChange]) -> schema.ResultDetail:
    """Make it a favourite, or no longer."""
    found = await server.in_files(server.results.set_favourite, call.path["id"], call.body.favourite)
    await server.tell("result_changed", id=found.id)
    return found


@routes.add("DELETE", "/api/results/{id}", body=NoBody, status=204, errors=(404, 507))
async def trash_result(server: Server, call: Call[NoQuery, NoBody]) -> web.Response:
    """Put it into the trash, from where it can be restored."""
    await server.in_files(server.results.delete, call.path["id"])
    await server.tell("result_trashed", id=call.path["id"])
    return web.Response(status=204)


@routes.add("POST", "/api/results/{id}/restore", body=NoBody, reply=schema.ResultDetail, errors=(404, 507))
async def restore_result(server: Server, call: Call[NoQuery, NoBody]) -> schema.ResultDetail:
    """Take it out of the trash."""
    found = await server.in_files(server.results.restore, call.path["id"])
    await server.tell("result_restored", id=found.id)
    return found


@routes.add("POST", "/api/trash/empty", body=NoBody, reply=schema.TrashEmptied, errors=(507,))
async def empty_trash(server: Server, _call: Call[NoQuery, NoBody]) -> schema.TrashEmptied:
    """Delete for good what is in the trash: files, thumbnails, and all that is known of them. It cannot be undone."""
    gone = await server.in_files(server.results.empty_trash)
    for id in gone:
        await server.in_files(server.thumbnails.forget, id)
    await server.tell("result_deleted", count=len(gone))
    return schema.TrashEmptied(deleted=len(gone))
