"""Decides where the files of results are: below the outputs folder, those that were thrown away in its ``.trash``, and nowhere else.

Each file in the trash lies under its old name in a folder named by its id, so that it can be brought back without an index.
"""

from __future__ import annotations

import mimetypes
import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

from graph_engine.folders import OutsideFolderError, confined
from web_ui.sentences import say
from web_ui.store.errors import NotThere

TRASH = ".trash"
ID = re.compile(r"[0-9a-f]{32}")
UNWANTED = frozenset({"thumbs.db", "desktop.ini"})
SUFFIXES = {**mimetypes.MimeTypes().types_map[True], ".avif": "image/avif", ".webp": "image/webp"}
SHOWN = re.compile(r"image/(?!svg)|audio/|video/|text/plain$|application/json$")
"""Kinds of files in which no script can hide. All others are bytes, which a browser saves and never runs."""


class Outputs:
    """The folder that results are written to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._root = folder.resolve()

    def relative(self, path: Path) -> str:
        """The name by which a file of the folder is known. Raises NotThere for any other path, a link, or what is no file."""
        absolute = path if path.is_absolute() else self.folder / path
        try:
            inside = absolute.resolve(strict=True).relative_to(self._root)
        except (OSError, ValueError) as error:
            raise NotThere(f"{path.name!r} is no file in the folder with results.", "Check where it was written.") from error
        name = inside.as_posix()
        hidden = any(part.startswith(".") or not part.isprintable() for part in inside.parts)
        if absolute.is_symlink() or not _is_file(absolute) or hidden:
            raise NotThere(f"{name!r} is no file in the folder with results.", "Check where it was written.")
        return name

    def find(self, id: str, file: str) -> Path | None:
        """The file of a result, at its place or in the trash; None if it is gone, or if ``file`` leads elsewhere."""
        return next(
            (path for path in (self._at(file), self._thrown(id, file)) if path is not None and self._is_inside(path)), None
        )

    def throw_away(self, id: str, file: str) -> None:
        """Raises OSError."""
        path, trash = self._at(file), self._thrown(id, file)
        if path is None or trash is None or not self._is_inside(path):
            return
        trash.parent.mkdir(parents=True, exist_ok=True)
        path.replace(trash)

    def bring_back(self, id: str, file: str) -> str:
        """The name that it has from here on. Raises OSError, NotThere."""
        path, trash = self._at(file), self._thrown(id, file)
        if path is None or trash is None or not self._is_inside(trash):
            if path is not None and self._is_inside(path):
                return file
            raise NotThere(say("gone_from_trash"), say("deleted_outside"))
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.parent.resolve().is_relative_to(self._root):
            raise NotThere(say("folder_leads_away"), say("remove_folder_link"))
        back = _free(trash, path).relative_to(self.folder).as_posix()
        self._leave(trash)
        return back

    def destroy(self, path: Path) -> None:
        """Delete a file that lies in the trash, for good. Raises OSError."""
        path.unlink(missing_ok=True)
        self._leave(path)

    def _leave(self, path: Path) -> None:
        """Remove the folders of the trash that a file leaves empty."""
        for folder in list(path.relative_to(self.folder / TRASH).parents)[:-1]:
            with suppress(OSError):
                (self.folder / TRASH / folder).rmdir()

    def all(self) -> Iterator[tuple[str, Path]]:
        """Every file but hidden ones, by name and path. Links are not followed."""
        for path in _walk(self.folder):
            if path.name.lower() not in UNWANTED:
                yield path.relative_to(self.folder).as_posix(), path

    def all_thrown_away(self) -> Iterator[tuple[str, str, Path]]:
        """Id, old name and path of each file in the trash."""
        trash = self.folder / TRASH
        for folder in sorted(trash.iterdir()) if trash.is_dir() and not trash.is_symlink() else []:
            if ID.fullmatch(folder.name) and not folder.is_symlink():
                for path in _walk(folder):
                    yield folder.name, path.relative_to(folder).as_posix(), path

    def _at(self, file: str) -> Path | None:
        try:
            return self.folder / confined(file)
        except OutsideFolderError:
            return None

    def _thrown(self, id: str, file: str) -> Path | None:
        try:
            return self.folder / TRASH / id / confined(file) if ID.fullmatch(id) else None
        except OutsideFolderError:
            return None

    def _is_inside(self, path: Path) -> bool:
        """Whether a plain file is there, and no link on the way leads out."""
        return _is_file(path) and path.resolve().is_relative_to(self._root)


def media_type(file: str) -> str:
    """What a file is, by its suffix."""
    found = SUFFIXES.get(PurePosixPath(file).suffix.lower(), "")
    return found if SHOWN.match(found) else "application/octet-stream"


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def _walk(folder: Path) -> Iterator[Path]:
    """Plain files, folder by folder. Left out are hidden ones, links, and names that are no text."""
    waiting = [folder]
    while waiting:
        try:
            entries = sorted(os.scandir(waiting.pop()), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            if entry.name.startswith(".") or not entry.name.isprintable():
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append(Path(entry.path))
            elif entry.is_file(follow_symlinks=False):
                yield Path(entry.path)


def _free(source: Path, target: Path) -> Path:
    """Move ``source`` to ``target``, or to the next free name beside it; nothing is replaced."""
    path, number = target, 1
    while not _moved(source, path):
        number += 1
        path = target.with_name(f"{target.stem} ({number}){target.suffix}")
    return path


def _moved(source: Path, target: Path) -> bool:
    """False where something stands already. Raises OSError."""
    try:
        os.link(source, target)
        source.unlink()
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links: claim the name, then move over our own claim
        try:
            target.open("xb").close()
        except FileExistsError:
            return False
        try:
            source.replace(target)
        except OSError:
            target.unlink()
            raise
    return True
