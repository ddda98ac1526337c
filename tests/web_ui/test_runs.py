"""Jobs over the API of a real server: asked for, watched, stopped, tried again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from tests.web_ui.serving import Served, adding, waiting, workflow


def until_idle(server: Served) -> None:
    """Until every worker could take a job."""
    deadline = time.monotonic() + 60
    while any(worker["state"] != "idle" for worker in server.get("/api/queue")["workers"]):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_job_runs_and_tells_what_became_of_each_node(server: Served) -> None:
    found = server.post("/api/runs?wait=60", {"workflow": {**adding(40, 2), "title": "Sum"}, "client": "me"})
    assert [(one["node"], one["status"], one["reason"]) for one in found["plan"]["nodes"]] == [("add", "runs", "first time")]
    job = found["job"]
    assert (job["state"], job["title"], job["client"], job["attempts"]) == ("succeeded", "Sum", "me", 1)
    assert job["outputs"] == [{"name": "sum", "value": 42}]
    ran = job["nodes"]["add"]
    assert (ran["status"], ran["reason"]) == ("ran", "first time")
    assert ran["seconds"] >= 0
    assert ran["memory_bytes"] >= 0
    assert (job["done"], job["total"]) == (1, 1)
    assert job["created_at"] <= job["started_at"] <= job["ended_at"]


def test_the_same_again_is_served_and_a_change_is_named(server: Served) -> None:
    server.submit({**adding(1, 5), "title": "Again"}, wait=60)
    again = server.submit({**adding(1, 5), "title": "Again"}, wait=60)
    assert again["nodes"]["add"]["status"] == "served"
    plan = server.post("/api/plan", {"workflow": {**adding(1, 6), "title": "Again"}})
    assert [(one["status"], one["reason"]) for one in plan["nodes"]] == [("runs", "b 5 -> 6")]


def test_inputs_are_given_by_name_and_a_stored_value_stays_out_of_it(server: Served) -> None:
    document = {**adding(1), "inputs": {"number": {"to": ["add.a"]}}}
    assert server.submit(document, wait=60, inputs={"number": 9})["outputs"][0]["value"] == 10


def test_a_workflow_with_problems_is_refused_with_all_of_them(server: Served) -> None:
    broken = workflow({"a": ("add", {"a": "x"}), "b": ("nothing", {})}, {"s": "a.value"})
    found = server.post("/api/runs", {"workflow": broken, "targets": ["a", "b"]}, status=422)
    assert found["title"] == "The workflow cannot run"
    assert {(one["node"], one["input"], one["code"]) for one in found["problems"]} == {
        ("a", "a", "bad_value"),
        ("b", None, "unknown_node"),
    }
    assert all(one["cause"] and one["action"] for one in found["problems"])


def test_a_node_that_fails_is_named_with_its_cause_and_without_secrets(server: Served) -> None:
    document = workflow({"f": ("fail", {}), "after": ("add", {}, {"a": "f.value"})}, {"n": "after.value"})
    job = server.submit(document, wait=60)
    assert job["state"] == "failed"
    (error,) = job["errors"]
    assert (error["node"], error["type"], error["cause"]) == ("f", "toy.fail", "ValueError: no good: •••.")
    said = {"reason": {"code": "blocked", "facts": {"by": "f"}}}
    blocked = {"status": "blocked", "reason": "f failed", "seconds": None, "memory_bytes": None, "said": said}
    assert job["nodes"]["after"] == blocked
    events = server.get(f"/api/events?after=0&job={job['id']}")
    told = json.dumps([job, events, server.get(f"/api/runs/{job['id']}/log")])
    assert "geheim123" not in told
    assert "•••" in json.dumps(events, ensure_ascii=False)


def test_a_files_job_lists_its_results(server: Served) -> None:
    document = workflow({"w": ("write", {"value": 77, "name": "seventy"})})
    job = server.submit(document, wait=60)
    (id,) = job["results"]
    assert server.call("GET", f"/api/results/{id}/file").body == b"77"
    listed = server.get("/api/results?search=seventy")
    assert [one["id"] for one in listed["results"]] == [id]
    assert server.get(f"/api/results/{id}/workflow")["workflow"]["nodes"]["w"]["values"]["value"] == 77


def test_asking_again_with_an_idempotency_key_makes_no_second_job(server: Served) -> None:
    key = {"Idempotency-Key": "one and only"}
    first = server.call("POST", "/api/runs", {"workflow": adding(3)}, headers=key)
    second = server.call("POST", "/api/runs", {"workflow": adding(3)}, headers=key)
    assert (first.status, second.status) == (201, 200)
    assert first.data["job"]["id"] == second.data["job"]["id"]
    assert (first.data["repeated"], second.data["repeated"]) == (False, True)
    assert server.call("POST", "/api/runs", {"workflow": adding(4)}, headers=key).status == 422


def test_a_running_job_tells_which_nodes_are_over(server: Served) -> None:
    nodes = {"add": ("add", {"a": 731}), "wait": ("wait", {"seconds": 60, "steps": 600, "value": 0}, {"value": "add.value"})}
    id = server.submit(workflow(nodes, {"value": "wait.value"}))["id"]
    deadline = time.monotonic() + 60
    while not (job := server.job(id))["nodes"]:
        assert time.monotonic() < deadline, job
        time.sleep(0.03)
    assert job["state"] == "running"
    assert {path: node["status"] for path, node in job["nodes"].items()} == {"add": "ran"}
    assert job["nodes"]["add"]["seconds"] is not None
    server.post(f"/api/runs/{id}/cancel")


def test_a_running_job_is_cancelled_at_its_next_step(server: Served) -> None:
    job = server.submit(waiting(60, value=1, steps=600))
    server.until(job["id"], "running")
    server.post(f"/api/runs/{job['id']}/cancel")
    assert server.job(job["id"], wait=30)["state"] == "cancelled"
    assert server.post(f"/api/runs/{job['id']}/cancel")["state"] == "cancelled"


def test_a_waiting_job_is_cancelled_at_once_and_can_be_tried_again(server: Served) -> None:
    busy = server.submit(waiting(60, value=2, steps=600))
    server.until(busy["id"], "running")
    job = server.submit(adding(5, 5))
    assert server.job(job["id"])["position"] == 1
    assert server.post(f"/api/runs/{job['id']}/cancel")["state"] == "cancelled"
    server.post(f"/api/runs/{busy['id']}/cancel")
    again = server.post(f"/api/runs/{job['id']}/retry")["job"]
    assert again["id"] != job["id"]
    assert server.job(again["id"], wait=30)["state"] == "succeeded"
    assert server.call("POST", f"/api/runs/{again['id']}/retry", {}).status == 201
    assert server.call("POST", f"/api/runs/{'0' * 32}/retry", {}).status == 404


def test_the_queue_can_be_paused_moved_and_cleared(server: Served) -> None:
    server.post("/api/queue/pause")
    ids = [server.submit(adding(100 + number))["id"] for number in range(3)]
    server.call("PATCH", f"/api/runs/{ids[2]}", {"before": ids[0]})
    server.call("PATCH", f"/api/runs/{ids[1]}", {"priority": 5})
    queue = server.get("/api/queue")
    assert queue["paused"]
    assert [job["id"] for job in queue["jobs"]] == [ids[1], ids[2], ids[0]]
    assert [job["position"] for job in queue["jobs"]] == [1, 2, 3]
    assert server.job(ids[0])["state"] == "queued"
    assert server.post("/api/queue/clear")["jobs"] == []
    assert not server.post("/api/queue/resume")["paused"]
    assert {server.job(id)["state"] for id in ids} == {"cancelled"}


def test_a_job_has_a_log_a_timeline_and_its_workflow(server: Served) -> None:
    job = server.submit(waiting(0.05, value=3), wait=60)
    lines = server.get(f"/api/runs/{job['id']}/log")["lines"]
    assert any("wait runs: first time" in line for line in lines)
    assert any("wait finished in" in line for line in lines)
    events = server.get(f"/api/runs/{job['id']}/trace")["traceEvents"]
    assert "wait" in {event["name"] for event in events}
    assert server.get(f"/api/runs/{job['id']}/workflow")["workflow"]["nodes"]["wait"]["values"]["value"] == 3


def test_two_jobs_that_want_the_same_at_once_compute_it_once(serve: Callable[..., Served]) -> None:
    server = serve("--device", "one", "--device", "two")
    until_idle(server)
    document = workflow({"slow": ("slow_add", {"a": 1, "seconds": 2.0})}, {"n": "slow.value"})
    ids = [server.submit(document)["id"] for _ in range(2)]
    jobs = [server.job(id, wait=60) for id in ids]
    assert {job["device"] for job in jobs} == {"one", "two"}
    assert sorted(job["nodes"]["slow"]["status"] for job in jobs) == ["ran", "served"]


def test_a_worker_that_is_faster_takes_more(serve: Callable[..., Served]) -> None:
    server = serve("--device", "slow", "--device", "fast")
    until_idle(server)
    server.post("/api/queue/pause")
    ids = [server.submit(waiting(2.0, value=number))["id"] for number in range(8)]
    server.post("/api/queue/resume")
    devices = [server.job(id, wait=60)["device"] for id in ids]
    assert (devices.count("slow"), devices.count("fast")) == (2, 6)


def test_a_worker_that_dies_is_replaced_and_its_job_tried_once_more(serve: Callable[..., Served]) -> None:
    server = serve()
    mark = server.state / "died"
    job = server.submit(workflow({"d": ("die", {"path": str(mark)})}, {"n": "d.value"}), wait=60)
    assert (job["state"], job["attempts"]) == ("succeeded", 2)
    assert any("killed by signal 9" in line for line in server.get(f"/api/runs/{job['id']}/log")["lines"])
    job = server.submit(workflow({"d": ("die", {"path": "always"})}, {"n": "d.value"}), wait=60)
    assert (job["state"], job["attempts"]) == ("failed", 2)
    assert "its worker died twice: it was killed by signal 9" in job["errors"][0]["cause"]
    assert server.submit(adding(1), wait=60)["state"] == "succeeded"
    assert server.get("/api/queue")["workers"][0]["restarts"] == 3


def test_jobs_are_listed_newest_first(server: Served) -> None:
    ids = [server.submit(adding(200 + number), client="lister")["id"] for number in range(3)]
    for id in ids:
        server.job(id, wait=30)
    page = server.get("/api/runs?client=lister&limit=2")
    assert [job["id"] for job in page["jobs"]] == [ids[2], ids[1]]
    assert page["total"] == 3
    assert server.get("/api/runs?client=lister&state=failed")["jobs"] == []
