"""Decides how another program is told that a job ended: a signed POST to an origin that the owner of the server allowed, with retries.

The signature is that of Standard Webhooks 1.0 (standardwebhooks.com): HMAC-SHA256 over ``id.timestamp.body``. No redirect is followed, so
an allowed origin cannot send us elsewhere.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import logging
import os
import secrets
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from graph_engine.jobs import Job
from web_ui import describe
from web_ui.problems import RequestError

log = logging.getLogger(__name__)

VARIABLE = "LOOM_WEBHOOK_SECRET"
PAUSES_S = (0.0, 2.0, 10.0, 60.0, 300.0)
TIMEOUT_S = 15.0
MOST_WAITING = 1000


def origin(url: str) -> str | None:
    """``https://host:port`` of a URL; None for one that is no plain http or https URL."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None or parts.password is not None:
        return None
    return f"{parts.scheme}://{parts.hostname.lower()}:{port}"


class Webhooks:
    """Tells in the background; ``told`` is called for each job that was told, or given up."""

    def __init__(
        self,
        allowed: frozenset[str],
        secret_file: Path,
        told: Callable[[str], Awaitable[None]],
        pauses_s: tuple[float, ...] = PAUSES_S,
    ) -> None:
        self._allowed = {origin(one) for one in allowed}
        self._secret_file, self._told, self._pauses_s = secret_file, told, pauses_s
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    def check(self, url: str | None) -> None:
        """Raises RequestError for a webhook that may not be told."""
        if url is not None and (origin(url) is None or origin(url) not in self._allowed):
            raise RequestError(
                422, "This webhook is not allowed", "The server was not started with its origin among those it may tell.",
                "Start it with --webhook-to ORIGIN, such as https://example.org.",
            )  # fmt: skip

    def tell(self, job: Job) -> None:
        """Begin to tell. Beyond ``MOST_WAITING`` at once it is left for the next start of the server."""
        if job.webhook is None or len(self._tasks) >= MOST_WAITING:
            return
        task = asyncio.create_task(self._deliver(job, job.webhook))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _deliver(self, job: Job, url: str) -> None:
        body = describe.job_detail(job).model_dump_json().encode()
        number = f"msg_{job.id}"
        for attempt, pause_s in enumerate(self._pauses_s, start=1):
            await asyncio.sleep(pause_s)
            cause = await self._post(url, number, body)
            if cause is None:
                break
            log.info("The webhook of job %s was not taken (%s), attempt %d.", job.id, cause, attempt)
        else:
            log.warning("The webhook of job %s was not taken after %d attempts.", job.id, len(self._pauses_s))
        await self._told(job.id)

    async def _post(self, url: str, number: str, body: bytes) -> str | None:
        """None when it was taken, else why not."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S), trust_env=False)
        headers = {
            "Content-Type": "application/json",
            **signature(await asyncio.to_thread(self.secret), number, int(time.time()), body),
        }
        try:
            async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                return None if 200 <= answer.status < 300 else f"status {answer.status}"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return type(error).__name__

    def secret(self) -> bytes:
        """From the environment, or made once and kept for its owner alone."""
        if given := os.environ.get(VARIABLE):
            return given.encode()
        if not self._secret_file.exists():
            number = os.open(self._secret_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(number, "w", encoding="ascii") as file:
                file.write(secrets.token_urlsafe(32))
        return self._secret_file.read_bytes()


def signature(secret: bytes, number: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers by which a receiver knows that it was us, and when."""
    signed = hmac.new(secret, b"%s.%d.%s" % (number.encode(), timestamp, body), hashlib.sha256).digest()
    return {
        "webhook-id": number,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
    }
