"""Decides how ``loom run`` works with a server: pictures go there, a job is queued and followed, what it makes is written here.

The server's events become those of a run here, so that the same watchers show it. A thread listens and downloads; the main thread alone
writes and hears Ctrl-C.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from graph_engine import events
from graph_engine.cli import output
from graph_engine.cli.request import Opened
from graph_engine.cli.watch import TICK_S, Watcher, ctrl_c
from graph_engine.client import Client, Event, Job, Progress, ServerError, Unreachable
from graph_engine.client.records import Fault
from graph_engine.errors import DeliveryError, LoomError, WorkflowError
from graph_engine.execute import RunResult, RunStatus
from graph_engine.folders import Folders
from graph_engine.graph import Graph, compile
from graph_engine.workflow.document import Workflow

ENDS: Mapping[str, RunStatus] = {"job_succeeded": "succeeded", "job_failed": "failed", "job_cancelled": "cancelled"}


@dataclass(frozen=True, slots=True)
class _Broken:
    """The listening thread cannot go on."""

    error: LoomError


class Remote:
    """One run on a server. Raises WorkflowError for what the server finds wrong, LoomError when it cannot be asked."""

    def __init__(self, opened: Opened, url: str, token: str | None, output_folder: Path) -> None:
        if opened.typed.problems:
            raise WorkflowError(opened.typed.problems)
        self._opened, self._folder = opened, output_folder
        self._client = Client(url, token=token)
        self._reasons: dict[str, str] = {}
        self._result = RunResult(reasons=self._reasons)
        self._job = ""
        self._sequence = 0
        self._began = 0.0
        self._arrived: queue.SimpleQueue[events.Event | _Broken] = queue.SimpleQueue()

    def trace(self) -> bytes:
        return self._client.trace(self._job)

    def follow(self, watcher: Watcher) -> RunResult:
        """Queue the job and follow it to its end. The first Ctrl-C cancels it there, as does what the watcher raises."""
        with ctrl_c() as interrupted:
            started_s = time.perf_counter()
            job, cursor = self._submit()
            self._job, self._began = job.id, started_s
            self._tell_wait(job)
            threading.Thread(target=self._listen, args=(job, cursor), name="loom-events", daemon=True).start()
            told = ended = False
            try:
                while not ended:
                    ended = self._drain(watcher)
                    if interrupted.is_set() and not told:
                        told = True
                        watcher.cancelling()
                        self._client.cancel(job.id)
                    watcher.tick()
            except (ServerError, Unreachable):
                raise
            except BaseException:
                with suppress(LoomError):
                    self._client.cancel(job.id)
                raise
            finally:
                watcher.close()
        self._result.elapsed_s = time.perf_counter() - started_s
        return self._result

    def _submit(self) -> tuple[Job, int]:
        """The queued job, and the cursor before it."""
        typed = self._opened.typed
        workflow, given = typed.changed_workflow(), typed.all_given()
        graph = compile(workflow, self._opened.registry, folders=self._folders(), given=given)
        workflow, given = self._with_uploads(workflow, given, graph)
        cursor = self._client.cursor()
        title = workflow.title or typed.source.path.stem
        try:
            submitted = self._client.submit(workflow, given, targets=self._opened.targets, title=title[:200])
        except ServerError as error:
            if error.problems:
                raise WorkflowError(error.problems) from error
            raise
        return submitted.job, cursor

    def _tell_wait(self, job: Job) -> None:
        """What keeps the job waiting, so that nobody takes it for a hang."""
        if job.state != "queued":
            return
        if self._client.queue().paused:
            output.tell("the server's queue is paused: the job waits until it goes on.", fg="yellow")
        elif job.position is not None and job.position > 1:
            output.tell(f"number {job.position} in the server's queue.")

    def _folders(self) -> Folders:
        return replace(self._opened.folders, given=self._opened.typed.files)

    def _with_uploads(self, workflow: Workflow, given: Mapping[str, Any], graph: Graph) -> tuple[Workflow, dict[str, Any]]:
        """The same with each picture that lies here sent there, under the name that it has there."""
        sent: dict[Path, str] = {}
        inputs = {target: name for name, targets in graph.inputs.items() for target in targets}
        changed_inputs, changed_values = dict(given), dict[str, Any]()
        for path, name, file in self._local_files(graph):
            if file not in sent:
                sent[file] = self._upload(file)
            if (path, name) in inputs:
                changed_inputs[inputs[path, name]] = sent[file]
            elif path in workflow.nodes:
                changed_values[f"{path}.{name}"] = sent[file]
        return workflow.with_values(changed_values), changed_inputs

    def _local_files(self, graph: Graph) -> Iterator[tuple[str, str, Path]]:
        """Node path and input of everything that names a file in a folder of ours; models stay where they are."""
        folders = self._folders()
        for node in graph.nodes:
            for name, spec in node.spec.inputs.items():
                value = node.constants.get(name)
                if spec.choice is not None and isinstance(value, str) and (file := folders.input_file(value)) is not None:
                    yield node.path, name, file

    def _upload(self, file: Path) -> str:
        try:
            return self._client.upload(file).name
        except OSError as error:
            raise LoomError(f"{file} cannot be read: {error.strerror}.") from error
        except ServerError as error:
            raise LoomError(f"{file} could not be sent: {error}") from error

    # the main thread

    def _drain(self, watcher: Watcher) -> bool:
        """Pass on what is there, waiting a moment if nothing is. True when the run's last event was among it."""
        try:
            arrived = self._arrived.get(timeout=TICK_S)
            for _ in range(1000):  # then draw, however many more there are
                if self._pass_on(arrived, watcher):
                    return True
                arrived = self._arrived.get_nowait()
        except queue.Empty:
            return False
        return self._pass_on(arrived, watcher)

    @staticmethod
    def _pass_on(arrived: events.Event | _Broken, watcher: Watcher) -> bool:
        if isinstance(arrived, _Broken):
            raise arrived.error
        last = isinstance(arrived, events.RunFinished)
        if last or watcher.wants(arrived):
            watcher.on_event(arrived)
        return last

    # the listening thread

    def _listen(self, job: Job, cursor: int) -> None:
        try:
            for event in self._client.events(cursor, job=job.id):
                if isinstance(event, Progress):
                    self._tell(events.NodeProgress, None, node=event.node, done=event.done, total=event.total)
                elif self._heard(event, job.created_at):
                    return
        except LoomError as error:
            text = f"the job {job.id} was lost sight of, and goes on there: {error}"
            self._arrived.put(_Broken(Unreachable(text)))
        except Exception as error:  # ours; the main thread must not wait for ever
            self._arrived.put(_Broken(LoomError(f"an answer of the server was not understood: {type(error).__name__}: {error}")))

    def _heard(self, event: Event, submitted_at: float) -> bool:
        """Take in an event of the server; True for the last one. Times count from when the job was queued."""
        data, at_s, result = event.data, max(0.0, event.at - submitted_at), self._result
        node = data.get("node", "")
        match event.kind:
            case "job_running":
                self._tell(events.RunStarted, at_s, nodes=data.get("total", 0))
            case "node_started":
                self._reasons[node] = data["reason"]
                self._tell(events.NodeStarted, at_s, node=node, type=data["type"], reason=data["reason"])
            case "node_finished":
                result.ran[node] = data["seconds"]
                self._tell(events.NodeFinished, at_s, node=node, type=data["type"], elapsed_s=data["seconds"])
            case "node_served":
                result.served.append(node)
                self._tell(events.NodeServed, at_s, node=node, type=data["type"])
            case "node_failed":
                facts = {name: data[name] for name in ("type", "cause", "action")}
                self._tell(events.NodeFailed, at_s, node=node, **facts)
            case "node_blocked":
                result.blocked.append(node)
                self._tell(events.NodeBlocked, at_s, node=node, by=data["by"])
            case "file_written":
                self._deliver(node, data.get("result"), at_s)
            case "job_succeeded" | "job_failed" | "job_cancelled":
                self._end(ENDS[event.kind], at_s)
                return True
        return False

    def _deliver(self, node: str, result: str | None, at_s: float) -> None:
        try:
            if result is None:
                raise DeliveryError(f"{node} wrote a file on the server that could not be listed there. See the job's log.")
            path = self._client.download(result, self._folder)
        except (DeliveryError, ServerError) as error:  # the others may still come
            self._result.errors.append(error)
            return
        self._result.files.append(path)
        self._tell(events.FileWritten, at_s, node=node, path=str(path))

    def _end(self, status: RunStatus, at_s: float) -> None:
        job = self._client.job(self._job)
        result = self._result
        result.errors[:0] = [fault.error() if fault.node else LoomError(_sentence(fault)) for fault in job.errors]
        result.status = "failed" if result.errors and status == "succeeded" else status
        result.outputs = job.values
        self._tell(events.RunFinished, at_s, status=result.status, ran=len(result.ran), served=len(result.served))

    def _tell(self, kind: type[events.Event], at_s: float | None, **facts: Any) -> None:
        self._sequence += 1
        now_s = time.perf_counter() - self._began if at_s is None else at_s
        self._arrived.put(kind(sequence=self._sequence, at_s=now_s, **facts))


def _sentence(fault: Fault) -> str:
    return f"{fault.cause} {fault.action}".strip()
