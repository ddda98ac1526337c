"""Decides what is kept of jobs: one SQLite database with the queue, its history, and every event with a number.

A change and the event that tells of it are written together, so that whoever reads events after a cursor knows the whole state.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from graph_engine.database import Database, salvage
from graph_engine.errors import LoomError
from graph_engine.jobs.choose import choose, order
from graph_engine.jobs.job import ENDED, Job, JobState, NewJob, Outcome
from graph_engine.sentences import said, say

MIGRATIONS = (
    """
create table jobs (
    id text primary key, state text not null, workflow text not null, inputs text not null, targets text, title text not null,
    client text not null, priority integer not null, models text not null, workflow_name text, webhook text, turn real not null,
    created_at real not null, started_at real, ended_at real, device text, attempts integer not null default 0,
    deaths integer not null default 0, passed_over integer not null default 0, cancelling integer not null default 0,
    done integer not null default 0, total integer not null default 0, errors text not null default '[]',
    outputs text not null default '{}', nodes text not null default '{}', results text not null default '[]', key text unique,
    webhook_due integer not null default 0);
create index jobs_by_state on jobs (state, turn);
create index jobs_by_time on jobs (created_at);
create table events (cursor integer primary key autoincrement, at real not null, kind text not null, job text, data text not null);
create index events_by_job on events (job, cursor);
create table lines (job text not null, number integer not null, line text not null, primary key (job, number)) without rowid;
create table traces (job text primary key, trace text not null) without rowid;
create table clients (client text primary key, served integer not null) without rowid;
create table facts (name text primary key, value text not null) without rowid;
insert into facts values ('paused', '');
""",
    "create index jobs_by_end on jobs (ended_at, id) where ended_at is not null;",
)
JSON_COLUMNS = ("inputs", "targets", "models", "errors", "outputs", "nodes", "results")
NOT_SHOWN = ("key",)
EVENTS_KEPT = 200_000
LINES_KEPT = 2000
FORGOTTEN_AT_ONCE = 200
MOST_DEATHS = 2
MOST_WAITING = 100_000


class UnknownJobError(LoomError):
    """There is no job of that id."""


class JobStateError(LoomError):
    """The job cannot do that where it stands."""


class QueueFullError(LoomError):
    """So many jobs wait that no more are taken."""


class KeyReusedError(LoomError):
    """An idempotency key that came with another request before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One event: ``cursor`` counts up over all jobs and restarts."""

    cursor: int
    at: float
    kind: str
    job: str | None
    data: Mapping[str, Any]


class Place(NamedTuple):
    """What decides when a waiting job starts."""

    id: str
    state: str
    client: str
    priority: int
    turn: float
    models: list[str]
    passed_over: int


class Jobs:
    """The queue. Safe to use from several threads; ``heard`` is called after each change, with no lock held."""

    def __init__(self, path: Path, heard: Callable[[], None] = lambda: None) -> None:
        """Open the queue in ``path``. What ran when the process before ended is interrupted now, and goes on first.

        A damaged file is put aside (``database.put_aside``); jobs that can still be read in it are taken over.
        """
        self.database = Database(path, MIGRATIONS, durable=True)
        self.heard = heard
        self._condition = threading.Condition()
        for damaged in self.database.put_aside:
            self._take_over(damaged)
        for job in self._jobs("where state = 'running'"):
            if job.cancelling:
                self._change(job.id, "cancelled", ended_at=time.time())
            else:
                self._change(job.id, "interrupted", device=None)

    def close(self) -> None:
        self.database.close()

    @staticmethod
    def as_text(data: Any) -> str:
        """The one JSON form in which values are kept and handed on."""
        return _text(data)

    # asking

    def submit(self, new: NewJob) -> tuple[Job, bool]:
        """The job, and whether it was there already because its ``key`` was known. Raises QueueFullError and KeyReusedError."""
        if new.key is not None and (known := self._by_key(new)) is not None:
            return known, True
        (waiting,) = self.database.rows("select count(*) from jobs where state in ('queued', 'interrupted')")[0]
        if waiting >= MOST_WAITING:
            raise QueueFullError(say("queue_full", count=waiting))
        id, now = secrets.token_hex(16), time.time()
        values = {
            "id": id, "state": "queued", "workflow": new.workflow, "inputs": _text(new.inputs),
            "targets": _text(None if new.targets is None else list(new.targets)), "title": new.title, "client": new.client,
            "priority": new.priority, "models": _text(list(new.models)), "workflow_name": new.workflow_name,
            "webhook": new.webhook, "created_at": now, "total": new.total, "key": new.key,
        }  # fmt: skip
        with self.database.transaction() as rows:
            (last,) = rows.execute("select coalesce(max(turn), 0) from jobs").fetchone()
            values["turn"] = last + 1
            marks = ", ".join("?" * len(values))
            rows.execute(f"insert into jobs ({', '.join(values)}) values ({marks})", tuple(values.values()))
            self._tell(rows, "job_queued", id, {})
        self._changed()
        return self.get(id), False

    def _by_key(self, new: NewJob) -> Job | None:
        found = self._jobs("where key = ?", new.key)
        if found and (found[0].workflow, dict(found[0].inputs)) != (new.workflow, dict(new.inputs)):
            raise KeyReusedError("this Idempotency-Key came with another request before. Use a new key for a new request.")
        return found[0] if found else None

    def get(self, id: str) -> Job:
        found = self._jobs("where id = ?", id)
        if not found:
            raise UnknownJobError(say("no_job", id=id))
        return found[0]

    def among(self, ids: Collection[str]) -> dict[str, Job]:
        """Those of the jobs that are not forgotten, by id."""
        return {id: job for id in ids for job in self._jobs("where id = ?", id)}

    def listed(
        self, states: Collection[str] = (), client: str | None = None, offset: int = 0, limit: int = 100
    ) -> tuple[list[Job], int]:
        """Jobs, the newest first, and how many there are in all."""
        terms, values = [], list[Any](states)
        if states:
            terms.append(f"state in ({', '.join('?' * len(states))})")
        if client is not None:
            terms.append("client = ?")
            values.append(client)
        where = f"where {' and '.join(terms)}" if terms else ""
        (total,) = self.database.rows(f"select count(*) from jobs {where}", values)[0]
        return self._jobs(f"{where} order by created_at desc, turn desc limit ? offset ?", *values, limit, offset), total

    def waiting(self, limit: int = 1000) -> list[Job]:
        """What waits, in the order in which it would start: the first of it."""
        return [self.get(id) for id in self.order()[:limit]]

    def order(self) -> list[str]:
        """The ids of what waits, in the order in which it would start."""
        return [place.id for place in order(self._places(), self._served())]

    def _places(self) -> list[Place]:
        query = f"select {', '.join(Place._fields)} from jobs where state in ('queued', 'interrupted') order by turn"
        return [Place(*row)._replace(models=json.loads(row[5])) for row in self.database.rows(query)]

    def running(self) -> list[Job]:
        return self._jobs("where state = 'running' order by started_at")

    @property
    def paused(self) -> bool:
        return bool(self.database.rows("select value from facts where name = 'paused'")[0][0])

    def pause(self, paused: bool) -> None:
        """While paused nothing new starts; what runs goes on."""
        if paused != self.paused:
            with self.database.transaction() as rows:
                rows.execute("update facts set value = ? where name = 'paused'", ("yes" if paused else "",))
                self._tell(rows, "queue_paused" if paused else "queue_resumed", None, {})
            self._changed()

    def change(self, id: str, priority: int | None = None, before: str | None = None) -> Job:
        """Give a waiting job another priority, or another place: right before another one, or last where ``before`` is empty."""
        job = self.get(id)
        if not job.waits:
            raise JobStateError(say("cannot_move", state=job.state))
        changes: dict[str, Any] = {} if priority is None else {"priority": priority}
        if before:
            other = self.get(before)
            if not other.waits:
                raise JobStateError(say("cannot_go_before", id=before, state=other.state))
            turns = [one[0] for one in self.database.rows("select turn from jobs where turn < ? and id != ?", (other.turn, id))]
            changes |= {"turn": (max(turns, default=other.turn - 2) + other.turn) / 2, "priority": other.priority}
        elif before == "":
            (last,) = self.database.rows("select max(turn) from jobs")[0]
            changes["turn"] = last + 1
        return self._change(id, None, kind="job_moved", **changes)

    def cancel(self, id: str) -> Job:
        """End a job that waits; ask one that runs to stop. One that ended stays as it is."""
        job = self.get(id)
        if job.waits:
            return self._change(id, "cancelled", ended_at=time.time())
        return (
            self._change(id, None, kind="job_cancelling", cancelling=1) if job.state == "running" and not job.cancelling else job
        )

    def clear(self) -> int:
        """Cancel all that waits; returns how many."""
        waiting = self.order()
        for id in waiting:
            self.cancel(id)
        return len(waiting)

    def retry(self, id: str) -> Job:
        """Queue the same request once more, as a new job."""
        job = self.get(id)
        if not job.ended:
            raise JobStateError(say("cannot_repeat", state=job.state))
        new = NewJob(
            workflow=job.workflow, inputs=job.inputs, targets=job.targets, title=job.title, client=job.client, priority=job.priority,
            models=job.models, total=job.total, workflow_name=job.workflow_name, webhook=job.webhook,
        )  # fmt: skip
        return self.submit(new)[0]

    # working

    def take(self, device: str, held: Collection[str] = ()) -> Job | None:
        """The next job for a worker on ``device`` that holds the models ``held``; it runs from now on. None: nothing waits."""
        if self.paused:
            return None
        waiting = self._places()
        chosen = choose(waiting, self._served(), held)
        if chosen is None:
            return None
        passed = [
            job.id for job in waiting if (job.priority, job.client) == (chosen.priority, chosen.client) and job.turn < chosen.turn
        ]
        with self.database.transaction() as rows:
            rows.executemany("update jobs set passed_over = passed_over + 1 where id = ?", [(id,) for id in passed])
            query = """insert into clients values (?, (select coalesce(max(served), 0) + 1 from clients))
                       on conflict (client) do update set served = excluded.served"""
            rows.execute(query, (chosen.client,))
        return self._change(
            chosen.id, "running", device=device, started_at=time.time(), attempts="attempts + 1", cancelling=0, done=0
        )

    def counted(self, id: str, done: int, total: int) -> None:
        """How many nodes are finished; no event, since the nodes' own tell it."""
        with self.database.transaction() as rows:
            rows.execute("update jobs set done = ?, total = ? where id = ?", (done, total, id))

    def made(self, id: str, result: str) -> None:
        """The job made a file."""
        with self.database.transaction() as rows:
            rows.execute("update jobs set results = json_insert(results, '$[#]', ?) where id = ?", (result, id))

    def finish(self, id: str, outcome: Outcome) -> Job:
        with self.database.transaction() as rows:
            if outcome.trace is not None:
                rows.execute("insert or replace into traces values (?, ?)", (id, outcome.trace))
        facts = {"errors": _text(list(outcome.errors)), "outputs": _text(outcome.outputs), "nodes": _text(outcome.nodes)}
        return self._change(id, outcome.state, ended_at=time.time(), **facts)

    def interrupt(self, id: str) -> Job:
        """The job's run stopped through no fault of its own; it goes on when a worker is free."""
        return self._change(id, "interrupted", device=None)

    def died(self, id: str, cause: str) -> Job:
        """A worker died while the job ran. The first time it is tried again, then it failed."""
        job = self.get(id)
        if job.cancelling:
            return self._change(id, "cancelled", ended_at=time.time(), deaths="deaths + 1")
        if job.deaths + 1 < MOST_DEATHS:
            return self._change(id, "interrupted", device=None, deaths="deaths + 1")
        told = {"cause": say("worker_died", how=cause), "action": say("see_job_log")}
        errors = _text([{**told, "said": said(told)}])
        return self._change(id, "failed", ended_at=time.time(), deaths="deaths + 1", errors=errors)

    def forget(self, keep: int) -> int:
        """Forget the oldest ended jobs, with their logs, traces and events, until ``keep`` are left; returns how many went.

        What waits, runs, or has a webhook that is not told yet stays. Done in small steps, so that nobody waits long meanwhile.
        """
        query = f"""select id from jobs where ended_at is not null and not webhook_due and state in ({", ".join("?" * len(ENDED))})
                    order by ended_at desc, id limit {FORGOTTEN_AT_ONCE} offset ?"""
        count = 0
        while True:
            with self.database.transaction() as rows:
                ids = [id for (id,) in rows.execute(query, (*ENDED, keep))]
                for table, column in (("lines", "job"), ("traces", "job"), ("events", "job"), ("jobs", "id")):
                    rows.executemany(f"delete from {table} where {column} = ?", [(id,) for id in ids])
                if ids:
                    self._tell(rows, "jobs_forgotten", None, {"jobs": ids})
            if not ids:
                return count
            count += len(ids)
            self._changed()

    def webhooks_due(self) -> list[Job]:
        """Ended jobs whose webhook was not told yet."""
        return self._jobs("where webhook_due order by ended_at")

    def webhook_told(self, id: str) -> None:
        """It was told, or given up."""
        with self.database.transaction() as rows:
            rows.execute("update jobs set webhook_due = 0 where id = ?", (id,))

    # logs, traces, events

    def log(self, id: str, lines: Iterable[str]) -> None:
        """Add to the job's log; of a long one the last lines are kept."""
        with self.database.transaction() as rows:
            (last,) = rows.execute("select coalesce(max(number), 0) from lines where job = ?", (id,)).fetchone()
            numbered = [(id, last + index, line) for index, line in enumerate(lines, start=1)]
            rows.executemany("insert into lines values (?, ?, ?)", numbered)
            rows.execute("delete from lines where job = ? and number <= ?", (id, last + len(numbered) - LINES_KEPT))

    def lines(self, id: str) -> list[str]:
        return [line for (line,) in self.database.rows("select line from lines where job = ? order by number", (id,))]

    def trace(self, id: str) -> str | None:
        found = self.database.rows("select trace from traces where job = ?", (id,))
        return found[0][0] if found else None

    def happened(self, events: Iterable[tuple[str, str | None, Mapping[str, Any]]]) -> None:
        """Write events of (kind, job, data)."""
        with self.database.transaction() as rows:
            for kind, job, data in events:
                self._tell(rows, kind, job, data)
        self._changed()

    def events(self, after: int, job: str | None = None, limit: int = 1000) -> list[Happening]:
        """Events with a number above ``after``, in order."""
        only, values = ("and job = ?", (after, job, limit)) if job is not None else ("", (after, limit))
        query = f"select cursor, at, kind, job, data from events where cursor > ? {only} order by cursor limit ?"
        return [
            Happening(cursor=cursor, at=at, kind=kind, job=of, data=json.loads(data))
            for cursor, at, kind, of, data in self.database.rows(query, values)
        ]

    def cursor(self) -> int:
        """The number of the last event."""
        found = self.database.rows("select seq from sqlite_sequence where name = 'events'")
        return int(found[0][0]) if found else 0

    def first_cursor(self) -> int:
        """The number before the oldest event that is kept: who asks after an earlier one has missed something."""
        (first,) = self.database.rows("select min(cursor) from events")[0]
        return int(first) - 1 if first is not None else self.cursor()

    # inside

    def _jobs(self, condition: str, *values: Any) -> list[Job]:
        columns = list(Job.__slots__)
        found = self.database.rows(f"select {', '.join(columns)} from jobs {condition}", values)
        return [_job(dict(zip(columns, row, strict=True))) for row in found]

    def _served(self) -> dict[str, int]:
        return dict(self.database.rows("select client, served from clients"))

    def _change(self, id: str, state: JobState | None, *, kind: str = "", **changes: Any) -> Job:
        """Write the changes (``"name + 1"`` counts up) and the event that tells of them."""
        counted = {name for name, value in changes.items() if value == f"{name} + 1"}
        terms = [f"{name} = {name} + 1" if name in counted else f"{name} = ?" for name in changes]
        values = [value for name, value in changes.items() if name not in counted]
        if state is not None:
            terms.append("state = ?")
            values.append(state)
        if state in ENDED:
            terms.append("webhook_due = (webhook is not null)")
        with self.database.transaction() as rows:
            rows.execute(f"update jobs set {', '.join(terms)} where id = ?", (*values, id))
            self._tell(rows, kind or f"job_{state}", id, {})
        self._changed()
        return self.get(id)

    def _tell(self, rows: Any, kind: str, job: str | None, data: Mapping[str, Any]) -> None:
        cursor = rows.execute(
            "insert into events (at, kind, job, data) values (?, ?, ?, ?)", (time.time(), kind, job, _text(data))
        )
        if cursor.lastrowid % 1000 == 0:
            rows.execute("delete from events where cursor <= ?", (cursor.lastrowid - EVENTS_KEPT,))

    def _changed(self) -> None:
        with self._condition:
            self._condition.notify_all()
        self.heard()

    def wait(self, after: int, timeout_s: float) -> None:
        """Until there is an event above ``after``, or the time is over."""
        ends = time.monotonic() + timeout_s
        with self._condition:
            while self.cursor() <= after and (left := ends - time.monotonic()) > 0:
                self._condition.wait(left)

    def _take_over(self, damaged: Path) -> None:
        """Jobs of a damaged file, as far as they can be read: what waited waits again."""
        names = {row[1] for row in self.database.rows("pragma table_info(jobs)")}
        for row in salvage(damaged, "jobs"):
            kept = {name: value for name, value in row.items() if name in names}
            with self.database.transaction() as rows:
                marks = ", ".join("?" * len(kept))
                rows.execute(f"insert or ignore into jobs ({', '.join(kept)}) values ({marks})", tuple(kept.values()))


def _text(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, allow_nan=False)


def _job(row: dict[str, Any]) -> Job:
    for name in JSON_COLUMNS:
        row[name] = None if row[name] is None else json.loads(row[name])
    return Job(**{**row, "cancelling": bool(row["cancelling"])})
