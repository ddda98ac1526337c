"""Decides how a job runs in its own process: one engine on one device, told what to do over stdin, telling what happens over stdout.

The process holds no state that matters: results are in the cache that all processes share, and a job whose worker dies goes on from
there. It ends when the server does, since its stdin closes then.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from graph_engine import Engine, Request, events
from graph_engine.errors import LoomError, NodeError, WorkflowError
from graph_engine.execute import Run, RunResult
from graph_engine.folders import Folders
from graph_engine.registry import Registry, discover
from graph_engine.secrets import Secrets
from graph_engine.sentences import message, said
from graph_engine.timeline import chrome_trace
from graph_engine.workflow.text import load_json, parse
from web_ui.sentences import say
from web_ui.settings import Settings
from web_ui.work.memory import MemoryWatch
from web_ui.work.protocol import Sender, receive

log = logging.getLogger(__name__)

PREVIEW_INTERVAL_S = 0.1
STOP_S = 8.0
"""How long a node may take to end its step when the server stops; then it is left, and its job goes on from what is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """What a worker is started with, as JSON in its first argument."""

    device: str
    dtype: str
    models: list[str]
    inputs: list[str]
    outputs: str
    cache: str | None
    packs: list[str]
    warm_up: bool = True

    @classmethod
    def of(cls, settings: Settings, device: str) -> WorkerSettings:
        """What a server with these settings starts the worker of ``device`` with."""
        return cls(
            device=device,
            dtype=settings.dtype,
            models=[str(path.absolute()) for path in settings.folders.models],
            inputs=[str(path.absolute()) for path in settings.folders.inputs],
            outputs=str(settings.outputs.absolute()),
            cache=str(settings.cache.absolute()),
            packs=[str(path.absolute()) for path in settings.packs],
            warm_up=settings.warm_up,
        )

    def as_text(self) -> str:
        return json.dumps(asdict(self))

    def folders(self) -> Folders:
        return Folders(models=tuple(map(Path, self.models)), inputs=tuple(map(Path, self.inputs)))

    def engine(self, registry: Registry, secrets: Secrets) -> Engine:
        return Engine(
            registry,
            folders=self.folders(),
            options={"device": self.device, "dtype": self.dtype},
            cache_folder=None if self.cache is None else Path(self.cache),
            secrets=secrets,
        )


def main() -> None:
    """Run jobs until the server says stop, or is gone."""
    settings = WorkerSettings(**json.loads(sys.argv[1]))
    told = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print is no message
    secrets = Secrets()
    sender = Sender(told)
    logging.basicConfig(level=logging.INFO, handlers=[_JobLog(sender, secrets)])
    registry = discover([Path(folder) for folder in settings.packs])
    worker = Worker(settings.engine(registry, secrets), settings, sender)
    sender.send({"tell": "hello", "faults": [str(fault) for fault in registry.faults]})
    if settings.warm_up:
        threading.Thread(target=worker.warm_up, args=(registry,), name="warm-up", daemon=True).start()
    while (message := receive(sys.stdin.buffer)) is not None:
        if message.header["do"] == "stop":
            worker.stop()
            break
        worker.obey(message.header)
    os._exit(0)  # threads of libraries may hang; everything that counts is written


