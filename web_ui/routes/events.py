"""Decides how events are heard: by asking again and again, as a stream of text, or over a WebSocket with previews."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated

from aiohttp import WSMsgType, web
from pydantic import Field

from web_ui import schema
from web_ui.problems import RequestError
from web_ui.routing import MAX_WAIT_S, Call, NoBody, Routes
from web_ui.server import Server
from web_ui.stream import GapError, Listener
from web_ui.work.protocol import LENGTH

routes = Routes("events")
HEARTBEAT_S = 15.0
PREVIEW_INTERVAL_S = 0.1
MAX_CLIENT_FRAME = 4096
SEND_TIMEOUT_S = 60.0
TOO_OLD = "Look at the state anew (GET /api/queue), and go on from the cursor of now."

After = Annotated[int | None, Field(ge=0, le=2**62, description="A cursor: events after it. Left out: from now on.")]
Of = Annotated[str | None, Field(pattern=r"^[0-9a-f]{32}$", description="Only events of this job.")]


class EventsQuery(schema.Model):
    after: After = None
    job: Of = None
    wait: Annotated[float, Field(ge=0, le=MAX_WAIT_S, description="Seconds to wait for an event.")] = 0.0


class StreamQuery(schema.Model):
    after: After = None
    job: Of = None


class SocketQuery(StreamQuery):
    previews: Annotated[bool, Field(description="Whether pictures of unfinished work are sent.")] = False


@routes.add("GET", "/api/events", query=EventsQuery, reply=schema.EventPage, errors=(410,))
async def list_events(server: Server, call: Call[EventsQuery, NoBody]) -> schema.EventPage:
    """Give events after a cursor, waiting for one if there is none yet."""
    query = call.query
    if query.after is None:
        return schema.EventPage(events=[], cursor=server.hub.cursor)
    listener = server.hub.listen(query.job)
    try:
        found = await _stored(server, query.after, query.job)
        ends = time.monotonic() + query.wait
        while not found and (left := ends - time.monotonic()) > 0 and not server.stopping.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(listener.news.wait(), min(left, 5.0))
            listener.news.clear()
            listener.progress.clear()
            found = await _stored(server, query.after, query.job)
    finally:
        server.hub.leave(listener)
    return schema.EventPage(events=found, cursor=found[-1].cursor if found else query.after)


@routes.add(
    "GET", "/api/events/stream", query=StreamQuery, gives=("text/event-stream",), stream=True, errors=(410,),
    headers={"Last-Event-ID": "The cursor of the last event that was heard."},
)  # fmt: skip
async def stream_events(server: Server, call: Call[StreamQuery, NoBody]) -> web.StreamResponse:
    """Send events as they happen (server-sent events), with the progress of nodes in between."""
    cursor = call.query.after
    if (last := call.headers.get("Last-Event-ID", "")).isdecimal():
        cursor = int(last)
    cursor = server.hub.cursor if cursor is None else cursor
    await _after(server, cursor, call.query.job)  # a gap is told before the stream begins
    answer = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )
    answer.headers["X-Content-Type-Options"] = "nosniff"
    await answer.prepare(call.request)
    listener = server.hub.listen(call.query.job)
    try:
        await answer.write(f": connected\nretry: 1000\nid: {cursor}\nevent: cursor\ndata: {cursor}\n\n".encode())
        while not server.stopping.is_set():
            for event in await _after(server, cursor, call.query.job):
                cursor = event.cursor
                await _write(answer, f"id: {cursor}\nevent: {event.kind}\ndata: {event.model_dump_json()}\n\n")
            for told in _progress(listener):
                await _write(answer, f"event: progress\ndata: {told.model_dump_json()}\n\n")
            if not await _news(listener, HEARTBEAT_S):
                await _write(answer, ": still here\n\n")
    except (ConnectionError, TimeoutError, GapError):
        pass
    finally:
        server.hub.leave(listener)
    return answer


@routes.add("GET", "/api/events/socket", query=SocketQuery, gives=("application/json",), stream=True, errors=(410,))
async def socket_events(server: Server, call: Call[SocketQuery, NoBody]) -> web.StreamResponse:
    """Send events as they happen over a WebSocket: text frames hold JSON, binary frames previews.

    A binary frame is the length of a JSON header in four bytes, the header, and an encoded picture. Previews come at most ten times a
    second; a client that reads slowly gets the latest.
    """
    query = call.query
    cursor = server.hub.cursor if query.after is None else query.after
    await _after(server, cursor, query.job)
    socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S, max_msg_size=MAX_CLIENT_FRAME, compress=False)
    if not socket.can_prepare(call.request).ok:
        raise RequestError(400, "No WebSocket", "This address speaks WebSocket only.", "Use /api/events/stream for plain HTTP.")
    await socket.prepare(call.request)
    listener = server.hub.listen(query.job, query.previews)
    sending = asyncio.create_task(_send(server, socket, listener, cursor, query.job))
    try:
        async for message in socket:  # nothing is expected of the client, but its closing
            if message.type in (WSMsgType.ERROR, WSMsgType.CLOSE):
                break
    finally:
        server.hub.leave(listener)
        sending.cancel()
        with suppress(asyncio.CancelledError, ConnectionError, TimeoutError, GapError):
            await sending
    return socket


async def _send(server: Server, socket: web.WebSocketResponse, listener: Listener, cursor: int, job: str | None) -> None:
    previewed = 0.0
    try:
        await _send_text(socket, json.dumps({"kind": "cursor", "cursor": cursor}))
        while not server.stopping.is_set():
            for event in await _after(server, cursor, job):
                cursor = event.cursor
                await _send_text(socket, event.model_dump_json())
            for told in _progress(listener):
                await _send_text(socket, told.model_dump_json())
            wait_s = HEARTBEAT_S
            if listener.pictures:
                if (left := previewed + PREVIEW_INTERVAL_S - time.monotonic()) > 0:
                    wait_s = left
                else:
                    previewed = time.monotonic()
                    await _send_previews(socket, listener)
            await _news(listener, wait_s)
    except (TimeoutError, GapError):
        pass
    await socket.close(code=1001 if server.stopping.is_set() else 1008)


async def _send_previews(socket: web.WebSocketResponse, listener: Listener) -> None:
    pictures, listener.pictures = listener.pictures, {}
    for job, (node, picture) in pictures.items():
        kind = "image/png" if picture.startswith(b"\x89PNG") else "image/webp" if picture[8:12] == b"WEBP" else "image/jpeg"
        header = json.dumps({"kind": "preview", "job": job, "node": node, "media_type": kind}).encode()
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await socket.send_bytes(LENGTH.pack(len(header)) + header + picture)


async def _send_text(socket: web.WebSocketResponse, text: str) -> None:
    async with asyncio.timeout(SEND_TIMEOUT_S):
        await socket.send_str(text)


async def _write(answer: web.StreamResponse, text: str) -> None:
    async with asyncio.timeout(SEND_TIMEOUT_S):
        await answer.write(text.encode())


def _progress(listener: Listener) -> list[schema.Progress]:
    told, listener.progress = list(listener.progress.values()), {}
    return told


async def _news(listener: Listener, wait_s: float) -> bool:
    """Whether there is something new before the time is over."""
    try:
        await asyncio.wait_for(listener.news.wait(), wait_s)
    except TimeoutError:
        return False
    listener.news.clear()
    return True


async def _after(server: Server, cursor: int, job: str | None) -> list[schema.EventInfo]:
    with _told(cursor):
        return await server.hub.after(cursor, job)


async def _stored(server: Server, cursor: int, job: str | None) -> list[schema.EventInfo]:
    with _told(cursor):
        return await server.hub.stored(cursor, job)


@contextmanager
def _told(cursor: int) -> Iterator[None]:
    try:
        yield
    except GapError:
        raise RequestError(410, "Too long ago", f"Events after {cursor} are no longer kept.", TOO_OLD) from None
