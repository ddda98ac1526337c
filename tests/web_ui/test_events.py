"""Events are heard in order, and none is missed: by polling, as a stream, over a WebSocket, after a pause, by slow clients."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import aiohttp

from tests.web_ui.serving import Served, adding, waiting

T = TypeVar("T")


def finished(work: Coroutine[Any, Any, T]) -> T:
    """What ``work`` gives, on a loop of its own in a thread of its own: the browser tests keep one in the main thread."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def kinds(events: list[Any]) -> list[str]:
    return [event["kind"] for event in events]


def stream(server: Served, path: str, count: int, headers: dict[str, str] | None = None) -> list[dict[str, Any]]:
    """The first ``count`` events of a stream of text."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("GET", path, headers=headers or {})
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/event-stream"
    found: list[dict[str, Any]] = []
    fields: dict[str, str] = {}
    while len(found) < count:
        line = answer.readline().decode().rstrip("\n")
        assert line is not None
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif fields:
            found.append(fields)
            fields = {}
    connection.close()
    return found


def test_the_events_of_a_job_tell_its_whole_story(server: Served) -> None:
    job = server.submit(adding(1, 2), wait=60)
    page = server.get(f"/api/events?after=0&job={job['id']}")
    assert kinds(page["events"]) == ["job_queued", "job_running", "node_started", "node_finished", "job_succeeded"]
    cursors = [event["cursor"] for event in page["events"]]
    assert cursors == sorted(cursors)
    assert page["cursor"] == cursors[-1]
    assert page["events"][-1]["data"]["state"] == "succeeded"
    assert page["events"][2]["data"] == {
        "node": "add",
        "type": "toy.add",
        "reason": "first time",
        "said": {"reason": {"code": "first_time", "facts": {}}},
    }


def test_without_a_cursor_one_hears_from_now_on(server: Served) -> None:
    page = server.get("/api/events")
    assert page["events"] == []
    server.submit(adding(2, 2), wait=60)
    later = server.get(f"/api/events?after={page['cursor']}")
    assert kinds(later["events"])[0] == "job_queued"


def test_a_long_poll_waits_for_the_next_event(server: Served) -> None:
    cursor = server.get("/api/events")["cursor"]
    found: list[Any] = []
    polling = threading.Thread(target=lambda: found.append(server.get(f"/api/events?after={cursor}&wait=30")))
    polling.start()
    time.sleep(0.3)
    assert not found
    server.post("/api/queue/pause")
    server.post("/api/queue/resume")
    polling.join(30)
    assert kinds(found[0]["events"])[0] == "queue_paused"


def test_a_stream_goes_on_after_the_event_that_was_heard_last(server: Served) -> None:
    job = server.submit(adding(3, 2), wait=60)
    path = f"/api/events/stream?job={job['id']}"
    whole = stream(server, f"{path}&after=0", 6)
    assert [event["event"] for event in whole] == [
        "cursor", "job_queued", "job_running", "node_started", "node_finished", "job_succeeded",
    ]  # fmt: skip
    rest = stream(server, path, 3, {"Last-Event-ID": whole[3]["id"]})
    assert [event["id"] for event in rest] == [whole[3]["id"], whole[4]["id"], whole[5]["id"]]


def test_a_client_that_reconnects_over_a_restart_misses_nothing(serve: Callable[..., Served]) -> None:
    server = serve()
    job = server.submit(adding(1), wait=60)
    first = server.get("/api/events?after=0")
    server.kill()
    server.start()
    server.submit(adding(2), wait=60)
    rest = server.get(f"/api/events?after={first['cursor']}")
    assert [event["cursor"] for event in rest["events"]] == list(range(first["cursor"] + 1, rest["cursor"] + 1))
    assert kinds(rest["events"])[0] == "job_queued"
    assert job["state"] == "succeeded"


def test_a_websocket_brings_events_progress_and_previews(server: Served) -> None:
    async def listen() -> tuple[list[dict[str, Any]], list[tuple[dict[str, Any], bytes, float]]]:
        texts: list[dict[str, Any]] = []
        pictures = []
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{server.url}api/events/socket?previews=true", max_msg_size=0) as connection,
        ):
            job = await asyncio.to_thread(server.submit, waiting(2.0, value=77, steps=200))
            async for message in connection:
                if message.type == aiohttp.WSMsgType.BINARY:
                    (length,) = struct.unpack_from(">I", message.data)
                    pictures.append((json.loads(message.data[4 : 4 + length]), message.data[4 + length :], time.monotonic()))
                else:
                    texts.append(json.loads(message.data))
                    if texts[-1]["kind"] == "job_succeeded" and texts[-1]["job"] == job["id"]:
                        return texts, pictures
        raise AssertionError("the socket was closed")

    texts, pictures = finished(listen())
    assert texts[0]["kind"] == "cursor"
    progress = [text["done"] for text in texts if text["kind"] == "progress"]
    assert progress == sorted(progress)
    assert progress
    header, picture, _ = pictures[0]
    assert header == {"kind": "preview", "job": header["job"], "node": "wait", "media_type": "image/jpeg"}
    assert picture == b"\xff\xd8picture"
    assert 2 <= len(pictures) <= 25, "at most ten a second, and 200 were offered"


def test_previews_are_made_only_while_somebody_looks(server: Served) -> None:
    async def listen() -> list[Any]:
        found = []
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{server.url}api/events/socket") as connection:
            job = await asyncio.to_thread(server.submit, waiting(0.5, value=78, steps=50))
            async for message in connection:
                found.append(message.type)
                if message.type == aiohttp.WSMsgType.TEXT and f'"job_succeeded","job":"{job["id"]}"' in message.data:
                    return found
        return found

    assert set(finished(listen())) == {aiohttp.WSMsgType.TEXT}


def test_a_client_that_does_not_read_holds_up_nobody(server: Served) -> None:
    """A socket that never reads, while events go on: the others hear, and the server stays quick."""
    lazy = socket.create_connection(("127.0.0.1", server.port))
    lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    request = (
        f"GET /api/events/socket?previews=true HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    lazy.sendall(request.encode())
    for number in range(30):
        server.submit(adding(300 + number))
    job = server.submit(adding(999), wait=60)
    assert job["state"] == "succeeded"
    assert kinds(server.get(f"/api/events?after=0&job={job['id']}")["events"])[-1] == "job_succeeded"
    lazy.close()


def test_a_cursor_that_is_too_old_is_told(serve: Callable[..., Served]) -> None:
    import sqlite3

    server = serve()
    server.submit(adding(1), wait=60)
    server.stop()
    with sqlite3.connect(server.state / "jobs.sqlite") as database:
        database.execute("delete from events where cursor < 3")
    database.close()
    server.start()
    answer = server.call("GET", "/api/events?after=0")
    assert answer.status == 410
    assert "cursor of now" in answer.data["action"]
    assert server.get("/api/events?after=2")["events"][0]["cursor"] == 3


def test_200_clients_at_once_all_hear_the_same(server: Served) -> None:
    async def hear(session: aiohttp.ClientSession, ready: asyncio.Semaphore, job: asyncio.Future[str]) -> list[int]:
        found = []
        async with session.ws_connect(f"{server.url}api/events/socket") as connection:
            await connection.receive()
            ready.release()
            async for message in connection:
                told = json.loads(message.data)
                if "cursor" in told and told["kind"] != "cursor":
                    found.append(told["cursor"])
                    if told["kind"] == "job_succeeded" and told["job"] == await job:
                        return found
        raise AssertionError("the socket was closed")

    async def all_hear() -> list[list[int]]:
        ready, job = asyncio.Semaphore(0), asyncio.get_running_loop().create_future()
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, happy_eyeballs_delay=None)) as session:
            listening = [asyncio.create_task(hear(session, ready, job)) for _ in range(200)]
            for _ in listening:
                await ready.acquire()
            job.set_result((await asyncio.to_thread(server.submit, adding(4, 4)))["id"])
            return await asyncio.wait_for(asyncio.gather(*listening), 60)

    heard = finished(all_hear())
    assert len(heard) == 200
    assert all(one == heard[0] for one in heard)
    assert heard[0] == list(range(heard[0][0], heard[0][0] + 5))
