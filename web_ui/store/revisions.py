"""Decides how every content that a workflow ever had is kept: one numbered file each, never changed once it is there.

They lie outside the folder with the workflows, so that a git repository of that folder holds the workflows alone. A workflow that was
deleted keeps its revisions; one that gets its name goes on counting after them.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from graph_engine import atomic
from web_ui.sentences import say
from web_ui.store import names
from web_ui.store.errors import NotThere

FILE = re.compile(r"(\d{6,})-(\d+)-([0-9a-f]{16})\.json")
TRASH = ".trash"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One revision. ``number`` counts from 1."""

    number: int
    etag: str
    saved_at: float
    path: Path


class Revisions:
    """The folder with all of them. Whoever writes holds the lock of the workflows' folder; names were checked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def of(self, name: str) -> list[Kept]:
        """Oldest first; empty for a name that never was."""
        return sorted(self._found(name), key=lambda one: one.number)

    def newest(self, name: str) -> Kept | None:
        return max(self._found(name), key=lambda one: one.number, default=None)

    def read(self, name: str, number: int) -> tuple[Kept, str]:
        """The revision and its text. Raises NotThere."""
        kept = next((one for one in self._found(name) if one.number == number), None)
        if kept is None:
            raise NotThere(say("no_revision", number=number, name=name), say("choose_listed"))
        return kept, kept.path.read_text(encoding="utf-8")

    def add(self, name: str, text: str, etag: str, saved_at: float, durable: bool = True) -> Kept:
        """Keep ``text`` as the newest one. Raises OSError."""
        newest, folder = self.newest(name), self._place(name)
        number = 1 if newest is None else newest.number + 1
        if newest is None:
            folder.mkdir(exist_ok=True)
            if durable:
                atomic.keep_names(self.folder)
        path = folder / _file(number, saved_at, etag)
        atomic.replace(path, [text.encode()], durable)
        return Kept(number=number, etag=etag, saved_at=saved_at, path=path)

    def settle(self, kept: Kept) -> None:
        """See to it that a revision which was not made durable outlives a loss of power. Raises OSError."""
        with kept.path.open("rb+") as file:
            os.fsync(file.fileno())
        for folder in (kept.path.parent, self.folder):
            atomic.keep_names(folder)

    def move(self, name: str, new_name: str) -> None:
        """What ``name`` had belongs to ``new_name`` from here on, after what that had before. Raises OSError."""
        source, target = self._place(name), self._place(new_name)
        if source == target or not source.exists():
            return
        newest = self.newest(new_name)
        if newest is None:
            target.mkdir(exist_ok=True)
        before = 0 if newest is None else newest.number
        for kept in self.of(name):
            kept.path.rename(target / _file(before + kept.number, kept.saved_at, kept.etag))
        for folder in (source, target):
            atomic.keep_names(folder)

    def put_aside(self, name: str, data: bytes) -> None:
        """Keep the content of a file that goes away, as it was. Raises OSError."""
        trash = self.folder / TRASH
        trash.mkdir(exist_ok=True)
        moment = time.time_ns() // 1_000_000
        while (path := trash / f"{name}.{moment}.json").exists():
            moment += 1
        atomic.replace(path, [data])

    def _found(self, name: str) -> Iterator[Kept]:
        folder = self._place(name)
        try:
            paths = list(folder.iterdir())
        except FileNotFoundError:
            return
        for path in paths:
            if match := FILE.fullmatch(path.name):
                yield Kept(number=int(match[1]), etag=match[3], saved_at=int(match[2]) / 1000, path=path)

    def _place(self, name: str) -> Path:
        return self.folder / names.key(name)


def _file(number: int, saved_at: float, etag: str) -> str:
    return f"{number:06d}-{round(saved_at * 1000)}-{etag}.json"
