"""Events are heard in order and once, however often the connection breaks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_engine.client import Client, Event, Progress, ServerError, Unreachable, listen
from graph_engine.client.listen import Message, messages
from tests.graph_engine.client.answering import answering, as_json


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen, "RETRY_S", 0.01)


def event(cursor: int, kind: str = "job_queued") -> bytes:
    data = {"cursor": cursor, "at": 1.5, "kind": kind, "job": "j", "data": {"n": cursor}, "new": 1}
    return f"id: {cursor}\nevent: {kind}\ndata: {json.dumps(data)}\n\n".encode()


PROGRESS = b'event: progress\ndata: {"kind": "progress", "job": "j", "node": "n", "done": 3, "total": 9}\n\n'
HELLO = b": connected\nretry: 1000\nid: 0\nevent: cursor\ndata: 0\n\n"


def streaming(*parts: bytes) -> Any:
    """Answers with one part after the other, a connection each; then refuses."""
    left = list(parts)

    def answer(handler: Any, _asked: Any) -> Any:
        if not left:
            return as_json({"title": "Gone", "detail": "too old", "action": "Look anew."}, 410)
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.end_headers()
        handler.wfile.write(left.pop(0))
        return None

    return answer


def cursors(found: Iterator[Event | Progress]) -> list[int]:
    return [one.cursor for one in found if isinstance(one, Event)]


def test_events_and_progress_come_as_records() -> None:
    with answering(streaming(HELLO + event(1) + b": still here\n\n" + PROGRESS + event(2, "node_started"))) as server:
        found = list(islice(Client(server.url).events(0, job="j"), 3))
    assert found == [
        Event(cursor=1, at=1.5, kind="job_queued", job="j", data={"n": 1}),
        Progress(job="j", node="n", done=3, total=9),
        Event(cursor=2, at=1.5, kind="node_started", job="j", data={"n": 2}),
    ]
    assert server.asked[0].path == "/api/events/stream?after=0&job=j"


def test_a_connection_that_breaks_goes_on_after_the_last_event_heard_and_half_a_message_is_left_out() -> None:
    parts = [HELLO + event(1) + event(2)[:-20], event(2) + event(3), b"", event(4)]
    with answering(streaming(*parts)) as server:
        found = cursors(islice(Client(server.url).events(0), 4))
        asked = [one.path.rpartition("after=")[2] for one in server.asked]
    assert found == [1, 2, 3, 4]
    assert asked == ["0", "1", "3", "3"]


def test_without_a_cursor_it_begins_now_and_goes_on_from_there() -> None:
    with answering(streaming(b"id: 41\nevent: cursor\ndata: 41\n\n", event(42))) as server:
        assert cursors(islice(Client(server.url).events(), 1)) == [42]
        assert [one.path for one in server.asked] == ["/api/events/stream", "/api/events/stream?after=41"]


def test_a_cursor_that_is_too_old_is_told() -> None:
    with answering(streaming(HELLO + event(1))) as server:
        heard = Client(server.url).events(0)
        assert cursors(islice(heard, 1)) == [1]
        with pytest.raises(ServerError, match=r"too old Look anew\.") as caught:
            next(heard)
    assert caught.value.status == 410


def test_a_server_that_is_busy_is_asked_again() -> None:
    answers = iter([HELLO + event(1), None, event(2)])

    def answer(handler: Any, asked: Any) -> Any:
        content = next(answers)
        return as_json({"title": "Too busy", "detail": "later"}, 503) if content is None else streaming(content)(handler, asked)

    with answering(answer) as server:
        assert cursors(islice(Client(server.url).events(0), 2)) == [1, 2]


def test_a_server_that_does_not_come_back_is_given_up() -> None:
    with answering(streaming(HELLO + event(1))) as server:
        heard = Client(server.url).events(0, patience_s=0)
        assert cursors(islice(heard, 1)) == [1]
    with pytest.raises(Unreachable, match="no server answers at"):
        next(heard)


def test_a_server_that_was_never_there_is_told_at_once() -> None:
    with answering(streaming()) as server:
        url = server.url
    with pytest.raises(Unreachable, match="Start one with 'loom serve'"):
        next(Client(url).events())


def test_lines_are_read_as_the_standard_says() -> None:
    stream = b": comment\nevent: a\r\ndata: one\ndata:two\ndata\nid: 7\nunknown: x\n\n\n\ndata: last\n\nevent: cut\ndata: off"
    assert list(messages(stream.splitlines(keepends=True))) == [Message("a", "one\ntwo\n", "7"), Message("message", "last", "7")]


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_no_stream_of_bytes_is_an_error(lines: list[bytes]) -> None:
    for message in messages(lines):
        assert isinstance(message.data, str)
