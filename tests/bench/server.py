"""Prints what the server costs: start, requests a second and their latencies, idle and while a job computes, and jobs a second.

    python tests/bench/server.py [REQUESTS [JOBS]]        default: 2000 200

Each request is made over a connection that stays open; latencies are those of one client after another. The toy pack of the tests makes
trivial jobs; the computing one samples with the model that ships. The machine is shared: compare the columns of one run.
"""

from __future__ import annotations

import http.client
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.web_ui.serving import Served, adding  # noqa: E402  (the tests are no package that is installed)

STARTS = 5


def latencies(server: Served, path: str, count: int) -> tuple[float, float, float]:
    """Requests a second, median and 99th percentile in milliseconds."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    found = []
    began = time.perf_counter()
    for _ in range(count):
        started = time.perf_counter()
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
        found.append(time.perf_counter() - started)
    rate = count / (time.perf_counter() - began)
    connection.close()
    found.sort()
    return rate, found[len(found) // 2] * 1e3, found[int(len(found) * 0.99)] * 1e3


def start_seconds(folder: Path) -> list[float]:
    """From the start of the process to the first answer, and to the first that says ready."""
    found = []
    for index in range(STARTS):
        began = time.perf_counter()
        server = Served(folder / f"start{index}")
        while server.call("GET", "/api/ready").status != 200:
            time.sleep(0.01)
        found.append(time.perf_counter() - began)
        server.stop()
    return sorted(found)


def jobs_a_second(server: Served, count: int, make: Callable[[int], dict[str, object]]) -> float:
    began = time.perf_counter()
    ids = [server.submit(make(number))["id"] for number in range(count)]
    while server.job(ids[-1], wait=60)["state"] != "succeeded":
        pass
    return count / (time.perf_counter() - began)


def main(requests: int = 2000, jobs: int = 200) -> None:
    with tempfile.TemporaryDirectory() as folder:
        seconds = start_seconds(Path(folder))
        print(f"start until ready: median {seconds[len(seconds) // 2]:.2f} s ({seconds[0]:.2f} to {seconds[-1]:.2f})")
        server = Served(Path(folder) / "state")
        try:
            server.submit(adding(0), wait=60)
            idle = {path: latencies(server, path, requests) for path in ("/api/health", "/api/queue")}
            print(f"jobs a second, trivial graphs: {jobs_a_second(server, jobs, adding):.0f}")
            sampling = json.loads((ROOT / "workflows" / "text_to_image.json").read_text())
            server.submit(sampling, wait=60)  # the model is loaded
            job = server.submit(sampling, inputs={"steps": 1000, "seed": 2})
            server.until(job["id"], "running")
            busy = {path: latencies(server, path, requests) for path in ("/api/health", "/api/queue")}
            state = server.job(job["id"])["state"]
            server.post(f"/api/runs/{job['id']}/cancel")
            print(f"\n{'':14}{'requests/s':>12}{'p50 ms':>9}{'p99 ms':>9}")
            for path in idle:
                for name, found in ((f"{path} idle", idle[path]), (f"{path} while sampling ({state})", busy[path])):
                    print(f"{name:44}{found[0]:12.0f}{found[1]:9.2f}{found[2]:9.2f}")
        finally:
            server.stop()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
