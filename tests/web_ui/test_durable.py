"""Nothing is lost: over kill -9, SIGTERM, full disks and damaged files."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.web_ui.serving import Served, adding, waiting, workflow


def chain(seconds: float) -> dict[str, object]:
    """Two nodes that take time, one after the other."""
    return workflow(
        {
            "first": ("wait", {"value": 5, "seconds": 0.2}),
            "second": ("wait", {"seconds": seconds, "steps": int(seconds * 10)}, {"value": "first.value"}),
        },
        {"n": "second.value"},
    )


def test_kill_9_with_50_jobs_loses_none_and_the_running_one_goes_on(serve: Callable[..., Served]) -> None:
    server = serve(environment={"LOOM_CHECKPOINT_S": "0"})
    running = server.submit(chain(600))
    ids = [server.submit(adding(number), title=str(number))["id"] for number in range(50)]
    _until_progress(server, running["id"], 5, node="second")
    workers = psutil.Process(server.process.pid).children(recursive=True)
    server.kill()
    gone, alive = psutil.wait_procs(workers, 20)
    assert (len(gone), alive) == (1, []), "workers end with the server"
    server.start()
    queue = server.get("/api/queue")["jobs"]
    assert [job["id"] for job in queue] == [running["id"], *ids]
    job = server.until(running["id"], "running")
    assert job["attempts"] == 2
    events = server.get(f"/api/events?after=0&job={running['id']}")["events"]
    assert [event["kind"] for event in events if event["kind"].startswith("job_")] == [
        "job_queued",
        "job_running",
        "job_interrupted",
        "job_running",
    ]
    _until(lambda: server.get(f"/api/events?after=0&job={running['id']}")["events"][-1]["kind"] == "node_started")
    served = [
        event["data"]
        for event in server.get(f"/api/events?after=0&job={running['id']}")["events"]
        if event["kind"] == "node_served"
    ]
    assert [one["node"] for one in served] == ["first"]
    server.post(f"/api/runs/{running['id']}/cancel")
    last = server.job(ids[-1], wait=60)
    assert [server.job(id)["state"] for id in ids] == ["succeeded"] * 50
    assert last["outputs"][0]["value"] == 50


def test_a_job_goes_on_from_the_step_where_it_was_killed(serve: Callable[..., Served]) -> None:
    server = serve(environment={"LOOM_CHECKPOINT_S": "0"})
    job = server.submit(waiting(20, value=4, steps=100))
    _until_progress(server, job["id"], 20)
    server.kill()
    server.start()
    assert _until_progress(server, job["id"], 1) > 20, "the steps before the kill are not taken again"
    assert server.job(job["id"], wait=60)["state"] == "succeeded"


def test_sigterm_keeps_the_step_that_runs_and_goes_on_from_it(serve: Callable[..., Served]) -> None:
    server = serve(environment={"LOOM_CHECKPOINT_S": "3600"})  # only the stop itself keeps the state
    job = server.submit(waiting(30, value=6, steps=150))
    waits = server.submit(adding(1))
    _until_progress(server, job["id"], 20)
    assert server.stop() == 0
    server.start()
    assert [one["id"] for one in server.get("/api/queue")["jobs"]] == [job["id"], waits["id"]]
    assert _until_progress(server, job["id"], 1) > 20
    assert server.job(job["id"])["attempts"] == 2


def test_the_queue_stays_paused_over_a_restart(serve: Callable[..., Served]) -> None:
    server = serve()
    server.post("/api/queue/pause")
    job = server.submit(adding(1))
    server.kill()
    server.start()
    assert server.get("/api/queue")["paused"]
    server.post("/api/queue/resume")
    assert server.job(job["id"], wait=60)["state"] == "succeeded"


def test_two_servers_never_share_a_state_folder(serve: Callable[..., Served]) -> None:
    server = serve()
    with pytest.raises(AssertionError, match="another server uses"):
        serve()
    assert server.get("/api/health")["status"] == "ok"


def test_a_damaged_database_is_put_aside_told_and_never_deleted(serve: Callable[..., Served]) -> None:
    server = serve()
    server.submit(workflow({"w": ("write", {"value": 1, "name": "kept"})}), wait=60)
    assert server.stop() == 0
    for name in ("jobs.sqlite", "results.sqlite"):
        (server.state / name).write_bytes(b"rubbish" * 1000)
    server.start()
    _until(lambda: server.call("GET", "/api/ready").status == 200)
    notes = server.get("/api/ready")["notes"]
    assert len(notes) == 2
    assert all("was put aside as" in note for note in notes)
    aside = sorted(path.name for path in server.state.iterdir() if path.is_file() and path.read_bytes()[:7] == b"rubbish")
    assert [name.split(".")[0] for name in aside] == ["jobs", "results"]
    assert server.submit(adding(1), wait=60)["state"] == "succeeded"
    _until(lambda: server.get("/api/results")["total"] == 1)  # the index is made again from the files
    assert server.get("/api/results")["results"][0]["file"] == "kept_0001.txt"


def test_an_outputs_folder_that_cannot_be_written_fails_the_job_with_the_reason(serve: Callable[..., Served]) -> None:
    server = serve()
    outputs = server.state / "outputs"
    assert server.submit(adding(1), wait=60)["state"] == "succeeded"
    if outputs.exists():
        outputs.rename(server.state / "elsewhere")
    outputs.write_text("a file where the folder should be")
    job = server.submit(workflow({"w": ("write", {"value": 5})}), wait=60)
    assert job["state"] == "failed"
    assert "could not be written" in job["errors"][0]["cause"]
    outputs.unlink()
    assert server.submit(workflow({"w": ("write", {"value": 5})}), wait=60)["state"] == "succeeded"


def test_a_full_disk_refuses_new_jobs_and_keeps_the_old_ones(serve: Callable[..., Served], tmp_path: Path) -> None:
    """The limit on a file's size (RLIMIT_FSIZE) stands in for a full disk: the write fails in the same place."""
    server = serve()
    kept = server.submit(adding(1), wait=60)
    before = (server.state / "jobs.sqlite-wal").stat().st_size
    psutil.Process(server.process.pid).rlimit(psutil.RLIMIT_FSIZE, (before + 4096, before + 4096))
    answers = [server.call("POST", "/api/runs", {"workflow": adding(number), "title": "x" * 200}) for number in range(20)]
    refused = next(answer for answer in answers if answer.status == 507)
    assert refused.data["title"] == "It could not be stored"
    assert "Make room" in refused.data["detail"]
    assert server.get("/api/health")["status"] == "ok"
    assert server.job(kept["id"])["state"] == "succeeded"
    accepted = [answer.data["job"]["id"] for answer in answers if answer.status == 201]
    server.kill()
    server.start()
    assert all(server.job(id, wait=60)["state"] == "succeeded" for id in accepted)


def test_a_state_folder_that_cannot_be_used_is_told_at_once(serve: Callable[..., Served], tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(AssertionError, match="Choose another folder with --state"):
        serve(state=file / "state")


def test_an_address_that_is_taken_is_told_at_once(serve: Callable[..., Served], tmp_path: Path) -> None:
    server = serve()
    with pytest.raises(AssertionError, match="Choose another --port or --host"):
        serve("--port", str(server.port), state=tmp_path / "other")


def _until_progress(server: Served, job: str, done: int, node: str = "wait") -> int:
    """Listen until the node of the job has done that many steps; returns how many it had."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("GET", f"/api/events/stream?job={job}")
    stream = connection.getresponse()
    assert stream.status == 200
    try:
        while line := stream.readline():
            told = json.loads(line[6:]) if line.startswith(b"data: {") else {}
            if told.get("kind") == "progress" and told["node"] == node and told["done"] >= done:
                return int(told["done"])
        raise AssertionError("the stream ended")
    finally:
        connection.close()


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)
