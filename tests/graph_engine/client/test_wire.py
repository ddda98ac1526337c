"""How a server is spoken to, and what is said when it refuses, is another one, or is not there."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

import graph_engine as loom
from graph_engine.client import Client, ServerError, Unreachable
from graph_engine.client.wire import Wire
from graph_engine.errors import LoomError, Problem
from tests.graph_engine.client.answering import answering, as_json, hang_up
from tests.graph_engine.toys import workflow

PAUSED = {"paused": True, "jobs": [], "workers": [], "something_new": 1}


def test_it_is_found_as_loom_client() -> None:
    assert loom.client.Client is Client
    assert set(loom.client.__all__) <= set(dir(loom.client))


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("http://localhost:8288", "localhost", 8288, ""),
        ("localhost:99", "localhost", 99, ""),
        ("http://h/base/", "h", 80, "/base"),
        ("https://h", "h", 443, ""),
        ("http://[::1]:8288/", "::1", 8288, ""),
    ],
)
def test_an_address_is_taken_apart(url: str, host: str, port: int, path: str) -> None:
    wire = Wire(url)
    assert (wire.host, wire.port, wire._path) == (host, port, path)


@pytest.mark.parametrize(
    "url",
    ["", "http://", "ftp://h", "file:///etc/passwd", "http://h:port", "http://h:99999", "http://me:secret@h", "http://h?x=1"],
)
def test_what_is_no_address_of_a_server_is_refused(url: str) -> None:
    with pytest.raises(LoomError, match=r"is no address of a server: write it like http://127\.0\.0\.1:8288"):
        Wire(url)


def test_the_token_comes_from_the_argument_the_address_or_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(lambda _handler, _asked: as_json(PAUSED)) as server:
        monkeypatch.setenv("LOOM_TOKEN", "of-the-environment")
        Client(server.url, token="given").queue()
        Client(f"{server.url}/#token=of-the-address").queue()
        Client(server.url).queue()
        monkeypatch.delenv("LOOM_TOKEN")
        Client(server.url).queue()
        shown = [one.headers["Authorization"] for one in server.asked]
    assert shown == ["Bearer given", "Bearer of-the-address", "Bearer of-the-environment", None]


def test_a_token_with_impossible_signs_is_told_without_showing_it() -> None:
    with answering(lambda _handler, _asked: as_json(PAUSED)) as server, pytest.raises(LoomError) as caught:
        Client(server.url, token="geheim…").queue()
    assert str(caught.value) == "the token holds characters that no token has. Copy it again."


def test_a_change_says_that_it_is_json_and_names_are_escaped() -> None:
    with answering(lambda _handler, _asked: as_json(PAUSED)) as server:
        client = Client(f"{server.url}/base")
        client.pause()
        with pytest.raises(Exception, match="etag"):  # the answer is none of a workflow; the request is what counts
            client.workflow("Käse & Brot/..")
    assert (server.asked[0].method, server.asked[0].path) == ("POST", "/base/api/queue/pause")
    assert server.asked[0].headers["Content-Type"] == "application/json"
    assert server.asked[1].path == "/base/api/workflows/K%C3%A4se%20%26%20Brot%2F.."


def test_a_refusal_carries_what_the_server_says() -> None:
    entry = {"code": "bad_value", "cause": "it is no number.", "action": "Write one.", "node": "a", "input": "b", "more": 1}
    told = {
        "title": "No",
        "status": 422,
        "detail": "It cannot run.",
        "action": "See the problems.",
        "problems": [entry],
        "etag": "abc",
    }
    with (
        answering(lambda _handler, _asked: as_json(told, 422, "application/problem+json")) as server,
        pytest.raises(ServerError) as caught,
    ):
        Client(server.url).queue()
    error = caught.value
    assert (error.status, error.title, error.detail, error.action, error.etag) == (
        422,
        "No",
        "It cannot run.",
        "See the problems.",
        "abc",
    )
    assert error.problems == (Problem(code="bad_value", cause="it is no number.", action="Write one.", node="a", input="b"),)
    assert str(error) == "It cannot run. See the problems.\na.b: it is no number. Write one."
    assert error.exit_code == 3


def test_a_problem_of_a_kind_that_we_do_not_know_is_told_all_the_same() -> None:
    entry = {"code": "of_tomorrow", "cause": "new.", "action": "Update."}
    with answering(lambda _handler, _asked: as_json({"problems": [entry], "warnings": [], "inputs": [], "types": {}})) as server:
        (found,) = Client(server.url).check(workflow({})).problems
    assert str(found) == "workflow: new. Update."


@pytest.mark.parametrize(
    ("status", "kind", "content"),
    [
        (200, "text/html", b"<html>"), (404, "text/html", b"<html>not here"), (500, "application/json", b"[]"), (502, "text/plain", b""),
        (301, "text/plain", b"moved"), (403, "application/json", b'{"title": "x"}'), (200, "application/json", b'{"half'),
    ],
)  # fmt: skip
def test_another_kind_of_server_is_told_apart(status: int, kind: str, content: bytes) -> None:
    with answering(lambda _handler, _asked: (status, kind, content)) as server:
        with pytest.raises(ServerError, match=r"not as a Latent Loom server does\. Check the address") as caught:
            Client(server.url).queue()
        assert server.url in str(caught.value)


def test_nobody_there_says_how_to_start_one() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(Unreachable, match=f"no server answers at {url}. Start one with 'loom serve', or check the address"):
            Client(url).queue()
    with pytest.raises(Unreachable, match="cannot be reached"):
        Client("http://name.invalid:1").queue()


def test_a_connection_that_breaks_is_made_again_only_where_that_does_no_harm() -> None:
    broken: list[str] = []

    def answer(handler: Any, asked: Any) -> Any:
        if asked.path not in broken:
            broken.append(asked.path)
            return hang_up(handler)
        return as_json({**PAUSED, "cursor": 7})

    with answering(answer) as server:
        client = Client(server.url)
        assert client.cursor() == 7
        assert client.pause().paused
        with pytest.raises(Unreachable, match="cannot be reached"):
            client.retry("0" * 32)
    assert [one.path for one in server.asked] == ["/api/events"] * 2 + ["/api/queue/pause"] * 2 + [f"/api/runs/{'0' * 32}/retry"]


def test_a_job_that_is_asked_for_twice_has_one_key() -> None:
    job = {"id": "1" * 32, "state": "queued", "title": "", "client": "", "priority": 0, "created_at": 1.0}

    def answer(handler: Any, asked: Any) -> Any:
        return hang_up(handler) if len(server.asked) == 1 else as_json({"job": job, "plan": {}}, 201)

    with answering(answer) as server:
        Client(server.url, name="me").submit(workflow({"a": {"type": "x"}}), {"seed": 1}, targets=["a"], title="T", priority=3)
        first, again = server.asked
    assert first.headers["Idempotency-Key"] == again.headers["Idempotency-Key"]
    assert json.loads(again.body) == json.loads(first.body)
    sent = json.loads(first.body)
    assert (sent["inputs"], sent["targets"], sent["title"], sent["priority"], sent["client"]) == (
        {"seed": 1},
        ["a"],
        "T",
        3,
        "me",
    )
    assert sent["workflow"]["nodes"] == {"a": {"type": "x", "version": 1}}


def test_an_answer_that_is_cut_off_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(handler: Any, _asked: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b'{"pau')

    with answering(answer) as server, pytest.raises(ServerError, match="not as a Latent Loom server does"):
        Client(server.url).queue()


def test_many_threads_may_use_one_client() -> None:
    with answering(lambda _handler, _asked: as_json(PAUSED)) as server:
        client, found = Client(server.url), list[bool]()
        threads = [threading.Thread(target=lambda: found.append(client.queue().paused)) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [True] * 12


def test_a_download_never_leaves_its_folder_and_replaces_nothing(tmp_path: Path) -> None:
    names = iter(["../../evil_0001.png", "deep/picture_0007.png", "picture_0007.png", "con.png", "..", "a.p:n"])

    def answer(_handler: Any, asked: Any) -> Any:
        if asked.path.endswith("/file"):
            return 200, "image/png", b"content"
        facts = {"id": "1", "file": next(names), "media_type": "image/png", "size_bytes": 7, "created_at": 1.0}
        return as_json(facts)

    folder = tmp_path / "a" / "b"
    with answering(answer) as server:
        written = [Client(server.url).download("1", folder) for _ in range(6)]
    assert [path.name for path in written] == [
        "evil_0001.png",
        "picture_0001.png",
        "picture_0002.png",
        "con__0001.png",
        "result_0001",
        "a_0001",
    ]
    assert {path.parent for path in written} == {folder}
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(written)
