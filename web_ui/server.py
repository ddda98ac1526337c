"""Decides which parts a server is made of, and in which order they begin and end."""

from __future__ import annotations

import asyncio
import logging
from asyncio.subprocess import Process
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from graph_engine.jobs import Job, Jobs
from graph_engine.workflow.text import parse
from web_ui import schema, templates
from web_ui.catalogue import Catalogue
from web_ui.editor_files import editor_folder
from web_ui.metrics import Metrics
from web_ui.security import Guard
from web_ui.settings import Settings
from web_ui.store.folder import WorkflowFolder
from web_ui.store.results import ResultIndex
from web_ui.store.thumbnails import Thumbnails
from web_ui.store.uploads import Uploads
from web_ui.store.workflows import WorkflowStore
from web_ui.stream import Hub
from web_ui.webhooks import Webhooks
from web_ui.work.pool import Pool

log = logging.getLogger(__name__)

T = TypeVar("T")
LARGE_LISTS = 200
FILE_THREADS = 8
RESCAN_S = 30.0
TIDY_S = 600.0


class Server:
    """All that handlers use. ``start`` inside a running event loop; ``stop`` ends it and loses nothing.

    ``first``: the process of the first worker, which was started before all this.
    """

    def __init__(self, settings: Settings, first: Process) -> None:
        self.settings, self._first = settings, first
        self._hub: Hub | None = None
        self.guard = Guard(settings)
        self.version = _version()
        self._database_thread = ThreadPoolExecutor(1, thread_name_prefix="jobs")
        self._file_threads = ThreadPoolExecutor(FILE_THREADS, thread_name_prefix="files")
        self.catalogue = Catalogue(settings)
        self.workflows = WorkflowStore(settings.workflows, settings.revisions)
        self.templates = WorkflowFolder(templates.folder())
        self.thumbnails = Thumbnails(settings.thumbnails)
        self.uploads = Uploads(settings.inputs)
        self.results = ResultIndex(settings.outputs, settings.results)
        self.jobs = Jobs(settings.jobs, self._heard)
        self.metrics = Metrics(self)
        self.hub: Hub
        self.pool: Pool
        self.webhooks: Webhooks
        self.editor = editor_folder()
        self.stopping = asyncio.Event()

    async def start(self) -> None:
        self.hub = self._hub = Hub(self.jobs, self.in_thread, self._watched)
        self.webhooks = Webhooks(self.settings.webhook_origins, self.settings.state / "webhook.secret", self._told)
        for job in await self.in_thread(self.jobs.webhooks_due):
            self.webhooks.tell(job)
        self.pool = Pool(self.jobs, self.settings, self._first, self.hub, self.in_thread, self._keep, self._ended)
        self.pool.start()
        self._tasks = [asyncio.create_task(self._look_after_results()), asyncio.create_task(self._tidy())]

    async def stop(self) -> None:
        """What runs ends its step and goes on after the next start; what waits waits."""
        self.stopping.set()
        for task in self._tasks:
            task.cancel()
        await self.pool.stop()
        await self.webhooks.close()
        await self.hub.close()
        self._database_thread.shutdown()
        self._file_threads.shutdown(cancel_futures=True)
        self.jobs.close()
        self.results.close()
        self.catalogue.close()

    # threads

    async def in_thread(self, function: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """Work on the jobs, in their own thread and in order."""
        call = partial(function, *arguments, **named)
        return await asyncio.get_running_loop().run_in_executor(self._database_thread, call)

    async def in_files(self, function: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """Work on files, or work that takes long, in one of several threads."""
        call = partial(function, *arguments, **named)
        return await asyncio.get_running_loop().run_in_executor(self._file_threads, call)

    @staticmethod
    def is_large(model: BaseModel) -> bool:
        """Whether writing the model as JSON would keep the event loop."""
        lists = (value for value in vars(model).values() if isinstance(value, list | dict))
        return any(len(value) >= LARGE_LISTS for value in lists)

    # what happens

    def _heard(self) -> None:
        """The jobs changed; from their thread."""
        if self._hub is not None:
            self._hub.heard()

    def _watched(self) -> None:
        self.pool.watch()

    def _ended(self, job: Job) -> None:
        self.metrics.ended(job)
        if job.ended and job.webhook:
            self.webhooks.tell(job)

    async def _look_after_results(self) -> None:
        """Make the index again from the files whenever it was lost: at the start, or because it proved to be damaged."""
        while True:
            if self.results.missing:
                await self.in_files(self.results.rescan)
            await asyncio.sleep(RESCAN_S)

    async def _tidy(self) -> None:
        """Forget what is older than anybody asks for, at the start and from time to time."""
        while True:
            try:
                await self.in_thread(self.jobs.forget, self.settings.keep_jobs)
                await self.in_files(self.thumbnails.prune, self.settings.keep_thumbnails)
            except Exception:  # a full disk, say: it is tried again, and nothing depends on it
                log.exception("Old jobs and thumbnails could not be removed")
            await asyncio.sleep(TIDY_S)

    async def _told(self, job: str) -> None:
        await self.in_thread(self.jobs.webhook_told, job)

    async def _keep(self, job: Job, node: str, path: str) -> str | None:
        """List a file that a job made; None where that fails, which must not end the run."""
        try:
            result = await self.in_files(self._list, Path(path), job, node)
            await self.in_thread(self.jobs.made, job.id, result.id)
            await self.tell("result_added", id=result.id, node=node)
        except Exception:  # a full disk, say: the file is there all the same
            log.exception("%s could not be listed", Path(path).name)
            return None
        return result.id

    def _list(self, path: Path, job: Job, node: str) -> schema.Result:
        return self.results.add(path, job=job.id, node=node, title=job.title, inputs=job.inputs, workflow=parse(job.workflow))

    async def tell(self, kind: str, **data: Any) -> None:
        """An event that belongs to no job."""
        await self.in_thread(self.jobs.happened, [(kind, None, data)])

    def readiness(self) -> schema.Ready:
        reasons = [] if self.pool.ready else ["no worker is ready yet"]
        if self.stopping.is_set():
            reasons.append("the server is stopping")
        damaged = [*self.jobs.database.put_aside, *self.results.put_aside]
        notes = [f"a damaged database was put aside as {path.name}; a new one was begun" for path in damaged]
        return schema.Ready(ready=not reasons, reasons=reasons, notes=notes)


def _version() -> str:
    try:
        return version("latent-loom")
    except PackageNotFoundError:
        return "0"
