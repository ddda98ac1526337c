"""The server as a whole: it starts at once, stays quick while a job runs, says how it does, and holds its limits."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable

import psutil

from tests.web_ui.serving import Served, adding, waiting, workflow
from web_ui import openapi
from web_ui.routes import ROUTES
from web_ui.settings import MAX_CONNECTIONS, is_loopback


def test_it_is_ready_for_jobs_and_imports_nothing_heavy(serve: Callable[..., Served]) -> None:
    server = serve()
    deadline = time.monotonic() + 30
    while not server.call("GET", "/api/ready").data["ready"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    loaded = {part for one in psutil.Process(server.process.pid).memory_maps() for part in one.path.split("/")}
    assert not {"torch", "diffusers", "transformers"} & loaded
    assert "pydantic_core" in loaded, "so the look at what is loaded sees something"


def test_health_answers_while_a_job_computes(server: Served) -> None:
    """Proved by what comes first, not by a clock: many answers, while a node that gives way to nobody holds its process."""
    job = server.submit(workflow({"deaf": ("deaf", {"seconds": 20.0})}, {"n": "deaf.value"}))
    server.until(job["id"], "running")
    for _ in range(100):
        assert server.get("/api/health")["status"] == "ok"
    assert server.job(job["id"])["state"] == "running"
    server.post(f"/api/runs/{job['id']}/cancel")


def test_metrics_tell_what_happened(server: Served) -> None:
    server.submit(adding(1234), wait=60)
    server.submit(adding(1234), wait=60)
    text = server.call("GET", "/metrics").body.decode()
    figures = {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in text.splitlines() if not line.startswith("#")}
    assert figures['loom_jobs_ended_total{state="succeeded"}'] >= 2
    assert figures['loom_nodes_total{status="served"}'] >= 1
    assert figures['loom_jobs{state="waiting"}'] == 0
    assert any(name.startswith('loom_workers{device="auto"') for name in figures)
    assert figures['loom_requests_total{method="POST",status="201"}'] >= 2


def test_the_description_names_every_route_and_every_model_is_there(server: Served) -> None:
    found = server.get("/api/openapi.json")
    assert found["openapi"] == "3.1.0"
    described = {(method.upper(), path) for path, methods in found["paths"].items() for method in methods}
    assert described == {(route.method, route.path) for route in ROUTES}
    names = [one["operationId"] for methods in found["paths"].values() for one in methods.values()]
    assert len(names) == len(set(names))
    references = {part.split('"')[0] for part in json.dumps(found).split('"#/components/schemas/')[1:]}
    assert references <= set(found["components"]["schemas"])
    assert all(route.summary.endswith(".") for route in ROUTES)


def test_there_is_a_page_that_describes_it_without_scripts(server: Served) -> None:
    page = server.call("GET", "/api/docs").body.decode()
    assert "<script" not in page
    assert page == openapi.page(ROUTES, server.get("/api/health")["version"])
    for route in ROUTES:
        assert route.summary in page or "&" in page


def test_the_catalogue_is_paged_searched_and_known_by_its_etag(server: Served) -> None:
    everything = server.call("GET", "/api/nodes")
    types = [node["type"] for node in everything.data["nodes"]]
    assert {"loom.sample", "toy.add"} <= set(types)
    page = server.get("/api/nodes?offset=1&limit=2")
    assert [node["type"] for node in page["nodes"]] == types[1:3]
    assert page["total"] == len(types)
    found = server.get("/api/nodes?search=add+numbers&category=toy")
    assert [node["type"] for node in found["nodes"]] == ["toy.add"]
    again = server.call("GET", "/api/nodes", headers={"If-None-Match": everything.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    assert server.get("/api/nodes/toy.add")["summary"] == "Add two numbers."
    assert server.call("GET", "/api/nodes/toy.ad").data["action"] == "Did you mean toy.add?"
    assert server.call("GET", "/api/nodes/toy.add/choices/a").status == 404


def test_the_catalogue_says_which_texts_are_colours_and_which_are_drawings(server: Served) -> None:
    fields = {
        f"{node['type']}.{field['name']}": field
        for node in server.get("/api/nodes?limit=1000")["nodes"]
        for field in node["inputs"]
    }
    colours = {name for name, field in fields.items() if field["colour"]}
    assert {"loom.solid_image.colour", "loom.mask_from_colour.colour", "loom.pad_image.colour"} <= colours
    assert colours == {name for name in fields if name.endswith(".colour")}
    assert {name for name, field in fields.items() if field["strokes"]} == {"loom.draw_mask.strokes"}
    assert fields["loom.draw_mask.strokes"]["multiline"]


def test_check_gives_every_problem_and_the_types_of_all_outputs(server: Served) -> None:
    document = workflow({"add": ("add", {"a": 1}), "w": ("wait", {"steps": 0}, {"value": "add.value"})}, {"n": "w.value"})
    found = server.post("/api/check", {"workflow": document})
    assert [(one["node"], one["input"], one["code"]) for one in found["problems"]] == [("w", "steps", "bad_range")]
    assert found["types"]["add"]["value"] == {
        "kind": "named",
        "name": "int",
        "parameters": [],
        "item": None,
        "options": [],
        "text": "int",
    }


def test_more_connections_than_it_holds_are_closed_and_the_rest_go_on(serve: Callable[..., Served]) -> None:
    server = serve()
    held = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(MAX_CONNECTIONS)]
    time.sleep(0.5)
    late = socket.create_connection(("127.0.0.1", server.port))
    late.settimeout(30)
    try:
        late.sendall(b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = late.recv(100)
    except ConnectionError:
        answer = b""
    assert answer == b""
    held[0].sendall(b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert b"200 OK" in held[0].recv(100)
    for connection in (*held, late):
        connection.close()
    deadline = time.monotonic() + 30
    while True:
        try:
            assert server.get("/api/health")["status"] == "ok"
            break
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_memory_stays_flat_over_many_jobs_and_clients(serve: Callable[..., Served]) -> None:
    """About half a minute of work; the bound is generous, since memory that is freed is not given back at once."""
    server = serve()
    process = psutil.Process(server.process.pid)

    def work(first: int, count: int) -> None:
        for number in range(first, first + count):
            server.submit(adding(number), wait=30)
            server.get("/api/queue")
            server.get("/api/nodes?search=sample")

    def round(number: int) -> int:
        threads = [threading.Thread(target=work, args=(number * 10_000 + index * 1000, 15)) for index in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return int(process.memory_info().rss)

    round(0)
    before = round(1)
    for number in range(2, 8):
        after = round(number)
    assert after - before < 40 * 2**20
    assert len(process.open_files()) < 60
    assert process.num_threads() < 60


def test_old_jobs_and_thumbnails_are_removed_and_what_they_made_stays(serve: Callable[..., Served]) -> None:
    server = serve()
    made = []
    for number in range(4):
        job = server.submit(workflow({"p": ("paint", {"value": number, "name": f"p{number}"})}), wait=30)
        (id,) = job["results"]
        server.call("GET", f"/api/results/{id}/thumbnail")
        made.append((job["id"], id))
    server.post("/api/queue/pause")
    waiting_one = server.submit(adding(1))["id"]
    heard = server.get("/api/events")["cursor"]
    server.stop()
    server = serve("--keep-jobs", "2", "--keep-thumbnails", "1")
    small = server.state / "thumbnails"
    deadline = time.monotonic() + 30
    while server.get("/api/runs")["total"] > 3 or len(list(small.glob("*/*.webp"))) > 1:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert {job["id"] for job in server.get("/api/runs")["jobs"]} == {made[2][0], made[3][0], waiting_one}
    assert server.call("GET", f"/api/runs/{made[0][0]}").status == 404
    events = server.get(f"/api/events?after={heard}")["events"]
    assert [event["data"] for event in events if event["kind"] == "jobs_forgotten"] == [{"jobs": [made[1][0], made[0][0]]}]
    assert server.get("/api/results")["total"] == 4
    for _, id in made:
        assert server.call("GET", f"/api/results/{id}/file").status == 200
        assert server.call("GET", f"/api/results/{id}/thumbnail").status == 200
    server.post("/api/queue/resume")
    server.until(waiting_one, "succeeded")


def test_an_emptied_trash_takes_files_and_thumbnails_with_it_and_is_told(serve: Callable[..., Served]) -> None:
    server = serve()
    kept, thrown = (
        server.submit(workflow({"p": ("paint", {"value": 7, "name": name})}), wait=30)["results"][0]
        for name in ("kept", "thrown")
    )
    for id in (kept, thrown):
        server.call("GET", f"/api/results/{id}/thumbnail")
    server.call("DELETE", f"/api/results/{thrown}", {})
    assert server.post("/api/trash/empty") == {"deleted": 1}
    for part in ("", "/file", "/thumbnail"):
        assert server.call("GET", f"/api/results/{thrown}{part}").status == 404
        assert server.call("GET", f"/api/results/{kept}{part}").status == 200
    assert [path.stem for path in (server.state / "thumbnails").glob("*/*.webp")] == [kept]
    told = server.get("/api/events?after=0")["events"][-1]
    assert (told["kind"], told["data"]) == ("result_deleted", {"count": 1})
    assert server.call("GET", "/api/trash/empty").status == 404, "nothing changes on GET"


def test_a_node_that_does_not_listen_loses_its_process_when_cancelled(serve: Callable[..., Served]) -> None:
    server = serve()
    job = server.submit(workflow({"deaf": ("deaf", {"seconds": 600.0})}, {"n": "deaf.value"}))
    server.until(job["id"], "running")
    server.post(f"/api/runs/{job['id']}/cancel")
    assert server.job(job["id"], wait=50)["state"] == "cancelled"
    assert server.submit(adding(1), wait=60)["state"] == "succeeded"


def test_an_address_that_only_this_machine_reaches_is_known() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.3.2.1", "::1", "[::1]", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.1.2", "example.org", "")))


def test_requests_that_take_long_do_not_keep_others_waiting(server: Served) -> None:
    job = server.submit(waiting(3.0, value=91))
    waits = [threading.Thread(target=server.job, args=(job["id"], 20)) for _ in range(40)]
    for thread in waits:
        thread.start()
    assert server.get("/api/health")["status"] == "ok"
    for thread in waits:
        thread.join(30)
        assert not thread.is_alive()
