"""Decides how a server is spoken to: one connection a request, the token with each, every failure as an error that says what to do."""

from __future__ import annotations

import http.client
import json
import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from graph_engine.client.records import problem
from graph_engine.errors import LoomError, Problem

DEFAULT_URL = "http://127.0.0.1:8288"
TOKEN_VARIABLE = "LOOM_TOKEN"
TIMEOUT_S = 60.0
MAX_ANSWER_BYTES = 2**30
JSON = "application/json"


class Unreachable(LoomError):
    """No server answers, or it went away in the middle of an answer."""

    exit_code = 4


class ServerError(LoomError):
    """The server refused. ``problems`` lists what is wrong with a workflow; ``etag`` names what is stored where a save came too late."""

    def __init__(
        self, status: int, title: str, detail: str, action: str = "", problems: tuple[Problem, ...] = (), etag: str | None = None
    ) -> None:
        self.status, self.title, self.detail, self.action = status, title, detail, action
        self.problems, self.etag = problems, etag
        self.exit_code = 3 if problems else 4
        lines = [" ".join(part for part in (detail or title, action) if part), *(str(one) for one in problems)]
        super().__init__("\n".join(lines))


class Wire:
    """Where the server is, and how to get in. Safe to use from several threads.

    ``url`` may carry the token behind ``#token=``, as the server prints it; else it is ``token``, or that of $LOOM_TOKEN.
    ``certificates``: a file with the certificates to trust, for a server whose own is not known to the system.
    """

    def __init__(self, url: str = DEFAULT_URL, *, token: str | None = None, certificates: Path | None = None) -> None:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        try:
            self.host, port = parts.hostname or "", parts.port
        except ValueError:
            self.host, port = "", None
        if parts.scheme not in ("http", "https") or not self.host or parts.query or "@" in parts.netloc:
            raise LoomError(f"{url!r} is no address of a server: write it like {DEFAULT_URL}.")
        self.port = port or (443 if parts.scheme == "https" else 80)
        self.url = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self._path = parts.path.rstrip("/")
        self._token = token or parse_qs(parts.fragment).get("token", [""])[0] or os.environ.get(TOKEN_VARIABLE, "")
        self._tls = ssl.create_default_context(cafile=certificates) if parts.scheme == "https" else None

    def ask(
        self, method: str, path: str, data: Any = None, *, timeout_s: float = TIMEOUT_S, again: bool = False, **options: Any
    ) -> Any:
        """The answer as JSON data, None if it is empty. ``options`` as for ``open``.

        ``again``: the request may be made twice without harm, and is if the connection breaks; as one that changes nothing always is.
        """
        body = None if data is None else json.dumps(data, allow_nan=False).encode()
        for tries_left in (1, 0) if again or method == "GET" else (0,):
            try:
                with self.open(method, path, body=body, timeout_s=timeout_s, **options) as answer:
                    return self._data(answer)
            except Unreachable:
                if not tries_left:
                    raise
        raise AssertionError("unreachable")

    @contextmanager
    def open(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: bytes | None = None,
        headers: Mapping[str, str] | None = None, timeout_s: float = TIMEOUT_S,
    ) -> Iterator[http.client.HTTPResponse]:  # fmt: skip
        """An answer to be read. Parameters that are None are left out. Raises ServerError, Unreachable."""
        given = {name: _parameter(value) for name, value in (query or {}).items() if value is not None}
        sent = {"Accept": JSON, **({} if method == "GET" else {"Content-Type": JSON})}
        if self._token:
            sent["Authorization"] = f"Bearer {self._token}"
        connection = self._connection(timeout_s)
        try:
            target = f"{self._path}{path}{'?' if given else ''}{urlencode(given)}"
            connection.request(method, target, body=body, headers={**sent, **(headers or {})})
            answer = connection.getresponse()
            if answer.status >= 300:
                raise self._refusal(answer)
            yield answer
        except ssl.SSLCertVerificationError as error:
            raise Unreachable(
                f"the certificate of {self.url} is not trusted: {error.verify_message}. Name the file that vouches for it."
            ) from error
        except ConnectionRefusedError as error:
            raise Unreachable(f"no server answers at {self.url}. Start one with 'loom serve', or check the address.") from error
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise Unreachable(
                f"{self.url} cannot be reached: {reason}. Check the address, and whether the server runs."
            ) from error
        except UnicodeEncodeError as error:  # in a header: the token
            raise LoomError("the token holds characters that no token has. Copy it again.") from error
        finally:
            connection.close()

    def _connection(self, timeout_s: float) -> http.client.HTTPConnection:
        if self._tls is not None:
            return http.client.HTTPSConnection(self.host, self.port, timeout=timeout_s, context=self._tls)
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout_s)

    def _data(self, answer: http.client.HTTPResponse) -> Any:
        data = answer.read(MAX_ANSWER_BYTES)
        if not data:
            return None
        try:
            return json.loads(data)
        except ValueError:
            raise self._stranger(answer) from None

    def _refusal(self, answer: http.client.HTTPResponse) -> LoomError:
        try:
            told = json.loads(answer.read(MAX_ANSWER_BYTES))
            return ServerError(
                answer.status,
                str(told["title"]),
                str(told["detail"]),
                str(told.get("action", "")),
                tuple(problem(one) for one in told.get("problems", [])),
                told.get("etag"),
            )
        except (ValueError, TypeError, LookupError, AttributeError):
            return self._stranger(answer)

    def _stranger(self, answer: http.client.HTTPResponse) -> ServerError:
        detail = f"{self.url} answers {answer.status} {answer.reason}, not as a Latent Loom server does."
        return ServerError(answer.status, "Another kind of server", detail, "Check the address.")


def _parameter(value: Any) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
