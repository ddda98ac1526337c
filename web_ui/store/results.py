"""Decides what is known of the files that jobs made, and what becomes of them: searched, liked, thrown away, brought back.

The files are the truth, and this index can be made again from them: a picture carries its workflow and run record.
"""

from __future__ import annotations

import json
import sqlite3
import time
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from graph_engine.database import Database, salvage
from graph_engine.errors import FormatError
from graph_engine.workflow.document import Workflow
from graph_engine.workflow.embed import extract, is_png
from graph_engine.workflow.text import parse
from web_ui.schema import Result, ResultDetail, ResultPage
from web_ui.sentences import say
from web_ui.store.errors import NotThere, NotWritten
from web_ui.store.files import ID, Outputs
from web_ui.store.rows import Made, Row, read
from web_ui.store.words import looked_up, searched

Answer = TypeVar("Answer")

MIGRATIONS = (
    """
create table workflows (etag text primary key, text blob not null) without rowid;
create table results (
  number integer primary key, id text not null unique, file text not null, media_type text not null, size_bytes integer not null,
  width integer, height integer, created_at real not null, job text, node text not null, title text not null, prompt text not null,
  seed text, model text not null, favourite integer not null, trashed_at real, inputs text not null, workflow text, words text not null
);
create index results_newest on results (created_at desc, number desc);
create index results_job on results (job);
create index results_file on results (file);
create virtual table found using fts5 (words, content = 'results', content_rowid = 'number', tokenize = 'trigram');
create trigger results_added after insert on results begin
  insert into found (rowid, words) values (new.number, new.words);
end;
create trigger results_removed after delete on results begin
  insert into found (found, rowid, words) values ('delete', old.number, old.words);
end;
create trigger results_reworded after update of words on results begin
  insert into found (found, rowid, words) values ('delete', old.number, old.words);
  insert into found (rowid, words) values (new.number, new.words);
end;
""",
    "create index results_model on results (model, created_at desc);",
)

COLUMNS = ", ".join(Row._fields)
PLACES = ", ".join("?" for _ in Row._fields)
LEARNED = ", ".join(
    f"{name} = iif(excluded.job is null, results.{name}, excluded.{name})"
    for name in Row._fields
    if name not in ("id", "favourite", "trashed_at")
)
"""What is replaced when a job tells of a file that is known: one that was found in the folder, or one thrown away and made again."""


