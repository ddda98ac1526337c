"""Decides who is let in: under which host name, from which page, with which token, and how much of anything at once.

A server on this machine alone needs no token, but a page of another site must not talk to it: the Host header is held against the names
it is known by (DNS rebinding), and Origin and Sec-Fetch-Site against that (cross-site requests), before anything else happens.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from web_ui import problems
from web_ui.problems import RequestError
from web_ui.routing import JSON, Route
from web_ui.sentences import say
from web_ui.settings import MAX_REQUESTS, MAX_STREAMS, Settings

COOKIE = "loom_session"
COOKIE_AGE_S = 30 * 24 * 3600
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; font-src 'self'; connect-src 'self'; "
        "manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}
NO_STORE = {"Cache-Control": "no-store"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Guard:
    """The middleware around every route."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._names = LOOPBACK_NAMES | settings.hosts | {settings.host}
        self.requests = self.streams = 0

    async def __call__(self, request: web.Request, handler: Handler, route: Route | None) -> web.StreamResponse:
        """Let the request through to ``handler``, or answer it with a problem. ``route`` is None for the pages of the editor."""
        stream = route is not None and route.stream
        try:
            self._admit(request, route)
            with _Counted(self, stream):
                answer = await handler(request)
        except web.HTTPException as error:
            answer = problems.response(error)
        except Exception as error:  # the border of the server: whatever a handler raises is told in one form
            answer = problems.response(error)
        if not answer.prepared:
            for name, value in {**HEADERS, **(NO_STORE if route is not None else {})}.items():
                answer.headers.setdefault(name, value)
        return answer

    def _admit(self, request: web.Request, route: Route | None) -> None:
        self._check_host(request)
        self._check_origin(request)
        if route is None:
            return
        if not route.open and not self.authenticated(request):
            raise RequestError(
                401, "A token is needed", "This server answers only to who shows its token.",
                "Send it as 'Authorization: Bearer TOKEN', or open the page with it.", headers={"WWW-Authenticate": "Bearer"},
            )  # fmt: skip
        if route.changes:
            expected = (*route.takes, JSON) if not route.takes else tuple(route.takes)
            if not _fits(request.content_type if hdrs.CONTENT_TYPE in request.headers else "", expected):
                raise RequestError(
                    415, "Another content type is needed", f"A change comes with Content-Type: {' or '.join(expected)}.",
                    "Set the header, also where the body is empty.",
                )  # fmt: skip

    def _check_host(self, request: web.Request) -> None:
        """A name that somebody else's DNS may point here is refused; an address cannot be pointed."""
        host = request.headers.get(hdrs.HOST, "")
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            name = ""
        if name in self._names or _is_address(name):
            return
        raise RequestError(
            421, "Unknown host name", f"This server is not known as {name[:100]!r}.",
            "Use localhost or its address, or start it with --allow-host.",
        )  # fmt: skip

    def _check_origin(self, request: web.Request) -> None:
        origin = request.headers.get(hdrs.ORIGIN)
        own = f"{self._settings.scheme}://{request.headers.get(hdrs.HOST, '')}"
        site = request.headers.get("Sec-Fetch-Site", "")
        visits = (
            request.method == "GET"
            and request.headers.get("Sec-Fetch-Mode") == "navigate"
            and not request.path.startswith("/api")
        )
        if (origin is not None and origin.lower() != own.lower()) or (site in ("cross-site", "same-site") and not visits):
            raise RequestError(
                403, "From another site", "A page of another site must not talk to this server.", "Open its own page."
            )

    def authenticated(self, request: web.Request) -> bool:
        """Whether the caller shows the token, if one is needed; compared in constant time."""
        if self._settings.token is None:
            return True
        kind, _, shown = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        if kind.lower() == "bearer" and self.is_token(shown.strip()):
            return True
        return hmac.compare_digest(request.cookies.get(COOKIE, "").encode(), self._session().encode())

    def is_token(self, shown: str) -> bool:
        return self._settings.token is not None and hmac.compare_digest(_digest(shown), _digest(self._settings.token))

    def _session(self) -> str:
        """What the cookie holds: made from the token, so that a restart keeps it, and not the token itself."""
        assert self._settings.token is not None
        return hmac.new(self._settings.token.encode(), b"loom session", hashlib.sha256).hexdigest()

    def sign_in(self, answer: web.StreamResponse) -> None:
        answer.set_cookie(
            COOKIE, self._session(), httponly=True, samesite="Strict", secure=self._settings.scheme == "https", max_age=COOKIE_AGE_S
        )  # fmt: skip


class _Counted:
    """Keeps count of what goes on, and refuses what is too much."""

    def __init__(self, guard: Guard, stream: bool) -> None:
        self._guard, self._stream = guard, stream

    def __enter__(self) -> None:
        guard = self._guard
        if (guard.streams >= MAX_STREAMS) if self._stream else (guard.requests >= MAX_REQUESTS):
            raise RequestError(503, "Too busy", say("too_busy"), say("try_again"), headers={"Retry-After": "1"})
        self._count(1)

    def __exit__(self, *_error: object) -> None:
        self._count(-1)

    def _count(self, by: int) -> None:
        if self._stream:
            self._guard.streams += by
        else:
            self._guard.requests += by


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


def _fits(given: str, expected: tuple[str, ...]) -> bool:
    return any(given == one or (one.endswith("/*") and given.startswith(one[:-1])) for one in expected)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
