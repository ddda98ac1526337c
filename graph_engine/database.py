"""Decides how a SQLite database of ours is opened: its layout brought up to date in order, a damaged file put aside and never deleted.

WAL mode: readers never wait for a writer, and what is committed survives a kill of the process, and with ``synchronous = full`` of the
machine.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from graph_engine.errors import LoomError

log = logging.getLogger(__name__)

BUSY_TIMEOUT_S = 30.0
LAYOUT = "layout"


class DatabaseError(LoomError):
    """A database that this version cannot use, or a change that could not be written; the message says what to do."""


class Database:
    """One connection under one lock. ``damaged``: where the file that stood there was put, if it could not be read."""

    def __init__(self, path: Path, layouts: Sequence[str]) -> None:
        """``layouts``: SQL scripts in order; script *n* brings layout *n* to *n + 1*.

        Raises DatabaseError for a file of a newer version, or one that cannot be opened at all.
        """
        self.path, self.damaged = path, None if not path.exists() else self._put_aside_if_damaged(path)
        self._lock = threading.RLock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
            self._connection.execute("pragma journal_mode = wal")
            self._connection.execute("pragma synchronous = full")
            self._migrate(layouts)
        except (OSError, sqlite3.Error) as error:
            raise DatabaseError(
                f"{path} cannot be opened: {error}. Check that its folder can be written and has room."
            ) from error

    @staticmethod
    def _put_aside_if_damaged(path: Path) -> Path | None:
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S)
        try:
            if connection.execute("pragma quick_check(1)").fetchone() == ("ok",):
                return None
            cause = "its content is damaged"
        except sqlite3.OperationalError:
            return None  # busy, or no permission: not for us to move
        except sqlite3.DatabaseError as error:
            cause = str(error)
        finally:
            connection.close()
        aside = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
        for suffix in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
        log.error("%s cannot be read (%s). It was put aside as %s, and a new one was begun.", path, cause, aside.name)
        return aside

    def _migrate(self, layouts: Sequence[str]) -> None:
        with self.transaction() as connection:
            (known,) = connection.execute("pragma user_version").fetchone()
            if known > len(layouts):
                raise DatabaseError(
                    f"{self.path} has the layout {known}, and this version reads up to {len(layouts)}: update latent-loom."
                )
            for script in layouts[known:]:
                for statement in script.split(";\n"):
                    connection.execute(statement)
            connection.execute(f"pragma user_version = {len(layouts)}")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing. Raises DatabaseError where the disk is full or the file is gone; then nothing changed."""
        with self._lock:
            try:
                self._connection.execute("begin immediate")
            except sqlite3.Error as error:
                raise self._refused(error) from error
            try:
                yield self._connection
                self._connection.execute("commit")
            except BaseException as error:
                with suppress(sqlite3.Error):
                    self._connection.execute("rollback")
                if isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.IntegrityError):
                    raise self._refused(error) from error
                raise

    def _refused(self, error: sqlite3.Error) -> DatabaseError:
        return DatabaseError(f"{self.path.name} could not be written: {error}. Make room on the disk, then try again.")

    def rows(self, query: str, *values: Any) -> list[Any]:
        """What ``query`` finds. Raises DatabaseError."""
        with self._lock:
            try:
                return self._connection.execute(query, values).fetchall()
            except sqlite3.Error as error:
                raise DatabaseError(f"{self.path.name} could not be read: {error}.") from error

    def close(self) -> None:
        with self._lock:
            self._connection.close()


def salvage(damaged: Path, table: str) -> list[dict[str, Any]]:
    """The rows of a table with row ids that can still be read in a damaged database: from both ends up to the damage, in order."""
    found: dict[int, dict[str, Any]] = {}
    connection = sqlite3.connect(f"file:{damaged}?mode=ro", uri=True)
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