class ResultIndex:
    """The index in ``database`` of what lies in ``outputs_folder``.

    ``missing``: the index is new, or was damaged, and the folder may hold more than it knows: call ``rescan`` in a thread, it takes
    a while. ``put_aside`` lists the damaged databases, which are kept. Methods raise NotThere for an id that is none, and NotWritten.
    """

    def __init__(self, outputs_folder: Path, database: Path) -> None:
        self._outputs = Outputs(outputs_folder)
        self._database = Database(database, MIGRATIONS)

    @property
    def folder(self) -> Path:
        return self._outputs.folder

    @property
    def missing(self) -> bool:
        return self._database.empty

    @property
    def put_aside(self) -> list[Path]:
        return self._database.put_aside

    def close(self) -> None:
        self._database.close()

    def add(
        self,
        path: Path,
        *,
        job: str | None = None,
        node: str = "",
        title: str = "",
        inputs: Mapping[str, Any] | None = None,
        workflow: Workflow | None = None,
    ) -> Result:
        """Take a file of the outputs folder into the index. Adding it again changes what its job knows of it alone.

        A picture's own record counts before ``node``, ``inputs`` and ``workflow``, which are what the job knows.
        Raises NotThere for a file that is not there or lies elsewhere.
        """
        file = self._outputs.relative(path)
        known = Made(node, inputs or {}, workflow)
        return self._add(read(file, path, known, job=job, title=title))

    def page(
        self,
        search: str = "",
        *,
        favourite: bool | None = None,
        trashed: bool = False,
        job: str | None = None,
        offset: int = 0,
        limit: int = 100,
    ) -> ResultPage:
        """Newest first. ``search``: every word, or text in quotes, stands somewhere in prompt, title, model or file."""
        conditions: list[tuple[str, Any]] = [("(trashed_at is not null) = ?", trashed), *looked_up(search)]
        conditions += [("favourite = ?", favourite)] if favourite is not None else []
        conditions += [("job = ?", job)] if job is not None else []
        among, values = " and ".join(condition for condition, _ in conditions), [value for _, value in conditions]
        total = self._database.rows(f"select count(*) from results where {among}", values)[0][0]
        query = f"select {COLUMNS} from results where {among} order by created_at desc, number desc limit ? offset ?"
        rows = self._database.rows(query, [*values, limit, offset])
        return ResultPage(results=[Result(**self._facts(Row(*row))) for row in rows], total=total)

    def newest_of(self, model: str) -> str | None:
        """The id of the newest picture that a model drew, where one is kept."""
        query = """select id from results where model = ? and trashed_at is null and media_type like 'image/%'
                   order by created_at desc, number desc limit 1"""
        rows = self._database.rows(query, [model])
        return rows[0][0] if rows else None

    def get(self, id: str) -> ResultDetail:
        row = self._row(id)
        path, record = self._outputs.find(id, row.file), dict[str, Any]()
        if path is not None and is_png(path):
            with suppress(FormatError):
                record = extract(path).record
        return ResultDetail(**self._facts(row), inputs=json.loads(row.inputs), record=record)

    def file(self, id: str) -> Path:
        """Where the file is, in the trash or not. Raises NotThere also for one that is gone."""
        path = self._outputs.find(id, self._row(id).file)
        if path is None:
            raise NotThere(say("result_gone_from_disk"), say("moved_outside"))
        return path

    def workflow(self, id: str) -> tuple[Workflow, dict[str, Any]]:
        """The workflow that made it and the inputs with which it ran, also when the file is gone. Raises NotThere if nobody knows."""
        row = self._row(id)
        found = self._database.rows("select text from workflows where etag = ?", [row.workflow])
        if not found:
            raise NotThere(say("no_known_workflow"), say("open_carrier"))
        return parse(zlib.decompress(found[0][0])), json.loads(row.inputs)

    def set_favourite(self, id: str, favourite: bool) -> ResultDetail:
        self._row(id)
        self._database.change(lambda on: on.execute("update results set favourite = ? where id = ?", (favourite, id)))
        return self.get(id)

    def delete(self, id: str) -> None:
        """Move the file to the trash. One that is there already, or gone, is marked alone."""
        row = self._row(id)

        def work(on: sqlite3.Connection) -> None:
            on.execute("update results set trashed_at = ? where id = ?", (row.trashed_at or time.time(), id))
            self._outputs.throw_away(id, row.file)

        self._move(work, "The file could not be moved to the trash")

    def restore(self, id: str) -> ResultDetail:
        """Bring the file back under its name, or under the next free one where another took it."""
        row = self._row(id)

        def work(on: sqlite3.Connection) -> None:
            back = self._outputs.bring_back(id, row.file)
            words = searched(row.prompt, row.title, row.model, back)
            on.execute("update results set trashed_at = null, file = ?, words = ? where id = ?", (back, words, id))

        self._move(work, "The file could not be brought back from the trash")
        return self.get(id)

    def empty_trash(self) -> list[str]:
        """Delete for good what is in the trash, known or not, and all that is known of it; returns the ids of what was known.

        What was not thrown away is not touched, even where its file lies in the trash because a process died while moving it.
        """

        def work(on: sqlite3.Connection) -> list[str]:
            trashed = [id for (id,) in on.execute("select id from results where trashed_at is not null")]
            kept = {id for (id,) in on.execute("select id from results where trashed_at is null")}
            for id, _, path in self._outputs.all_thrown_away():
                if id not in kept:
                    self._outputs.destroy(path)
            on.execute("delete from results where trashed_at is not null")
            on.execute("delete from workflows where etag not in (select workflow from results where workflow is not null)")
            return trashed

        return self._move(work, "The trash could not be emptied")

    def rescan(self) -> int:
        """Take in what the folder and its trash hold and the index does not know; returns how many. Safe while others work with it.

        What can still be read in a damaged index (favourites, who made what) is taken over.
        """
        rows = self._database.rows("select id, file, trashed_at from results")
        files, ids, count = {row[1] for row in rows if row[2] is None}, {row[0] for row in rows}, 0
        for file, path in self._outputs.all():
            if file not in files:
                with suppress(NotThere):  # it went away meanwhile
                    self._add(read(file, path, Made()))
                    count += 1
        for id, file, path in self._outputs.all_thrown_away():
            if id not in ids:
                with suppress(NotThere):
                    row, text = read(file, path, Made())
                    self._add((row._replace(id=id, trashed_at=time.time()), text))
                    count += 1
        self._salvage()
        self._database.empty = False
        return count

    # inside

    def _salvage(self) -> None:
        for damaged in self._database.put_aside:
            for found in salvage(damaged, "results"):
                try:
                    row = Row(**found)
                    Result(**self._facts(row))
                except (TypeError, ValueError):  # the damage is in it
                    continue
                self._add((row, None))
                if row.favourite:
                    self.set_favourite(row.id, True)

    def _add(self, found: tuple[Row, bytes | None]) -> Result:
        row, text = found

        def work(on: sqlite3.Connection) -> None:
            if text is not None:
                on.execute("insert or ignore into workflows values (?, ?)", (row.workflow, zlib.compress(text)))
            if row.trashed_at is None:  # what stood under this name before was overwritten
                on.execute("delete from results where file = ? and id != ? and trashed_at is null", (row.file, row.id))
            again = f"on conflict (id) do update set trashed_at = excluded.trashed_at, {LEARNED}"
            on.execute(f"insert into results ({COLUMNS}) values ({PLACES}) {again}", row)

        self._database.change(work)
        return Result(**self._facts(self._row(row.id)))

    def _row(self, id: str) -> Row:
        rows = self._database.rows(f"select {COLUMNS} from results where id = ?", [id]) if ID.fullmatch(id) else []
        if not rows:
            raise NotThere(say("no_result"), say("choose_listed"))
        return Row(*rows[0])

    def _facts(self, row: Row) -> dict[str, Any]:
        facts = {name: value for name, value in row._asdict().items() if name not in ("inputs", "workflow", "words")}
        facts["seed"] = None if row.seed is None else int(row.seed)
        facts["favourite"] = bool(row.favourite)
        facts["gone"] = self._outputs.find(row.id, row.file) is None
        return facts

    def _move(self, work: Callable[[sqlite3.Connection], Answer], what: str) -> Answer:
        try:
            return self._database.change(work)
        except OSError as error:
            raise NotWritten.because(what, error) from error
