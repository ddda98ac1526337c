"""Decides what the disk cache knows of its files: results, values, costs and traces in one SQLite database that processes share.

WAL mode: readers never wait for a writer. Everything here can be lost without losing a picture: a damaged index is put aside and
rebuilt from the files.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from graph_engine.digest import Key
from graph_engine.values import Digest

SCHEMA_VERSION = 1
BUSY_TIMEOUT_S = 60.0
MANY_LOOK_UPS, MOST_READ_AHEAD = 200, 100_000
SCHEMA = """
create table results (key blob primary key, type text not null, outputs text not null, elapsed_s real not null) without rowid;
create table kept (digest blob primary key, size_bytes integer not null, seconds real not null, priority real not null,
                   type text not null, used_at real not null, data blob) without rowid;
create index kept_priority on kept (priority);
create table costs (signature text primary key, seconds real not null, size_bytes real not null, runs integer not null)
    without rowid;
create table traces (origin text, node text, trace text not null, primary key (origin, node)) without rowid;
create table facts (name text primary key, value real not null) without rowid;
insert into facts values ('age', 0), ('size_bytes', 0);
"""


class Entry(NamedTuple):
    """One value on disk."""

    digest: Digest
    size_bytes: int
    seconds: float
    type: str
    used_at: float


class Index:
    """One connection, used under one lock. Raises sqlite3.Error for what the caller must survive: a full disk, a vanished folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._look_ups = 0
        self._read_ahead: dict[bytes, tuple[str, float]] = {}
        self._database = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        try:
            self._database.execute("pragma journal_mode = wal")
            self._database.execute("pragma synchronous = normal")
            self._prepare()
        except BaseException:
            self._database.close()
            raise

    def _prepare(self) -> None:
        with self.transaction() as database:
            (version,) = database.execute("pragma user_version").fetchone()
            if version == 0:
                for statement in SCHEMA.split(";\n"):
                    database.execute(statement)
                database.execute(f"pragma user_version = {SCHEMA_VERSION}")
            elif version != SCHEMA_VERSION:
                raise sqlite3.DatabaseError(f"it has the layout {version}, and this version reads {SCHEMA_VERSION}")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._database.execute("begin immediate")
            try:
                yield self._database
            except BaseException:
                self._database.execute("rollback")
                raise
            self._database.execute("commit")

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def _rows(self, query: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._database.execute(query, values).fetchall()

    # results and values

    def result(self, key: Key) -> tuple[dict[str, Digest], float] | None:
        row = self._read_ahead.get(key)
        if row is None:
            with self._lock:  # asked for every node of every run, so without a detour
                row = self._database.execute("select outputs, elapsed_s from results where key = ?", (key,)).fetchone()
                if row is None:
                    return None
                self._look_ups += 1
                if self._look_ups == MANY_LOOK_UPS:
                    self._read_all()
        outputs = {}
        for item in row[0].split():
            name, _, digest = item.partition("=")
            outputs[name] = Digest(bytes.fromhex(digest))
        return outputs, row[1]

    def _read_all(self) -> None:
        """Somebody goes through a large graph: read every result at once, if there are not too many, instead of one by one."""
        query = "select key, outputs, elapsed_s from results limit ?"
        rows = self._database.execute(query, (MOST_READ_AHEAD + 1,)).fetchall()
        if len(rows) <= MOST_READ_AHEAD:
            self._read_ahead = {key: (outputs, elapsed_s) for key, outputs, elapsed_s in rows}

    def holds(self, digest: Digest) -> bool:
        return bool(self._rows("select 1 from kept where digest = ?", digest))

    def data(self, digest: Digest) -> bytes | None:
        """A small value itself; None for one that has a file, or is not there."""
        rows = self._rows("select data from kept where digest = ?", digest)
        return rows[0][0] if rows else None

    def add(
        self, key: Key, type: str, outputs: Mapping[str, Digest], elapsed_s: float, new: Mapping[Digest, tuple[int, bytes | None]]
    ) -> None:
        """A result, and its values that are new on disk: their sizes, and the small ones themselves."""
        names = " ".join(f"{name}={digest.hex()}" for name, digest in outputs.items())
        with self.transaction() as database:
            database.execute("insert or replace into results values (?, ?, ?, ?)", (key, type, names, elapsed_s))
            self._read_ahead.pop(key, None)
            (age,) = database.execute("select value from facts where name = 'age'").fetchone()
            for digest, (size, data) in new.items():
                priority = age + elapsed_s / max(size, 1)
                row = (digest, size, elapsed_s, priority, type, time.time(), data)
                if database.execute("insert or ignore into kept values (?, ?, ?, ?, ?, ?, ?)", row).rowcount:
                    database.execute("update facts set value = value + ? where name = 'size_bytes'", (size,))

    def touch(self, digests: Iterable[Digest]) -> None:
        """The values were used: they age from now on."""
        with self.transaction() as database:
            (age,) = database.execute("select value from facts where name = 'age'").fetchone()
            query = "update kept set priority = ? + seconds / max(size_bytes, 1), used_at = ? where digest = ?"
            database.executemany(query, [(age, time.time(), digest) for digest in digests])

    def size_bytes(self) -> int:
        return int(self._rows("select value from facts where name = 'size_bytes'")[0][0])

    def evict(self, budget_bytes: int) -> list[Digest]:
        """Forget values until the rest fits: fewest recompute-seconds per byte first, with age (see ``memory``)."""
        gone: list[Digest] = []
        with self.transaction() as database:
            (size,) = database.execute("select value from facts where name = 'size_bytes'").fetchone()
            age = 0.0
            for digest, bytes_kept, priority in database.execute(
                "select digest, size_bytes, priority from kept order by priority"
            ):
                if size <= budget_bytes:
                    break
                gone.append(Digest(digest))
                size, age = size - bytes_kept, priority
            if gone:
                database.executemany("delete from kept where digest = ?", [(digest,) for digest in gone])
                database.execute("update facts set value = ? where name = 'size_bytes'", (size,))
                database.execute("update facts set value = max(value, ?) where name = 'age'", (age,))
        return gone

    def forget(self, digest: Digest) -> None:
        with self.transaction() as database:
            found = database.execute("delete from kept where digest = ? returning size_bytes", (digest,)).fetchone()
            if found:
                database.execute("update facts set value = value - ? where name = 'size_bytes'", found)

    def entries(self) -> Iterator[Entry]:
        """All values, the one that would go last first."""
        for row in self._rows("select digest, size_bytes, seconds, type, used_at from kept order by priority desc"):
            yield Entry(*row)

    def clear(self) -> None:
        self._read_ahead.clear()
        with self.transaction() as database:
            for table in ("results", "kept", "costs", "traces"):
                database.execute(f"delete from {table}")
            database.execute("update facts set value = 0")

    # what earlier runs measured, and what nodes were given

    def cost(self, signature: str) -> tuple[float, float] | None:
        """Seconds and bytes that nodes of this signature took, on average over the last runs."""
        rows = self._rows("select seconds, size_bytes from costs where signature = ?", signature)
        return (rows[0][0], rows[0][1]) if rows else None

    def measured(self, found: Iterable[tuple[str, float, int]]) -> None:
        """Fold (signature, seconds, bytes) into the averages; the newest run weighs at least a fifth."""
        query = """insert into costs values (?, ?, ?, 1) on conflict (signature) do update set runs = runs + 1,
                   seconds = seconds + (excluded.seconds - seconds) / min(runs + 1, 5),
                   size_bytes = size_bytes + (excluded.size_bytes - size_bytes) / min(runs + 1, 5)"""
        with self.transaction() as database:
            database.executemany(query, list(found))

    def traces(self, origin: str) -> dict[str, str]:
        """What each node of ``origin`` was given the last time, by path."""
        return dict(self._rows("select node, trace from traces where origin = ?", origin))

    def remember(self, traces: Iterable[tuple[str, str, str]]) -> None:
        with self.transaction() as database:
            database.executemany("insert or replace into traces values (?, ?, ?)", list(traces))
