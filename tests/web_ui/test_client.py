"""``loom.client`` against a real server: everything that it can ask."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

import graph_engine as loom
from graph_engine.client import Client, Event, JobFailed, Progress, ServerError, records
from graph_engine.errors import Cancelled
from graph_engine.workflow import Workflow, parse
from graph_engine.workflow.embed import extract
from tests.web_ui.serving import Served, adding, waiting, workflow
from tests.web_ui.store.pictures import picture
from web_ui import schema

JOINED = {records.Fault: schema.JobError, records.Output: schema.JobOutput, records.Worker: schema.WorkerInfo}
SAME = {
    records.Job: schema.JobDetail, records.NodeRun: schema.NodeRun, records.PlannedNode: schema.PlannedNode, records.Plan: schema.Plan,
    records.Submitted: schema.Submitted, records.Queue: schema.Queue, records.DeclaredInput: schema.DeclaredInputInfo,
    records.Check: schema.CheckReply, records.Event: schema.EventInfo, records.Progress: schema.Progress,
    records.WorkflowSummary: schema.WorkflowSummary, records.StoredWorkflow: schema.StoredWorkflow, records.Revision: schema.Revision,
    records.Result: schema.ResultDetail, records.Uploaded: schema.Uploaded, records.NodeType: schema.NodeInfo, **JOINED,
}  # fmt: skip


def of(document: dict[str, Any]) -> Workflow:
    return parse(json.dumps(document))


@pytest.fixture
def client(server: Served) -> Client:
    return Client(server.url, name="tests")


@pytest.mark.parametrize("record", SAME, ids=lambda record: record.__name__)
def test_a_record_has_only_fields_that_the_api_has(record: type[BaseModel]) -> None:
    told = SAME[record].model_fields
    assert record.model_fields.keys() <= told.keys()
    for name, field in record.model_fields.items():
        assert field.is_required() <= told[name].is_required(), name
        if not get_args(told[name].annotation):
            assert field.annotation in (told[name].annotation, Any, dict[str, Any], Workflow, *SAME), name


def test_a_workflow_runs_and_gives_its_outputs(client: Client) -> None:
    document = of({**adding(1), "inputs": {"number": {"to": ["add.a"]}}, "title": "Sum"})
    job = client.run(document, {"number": 41}, priority=3)
    job.raise_errors()
    assert job.values == {"sum": 42}
    assert (job.state, job.ended, job.title, job.client, job.priority) == ("succeeded", True, "Sum", "tests", 3)
    assert job.nodes["add"].status == "ran"
    assert client.job(job.id) == job
    assert job.id in [one.id for one in client.jobs(client="tests").items]
    assert client.jobs(state="failed", client="nobody").total == 0
    assert client.job_workflow(job.id) == (document, {"number": 41})
    assert any("add" in line for line in client.log(job.id))
    assert json.loads(client.trace(job.id))


def test_the_same_key_gives_the_same_job(client: Client) -> None:
    first = client.submit(of(adding(5)), key="once")
    again = client.submit(of(adding(5)), key="once")
    assert (first.repeated, again.repeated, again.job.id) == (False, True, first.job.id)
    assert [node.node for node in first.plan.nodes] == ["add"]


def test_a_job_that_fails_says_where_and_a_workflow_that_cannot_run_says_all_that_is_wrong(client: Client) -> None:
    job = client.run(of(workflow({"f": ("fail", {})}, {"n": "f.value"})))
    with pytest.raises(JobFailed, match=r"^f \(toy\.fail\) failed: ") as caught:
        job.raise_errors()
    assert (caught.value.node, caught.value.exit_code) == ("f", 4)
    broken = of(workflow({"a": ("add", {"a": "x"}), "b": ("nothing", {})}, {"s": "a.value", "t": "b.value"}))
    with pytest.raises(ServerError) as refused:
        client.submit(broken)
    assert {(one.node, one.code) for one in refused.value.problems} == {("a", "bad_value"), ("b", "unknown_node")}
    assert {one.node for one in client.check(broken).problems} == {"a", "b"}
    assert client.check(of(adding(1))).problems == []


def test_a_job_is_waited_for_cancelled_and_tried_again(client: Client) -> None:
    job = client.submit(of(waiting(60))).job
    with pytest.raises(TimeoutError, match=f"the job {job.id} is still"):
        client.wait(job.id, 0.1)
    client.cancel(job.id)
    ended = client.wait(job.id)
    assert ended.state == "cancelled"
    with pytest.raises(Cancelled):
        ended.raise_errors()
    again = client.retry(job.id).job
    assert again.id != job.id
    assert client.cancel(again.id).id == again.id
    assert client.wait(again.id).state == "cancelled"


def test_the_queue_is_paused_changed_and_goes_on(client: Client) -> None:
    assert client.pause().paused
    try:
        first, second = (client.submit(of(adding(number))).job for number in (7, 8))
        client.move(second.id, priority=5)
        waits = [job.id for job in client.queue().jobs if job.id in (first.id, second.id)]
        assert waits == [second.id, first.id]
        assert client.plan(of(adding(9))).nodes[0].status == "runs"
    finally:
        assert not client.resume().paused
    assert client.wait(first.id).state == client.wait(second.id).state == "succeeded"
    assert client.queue().workers[0].device


def test_events_tell_the_whole_story_of_a_job(client: Client) -> None:
    cursor = client.cursor()
    job = client.submit(of(waiting(0.5, value=77))).job
    heard = list(takewhile(lambda one: getattr(one, "kind", "") != "job_succeeded", client.events(cursor, job=job.id)))
    kinds = [one.kind for one in heard if isinstance(one, Event)]
    assert kinds[:2] == ["job_queued", "job_running"]
    assert kinds[-1] == "node_finished"
    assert any(isinstance(one, Progress) and (one.node, one.total) == ("wait", 10) for one in heard)
    cursors = [one.cursor for one in heard if isinstance(one, Event)]
    assert cursors == sorted(set(cursors))
    assert cursors[0] > cursor


def test_events_go_on_after_a_restart_of_the_server(serve: Callable[..., Served]) -> None:
    server = serve("--port", "0")
    port = server.port
    client = Client(server.url)
    cursor = client.cursor()
    heard = client.events(cursor)
    client.run(of(adding(1)))
    first = next(heard)
    server.stop()
    server.options = ("--port", str(port))
    server.start()
    client.run(of(adding(2)))
    client.submit(of(adding(3)), title="last")
    told = [first, *takewhile(lambda one: not (isinstance(one, Event) and one.data.get("title") == "last"), heard)]
    kinds = [one.kind for one in told if isinstance(one, Event)]
    assert [kinds.count(kind) for kind in ("job_queued", "job_running", "job_succeeded")] == [2, 2, 2]
    cursors = [one.cursor for one in told if isinstance(one, Event)]
    assert cursors == sorted(set(cursors))


def test_workflows_are_stored_changed_and_protected_from_two_writers(client: Client) -> None:
    first = client.save_workflow("Käse Brot", of(adding(1)))
    assert client.workflow("Käse Brot") == first
    second = client.save_workflow("Käse Brot", of(adding(2)), etag=first.etag)
    for late in ({"etag": first.etag}, {}):
        with pytest.raises(ServerError) as caught:
            client.save_workflow("Käse Brot", of(adding(3)), **late)
        assert caught.value.status in (409, 412)
    assert caught.value.exit_code == 4
    assert [one.number for one in client.revisions("Käse Brot")] == [2, 1]
    assert client.revision("Käse Brot", 1).workflow == of(adding(1))
    assert client.run("Käse Brot").values == {"sum": 3}
    assert [one.name for one in client.workflows("brot").items] == ["Käse Brot"]
    assert client.schema("Käse Brot")["type"] == "object"
    assert client.rename_workflow("Käse Brot", "Brot").etag == second.etag
    client.delete_workflow("Brot", second.etag)
    with pytest.raises(ServerError, match="There is no workflow 'Brot'") as gone:
        client.workflow("Brot")
    assert gone.value.status == 404


def test_results_are_found_downloaded_liked_and_thrown_away(client: Client, tmp_path: Path) -> None:
    document = of(workflow({"w": ("write", {"value": 12, "name": "zwölf"})}, title="Twelve"))
    job = client.run(document)
    (id,) = job.results
    found = client.result(id)
    assert (found.job, found.node, found.title, found.media_type) == (job.id, "w", "Twelve", "text/plain")
    assert client.content(id) == b"12"
    written = client.download(id, tmp_path)
    assert (written.name, written.read_bytes()) == ("zwölf_0001.txt", b"12")
    assert client.result_workflow(id)[0] == document
    assert [one.id for one in client.results("zwölf").items] == [id]
    assert client.set_favourite(id).favourite
    assert [one.id for one in client.results(favourite=True, job=job.id).items] == [id]
    client.delete_result(id)
    assert client.results(job=job.id).total == 0
    assert client.results(job=job.id, trashed=True).total == 1
    assert client.restore_result(id).trashed_at is None
    client.delete_result(id)
    assert client.empty_trash() >= 1
    assert client.results(job=job.id, trashed=True).total == client.empty_trash() == 0


def test_a_picture_is_sent_and_named_by_its_content(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "my photo.png"
    path.write_bytes(picture(size=(12, 9)))
    sent = client.upload(path)
    assert (sent.width, sent.height) == (12, 9)
    assert client.upload(path.read_bytes()) == sent
    assert sent.name in client.choices("loom.load_image", "name")
    with pytest.raises(ServerError, match="no picture of a known format") as caught:
        client.upload(b"no picture")
    assert caught.value.status == 422


def test_the_catalogue_is_read(client: Client) -> None:
    assert {"toy.add", "loom.sample"} <= {one.type for one in client.nodes().items}
    assert [one.type for one in client.nodes("toy.add").items][:1] == ["toy.add"]
    assert [one["name"] for one in client.node("toy.add").inputs] == ["a", "b"]
    with pytest.raises(ServerError):
        client.node("toy.nothing")


def test_a_token_opens_the_door(serve: Callable[..., Served]) -> None:
    server = serve("--token", "geheim")
    for wrong in (None, "falsch"):
        with pytest.raises(ServerError, match="answers only to who shows its token") as caught:
            Client(server.url, token=wrong).queue()
        assert caught.value.status == 401
    assert not Client(server.url, token="geheim").queue().paused
    assert not loom.client.Client(f"{server.url}#token=geheim").queue().paused


def test_a_server_with_its_own_certificate_is_reached_with_it_and_refused_without(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    certificate, key = own_certificate(tmp_path)
    server = serve("--tls-cert", str(certificate), "--tls-key", str(key))
    assert not Client(server.url, certificates=certificate).queue().paused
    with pytest.raises(loom.client.Unreachable, match=r"is not trusted: .*Name the file that vouches for it"):
        Client(server.url).queue()


def own_certificate(folder: Path) -> tuple[Path, Path]:
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject, *files]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


def test_many_clients_at_once_get_what_is_theirs(server: Served) -> None:
    found: dict[int, Any] = {}

    def work(number: int) -> None:
        found[number] = Client(server.url, name=f"client {number % 5}").run(of(adding(number, 1000))).values

    threads = [threading.Thread(target=work, args=(number,)) for number in range(25)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: {"sum": number + 1000} for number in range(25)}


def test_a_picture_that_is_downloaded_carries_its_workflow(client: Client, tmp_path: Path) -> None:
    document = of(workflow({"p": ("paint", {"side": 9, "value": 77})}, title="Grey"))
    (id,) = client.run(document).results
    path = client.download(id, tmp_path)
    assert extract(path).workflow == document
    assert (client.result(id).width, client.result(id).height) == (9, 9)


def test_the_page_about_it_says_what_is_true(server: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "client.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    document = workflow({"p": ("paint", {})}, inputs={"prompt": {"to": ["p.name"]}})
    path = tmp_path / "w.json"
    path.write_text(json.dumps(document))
    names = {"path": path, "folder": tmp_path / "made"}
    exec("\n".join(blocks).replace("http://127.0.0.1:8288", server.url), names)
    said = capsys.readouterr().out
    assert "a red circle_0001.png" in said
    assert Client(server.url).results("a blue square_0001.png").total == 1
    assert Client(server.url).workflow("House").workflow == of(document)
    assert len(blocks) == 3
