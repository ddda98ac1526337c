"""A real server in a process of its own, and a plain client for it."""

from __future__ import annotations

import http.client
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

PACKS = Path(__file__).parent / "packs"
START_S = 60.0


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def data(self) -> Any:
        return json.loads(self.body)


class Served:
    """``loom serve`` on a free port, with the toy pack and without warming up."""

    def __init__(self, state: Path, *options: str, environment: Mapping[str, str] | None = None) -> None:
        self.state, self.options = state, options
        self._environment = {**os.environ, "LOOM_TOKEN": "", **(environment or {})}
        self.lines: list[str] = []
        self.start()

    def start(self) -> None:
        command = [
            sys.executable, "-m", "graph_engine", "serve", "--state", str(self.state), "--packs", str(PACKS), "--port", "0",
            "--no-browser", "--no-warm-up", *self.options,
        ]  # fmt: skip
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environment,
            cwd=Path(__file__).parents[2],
        )
        said: queue.Queue[str] = queue.Queue()
        for stream in (self.process.stdout, self.process.stderr):
            threading.Thread(target=self._read, args=(stream, said), daemon=True).start()
        deadline = time.monotonic() + START_S
        while True:
            assert time.monotonic() < deadline, self.lines
            try:
                line = said.get(timeout=0.2)
            except queue.Empty:
                assert self.process.poll() is None, self.lines
                continue
            if line.startswith("Latent Loom is at "):
                self.url = line.removeprefix("Latent Loom is at ").split("#")[0].strip()
                break

    def _read(self, stream: Any, said: queue.Queue[str]) -> None:
        with stream:
            for line in stream:
                self.lines.append(line)
                said.put(line)

    @property
    def port(self) -> int:
        port = urlsplit(self.url).port
        assert port is not None
        return port

    def call(
        self, method: str, path: str, data: Any = None, *, body: bytes | None = None, headers: Mapping[str, str] | None = None,
        timeout_s: float = 90.0,
    ) -> Answer:  # fmt: skip
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        sent = body if body is not None else None if data is None else json.dumps(data).encode()
        given = {} if method == "GET" else {"Content-Type": "application/json"}
        try:
            connection.request(method, path, body=sent, headers={**given, **(headers or {})})
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **options: Any) -> Any:
        answer = self.call("GET", path, **options)
        assert answer.status == 200, answer
        return answer.data

    def post(self, path: str, data: Any = None, status: int | None = None, **options: Any) -> Any:
        answer = self.call("POST", path, {} if data is None else data, **options)
        assert answer.status in ((200, 201) if status is None else (status,)), answer
        return answer.data

    def submit(self, workflow: Mapping[str, Any], wait: float = 0, **facts: Any) -> Any:
        return self.post(f"/api/runs?wait={wait}", {"workflow": workflow, **facts})["job"]

    def job(self, id: str, wait: float = 0) -> Any:
        return self.get(f"/api/runs/{id}?wait={wait}")

    def until(self, id: str, *states: str) -> Any:
        """The job, once it is in one of these states."""
        deadline = time.monotonic() + 60
        while (job := self.job(id))["state"] not in states:
            assert time.monotonic() < deadline, job
            time.sleep(0.03)
        return job

    def kill(self) -> None:
        """As ``kill -9``."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """As SIGTERM; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        finally:
            if self.process.poll() is None:
                self.process.kill()


def workflow(nodes: Mapping[str, Any], outputs: Mapping[str, str] | None = None, **facts: Any) -> dict[str, Any]:
    """A document from ``{name: (type, values, links)}``."""
    found = {
        name: {"type": f"toy.{kind}", "version": 1, "values": values, **({"links": links[0]} if links else {})}
        for name, (kind, values, *links) in nodes.items()
    }
    declared = {name: {"from": source} for name, source in (outputs or {}).items()}
    return {"format": "latent-loom/1", "nodes": found, "outputs": declared, **facts}


def waiting(seconds: float, value: int = 0, steps: int = 10) -> dict[str, Any]:
    """A workflow that takes time."""
    return workflow({"wait": ("wait", {"seconds": seconds, "value": value, "steps": steps})}, {"value": "wait.value"})


def adding(a: int, b: int = 1) -> dict[str, Any]:
    """A workflow that takes none."""
    return workflow({"add": ("add", {"a": a, "b": b})}, {"sum": "add.value"})
