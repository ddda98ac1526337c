"""A small HTTP server that answers as a test says: for what a real server does only when something is wrong."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Asked(NamedTuple):
    method: str
    path: str
    headers: Any
    body: bytes


Reply = tuple[int, str, bytes]
"""Status, media type, content."""


class Answering:
    """``asked`` are the requests so far; ``answer`` is called for each with the handler and the request."""

    def __init__(self, answer: Callable[[BaseHTTPRequestHandler, Asked], Reply | None]) -> None:
        self.asked: list[Asked] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def _respond(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                request = Asked(self.command, self.path, self.headers, body)
                outer.asked.append(request)
                reply = answer(self, request)
                if reply is not None:
                    status, kind, content = reply
                    self.send_response(status)
                    self.send_header("Content-Type", kind)
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)

            def log_message(self, *_: Any) -> None: ...

        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            setattr(Handler, f"do_{method}", Handler._respond)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def serve(self) -> None:
        self._server.serve_forever(poll_interval=0.02)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def answering(answer: Callable[[BaseHTTPRequestHandler, Asked], Reply | None]) -> Iterator[Answering]:
    server = Answering(answer)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join()


def as_json(data: Any, status: int = 200, kind: str = "application/json") -> Reply:
    return status, kind, json.dumps(data).encode()


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """Close the connection without a word."""
    handler.close_connection = True
