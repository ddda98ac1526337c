"""Decides which process runs which job: one worker for each device takes the next job when it is free; one that dies is replaced.

Jobs and their events are written by one thread (``jobs_thread``), so that the event loop never waits for a disk.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import zip_longest
from typing import Any, Literal, Protocol

from graph_engine.database import DatabaseError
from graph_engine.jobs import Job, Jobs, Outcome
from web_ui.sentences import say
from web_ui.settings import Settings
from web_ui.work.protocol import Message, packed, receive_async
from web_ui.work.story import Chapter, Story
from web_ui.work.worker import WorkerSettings

log = logging.getLogger(__name__)

FLUSH_S = 0.1
"""How long events of a run may wait to be written together."""
STOP_S = 9.5
CANCEL_S = 30.0
LONGEST_PAUSE_S = 30.0
LOG_LINES_AT_ONCE = 200

WorkerState = Literal["starting", "idle", "busy", "stopped"]
InThread = Callable[..., Awaitable[Any]]


class Audience(Protocol):
    """Who is told what is not kept: how far a node is, and what it looks like so far."""

    def progress(self, job: str, node: str, done: int, total: int) -> None: ...

    def preview(self, job: str, node: str, picture: bytes) -> None: ...

    @property
    def watched(self) -> bool: ...


@asynccontextmanager
async def first_process(settings: Settings) -> AsyncIterator[Process]:
    """The process of the first worker, gone at the end in any case. What it imports takes longer than all else at a start."""
    process = await _started(WorkerSettings.of(settings, _devices(settings)[0]))
    try:
        yield process
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _started(settings: WorkerSettings) -> Process:
    command = [sys.executable, "-m", "web_ui.work.worker", settings.as_text()]
    return await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=PIPE)


def _devices(settings: Settings) -> Sequence[str]:
    return settings.devices or ["auto"]


class Worker:
    """One process on one device, from the outside. ``process``: its first, where that was started before."""

    def __init__(self, pool: Pool, settings: WorkerSettings, process: Process | None = None) -> None:
        self.pool, self.settings, self._early = pool, settings, process
        self.state: WorkerState = "starting"
        self.restarts = 0
        self.held: list[str] = []
        self.run: Story | None = None
        self._process: Process | None = None
        self._wake = asyncio.Event()
        self._ended = asyncio.Event()
        self._stopping = False
        self._last_lines: list[str] = []

    @property
    def device(self) -> str:
        return self.settings.device

    def wake(self) -> None:
        self._wake.set()

    def send(self, header: Mapping[str, Any]) -> None:
        if self._process is not None and self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(packed(header))

    async def serve(self) -> None:
        """Start the process, give it jobs, and start another when it dies; until ``stop``."""
        pause_s = 0.5
        while not self._stopping:
            born = time.monotonic()
            await self._live()
            self.held = []
            if not self._stopping:
                self.restarts += 1
                pause_s = 0.5 if time.monotonic() - born > LONGEST_PAUSE_S else min(pause_s * 2, LONGEST_PAUSE_S)
                self.state = "starting"
                await asyncio.sleep(pause_s)
        self.state = "stopped"

    async def _live(self) -> None:
        """One process, from birth to death."""
        self._process, self._early = self._early or await _started(self.settings), None
        self._ended = asyncio.Event()
        tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._read_stderr())]
        feeding = asyncio.create_task(self._feed())
        await tasks[0]  # it ends when the process closes its side
        feeding.cancel()
        with suppress(asyncio.CancelledError):
            await feeding
        code = await self._process.wait()
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(tasks[1], 1)
        await self._buried(code)

    async def _buried(self, code: int) -> None:
        run, self.run = self.run, None
        if run is None:
            return
        await self._flush(run)
        if self._stopping:
            await self.pool.in_thread(self.pool.jobs.interrupt, run.job.id)
            return
        cause = say("killed_by_signal", signal=-code) if code < 0 else say("ended_with_code", code=code)
        log.error("The worker on %s died while it ran job %s: %s.", self.device, run.job.id, cause)
        await self.pool.in_thread(self.pool.jobs.log, run.job.id, [f"The worker died: {cause}.", *self._last_lines])
        job = await self.pool.in_thread(self.pool.jobs.died, run.job.id, cause)
        self.pool.ended(job)

    async def _feed(self) -> None:
        """Give the process one job after another."""
        while True:
            self._wake.clear()
            job = None if self._stopping else await self.pool.in_thread(self.pool.jobs.take, self.device, self.held)
            if job is None:
                if self.state != "starting":
                    self.state = "idle"
                await self._wake.wait()
                continue
            self.state, self.held = "busy", list(job.models)
            self._ended.clear()
            self.run = Story(job)
            self.watch()
            header = {"do": "run", "job": job.id, "workflow": job.workflow, "inputs": Jobs.as_text(job.inputs)}
            self.send({**header, "targets": job.targets, "origin": f"server:{job.workflow_name or job.title or 'untitled'}"})
            assert self._process is not None
            assert self._process.stdin is not None
            with suppress(ConnectionError):
                await self._process.stdin.drain()
            await self._ended.wait()

    def watch(self) -> None:
        self.send({"do": "watch", "on": self.pool.audience.watched})

    async def _listen(self) -> None:
        """Take what the process tells, and write it down in batches."""
        assert self._process is not None
        assert self._process.stdout is not None
        flushing = asyncio.create_task(self._flush_often())
        try:
            while (message := await receive_async(self._process.stdout)) is not None:
                await self._take(message)
        finally:
            flushing.cancel()

    async def _take(self, message: Message) -> None:
        header, run = message.header, self.run
        match header["tell"]:
            case "hello":
                if self.state == "starting":
                    self.state = "idle"
                for fault in header["faults"]:
                    log.warning("%s", fault)
            case "warm":
                self.pool.found(header["devices"])
            case "event" if run is not None and header["job"] == run.job.id:
                await self._happened(run, header["event"])
            case "preview" if run is not None:
                self.pool.audience.preview(header["job"], header["node"], message.body)
            case "log":
                self._said(header["lines"])
            case "ended" if run is not None and header["job"] == run.job.id:
                await self._finish(run, header)

    async def _happened(self, story: Story, event: Mapping[str, Any]) -> None:
        """An event of the run: kept, but for progress."""
        if event["event"] == "node_progress":
            self.pool.audience.progress(story.job.id, event["node"], event["done"], event["total"])
            return
        written = event["event"] == "file_written"
        story.add(event, await self.pool.keep(story.job, event["node"], event["path"]) if written else None)

    def _said(self, lines: Sequence[str]) -> None:
        self._last_lines = [*self._last_lines, *lines][-20:]
        if self.run is not None:
            self.run.said(lines[:LOG_LINES_AT_ONCE])

    async def _finish(self, run: Story, header: Mapping[str, Any]) -> None:
        await self._flush(run)
        self.run = None
        if header["state"] == "interrupted":
            job = await self.pool.in_thread(self.pool.jobs.interrupt, run.job.id)
        else:
            outcome = Outcome(
                state=header["state"],
                errors=header.get("errors", ()),
                outputs=header.get("outputs", {}),
                nodes=run.nodes,
                trace=header.get("trace"),
            )
            job = await self.pool.in_thread(self.pool.jobs.finish, run.job.id, outcome)
        self.pool.ended(job)
        self._ended.set()

    async def _flush_often(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_S)
            if self.run is not None:
                await self._flush(self.run)

    async def _flush(self, story: Story) -> None:
        news = story.news()
        if news.events or news.lines:
            await self.pool.in_thread(self._write, story, news)

    def _write(self, story: Story, news: Chapter) -> None:
        """On the jobs' thread. A full disk costs the story of the run, never the run."""
        jobs, id = self.pool.jobs, story.job.id
        try:
            jobs.counted(id, story.done, max(story.total, story.done))
            jobs.log(id, news.lines)
            jobs.happened(news.events)
        except DatabaseError as error:
            log.warning("Events of job %s could not be written: %s", id, error)

    async def _read_stderr(self) -> None:
        assert self._process is not None
        assert self._process.stderr is not None
        while line := await self._process.stderr.readline():
            self._said([line.decode(errors="replace").rstrip()[:2000]])

    def cancel(self, job: str) -> None:
        """Ask the run to stop at its next step; a node that does not listen loses its process."""
        if self.run is not None and self.run.job.id == job:
            self.send({"do": "cancel", "job": job})
            asyncio.get_running_loop().call_later(CANCEL_S, self._kill, self.run)

    def _kill(self, run: Story) -> None:
        if self.run is run and self._process is not None and self._process.returncode is None:
            log.warning("Job %s did not stop within %.0f s, so its worker was ended.", run.job.id, CANCEL_S)
            self._process.kill()

    async def stop(self) -> None:
        """Let the step that runs end and its state be kept; kill what takes too long."""
        self._stopping = True
        self.send({"do": "stop"})
        self.wake()
        if self._process is not None and self._process.returncode is None:
            try:
                await asyncio.wait_for(self._process.wait(), STOP_S)
            except TimeoutError:
                with suppress(ProcessLookupError):
                    self._process.kill()


