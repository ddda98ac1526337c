"""Decides what a route is: path, models in and out, and one function. From the table of all routes come the application and OpenAPI.

A function gets the server and a call, whose query and body were checked against the models, and gives a model back. Whatever it raises
becomes a problem (``problems``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar, cast

from aiohttp import web
from pydantic import BaseModel, Field

from graph_engine.errors import FormatError
from graph_engine.workflow.text import load_json
from web_ui.problems import RequestError
from web_ui.schema import Model

if TYPE_CHECKING:
    from web_ui.server import Server

SERVER = web.AppKey("server", object)
BODY_TIMEOUT_S = 60.0
MAX_WAIT_S = 60.0
JSON = "application/json"

Query = TypeVar("Query", bound=BaseModel)
Body = TypeVar("Body", bound=BaseModel)


class NoQuery(Model):
    """A route without parameters."""


class NoBody(Model):
    """A change that needs no facts: an empty body, or an empty object."""


class WaitQuery(Model):
    wait: Annotated[float, Field(ge=0, le=MAX_WAIT_S, description="Seconds to wait for the end.")] = 0.0


class PageQuery(Model):
    offset: Annotated[int, Field(ge=0, le=2**31)] = 0
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


@dataclass(frozen=True, slots=True)
class Call(Generic[Query, Body]):
    """One request, checked. ``path`` holds the path's parameters."""

    request: web.Request
    path: Mapping[str, str]
    query: Query
    body: Body

    @property
    def headers(self) -> Mapping[str, str]:
        return self.request.headers


@dataclass(frozen=True, slots=True)
class Reply:
    """A model with another status than the route's, or with headers."""

    model: BaseModel | None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[["Server", Call[Any, Any]], Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """``body`` is None for a GET, and for one that takes raw bytes of the media types in ``takes``."""

    method: str
    path: str
    handler: Handler
    tag: str
    summary: str
    description: str
    query: type[BaseModel] = NoQuery
    body: type[BaseModel] | None = None
    takes: Sequence[str] = ()
    reply: type[BaseModel] | None = None
    gives: Sequence[str] = (JSON,)
    status: int = 200
    errors: Sequence[int] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    """Request headers with a meaning, and which."""
    open: bool = False
    """Answers without a token."""
    stream: bool = False

    @property
    def changes(self) -> bool:
        return self.method != "GET"

    async def respond(self, request: web.Request) -> web.StreamResponse:
        server = cast("Server", request.app[SERVER])
        query = self.query.model_validate(dict(_parameters(request)))
        body = await self._body(request)
        answer = await self.handler(server, Call(request, request.match_info, query, body))
        if isinstance(answer, web.StreamResponse):
            return answer
        reply = answer if isinstance(answer, Reply) else Reply(answer)
        status = reply.status or self.status
        if reply.model is None:
            return web.Response(status=status, headers=reply.headers)
        text = (
            await asyncio.to_thread(reply.model.model_dump_json)
            if server.is_large(reply.model)
            else reply.model.model_dump_json()
        )
        return web.Response(text=text, status=status, content_type=JSON, headers=reply.headers)

    async def _body(self, request: web.Request) -> Any:
        if self.body is None:
            return None
        data = await read_body(request)
        if not data and self.body is NoBody:
            return NoBody()
        try:
            parsed = await asyncio.to_thread(load_json, data) if len(data) > 2**16 else load_json(data)
        except FormatError as error:
            raise RequestError(400, "The body is no JSON", str(error), "Send a JSON object.") from None
        return self.body.model_validate(parsed)


async def read_body(request: web.Request) -> bytes:
    """The whole body, within the limits of size and time."""
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            return await request.read()
    except TimeoutError:
        raise RequestError(408, "Too slow", f"The body did not come within {BODY_TIMEOUT_S:.0f} s.", "Try again.") from None


def _parameters(request: web.Request) -> list[tuple[str, str]]:
    names = [name for name, _ in request.query.items()]
    if len(names) != len(set(names)):
        twice = next(name for name in names if names.count(name) > 1)
        raise RequestError(422, "A parameter is given twice", f"{twice!r} stands twice in the query.", "Give it once.")
    return list(request.query.items())


class Routes:
    """The table that a module of handlers fills."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.table: list[Route] = []

    def add(self, method: str, path: str, **facts: Any) -> Callable[[Handler], Handler]:
        """Declare a handler as a route; its docstring's first line is the summary."""

        def declare(handler: Handler) -> Handler:
            summary, _, rest = (handler.__doc__ or "").strip().partition("\n")
            description = " ".join(rest.split())
            self.table.append(
                Route(method=method, path=path, handler=handler, tag=self.tag, summary=summary, description=description, **facts)
            )
            return handler

        return declare
