"""Decides what a folder with workflow files holds: a file NAME.json each, read again only when it changed.

The folder is the user's: git, an editor or another server may change it at any time. What cannot be used (no workflow, a link, a
name that no workflow may have) is listed with its problem, and nothing else suffers from it.
"""

from __future__ import annotations

import hashlib
import os
import stat
import threading
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from graph_engine.errors import FormatError
from graph_engine.sentences import message, said
from graph_engine.workflow.document import Workflow
from graph_engine.workflow.text import MAX_BYTES, canonical, parse, to_data
from web_ui.schema import StoredWorkflow, WorkflowPage, WorkflowSummary
from web_ui.sentences import say
from web_ui.store import names
from web_ui.store.errors import BadName, Broken, NotThere

SUFFIX = ".json"
ETAG_DIGITS = 16
GONE = say("choose_listed")
SETTLED_NS = 2_000_000_000
"""A file is taken as unchanged by its size and time only if it was older than this when it was read: the clocks of file systems are
coarse, and two changes within one tick look the same."""


class Looks(NamedTuple):
    """By what a file is told to be unchanged."""

    size_bytes: int
    modified_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file as it was read. ``etag`` names its content, and is empty where there is none to read; ``problem`` is empty for one
    that holds a workflow."""

    name: str
    path: Path
    looks: Looks
    etag: str
    title: str = ""
    description: str = ""
    nodes: int = 0
    problem: str = ""

    @property
    def saved_at(self) -> float:
        return self.looks.modified_ns / 1e9

    def summary(self) -> WorkflowSummary:
        return WorkflowSummary(
            name=self.name,
            title=self.title,
            description=self.description,
            etag=self.etag,
            saved_at=self.saved_at,
            size_bytes=self.looks.size_bytes,
            nodes=self.nodes,
            problem=self.problem,
            said=said({"problem": self.problem}),
        )

    def refuse_broken(self) -> None:
        if self.problem:
            raise Broken(say("cannot_be_opened", name=self.name, error=self.problem), say("correct_file"))


class Content(NamedTuple):
    """A file's entry and bytes; the workflow is None where they hold none, and the bytes are where the file cannot be read at all."""

    entry: Entry
    data: bytes | None
    workflow: Workflow | None


class WorkflowFolder:
    """Reads, and never writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._known: dict[str, Entry] = {}

    def page(self, search: str = "", offset: int = 0, limit: int = 100) -> WorkflowPage:
        """Those in whose name, title or description every word of ``search`` stands, by name."""
        return page_of(self.entries(), search, offset, limit)

    def get(self, name: str) -> StoredWorkflow:
        """Raises BadName, NotThere or Broken."""
        return stored(self.content(name))

    def content(self, name: str) -> Content:
        """What is in the file now. Raises BadName or NotThere; one that holds no workflow is given with its problem."""
        name = names.checked(name)
        return self._read(name, *self._find(name))

    def again(self, entry: Entry) -> Content:
        """The same file as it is now. Raises NotThere."""
        return self._read(entry.name, entry.path, entry.looks)

    def entries(self) -> list[Entry]:
        """All files, those alone read that changed since."""
        found = []
        with self._lock:
            seen = {file.name: file for file in self._files()}
            self._known = {name: entry for name, entry in self._known.items() if name in seen}
            taken: set[str] = set()
            for file_name in sorted(seen, key=lambda one: (unicodedata.normalize("NFC", one) != one, one)):
                try:
                    entry = self._entry(seen[file_name])
                except OSError:  # it went away meanwhile
                    continue
                if entry.name not in taken:  # else the same name in another Unicode form, which no address could tell from it
                    taken.add(entry.name)
                    found.append(entry)
        return found

    def names_like(self, name: str) -> Iterator[str]:
        """Names that are there and differ from ``name`` in case at most."""
        wanted = names.key(name)
        for file in self._files():
            there = _name(file.name)
            if names.key(there) == wanted:
                yield there

    def _read(self, name: str, path: Path, looks: Looks) -> Content:
        try:
            content = read(name, path, looks)
        except FileNotFoundError:
            raise NotThere(say("no_workflow", name=name), GONE) from None
        with self._lock:
            self._remember(path.name, content.entry)
        return content

    def _entry(self, file: os.DirEntry[str]) -> Entry:
        looks = _looks(file.stat(follow_symlinks=False))
        known = self._known.get(file.name)
        if known is not None and known.looks == looks:
            return known
        entry = read(_name(file.name), Path(file.path), looks).entry
        self._remember(file.name, entry)
        return entry

    def _remember(self, file_name: str, entry: Entry) -> None:
        if time.time_ns() - entry.looks.modified_ns > SETTLED_NS:
            self._known[file_name] = entry
        else:
            self._known.pop(file_name, None)

    def _files(self) -> Iterator[os.DirEntry[str]]:
        try:
            with os.scandir(self.folder) as files:
                yield from (file for file in files if file.name.endswith(SUFFIX) and not file.name.startswith("."))
        except FileNotFoundError:
            return

    def _find(self, name: str) -> tuple[Path, Looks]:
        """The file of a name, whatever Unicode form the file system gives it. Raises NotThere."""
        files = [file for file in self._files() if _name(file.name) == name]
        for file in sorted(files, key=lambda one: one.name != name + SUFFIX):
            try:
                return Path(file.path), _looks(file.stat(follow_symlinks=False))
            except FileNotFoundError:
                continue
        near = next(self.names_like(name), None)
        raise NotThere(say("no_workflow", name=name), say("did_you_mean_workflow", name=near) if near else GONE)


def page_of(entries: list[Entry], search: str, offset: int, limit: int) -> WorkflowPage:
    words = names.key(search).split()
    found = [entry for entry in entries if all(word in _searched(entry) for word in words)]
    found.sort(key=lambda entry: (names.key(entry.name), entry.name))
    return WorkflowPage(workflows=[entry.summary() for entry in found[offset : offset + limit]], total=len(found))


def stored(content: Content) -> StoredWorkflow:
    """Raises Broken."""
    entry = content.entry
    entry.refuse_broken()
    assert content.workflow is not None
    return StoredWorkflow(name=entry.name, etag=entry.etag, saved_at=entry.saved_at, workflow=to_data(content.workflow))


def etag_of(text: str | bytes) -> str:
    """Names a content: the first digits of the sha256 of its canonical text (or of its bytes, where they hold no workflow)."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()[:ETAG_DIGITS]


