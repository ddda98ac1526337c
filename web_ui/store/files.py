"""Decides where the files of results are: below the outputs folder, those that were thrown away in its ``.trash``, and nowhere else.

Each file in the trash lies under its old name in a folder named by its id, so that it can be brought back without an index.
"""

from __future__ import annotations

import errno
import mimetypes
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from graph_engine.folders import OutsideFolderError, confined
from web_ui.store.errors import NotThere

TRASH = ".trash"
ID = re.compile(r"[0-9a-f]{32}")
UNWANTED = frozenset({"thumbs.db", "desktop.ini"})
TYPES = {".avif": "image/avif", ".safetensors": "application/octet-stream", ".webp": "image/webp"}


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
        if absolute.is_symlink() or not _is_file(absolute) or any(part.startswith(".") for part in inside.parts):
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
            raise NotThere("The file of this result is not in the trash any more.", "It was deleted outside of Latent Loom.")
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.parent.resolve().is_relative_to(self._root):
            raise NotThere("The folder of this file leads elsewhere now.", "Remove the link in the folder with results.")
        return _free(trash, path).relative_to(self.folder).as_posix()

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
    suffix = PurePosixPath(file).suffix.lower()
    return TYPES.get(suffix) or mimetypes.types_map.get(suffix, "application/octet-stream")


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def _walk(folder: Path) -> Iterator[Path]:
    """Plain files, folder by folder; hidden ones and links are left out."""
    waiting = [folder]
    while waiting:
        try:
            entries = sorted(os.scandir(waiting.pop()), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append(Path(entry.path))
            elif entry.is_file(follow_symlinks=False):
                yield Path(entry.path)


def _free(source: Path, target: Path) -> Path:
    """Move ``source`` to ``target``, or beside it where something stands there; nothing is replaced."""
    number, path = 1, target
    while True:
        try:
            os.link(source, path)
        except FileExistsError:
            number += 1
            path = target.with_name(f"{target.stem} ({number}){target.suffix}")
            continue
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EROFS, errno.EACCES):
                raise
            try:  # a file system without hard links: claim the name, then move over our own claim
                path.open("xb").close()
            except FileExistsError:
                number += 1
                path = target.with_name(f"{target.stem} ({number}){target.suffix}")
                continue
            return source.replace(path)
        source.unlink()
        return path
