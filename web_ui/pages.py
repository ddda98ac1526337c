"""Decides what a browser gets that asks for no part of the API: the editor's files, and its page for every other address."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import cast

from aiohttp import web

from web_ui.problems import RequestError
from web_ui.routing import SERVER
from web_ui.server import Server

HASHED = {"Cache-Control": "public, max-age=31536000, immutable"}
CHECKED = {"Cache-Control": "no-cache"}
PLAIN = (
    "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Latent Loom</title></head><body><h1>Latent Loom</h1>"
    "<p>The server runs. Its editor was not built: see <a href='/api/docs'>the API</a>.</p></body></html>"
)


async def respond(request: web.Request) -> web.StreamResponse:
    """A file of the editor, or its page. Raises RequestError for an address that is neither."""
    server = cast("Server", request.app[SERVER])
    name = request.match_info["path"]
    if name.startswith("api/"):
        raise RequestError(404, "No such address", f"There is no {request.method} /{name[:200]}.", "See /api/docs.")
    folder = server.editor
    if folder is None:
        return web.Response(text=PLAIN, content_type="text/html")
    path = _file(folder, name)
    if path is None:
        if Path(name).suffix:
            raise RequestError(404, "No such file", f"The editor has no file {name[:200]!r}.")
        return web.FileResponse(folder / "index.html", headers={**CHECKED, "Content-Type": "text/html; charset=utf-8"})
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return web.FileResponse(path, headers={**(HASHED if "assets" in path.parts else CHECKED), "Content-Type": kind})


def _file(folder: Path, name: str) -> Path | None:
    """The file below ``folder``, or None; nothing outside of it is ever named."""
    if not name or "\0" in name or "\\" in name:
        return None
    try:
        path = (folder / name).resolve()
        return path if path.is_relative_to(folder.resolve()) and path.is_file() else None
    except (OSError, ValueError):  # a name that no file can have
        return None
