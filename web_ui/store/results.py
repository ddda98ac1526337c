"""Decides what is known of the files that jobs made, and what becomes of them: found again by their words, liked, thrown away, brought back.

The files are the truth, and this index can be made again from them: a picture carries its workflow and run record. What is thrown away
moves to ``.trash`` below the outputs folder, in a folder of its own, so that it can come back under its name.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from graph_engine.errors import FormatError
from graph_engine.workflow.document import Workflow
from graph_engine.workflow.embed import extract, is_png
from graph_engine.workflow.text import canonical, parse
from web_ui.schema import Result, ResultDetail, ResultPage
from web_ui.store.database import Database
from web_ui.store.described import Described, describe
from web_ui.store.errors import BadPicture, NotThere, NotWritten, TooLarge
from web_ui.store.files import Outputs, media_type
from web_ui.store.pictures import opened, upright_size
from web_ui.store.words import looked_up, searched

MAX_TEXT = 10_000
"""Characters that are kept of a prompt or title: a foreign picture may carry millions."""

COLUMNS = """id, file, media_type, size_bytes, width, height, created_at, job, node, title, prompt, seed, model, favourite,
             trashed_at, inputs"""
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
)


class Made(NamedTuple):
    """How a file came about, as far as it is known."""

    node: str
    inputs: Mapping[str, Any]
    workflow: Workflow | None
    record: dict[str, Any]


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
        """Take a file of the outputs folder into the index. Adding it again changes nothing but what was not known yet.

        A picture's own record counts before ``node``, ``inputs`` and ``workflow``, which are what the job knows.
        Raises NotThere for a file that is not there or lies elsewhere.
        """
        file = self._outputs.relative(path)
        return self._add(file, path, job=job, title=title, known=Made(node, inputs or {}, workflow, {}))

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
        where, values = [f"trashed_at is {'not ' if trashed else ''}null"], list[Any]()
        for condition, value in ((("favourite = ?"), favourite), ("job = ?", job)):
            if value is not None:
                where.append(condition)
                values.append(value)
        for condition, value in looked_up(search):
            where.append(condition)
            values.append(value)
        among = f"from results where {' and '.join(where)}"
        ((total,),) = self._database.rows(f"select count(*) {among}", values) or [(0,)]
        query = f"select {COLUMNS} {among} order by created_at desc, number desc limit ? offset ?"
        rows = self._database.rows(query, [*values, limit, offset])
        return ResultPage(results=[Result(**self._facts(row)) for row in rows], total=total)

    def get(self, id: str) -> ResultDetail:
        row = self._row(id)
        record: dict[str, Any] = {}
        if (path := self._outputs.find(id, row[1])) is not None and is_png(path):
            with suppress(FormatError):
                record = extract(path).record
        return ResultDetail(**self._facts(row), inputs=json.loads(row[15]), record=record)

    def file(self, id: str) -> Path:
        """Where the file is, in the trash or not. Raises NotThere also for one that is gone."""
        path = self._outputs.find(id, self._row(id)[1])
        if path is None:
            raise NotThere("The file of this result is not there any more.", "It was moved or deleted outside of Latent Loom.")
        return path

    def workflow(self, id: str) -> tuple[Workflow, dict[str, Any]]:
        """The workflow that made it and the inputs with which it ran, also when the file is gone. Raises NotThere if nobody knows."""
        row = self._row(id)
        query = "select text from workflows where etag = (select workflow from results where id = ?)"
        found = self._database.rows(query, (id,))
        if not found:
            raise NotThere("It is not known which workflow made this file.", "Open a picture that carries its workflow.")
        return parse(zlib.decompress(found[0][0])), json.loads(row[15])

    def set_favourite(self, id: str, favourite: bool) -> ResultDetail:
        self._row(id)
        self._database.change(lambda on: on.execute("update results set favourite = ? where id = ?", (favourite, id)))
        return self.get(id)

    def delete(self, id: str) -> None:
        """Move the file to the trash. One that is there already, or gone, is marked alone."""
        file = self._row(id)[1]

        def work(on: sqlite3.Connection) -> None:
            on.execute("update results set trashed_at = coalesce(trashed_at, ?) where id = ?", (time.time(), id))
            self._outputs.throw_away(id, file)

        self._change(work, "The file could not be moved to the trash")

    def restore(self, id: str) -> ResultDetail:
        """Bring the file back under its name, or under the next free one where another took it."""
        file = self._row(id)[1]

        def work(on: sqlite3.Connection) -> None:
            back = self._outputs.bring_back(id, file)
            words = "replace(words, ?, ?)"
            query = f"update results set trashed_at = null, file = ?, words = {words} where id = ?"
            on.execute(query, (back, searched(file), searched(back), id))

        self._change(work, "The file could not be brought back from the trash")
        return self.get(id)

    def rescan(self) -> int:
        """Take in what the folder and its trash hold and the index does not know; returns how many. Safe while others work with it."""
        known = {row[0] for row in self._database.rows("select file from results where trashed_at is null")}
        thrown_away = {row[0] for row in self._database.rows("select id from results")}
        count = 0
        for file, path in self._outputs.all():
            if file not in known:
                with suppress(NotThere):  # it went away meanwhile
                    self._add(file, path)
                    count += 1
        for id, file, path in self._outputs.all_thrown_away():
            if id not in thrown_away:
                with suppress(NotThere):
                    self._add(file, path, id=id)
                    count += 1
        self._database.empty = False
        return count

    # inside

    def _add(
        self,
        file: str,
        path: Path,
        *,
        job: str | None = None,
        title: str = "",
        known: Made = Made("", {}, None, {}),  # noqa: B008  (nobody changes it)
        id: str | None = None,
    ) -> Result:
        try:
            found, digest = path.stat(), _digest(path)
        except OSError as error:
            raise NotThere(f"The file {file!r} cannot be read: {error.strerror}.", "Check that it is there.") from error
        id_ = id or hashlib.sha256(f"{file}\0{digest}".encode()).hexdigest()[:32]
        made = _made(path, known)
        about = Described() if made.workflow is None else describe(made.workflow, made.inputs, made.node)
        title = (title or (made.workflow.title if made.workflow else ""))[:MAX_TEXT]
        width, height = _size(path, media_type(file))
        prompt, model = about.prompt[:MAX_TEXT], about.model[:MAX_TEXT]
        text = None if made.workflow is None else canonical(made.workflow).encode()
        etag = None if text is None else hashlib.sha256(text).hexdigest()[:32]
        row = {
            "id": id_, "file": file, "media_type": media_type(file), "size_bytes": found.st_size, "width": width, "height": height,
            "created_at": found.st_mtime, "job": job, "node": made.node, "title": title, "prompt": prompt,
            "seed": None if about.seed is None else str(about.seed), "model": model, "favourite": False,
            "trashed_at": None if id is None else time.time(), "inputs": json.dumps(dict(made.inputs)), "workflow": etag,
            "words": searched(prompt, title, model, file),
        }  # fmt: skip

        def work(on: sqlite3.Connection) -> None:
            if text is not None:
                on.execute("insert or ignore into workflows values (?, ?)", (etag, zlib.compress(text)))
            on.execute("delete from results where file = ? and id != ? and trashed_at is null and ? is null", (file, id_, id))
            names = ", ".join(row)
            values = ", ".join(f":{name}" for name in row)
            late = """job = coalesce(job, excluded.job), title = excluded.title, words = excluded.words,
                      workflow = coalesce(workflow, excluded.workflow)"""
            wiser = "where results.job is null and excluded.job is not null"
            on.execute(f"insert into results ({names}) values ({values}) on conflict (id) do update set {late} {wiser}", row)

        self._database.change(work)
        return Result(**self._facts(self._row(id_)))

    def _row(self, id: str) -> Any:
        rows = self._database.rows(f"select {COLUMNS} from results where id = ?", (id,))
        if not rows:
            raise NotThere("There is no such result.", "Choose one of those that are listed.")
        return rows[0]

    def _facts(self, row: Any) -> dict[str, Any]:
        names = [name.strip() for name in COLUMNS.split(",")][:-1]
        facts = dict(zip(names, row, strict=False))
        facts["seed"] = None if facts["seed"] is None else int(facts["seed"])
        facts["favourite"] = bool(facts["favourite"])
        facts["gone"] = self._outputs.find(facts["id"], facts["file"]) is None
        return facts

    def _change(self, work: Any, what: str) -> None:
        try:
            self._database.change(work)
        except OSError as error:
            raise NotWritten.because(what, error) from error


def _made(path: Path, known: Made) -> Made:
    """What the picture itself says, else what the job knows."""
    if not is_png(path):
        return known
    try:
        workflow, record = extract(path)
    except FormatError:
        return known
    inputs, node = record.get("inputs"), record.get("node")
    return Made(
        node=node if isinstance(node, str) and node else known.node,
        inputs=inputs if isinstance(inputs, dict) else known.inputs,
        workflow=workflow,
        record=record,
    )


def _size(path: Path, media_type: str) -> tuple[int, int] | tuple[None, None]:
    if not media_type.startswith("image/"):
        return None, None
    try:
        with opened(path) as picture:
            return upright_size(picture)
    except (BadPicture, TooLarge):
        return None, None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
