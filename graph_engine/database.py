"""Decides how an SQLite database is opened, brought to the newest layout, and what happens to one that is damaged.

A damaged one is put aside under a name with the time and reported, never deleted, and an empty one takes its place. One that a later
version wrote is left alone. WAL mode: readers in other processes never wait for a writer.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from graph_engine.errors import LoomError

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class DatabaseError(LoomError):
    """The disk refused; what stood there still does. The message says what to do."""


class DatabaseTooNewError(DatabaseError):
    """A later version wrote it: it is left as it is."""


BUSY_TIMEOUT_S = 30.0
BESIDE = ("", "-wal", "-shm")


class Database:
    """One connection, used under one lock. ``migrations[n]`` brings layout ``n`` to ``n + 1``, each in one transaction.

    ``empty``: it was not there, or was damaged, so that it knows nothing; ``put_aside`` are the damaged ones of this process.
    ``durable``: what is committed survives also when the machine loses its power, at the price of a wait for the disk.
    Raises DatabaseError where the disk refuses, DatabaseTooNewError.
    """

    def __init__(self, path: Path, migrations: Sequence[str], *, durable: bool = False) -> None:
        self.path, self.put_aside = path, list[Path]()
        self._migrations, self._durable = migrations, durable
        self._lock = threading.RLock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._refused(error.strerror or type(error).__name__) from error
        with self._told():
            try:
                self._connection, self.empty = self._open()
            except sqlite3.DatabaseError as error:
                self._put_aside(error)
                self._connection, self.empty = self._open()

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """What a query gives. On a database that proves to be damaged: what it gives on the empty one that takes its place."""
        return self._whole(lambda connection: connection.execute(query, values).fetchall())

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """What is done inside is done whole or, if it raises, not at all."""
        with self._lock, self._told(), _transaction(self._connection) as connection:
            yield connection

    def change(self, work: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """What ``work`` gives, done in one transaction; once more on the empty database that takes the place of a damaged one."""

        def transaction(connection: sqlite3.Connection) -> Answer:
            with _transaction(connection):
                return work(connection)

        return self._whole(transaction)

    def _whole(self, work: Callable[[sqlite3.Connection], Answer]) -> Answer:
        with self._lock, self._told():
            try:
                return work(self._connection)
            except sqlite3.DatabaseError as error:
                if damaged(error):
                    with suppress(sqlite3.Error):
                        self._connection.close()
                self._put_aside(error)
                self._connection, self.empty = self._open()
                return work(self._connection)

    def _open(self) -> tuple[sqlite3.Connection, bool]:
        connection = sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("pragma journal_mode = wal")
            connection.execute(f"pragma synchronous = {'full' if self._durable else 'normal'}")
            if self._durable and connection.execute("pragma quick_check(1)").fetchone() != ("ok",):
                raise sqlite3.DatabaseError("not all of it can be read")
            return connection, self._migrate(connection)
        except BaseException:
            connection.close()
            raise

    def _migrate(self, connection: sqlite3.Connection) -> bool:
        """Whether it had no layout yet."""
        (found,) = connection.execute("pragma user_version").fetchone()
        first = version = found
        if version > len(self._migrations):
            raise DatabaseTooNewError(f"{self.path.name} was written by a later version. Update latent-loom to use it.")
        while version < len(self._migrations):
            connection.execute("begin immediate")
            (version,) = connection.execute("pragma user_version").fetchone()  # another process may have been faster
            try:
                if version < len(self._migrations):
                    for statement in _statements(self._migrations[version]):
                        connection.execute(statement)
                    version += 1
                    connection.execute(f"pragma user_version = {version}")
            except BaseException:
                connection.execute("rollback")
                raise
            connection.execute("commit")
        return bool(first == 0)

    def _put_aside(self, error: sqlite3.DatabaseError) -> None:
        """Raises ``error`` itself where the database is not at fault."""
        if not damaged(error):
            raise error
        moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        aside, number = self.path.with_name(f"{self.path.stem}.damaged-{moment}{self.path.suffix}"), 1
        while aside.exists():
            number += 1
            aside = self.path.with_name(f"{self.path.stem}.damaged-{moment}-{number}{self.path.suffix}")
        for beside in BESIDE:
            try:
                Path(f"{self.path}{beside}").rename(f"{aside}{beside}")
            except FileNotFoundError:
                continue
            except OSError as refused:
                raise self._refused(f"it is damaged, and could not be put aside: {refused.strerror}") from error
        self.put_aside.append(aside)
        log.error(
            "%s was damaged (%s). It was put aside as %s, and an empty one takes its place.", self.path.name, error, aside.name
        )

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._refused(str(error)) from error

    def _refused(self, cause: str) -> DatabaseError:
        return DatabaseError(
            f"{self.path.name} cannot be used: {cause}. Make room on the disk, or check who may write to the folder."
        )


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    connection.execute("begin immediate")
    try:
        yield connection
        connection.execute("commit")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("rollback")
        raise


def damaged(error: BaseException) -> bool:
    """Whether the database itself is at fault; what it stands on (a full disk, a lock) raises a subclass."""
    return type(error) is sqlite3.DatabaseError


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, with triggers whole."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def salvage(damaged: Path, table: str) -> list[dict[str, Any]]:
    """The rows of a table with row ids that can still be read in a damaged database: from both ends up to the damage, in order."""
    found: dict[int, dict[str, Any]] = {}
    connection = sqlite3.connect(f"{damaged.absolute().as_uri()}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    try:
        for direction in ("asc", "desc"):
            try:
                for row in connection.execute(f"select rowid as number, * from {table} order by rowid {direction}"):
                    facts = dict(row)
                    found[facts.pop("number")] = facts
            except sqlite3.DatabaseError as error:
                log.warning("%s: not all rows of %s can be read: %s", damaged.name, table, error)
    finally:
        connection.close()
    return [found[number] for number in sorted(found)]
