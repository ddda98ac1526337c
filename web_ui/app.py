"""Decides how the table of routes becomes a server that listens: guards around it, the editor's files beside it, limits below it."""

from __future__ import annotations

import asyncio
import logging
import ssl
from typing import Any

from aiohttp import web

from web_ui import pages
from web_ui.routes import ROUTES
from web_ui.routing import SERVER, Route
from web_ui.security import Handler
from web_ui.server import Server
from web_ui.settings import MAX_BODY_BYTES, MAX_CONNECTIONS, Settings

log = logging.getLogger(__name__)

MAX_HEADER_BYTES = 16 * 1024
KEEP_ALIVE_S = 75.0
FIRST_REQUEST_S = 30.0
SHUTDOWN_S = 1.0


def application(server: Server) -> web.Application:
    """All routes, each behind the guard."""
    app = web.Application(
        client_max_size=MAX_BODY_BYTES,
        middlewares=[_guarded(server)],
        handler_args={
            "max_line_size": MAX_HEADER_BYTES,
            "max_field_size": MAX_HEADER_BYTES,
            "keepalive_timeout": KEEP_ALIVE_S,
            "access_log": None,
        },
    )
    app[SERVER] = server
    for route in ROUTES:
        app.router.add_route(route.method, route.path, route.respond)
    app.router.add_get("/{path:.*}", pages.respond)
    return app


def _guarded(server: Server) -> Any:
    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        owner = getattr(request.match_info.handler, "__self__", None)
        answer = await server.guard(request, handler, owner if isinstance(owner, Route) else None)
        server.metrics.requests.labels(request.method if request.method in METHODS else "other", str(answer.status)).inc()
        return answer

    return guarded


METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Listening:
    """The application on a socket; ``url`` is where it is reached."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._runner = web.AppRunner(application(server), handle_signals=False, shutdown_timeout=SHUTDOWN_S)
        self._sockets: asyncio.Server | None = None
        self.port = server.settings.port

    @property
    def url(self) -> str:
        settings = self._server.settings
        host = "127.0.0.1" if settings.host in ("0.0.0.0", "") else "[::1]" if settings.host == "::" else settings.host
        host = f"[{host}]" if ":" in host and not host.startswith("[") else host
        return f"{settings.scheme}://{host}:{self.port}/"

    async def start(self) -> None:
        """Raises OSError where the address is taken or not ours."""
        settings = self._server.settings
        await self._runner.setup()
        protocol = self._runner.server
        assert protocol is not None

        def accept() -> asyncio.Protocol:
            """A connection too many is closed at once, so that those that are open go on."""
            return _Refusal() if len(protocol.connections) >= MAX_CONNECTIONS else protocol()

        loop = asyncio.get_running_loop()
        self._sockets = await loop.create_server(accept, settings.host, settings.port, ssl=_tls(settings), backlog=512)
        self.port = self._sockets.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._sockets is not None:
            self._sockets.close()
        await self._runner.cleanup()


class _Refusal(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.abort()  # type: ignore[attr-defined]  # a socket's transport has it


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.tls_certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(settings.tls_certificate, settings.tls_key)
    return context
