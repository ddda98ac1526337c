"""Decides who hears what, and when: events in order and none missed, progress and previews only as they are now.

Events have numbers and are kept; a listener that asks after a number gets all above it, from memory or from the database, at its own
pace. Progress and previews are not kept: a slow listener finds the latest when it comes for it, so nothing piles up for it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from graph_engine.jobs import Happening, Jobs
from web_ui import describe, schema

REMEMBERED = 5000
AT_ONCE = 500

InThread = Callable[..., Awaitable[Any]]


class GapError(LookupError):
    """Events after that number are no longer kept: the caller must look at the state anew."""


@dataclass(slots=True, eq=False)
class Listener:
    """One client. ``news`` is set when there is something to fetch."""

    job: str | None = None
    previews: bool = False
    news: asyncio.Event = field(default_factory=asyncio.Event)
    progress: dict[tuple[str, str], schema.Progress] = field(default_factory=dict)
    pictures: dict[str, tuple[str, bytes]] = field(default_factory=dict)

    def hears(self, job: str | None) -> bool:
        return self.job is None or self.job == job


class Hub:
    """All listeners. Everything here is called on the event loop, but for ``heard``."""

    def __init__(self, jobs: Jobs, in_thread: InThread, when_watched: Callable[[], None]) -> None:
        """``when_watched`` is called when the first listener for previews comes, and when the last one goes."""
        self._jobs, self._in_thread, self._when_watched = jobs, in_thread, when_watched
        self._listeners: set[Listener] = set()
        self._recent: deque[schema.EventInfo] = deque(maxlen=REMEMBERED)
        self._cursor = self._since = jobs.cursor()
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._collect())

    async def close(self) -> None:
        self._task.cancel()
        for listener in self._listeners:
            listener.news.set()

    def heard(self) -> None:
        """The jobs changed; from any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._news.set)

    @property
    def cursor(self) -> int:
        return self._cursor

    @property
    def watched(self) -> bool:
        return any(listener.previews for listener in self._listeners)

    def listen(self, job: str | None = None, previews: bool = False) -> Listener:
        before, listener = self.watched, Listener(job=job, previews=previews)
        self._listeners.add(listener)
        if self.watched != before:
            self._when_watched()
        return listener

    def leave(self, listener: Listener) -> None:
        before = self.watched
        self._listeners.discard(listener)
        if self.watched != before:
            self._when_watched()

    def progress(self, job: str, node: str, done: int, total: int) -> None:
        told = schema.Progress(job=job, node=node, done=done, total=total)
        for listener in self._listeners:
            if listener.hears(job):
                listener.progress[job, node] = told
                listener.news.set()

    def preview(self, job: str, node: str, picture: bytes) -> None:
        for listener in self._listeners:
            if listener.previews and listener.hears(job):
                listener.pictures[job] = (node, picture)
                listener.news.set()

    async def after(self, cursor: int, job: str | None = None) -> list[schema.EventInfo]:
        """Events above ``cursor``, at most some hundred at once. Raises GapError."""
        if cursor >= self._since:
            found = (event for event in self._recent if event.cursor > cursor and (job is None or event.job == job))
            return [event for event, _ in zip(found, range(AT_ONCE), strict=False)]
        return await self.stored(cursor, job)

    async def stored(self, cursor: int, job: str | None = None) -> list[schema.EventInfo]:
        """The same as it stands in the database, so that whoever saw a change finds its event. Raises GapError."""
        if cursor < await self._in_thread(self._jobs.first_cursor):
            raise GapError
        happened = await self._in_thread(self._jobs.events, cursor, job, AT_ONCE)
        return await self._described(happened)

    async def _collect(self) -> None:
        """Fetch new events once for all listeners."""
        while True:
            await self._news.wait()
            self._news.clear()
            happened = await self._in_thread(self._jobs.events, self._cursor, None, REMEMBERED)
            for event in await self._described(happened):
                if len(self._recent) == self._recent.maxlen:
                    self._since = self._recent[0].cursor
                self._recent.append(event)
                self._cursor = event.cursor
                for listener in self._listeners:
                    if listener.hears(event.job):
                        listener.news.set()

    async def _described(self, happened: Sequence[Happening]) -> list[schema.EventInfo]:
        jobs = {one.job for one in happened if one.job is not None and one.kind.startswith("job_")}
        known = await self._in_thread(self._jobs.among, jobs)
        # A job may be forgotten while its events are read.
        kept = [one for one in happened if one.job not in jobs or one.job in known]
        return [describe.event(one, known.get(one.job or "") if one.kind.startswith("job_") else None) for one in kept]