class Worker:
    """One engine and at most one run at a time."""

    def __init__(self, engine: Engine, settings: WorkerSettings, sender: Sender) -> None:
        self._engine, self._settings, self._sender = engine, settings, sender
        self._run: Run | None = None
        self._job = self._cancelled = ""
        self._stopping = False
        self._watched = False
        self._previewed_at = 0.0
        self._memory = MemoryWatch()
        self._lock = threading.Lock()

    def warm_up(self, registry: Registry) -> None:
        """Import what nodes need while nobody waits, and tell which devices there are."""
        devices: list[str] = []
        for name in registry.warm_ups:
            module, _, function = name.partition(":")
            try:
                devices += getattr(import_module(module), function)()
            except Exception as error:  # the pack's; a run will tell in full what is wrong
                log.warning("%s could not be warmed up: %s: %s", name, type(error).__name__, error)
        self._sender.send({"tell": "warm", "devices": devices})

    def obey(self, header: Mapping[str, Any]) -> None:
        match header["do"]:
            case "run":
                threading.Thread(target=self._run_job, args=(header,), name="job", daemon=True).start()
            case "cancel":
                with self._lock:
                    self._cancelled = header["job"]
                    if self._run is not None and self._job == header["job"]:
                        self._run.cancel()
            case "watch":
                self._watched = header["on"]

    def stop(self) -> None:
        """End the step that runs, keep its state, write what is queued."""
        with self._lock:
            self._stopping, run = True, self._run
        if run is not None:
            run.cancel()
            if run.wait(STOP_S) is None:
                return
        self._engine.close()

    def _run_job(self, header: Mapping[str, Any]) -> None:
        job = header["job"]
        try:
            result = self._result(job, header)
            outcome = self._outcome(result)
        except WorkflowError as error:
            outcome = {"state": "failed", "errors": [_error(problem.as_json()) for problem in error.problems]}
        except LoomError as error:
            outcome = {"state": "failed", "errors": [_error({"cause": message(error)})]}
        except Exception as error:  # ours: the job must end, and the log must say where
            log.exception("the job ended by a fault of Latent Loom")
            outcome = {
                "state": "failed",
                "errors": [_error({"cause": f"{type(error).__name__}: {error}", "action": say("report_log")})],
            }
        with self._lock:
            self._run, self._job, stopped = None, "", self._stopping
        if outcome["state"] == "cancelled" and stopped:
            outcome = {"state": "interrupted"}
        self._sender.send({"tell": "ended", "job": job, **outcome})

    def _result(self, job: str, header: Mapping[str, Any]) -> RunResult:
        request = Request(
            workflow=parse(header["workflow"]),
            given=load_json(header["inputs"]),
            targets=header["targets"],
            origin=header["origin"],
            output_folder=Path(self._settings.outputs),
        )
        self._memory.begin()
        try:
            with self._lock:
                if self._stopping:
                    return RunResult(status="cancelled")
                run = self._run = self._engine.start(request, lambda event: self._tell(job, event))
                self._job = job
                if self._cancelled == job:  # before it began
                    run.cancel()
            result = run.wait()
            assert result is not None
            return result
        finally:
            self._memory.end()

    def _tell(self, job: str, event: events.Event) -> None:
        """From the run's threads, one event at a time."""
        if isinstance(event, events.NodePreview):
            if self._watched and time.monotonic() - self._previewed_at >= PREVIEW_INTERVAL_S:
                self._previewed_at = time.monotonic()
                self._sender.send({"tell": "preview", "job": job, "node": event.node}, event.render())
            return
        facts = event.as_json()
        if isinstance(event, events.NodeStarted):
            self._memory.started(event.node)
        elif isinstance(event, events.NodeFinished):
            facts["memory_bytes"] = self._memory.finished(event.node)
        if told := said(facts):
            facts["said"] = told
        self._sender.send({"tell": "event", "job": job, "event": facts})

    def _outcome(self, result: RunResult) -> dict[str, Any]:
        if result.fault is not None:
            log.error("%s", "".join(traceback.format_exception(result.fault)))
        errors = [
            _error(error.as_json() if isinstance(error, NodeError) else {"cause": message(error)}) for error in result.errors
        ]
        if result.fault is not None and not errors:
            errors = [_error({"cause": say("fault_of_loom", error=str(result.fault)), "action": say("report_log")})]
        outputs = {name: value for name, value in result.outputs.items() if _is_plain(value)}
        return {"state": result.status, "errors": errors, "outputs": outputs, "trace": chrome_trace(result.intervals)}


def _error(facts: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: facts[name] for name in ("cause", "action", "node", "type") if facts.get(name)}
    return {**told, "said": said(told)}


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float) or (isinstance(value, list) and all(map(_is_plain, value)))


class _JobLog(logging.Handler):
    """Log records go to the server, which knows whose they are; without secrets."""

    def __init__(self, sender: Sender, secrets: Secrets) -> None:
        super().__init__()
        self._sender, self._secrets = sender, secrets
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._sender.send({"tell": "log", "lines": self._secrets.redact(self.format(record)).splitlines()})
        except Exception:
            self.handleError(record)


if __name__ == "__main__":
    main()
