"""A database is brought to the newest layout; a damaged one is put aside and reported, a later one is left alone."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from graph_engine.database import Database, DatabaseError, DatabaseTooNewError

FIRST = "create table things (name text primary key);\ncreate index things_name on things (name);"
SECOND = """
alter table things add column size integer not null default 7;
create trigger grown after insert on things begin
  update things set size = 8 where name = new.name;
end;
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "things.sqlite"


def put(database: Database, *names: str) -> None:
    database.change(lambda on: on.executemany("insert into things (name) values (?)", [(name,) for name in names]))


def names(database: Database) -> list[str]:
    return [row[0] for row in database.rows("select name from things order by name")]


def test_a_new_one_is_empty_and_one_that_was_there_is_not(path: Path) -> None:
    database = Database(path, [FIRST])
    assert database.empty
    put(database, "a")
    database.close()
    again = Database(path, [FIRST])
    assert not again.empty
    assert names(again) == ["a"]
    again.close()


def test_an_older_one_is_brought_to_the_newest_layout_and_keeps_what_it_knows(path: Path) -> None:
    database = Database(path, [FIRST])
    put(database, "a")
    database.close()
    newer = Database(path, [FIRST, SECOND])
    put(newer, "b")
    assert newer.rows("select name, size from things order by name") == [("a", 7), ("b", 8)]
    assert newer.rows("pragma user_version") == [(2,)]
    assert not newer.empty
    newer.close()
    assert newer.put_aside == []


def test_a_migration_that_fails_leaves_the_layout_before_it(path: Path) -> None:
    database = Database(path, [FIRST])
    put(database, "a")
    database.close()
    with pytest.raises(DatabaseError, match=r"things\.sqlite cannot be used: .*nowhere"):
        Database(path, [FIRST, "alter table things add column size integer;\ninsert into nowhere values (1);"])
    again = Database(path, [FIRST])
    assert again.rows("select * from things") == [("a",)]
    again.close()


def test_one_of_a_later_version_is_left_as_it_is(path: Path) -> None:
    database = Database(path, [FIRST, SECOND])
    put(database, "a")
    database.close()
    before = path.read_bytes()
    with pytest.raises(
        DatabaseTooNewError, match=r"things\.sqlite was written by a later version\. Update latent-loom to use it\."
    ):
        Database(path, [FIRST])
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == ["things.sqlite"]


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_one_is_put_aside_whole_and_reported(path: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    Path(f"{path}-wal").write_bytes(b"its log")
    database = Database(path, [FIRST])
    assert database.empty
    put(database, "new")
    (aside,) = database.put_aside
    assert aside.read_bytes() == content
    assert aside.name.startswith("things.damaged-2")
    assert "things.sqlite was damaged (" in caplog.text
    assert f"It was put aside as {aside.name}, and an empty one takes its place." in caplog.text
    assert names(database) == ["new"]
    database.close()


def test_two_that_are_damaged_in_one_second_are_both_kept(path: Path) -> None:
    path.parent.mkdir()
    for content in (b"x" * 2000, b"y" * 2000):
        path.write_bytes(content)
        Database(path, [FIRST]).close()
        path.unlink()
    kept = [one.read_bytes()[:1] for one in path.parent.iterdir() if "damaged" in one.name and one.suffix == ".sqlite"]
    assert sorted(kept) == [b"x", b"y"]


def test_damage_that_shows_while_it_is_used_is_met_the_same_way(path: Path) -> None:
    database = Database(path, [FIRST])
    put(database, *(f"thing {number:05} {'x' * 80}" for number in range(5000)))
    database.rows("pragma wal_checkpoint(truncate)")
    database.close()
    content = bytearray(path.read_bytes())
    content[4096 * 2 :] = b"\xa5" * (len(content) - 4096 * 2)
    path.write_bytes(content)
    database = Database(path, [FIRST])
    assert not database.empty
    assert names(database) == []
    assert database.empty
    assert database.put_aside[0].read_bytes()[4096 * 2 :] == content[4096 * 2 :]
    put(database, "goes on")
    assert names(database) == ["goes on"]
    database.close()


def test_what_the_disk_refuses_is_no_damage(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(
        DatabaseError, match=r"things\.sqlite cannot be used: unable to open database file\. Make room on the disk"
    ):
        Database(path, [FIRST])
    assert list(path.parent.iterdir()) == [path]


def test_work_that_raises_leaves_nothing_of_itself(path: Path) -> None:
    database = Database(path, [FIRST])

    def work(on: sqlite3.Connection) -> None:
        on.execute("insert into things values ('half')")
        raise KeyError("stop")

    with pytest.raises(KeyError):
        database.change(work)
    assert names(database) == []
    with pytest.raises(DatabaseError, match="UNIQUE"):
        put(database, "a", "a")
    assert names(database) == []
    database.close()


def test_two_connections_and_many_threads_lose_no_change(path: Path) -> None:
    both = [Database(path, [FIRST, SECOND]), Database(path, [FIRST, SECOND])]
    threads = [
        threading.Thread(target=lambda at=at: [put(both[at % 2], f"{at} {number}") for number in range(20)]) for at in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names(both[0])) == 120
    for database in both:
        database.close()