class Pool:
    """All workers. ``keep`` lists a file that a job made, and gives its id."""

    def __init__(
        self,
        jobs: Jobs,
        settings: Settings,
        first: Process,
        audience: Audience,
        in_thread: InThread,
        keep: Callable[[Job, str, str], Awaitable[str | None]],
        when_ended: Callable[[Job], None] = lambda _job: None,
    ) -> None:
        """``first``: the process of the first worker. Where no device is named, that finds out and the others follow."""
        self.jobs, self.audience, self.in_thread, self.keep, self._when_ended = jobs, audience, in_thread, keep, when_ended
        self._settings, self._fixed = settings, bool(settings.devices)
        self.workers = [
            Worker(self, WorkerSettings.of(settings, device), process)
            for device, process in zip_longest(_devices(settings), [first])
        ]
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(worker.serve()) for worker in self.workers]

    @property
    def ready(self) -> bool:
        return any(worker.state in ("idle", "busy") for worker in self.workers)

    def found(self, devices: Sequence[str]) -> None:
        """A worker says which devices there are: each but the first gets a worker of its own."""
        if not self._fixed:
            self._fixed = True
            for device in devices[1:]:
                worker = Worker(self, WorkerSettings.of(self._settings, device))
                self.workers.append(worker)
                self._tasks.append(asyncio.create_task(worker.serve()))

    def nodes(self, job: Job) -> Mapping[str, Any]:
        """What became of the nodes of ``job``, so far where it still runs."""
        runs = (worker.run for worker in self.workers if worker.run is not None)
        return next((run.over for run in runs if run.job.id == job.id), job.nodes)

    def wake(self) -> None:
        """Something may wait now."""
        for worker in self.workers:
            worker.wake()

    def watch(self) -> None:
        """Somebody looks at previews, or nobody does any more."""
        for worker in self.workers:
            worker.watch()

    def cancel(self, job: str) -> None:
        for worker in self.workers:
            worker.cancel(job)

    def ended(self, job: Job) -> None:
        self._when_ended(job)
        self.wake()

    async def stop(self) -> None:
        await asyncio.gather(*(worker.stop() for worker in self.workers))
        await asyncio.gather(*self._tasks)
