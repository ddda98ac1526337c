"""Who is let in, and what is refused: from other sites, under other names, without the token, out of the folders."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.web_ui.serving import Served, adding, workflow

TOKEN = "correct horse battery staple"
TRAVERSALS = [
    "../jobs.sqlite", "..%2fjobs.sqlite", "%2e%2e/jobs.sqlite", "..\\jobs.sqlite", "..%5cjobs.sqlite", "/etc/passwd", "%2fetc%2fpasswd",
    "C:\\windows\\win.ini", "C:%5cwindows", "\\\\host\\share", "%5c%5chost%5cshare", "a%00.json", "%00", ".", "..", "....//jobs.sqlite",
    "a/../../jobs.sqlite", "~/.ssh/id_rsa", "con", "NUL.txt", "a" * 300, "x\u202ey", "%c0%ae%c0%ae/jobs.sqlite", "name.", " name",
]  # fmt: skip


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> object:
    served = Served(tmp_path_factory.mktemp("locked"), "--token", TOKEN)
    yield served
    served.stop()


def test_a_name_that_other_dns_may_point_here_is_refused(server: Served) -> None:
    for host in ("evil.example", "evil.example:8288", "localhost.evil.example", "", "[::1", "127.0.0.1.evil.example"):
        answer = server.call("GET", "/api/health", headers={"Host": host})
        assert answer.status in (400, 421), host
    for host in ("localhost", f"127.0.0.1:{server.port}", "[::1]:8288", "192.168.1.20"):
        assert server.call("GET", "/api/health", headers={"Host": host}).status == 200, host


def test_a_name_can_be_allowed(serve: Callable[..., Served]) -> None:
    server = serve("--allow-host", "Loom.Example")
    assert server.call("GET", "/api/health", headers={"Host": "loom.example"}).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://localhost"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
    ],
)
def test_a_page_of_another_site_is_refused(server: Served, headers: dict[str, str]) -> None:
    for method, path in (
        ("POST", "/api/runs"), ("POST", "/api/queue/clear"), ("GET", "/api/queue"), ("GET", "/api/events/socket"),
        ("DELETE", "/api/workflows/x"),
    ):  # fmt: skip
        answer = server.call(method, path, {} if method != "GET" else None, headers=headers)
        assert answer.status == 403, (method, path)
        assert answer.data["title"] == "From another site"


def test_its_own_page_is_let_in_and_a_link_from_elsewhere_may_open_it(server: Served) -> None:
    own = {"Origin": f"http://127.0.0.1:{server.port}", "Sec-Fetch-Site": "same-origin"}
    assert server.call("POST", "/api/check", {"workflow": adding(1)}, headers=own).status == 200
    assert server.call("GET", "/", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}).status == 200


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "application/jsonp"]
)
def test_a_change_comes_as_json_alone(server: Served, kind: str) -> None:
    for method, path in (
        ("POST", "/api/runs"),
        ("POST", "/api/queue/pause"),
        ("PUT", "/api/workflows/x"),
        ("DELETE", "/api/session"),
    ):
        answer = server.call(method, path, body=json.dumps({"workflow": adding(1)}).encode(), headers={"Content-Type": kind})
        assert answer.status == 415, (method, path, kind)


def test_no_other_origin_is_ever_allowed_to_read(server: Served) -> None:
    answer = server.call(
        "OPTIONS", "/api/runs", headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    )
    assert answer.status in (403, 405)
    for path in ("/api/health", "/api/nodes", "/"):
        assert not [name for name in server.call("GET", path).headers if name.lower().startswith("access-control")]


def test_every_answer_carries_the_headers_that_tie_a_browser_down(server: Served) -> None:
    for path in ("/", "/api/health", "/api/nothing", "/api/docs", "/api/runs/x"):
        headers = server.call("GET", path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_reading_changes_nothing(server: Served) -> None:
    for path in ("/api/queue/pause", "/api/queue/clear", "/api/runs/x/cancel", "/api/workflows/x/rename", "/api/uploads"):
        assert server.call("GET", path).status in (404, 405), path
    assert server.call("GET", "/api/queue").data["paused"] is False


@pytest.mark.parametrize("name", TRAVERSALS)
def test_no_name_leads_out_of_its_folder(server: Served, name: str) -> None:
    encoded = quote(name, safe="%")

    def documents() -> set[Path]:
        """In the state folder and right beside it, where one step out of a folder would lead."""
        found = {*server.state.rglob("*.json"), *server.state.parent.glob("*.json")}
        return {path for path in found if "revisions" not in path.parts}

    there = documents()
    for before, after in (
        ("/api/workflows/", ""), ("/api/workflows/", "/revisions"), ("/api/templates/", ""), ("/api/templates/", "/picture"),
        ("/api/inputs/", ""), ("/api/inputs/", "/thumbnail"), ("/api/results/", "/file"), ("/api/runs/", ""), ("/", ""),
    ):  # fmt: skip
        answer = server.call("GET", f"{before}{encoded}{after}")
        assert answer.status != 500, (before, name)
        assert b"SQLite format" not in answer.body
        assert b"root:" not in answer.body
        if before != "/":
            assert answer.status in (400, 404, 405, 422), (before, name, answer.body)
    put = server.call("PUT", f"/api/workflows/{encoded}", {"workflow": adding(1)}, headers={"If-None-Match": "*"})
    assert put.status in (400, 404, 405), (name, put.body)
    assert documents() == there


def test_a_link_that_leads_out_is_not_followed(server: Served, tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text(json.dumps({**adding(1), "title": "secret"}))
    (server.state / "workflows" / "link.json").symlink_to(secret)
    picture = tmp_path / "secret.png"
    picture.write_bytes(b"\x89PNG secret")
    (server.state / "inputs" / "link.png").symlink_to(picture)
    (server.state / "outputs").mkdir(exist_ok=True)
    assert server.call("GET", "/api/workflows/link").status in (400, 404, 422)
    assert server.call("GET", "/api/inputs/link.png").status == 404
    (server.state / "workflows" / "link.json").unlink()
    (server.state / "inputs" / "link.png").unlink()


def test_a_node_cannot_be_made_to_write_outside_of_the_outputs(server: Served) -> None:
    for name in ("../../escaped", "/tmp/escaped", "a/../../../escaped", "C:\\escaped"):
        job = server.submit(workflow({"w": ("write", {"value": 1, "name": name})}), wait=60)
        assert job["state"] in ("failed", "succeeded")
    assert list(server.state.parent.parent.glob("escaped*")) == []
    assert not Path("/tmp/escaped_0001.txt").exists()


def test_with_a_token_nothing_is_told_without_it(locked: Served) -> None:
    for method, path in (
        ("GET", "/api/queue"), ("POST", "/api/runs"), ("GET", "/api/events/socket"), ("GET", "/api/workflows"), ("GET", "/metrics"),
        ("GET", "/api/results"), ("GET", "/api/nodes"),
    ):  # fmt: skip
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}, {"Cookie": "loom_session=x"}):
            answer = locked.call(method, path, {} if method == "POST" else None, headers=headers)
            assert answer.status == 401, (path, headers)
            assert TOKEN.encode() not in answer.body
    assert locked.call("GET", "/api/queue", headers={"Authorization": f"Bearer {TOKEN}"}).status == 200
    assert locked.get("/api/health")["status"] == "ok"
    assert locked.get("/api/session") == {"authenticated": False, "required": True}


def test_a_browser_signs_in_for_a_cookie_that_no_script_can_read(locked: Served) -> None:
    assert locked.call("POST", "/api/session", {"token": "wrong"}).status == 401
    answer = locked.call("POST", "/api/session", {"token": TOKEN})
    cookie = answer.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Strict"} <= set(cookie.split("; "))
    assert TOKEN not in cookie
    value = cookie.split(";")[0]
    assert locked.call("GET", "/api/queue", headers={"Cookie": value}).status == 200
    assert locked.get("/api/session", headers={"Cookie": value}) == {"authenticated": True, "required": True}


def test_beyond_this_machine_a_token_is_needed_and_made_if_none_is_given(serve: Callable[..., Served]) -> None:
    server = serve("--host", "0.0.0.0")
    (line,) = [line for line in server.lines if line.startswith("Latent Loom is at")]
    token = line.strip().split("#token=")[1]
    assert len(token) >= 32
    assert server.call("GET", "/api/queue").status == 401
    assert server.call("GET", "/api/queue", headers={"Authorization": f"Bearer {token}"}).status == 200


def test_it_can_be_reached_over_tls(serve: Callable[..., Served], tmp_path: Path) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost", "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    server = serve("--tls-cert", str(tmp_path / "cert.pem"), "--tls-key", str(tmp_path / "key.pem"))
    context = ssl.create_default_context(cafile=tmp_path / "cert.pem")
    with (
        socket.create_connection(("127.0.0.1", server.port)) as raw,
        context.wrap_socket(raw, server_hostname="localhost") as secure,
    ):
        secure.sendall(b"GET /api/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert b"200 OK" in secure.recv(4096)


def test_what_is_too_large_is_refused_before_it_is_read(server: Served) -> None:
    answer = server.call("POST", "/api/check", body=b" " * (65 * 2**20))
    assert answer.status == 413
    assert server.call("GET", "/api/health", headers={"X-Large": "x" * 40_000}).status == 400
    assert server.call("GET", "/api/" + "x" * 40_000).status in (400, 404, 414)
    assert server.get("/api/health")["status"] == "ok"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b'{"workflow": 1}', b'{"workflow": {}, "workflow": {}}', b'{"workflow": {"format": "x"}}', b"\xff\xfe",
        b'{"workflow": {"format": "latent-loom/1", "nodes": {"a": {"type": "x", "values": {"v": NaN}}}}}',
        b'{"workflow": ' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}",
        b'{"workflow": {"format": "latent-loom/1"}, "inputs": {"x": 1e999}}',
        b'{"workflow": {"format": "latent-loom/1"}, "unknown": 1}',
        b'{"workflow": {"format": "latent-loom/1"}, "priority": 1e6}',
    ],
)  # fmt: skip
def test_a_body_that_does_not_fit_is_told_in_the_one_envelope(server: Served, body: bytes) -> None:
    answer = server.call("POST", "/api/runs", body=body)
    assert answer.status in (400, 422), answer
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert {"title", "status", "detail"} <= set(answer.data)
    assert "Traceback" not in answer.body.decode()


def test_a_picture_that_is_none_is_refused_and_a_real_one_gets_a_name_of_ours(server: Served) -> None:
    import io

    from PIL import Image

    for data in (b"", b"GIF89a", b"\x89PNG\r\n\x1a\n" + b"\0" * 100, b"<svg onload=alert(1)>", b"MZ\x90"):
        answer = server.call("POST", "/api/uploads", body=data, headers={"Content-Type": "image/png"})
        assert answer.status == 422, data
    written = io.BytesIO()
    Image.new("RGB", (30, 20), "red").save(written, "PNG")
    answer = server.call("POST", "/api/uploads", body=written.getvalue(), headers={"Content-Type": "image/png"})
    assert answer.status == 201
    name = answer.data["name"]
    assert (answer.data["width"], answer.data["height"]) == (30, 20)
    assert server.call("GET", f"/api/inputs/{name}").body == written.getvalue()
    small = server.call("GET", f"/api/inputs/{name}/thumbnail")
    assert (small.status, small.headers["Content-Type"]) == (200, "image/webp")
    assert name in server.get("/api/nodes/loom.load_image/choices/name")["choices"]


def test_a_webhook_goes_only_where_the_owner_allows(server: Served) -> None:
    for url in ("http://127.0.0.1:1/x", "file:///etc/passwd", "gopher://x", "http://169.254.169.254/latest", "not a url"):
        answer = server.call("POST", "/api/runs", {"workflow": adding(1), "webhook": url})
        assert answer.status == 422
        assert answer.data["title"] == "This webhook is not allowed"