def read(name: str, path: Path, looks: Looks) -> Content:
    """Read one file. Raises FileNotFoundError alone; all else that is wrong with it is its problem."""
    try:
        names.checked(name)
        data, looks = _contents(path)
    except FileNotFoundError:
        raise
    except BadName as error:
        return _without(name, path, looks, None, say("both", first=error.cause, second=error.action))
    except (Broken, OSError) as error:
        cause = error.cause if isinstance(error, Broken) else f"it cannot be read: {error.strerror}."
        return _without(name, path, looks, None, cause)
    try:
        workflow = parse(data)
    except FormatError as error:
        return _without(name, path, looks, data, message(error))
    entry = Entry(
        name=name,
        path=path,
        looks=looks,
        etag=etag_of(canonical(workflow)),
        title=workflow.title,
        description=workflow.description,
        nodes=len(workflow.nodes),
    )
    return Content(entry, data, workflow)


def _without(name: str, path: Path, looks: Looks, data: bytes | None, problem: str) -> Content:
    etag = "" if data is None else etag_of(data)
    return Content(Entry(name=name, path=path, looks=looks, etag=etag, problem=problem), data, None)


def _contents(path: Path) -> tuple[bytes, Looks]:
    """The bytes of a plain file, and how it looked when they were read. Neither follows a link nor waits for a pipe."""
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        raise Broken(say("is_a_link"), say("put_file_itself"))
    if not stat.S_ISREG(mode):
        raise Broken(say("is_no_file"), say("put_file"))
    number = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(number, "rb") as file:  # noqa: PTH123  (a number, not a path)
        found = os.fstat(number)
        if not stat.S_ISREG(found.st_mode):
            raise Broken(say("is_no_file"), say("put_file"))
        if found.st_size > MAX_BYTES:
            raise Broken(say("too_many_bytes", count=found.st_size, most=MAX_BYTES), say("make_it_smaller"))
        return file.read(), _looks(found)


def _looks(found: os.stat_result) -> Looks:
    return Looks(found.st_size, found.st_mtime_ns)


def _name(file_name: str) -> str:
    """What a file's name says; bytes that are no UTF-8 are made visible."""
    return unicodedata.normalize("NFC", file_name.removesuffix(SUFFIX).encode("utf-8", "backslashreplace").decode())


def _searched(entry: Entry) -> str:
    return names.key(f"{entry.name}\n{entry.title}\n{entry.description}")
