"""What is kept of jobs, over changes, kills and damage."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from graph_engine.database import DatabaseError
from graph_engine.jobs import Jobs, NewJob, Outcome
from graph_engine.jobs.store import EVENTS_KEPT, LINES_KEPT, JobStateError, KeyReusedError, UnknownJobError

DONE = Outcome(state="succeeded")


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    found = Jobs(tmp_path / "jobs.sqlite")
    yield found
    found.close()


def submit(jobs: Jobs, title: str = "", **facts: Any) -> str:
    return jobs.submit(NewJob(workflow="{}", title=title, **facts))[0].id


def titles(jobs: Jobs) -> list[str]:
    return [job.title for job in jobs.waiting()]


def kinds(jobs: Jobs, id: str | None = None) -> list[str]:
    return [event.kind for event in jobs.events(0, id)]


def test_a_job_keeps_what_it_was_asked_for(jobs: Jobs) -> None:
    new = NewJob(
        workflow='{"é": 1}', inputs={"seed": 7, "prompt": "“quoted” ✓"}, targets=["save"], title="t", client="c", priority=3,
        models=["tiny"], total=5, workflow_name="w", webhook="https://x",
    )  # fmt: skip
    job, repeated = jobs.submit(new)
    assert not repeated
    assert (job.state, job.workflow, job.inputs, job.targets) == ("queued", new.workflow, new.inputs, ["save"])
    assert (job.title, job.client, job.priority, job.models, job.total) == ("t", "c", 3, ["tiny"], 5)
    assert (job.workflow_name, job.webhook, job.attempts) == ("w", "https://x", 0)
    assert jobs.get(job.id) == job


def test_a_job_runs_from_the_queue_to_its_end_and_each_step_is_an_event(jobs: Jobs) -> None:
    id = submit(jobs)
    taken = jobs.take("cpu")
    assert taken is not None
    assert (taken.id, taken.state, taken.device, taken.attempts) == (id, "running", "cpu", 1)
    assert jobs.take("cpu") is None
    outcome = Outcome(
        state="failed", errors=[{"cause": "no", "node": "a"}], outputs={"n": 1}, nodes={"a": {"status": "failed"}}, trace="[]"
    )
    ended = jobs.finish(id, outcome)
    assert (ended.state, ended.errors, ended.outputs, ended.nodes) == ("failed", outcome.errors, {"n": 1}, outcome.nodes)
    assert ended.ended_at is not None
    assert jobs.trace(id) == "[]"
    assert kinds(jobs, id) == ["job_queued", "job_running", "job_failed"]


def test_asking_again_with_the_same_key_gives_the_same_job(jobs: Jobs) -> None:
    first, _ = jobs.submit(NewJob(workflow="{}", key="k"))
    assert jobs.submit(NewJob(workflow="{}", key="k")) == (first, True)
    assert jobs.submit(NewJob(workflow="{}", key="other"))[0].id != first.id
    with pytest.raises(KeyReusedError, match="another request"):
        jobs.submit(NewJob(workflow="{}", inputs={"seed": 2}, key="k"))


def test_clients_take_turns_over_time(jobs: Jobs) -> None:
    for number in range(3):
        submit(jobs, f"a{number}", client="anna")
    submit(jobs, "b0", client="ben")
    taken = [jobs.take("cpu") for _ in range(4)]
    assert [job.title for job in taken if job] == ["a0", "b0", "a1", "a2"]


def test_a_worker_takes_what_fits_its_model_and_the_job_passed_over_is_not_forgotten(jobs: Jobs) -> None:
    submit(jobs, "big", models=["big"])
    for number in range(6):
        submit(jobs, f"tiny{number}", models=["tiny"])
    taken = [jobs.take("cpu", ["tiny"]) for _ in range(6)]
    assert [job.title for job in taken if job] == ["tiny0", "tiny1", "tiny2", "tiny3", "big", "tiny4"]


def test_a_waiting_job_can_be_moved(jobs: Jobs) -> None:
    a, b, c = (submit(jobs, name) for name in "abc")
    jobs.change(c, before=a)
    assert titles(jobs) == ["c", "a", "b"]
    jobs.change(a, before="")
    assert titles(jobs) == ["c", "b", "a"]
    jobs.change(a, priority=9)
    assert titles(jobs) == ["a", "c", "b"]
    jobs.change(b, before=a)
    assert titles(jobs) == ["b", "a", "c"]
    assert jobs.get(b).priority == 9
    jobs.take("cpu")
    with pytest.raises(JobStateError, match="running: only one that waits"):
        jobs.change(b, priority=1)
    with pytest.raises(JobStateError, match="name one that waits"):
        jobs.change(c, before=b)


def test_moving_between_the_same_two_jobs_again_and_again_keeps_an_order(jobs: Jobs) -> None:
    ids = [submit(jobs, name) for name in "abcd"]
    for round in range(40):
        jobs.change(ids[2 + round % 2], before=ids[1])
    assert titles(jobs) == ["a", "c", "d", "b"]


def test_while_paused_nothing_starts(jobs: Jobs) -> None:
    submit(jobs)
    jobs.pause(True)
    jobs.pause(True)
    assert jobs.paused
    assert jobs.take("cpu") is None
    jobs.pause(False)
    assert jobs.take("cpu") is not None
    assert kinds(jobs) == ["job_queued", "queue_paused", "queue_resumed", "job_running"]


def test_cancelling_ends_what_waits_and_asks_what_runs(jobs: Jobs) -> None:
    running, waiting = submit(jobs), submit(jobs)
    jobs.take("cpu")
    assert jobs.cancel(waiting).state == "cancelled"
    asked = jobs.cancel(running)
    assert (asked.state, asked.cancelling) == ("running", True)
    jobs.finish(running, Outcome(state="cancelled"))
    before = jobs.cursor()
    assert jobs.cancel(running).state == "cancelled"
    assert jobs.cursor() == before, "an ended job is left as it is"


def test_clearing_cancels_all_that_waits(jobs: Jobs) -> None:
    running = submit(jobs)
    jobs.take("cpu")
    ids = [submit(jobs) for _ in range(3)]
    assert jobs.clear() == 3
    assert [jobs.get(id).state for id in ids] == ["cancelled"] * 3
    assert jobs.get(running).state == "running"


def test_only_an_ended_job_is_tried_again_and_as_a_new_one(jobs: Jobs) -> None:
    id = submit(jobs, "t", inputs={"seed": 3}, client="c")
    with pytest.raises(JobStateError, match="wait for its end, or cancel it"):
        jobs.retry(id)
    jobs.take("cpu")
    jobs.finish(id, DONE)
    again = jobs.retry(id)
    assert again.id != id
    assert (again.state, again.title, again.inputs, again.client) == ("queued", "t", {"seed": 3}, "c")


def test_a_worker_that_dies_costs_one_more_try_and_then_the_job(jobs: Jobs) -> None:
    id = submit(jobs)
    jobs.take("cpu")
    assert jobs.died(id, "signal 9").state == "interrupted"
    retaken = jobs.take("cpu")
    assert retaken is not None
    assert (retaken.id, retaken.attempts) == (id, 2)
    failed = jobs.died(id, "signal 9")
    assert failed.state == "failed"
    assert failed.errors[0]["cause"] == "its worker died twice: signal 9"
    assert "log" in failed.errors[0]["action"]


def test_a_worker_that_dies_of_a_cancelled_job_ends_it(jobs: Jobs) -> None:
    id = submit(jobs)
    jobs.take("cpu")
    jobs.cancel(id)
    assert jobs.died(id, "killed").state == "cancelled"


def test_what_ran_when_the_process_ended_goes_on_first(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path / "jobs.sqlite")
    first, cancelled = submit(jobs, "first"), submit(jobs, "cancelled")
    jobs.take("cpu")
    jobs.take("cuda:1")
    jobs.cancel(cancelled)
    submit(jobs, "urgent", priority=50)
    jobs.close()
    again = Jobs(tmp_path / "jobs.sqlite")
    assert again.get(first).state == "interrupted"
    assert again.get(cancelled).state == "cancelled"
    assert titles(again) == ["first", "urgent"]
    again.close()


def _submit_until_killed(path: Path) -> None:
    jobs = Jobs(path)
    for number in range(10_000):
        submit(jobs, str(number))


def test_a_kill_loses_no_job_that_was_taken(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    process = multiprocessing.get_context("spawn").Process(target=_submit_until_killed, args=(path,))
    process.start()
    deadline = time.monotonic() + 60
    while not path.exists() or _count(path) < 50:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    seen = _count(path)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    jobs = Jobs(path)
    found = titles(jobs)
    jobs.close()
    assert len(found) >= seen >= 50
    assert found == [str(number) for number in range(len(found))]


def _count(path: Path) -> int:
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            count: int = database.execute("select count(*) from jobs").fetchone()[0]
    except sqlite3.Error:
        return 0
    database.close()
    return count


def test_events_are_numbered_over_all_jobs_and_restarts(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path / "jobs.sqlite")
    id = submit(jobs)
    jobs.happened([("node_started", id, {"node": "a"}), ("workflow_saved", None, {"name": "x"})])
    cursor = jobs.cursor()
    jobs.close()
    jobs = Jobs(tmp_path / "jobs.sqlite")
    assert jobs.cursor() == cursor == 3
    submit(jobs)
    assert [event.cursor for event in jobs.events(0)] == [1, 2, 3, 4]
    assert [(event.kind, event.data) for event in jobs.events(1, id)] == [("node_started", {"node": "a"})]
    assert [event.cursor for event in jobs.events(1, limit=2)] == [2, 3]
    jobs.close()


def test_old_events_are_dropped_and_that_can_be_told(jobs: Jobs) -> None:
    jobs.happened([("x", None, {})])
    with jobs.database.transaction() as rows:
        rows.execute("update sqlite_sequence set seq = ? where name = 'events'", (EVENTS_KEPT + 998,))
    jobs.happened([("y", None, {}), ("z", None, {})])
    assert [event.kind for event in jobs.events(0)] == ["y", "z"]
    assert jobs.first_cursor() == EVENTS_KEPT + 998


def ended(jobs: Jobs, state: Any = "succeeded", **facts: Any) -> str:
    id = submit(jobs, **facts)
    assert jobs.take("cpu") is not None
    jobs.log(id, ["a line"])
    jobs.finish(id, Outcome(state=state, trace="[]"))
    return id


def test_the_oldest_ended_jobs_are_forgotten_with_all_that_is_kept_of_them(jobs: Jobs) -> None:
    first, second, third = (ended(jobs, state) for state in ("failed", "succeeded", "cancelled"))
    assert jobs.forget(2) == 1
    assert jobs.forget(2) == 0
    assert {job.id for job in jobs.listed()[0]} == {second, third}
    with pytest.raises(UnknownJobError, match="long over and forgotten"):
        jobs.get(first)
    assert (jobs.lines(first), jobs.trace(first), jobs.events(0, first)) == ([], None, [])
    assert (jobs.lines(second), jobs.trace(second)) == (["a line"], "[]")
    assert kinds(jobs, second) == ["job_queued", "job_running", "job_succeeded"]
    told = jobs.events(0)[-1]
    assert (told.kind, told.job, told.data) == ("jobs_forgotten", None, {"jobs": [first]})
    assert jobs.among([first, second]).keys() == {second}


def test_what_waits_runs_or_is_to_be_told_of_is_never_forgotten(jobs: Jobs) -> None:
    told = ended(jobs, webhook="https://example.org")
    running, interrupted, queued = (submit(jobs, title) for title in ("running", "interrupted", "queued"))
    assert jobs.take("cpu") is not None
    assert jobs.take("cpu") is not None
    jobs.interrupt(interrupted)
    gone = ended(jobs) if jobs.take("cpu") is None else ""
    assert jobs.forget(0) == bool(gone)
    assert {job.id for job in jobs.listed()[0]} == {told, running, interrupted, queued}
    jobs.webhook_told(told)
    assert jobs.forget(0) == 1


def test_many_are_forgotten_in_steps_and_the_newest_stay(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graph_engine.jobs.store.FORGOTTEN_AT_ONCE", 3)
    ids = [ended(jobs) for _ in range(10)]
    assert jobs.forget(2) == 8
    assert [job.id for job in jobs.listed()[0]] == [ids[9], ids[8]]
    assert [len(event.data["jobs"]) for event in jobs.events(0) if event.kind == "jobs_forgotten"] == [3, 3, 2]


def test_whoever_waits_for_an_event_is_woken(jobs: Jobs) -> None:
    found: list[int] = []
    waiting = threading.Thread(target=lambda: (jobs.wait(0, 30), found.append(jobs.cursor())))
    waiting.start()
    submit(jobs)
    waiting.join(30)
    assert found == [1]
    jobs.wait(0, 30)  # there is one already


def test_the_log_keeps_its_last_lines(jobs: Jobs) -> None:
    id = submit(jobs)
    jobs.log(id, [f"line {number}" for number in range(LINES_KEPT - 1)])
    jobs.log(id, ["almost", "last"])
    lines = jobs.lines(id)
    assert (len(lines), lines[0], lines[-1]) == (LINES_KEPT, "line 1", "last")


def test_files_are_listed_with_the_job_that_made_them(jobs: Jobs) -> None:
    id = submit(jobs)
    jobs.made(id, "one")
    jobs.made(id, "two")
    assert jobs.get(id).results == ["one", "two"]


def test_a_webhook_is_due_from_the_end_of_its_job_until_it_is_told(jobs: Jobs) -> None:
    with_hook, without = submit(jobs, webhook="https://x"), submit(jobs)
    jobs.cancel(without)
    assert jobs.webhooks_due() == []
    jobs.cancel(with_hook)
    assert [job.id for job in jobs.webhooks_due()] == [with_hook]
    jobs.webhook_told(with_hook)
    assert jobs.webhooks_due() == []


def test_jobs_are_listed_newest_first_by_state_and_client(jobs: Jobs) -> None:
    ids = [submit(jobs, str(number), client="a" if number % 2 else "b") for number in range(5)]
    jobs.cancel(ids[0])
    found, total = jobs.listed(offset=1, limit=2)
    assert ([job.title for job in found], total) == (["3", "2"], 5)
    assert [job.title for job in jobs.listed(client="a")[0]] == ["3", "1"]
    assert [job.title for job in jobs.listed(["cancelled", "failed"])[0]] == ["0"]


def test_a_job_that_is_not_there_is_said_to_be_so(jobs: Jobs) -> None:
    with pytest.raises(UnknownJobError, match="there is no job 'x'"):
        jobs.get("x")


def test_a_damaged_file_is_put_aside_and_what_can_be_read_of_it_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    jobs = Jobs(path)
    for number in range(400):
        submit(jobs, str(number), inputs={"text": "x" * 500})
    jobs.close()
    data = bytearray(path.read_bytes())
    page = int.from_bytes(data[16:18], "big")
    for start in range(len(data) // page // 2 * page, len(data) * 3 // 4, page):
        data[start : start + page] = b"\xff" * page
    path.write_bytes(data)
    jobs = Jobs(path)
    (aside,) = jobs.database.put_aside
    assert aside.read_bytes() == bytes(data)
    assert aside.name.startswith("jobs.damaged-")
    saved = titles(jobs)
    assert 0 < len(saved) < 400
    submit(jobs, "goes on")
    jobs.close()


def test_a_file_that_is_no_database_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    path.write_bytes(b"not a database" * 1000)
    jobs = Jobs(path)
    assert len(jobs.database.put_aside) == 1
    assert jobs.waiting() == []
    jobs.close()


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("pragma user_version = 99")
    database.close()
    with pytest.raises(DatabaseError, match=r"later version\. Update latent-loom"):
        Jobs(path)
    with sqlite3.connect(path) as database:
        assert database.execute("pragma user_version").fetchone() == (99,)
        assert database.execute("select * from sqlite_master").fetchall() == []
    database.close()


def test_a_change_that_cannot_be_written_changes_nothing_and_says_so(jobs: Jobs) -> None:
    with jobs.database.transaction() as rows:
        (pages,) = rows.execute("pragma page_count").fetchone()
    jobs.database.rows(f"pragma max_page_count = {pages}")
    with pytest.raises(DatabaseError, match=r"full\. Make room"):
        submit(jobs, "x" * 10**6)
    whole = len(jobs.waiting())
    jobs.database.rows("pragma max_page_count = 1000000")
    submit(jobs)
    assert len(jobs.waiting()) == whole + 1
