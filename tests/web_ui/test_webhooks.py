"""Another program is told of a job's end: signed, again until it listens, also after a restart."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.server
import json
import threading
from collections.abc import Callable, Iterator

import pytest

from tests.web_ui.serving import Served, adding
from web_ui.webhooks import origin, signature


class Receiver(http.server.ThreadingHTTPServer):
    """Keeps what it is sent; answers with the statuses in ``answers``, then with 200."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        self.news = threading.Condition()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def wait(self, count: int) -> list[tuple[dict[str, str], bytes]]:
        with self.news:
            assert self.news.wait_for(lambda: len(self.heard) >= count, 60)
            return list(self.heard)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.news:
            self.server.heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
            status = self.server.answers.pop(0) if self.server.answers else 200
            self.server.news.notify_all()
        self.send_response(status)
        if status == 302:
            self.send_header("Location", f"{self.server.origin}/elsewhere")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    thread = threading.Thread(target=found.serve_forever, daemon=True)
    thread.start()
    yield found
    found.shutdown()
    found.server_close()
    thread.join()


def test_the_end_of_a_job_is_told_with_a_signature(serve: Callable[..., Served], receiver: Receiver) -> None:
    server = serve("--webhook-to", receiver.origin, environment={"LOOM_WEBHOOK_SECRET": "s3cret"})
    job = server.submit(adding(1), webhook=f"{receiver.origin}/done")
    ((headers, body),) = receiver.wait(1)
    told = json.loads(body)
    assert (told["id"], told["state"], told["outputs"]) == (job["id"], "succeeded", [{"name": "sum", "value": 2}])
    signed = b"%s.%s.%s" % (headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body)
    expected = base64.b64encode(hmac.new(b"s3cret", signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"


def test_it_is_told_again_until_it_is_taken_and_no_redirect_is_followed(serve: Callable[..., Served], receiver: Receiver) -> None:
    server = serve("--webhook-to", receiver.origin)
    receiver.answers = [302]
    server.submit(adding(1), webhook=f"{receiver.origin}/done")
    heard = receiver.wait(2)
    assert heard[0][0]["webhook-id"] == heard[1][0]["webhook-id"]
    assert heard[0][1] == heard[1][1]
    secret = server.state / "webhook.secret"
    assert secret.stat().st_mode & 0o077 == 0


def test_what_was_not_told_is_told_after_a_restart(serve: Callable[..., Served], receiver: Receiver) -> None:
    server = serve("--webhook-to", receiver.origin)
    receiver.answers = [500]
    job = server.submit(adding(1), wait=60, webhook=f"{receiver.origin}/done")
    receiver.wait(1)
    server.kill()
    server.start()
    heard = receiver.wait(2)
    assert json.loads(heard[1][1])["id"] == job["id"]


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://Example.org/x?y", "https://example.org:443"),
        ("http://example.org:8080", "http://example.org:8080"),
        ("https://user:pass@example.org/", None),
        ("ftp://example.org", None),
        ("https://", None),
        ("https://example.org:99999", None),
        ("//example.org", None),
        ("javascript:alert(1)", None),
    ],
)
def test_only_plain_web_addresses_have_an_origin(url: str, found: str | None) -> None:
    assert origin(url) == found


def test_the_signature_is_that_of_the_published_example() -> None:
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
