"""Decides how pictures come in as inputs, and how a workflow comes out of a file and goes into a picture. Nothing that is sent is executed
or unpacked.
"""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from graph_engine.folders import OutsideFolderError
from graph_engine.workflow.embed import SIGNATURE, extract_bytes
from graph_engine.workflow.text import parse, to_data
from web_ui import catalogue, schema
from web_ui.problems import RequestError
from web_ui.routes.results import A_FILE_STAYS
from web_ui.routing import Call, NoBody, NoQuery, Routes, read_body
from web_ui.server import Server
from web_ui.store.portrait import carrying
from web_ui.store.thumbnails import content_id

routes = Routes("files")
PICTURES = ("image/*", "application/octet-stream")
MEDIA_TYPES = {
    ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp", ".gif": "image/gif", ".avif": "image/avif",
    ".bmp": "image/bmp", ".tif": "image/tiff", ".tiff": "image/tiff",
}  # fmt: skip


@routes.add("POST", "/api/uploads", takes=PICTURES, reply=schema.Uploaded, status=201, errors=(507,))
async def upload_picture(server: Server, call: Call[NoQuery, NoBody]) -> schema.Uploaded:
    """Take a picture as an input, under a name made from its content."""
    return await server.in_files(server.uploads.add, await read_body(call.request))


@routes.add("GET", "/api/inputs/{name}", gives=("image/png",), errors=(404,))
async def read_input(server: Server, call: Call[NoQuery, NoBody]) -> web.StreamResponse:
    """Give an input picture."""
    path = await server.in_files(_input, server, call.path["name"])
    kind = MEDIA_TYPES.get(path.suffix.lower(), "application/octet-stream")
    return web.FileResponse(path, headers={"Content-Type": kind, "Content-Disposition": "inline", "Cache-Control": "no-cache"})


@routes.add("GET", "/api/inputs/{name}/thumbnail", gives=("image/webp",), errors=(404,))
async def read_input_thumbnail(server: Server, call: Call[NoQuery, NoBody]) -> web.StreamResponse:
    """Give a small copy of an input picture in WebP."""
    path = await server.in_files(_input, server, call.path["name"])
    small = await server.in_files(server.thumbnails.get, path, await server.in_files(content_id, path))
    return web.FileResponse(small, headers={**A_FILE_STAYS, "Content-Type": "image/webp", "Cache-Control": "no-cache"})


@routes.add("POST", "/api/open", takes=("application/json", "image/png"), reply=schema.OpenedFile)
async def open_file(server: Server, call: Call[NoQuery, NoBody]) -> schema.OpenedFile:
    """Read the workflow in a JSON file, or in a picture that one made."""
    return await server.in_files(_opened, await read_body(call.request))


@routes.add("POST", "/api/picture", body=schema.PictureRequest, gives=("image/png",), errors=(404,))
async def save_as_picture(server: Server, call: Call[NoQuery, schema.PictureRequest]) -> web.Response:
    """Give a PNG that holds a workflow: over a picture that was made, or over one of its graph."""
    workflow = await server.in_files(catalogue.document, call.body.workflow)
    path = None if call.body.result is None else await server.in_files(server.results.file, call.body.result)
    return web.Response(body=await server.in_files(carrying, workflow, path), content_type="image/png")


def _input(server: Server, name: str) -> Path:
    try:
        path = server.settings.folders.input_file(name)
    except OutsideFolderError as error:
        raise RequestError(404, "No such picture", str(error)) from None
    if path is None or not path.is_file() or path.suffix.lower() not in MEDIA_TYPES:
        raise RequestError(404, "No such picture", f"There is no input picture {name[:100]!r}.", "Upload it.")
    return path


def _opened(data: bytes) -> schema.OpenedFile:
    if not data.startswith(SIGNATURE):
        return schema.OpenedFile(workflow=to_data(parse(data)))
    workflow, record = extract_bytes(data)
    inputs = record.get("inputs")
    kept = {name: value for name, value in inputs.items() if name in workflow.inputs} if isinstance(inputs, dict) else {}
    return schema.OpenedFile(workflow=to_data(workflow), inputs=kept)
