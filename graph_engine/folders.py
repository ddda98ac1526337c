"""Decides which file a name inside a workflow may mean.

A workflow is somebody else's data: its names are looked up below named roots and nowhere else. An absolute path, a drive, ``..``,
a NUL or a symbolic link that leads out of the root is refused before anything is opened. Files that the *user* names
(on the command line, say) travel in ``given``: the workflow sees only their short name.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

from graph_engine.errors import LoomError


class OutsideFolderError(LoomError):
    """A name that would lead out of the folders a workflow may read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """Where models and input files are looked up, in order, and what the user named directly."""

    models: tuple[Path, ...] = ()
    inputs: tuple[Path, ...] = ()
    given: Mapping[str, Path] = field(default_factory=dict)

    def input_file(self, name: str) -> Path | None:
        """The input file called ``name``, or None. Raises OutsideFolderError for a name that is not a plain relative one."""
        if name in self.given:
            return self.given[name]
        return _find(name, self.inputs)

    def model(self, name: str) -> Path | None:
        """The model file or folder called ``name``, or None. Raises OutsideFolderError like ``input_file``."""
        return _find(name, self.models)

    def input_names(self, suffixes: frozenset[str]) -> list[str]:
        """Names of the input files with one of the suffixes (lower case, with dot), sorted, at most 10,000."""
        found = {name for name, path in self.given.items() if path.suffix.lower() in suffixes}
        for root in self.inputs:
            found.update(path.relative_to(root).as_posix() for path in _files(root) if path.suffix.lower() in suffixes)
        return sorted(found)


def _find(name: str, roots: tuple[Path, ...]) -> Path | None:
    relative = confined(name)
    for root in roots:
        path = root / relative
        if _exists(path):
            if not path.resolve().is_relative_to(root.resolve()):
                raise OutsideFolderError(f"{name!r} is a link that leads out of its folder.")
            return path
    return None


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return False
        raise


def confined(name: str) -> PurePosixPath:
    """``name`` as a relative path that stays below any root it is joined to; raises OutsideFolderError otherwise."""
    path, windows = PurePosixPath(name), PureWindowsPath(name)
    if not name or "\0" in name or "\\" in name or path.is_absolute() or windows.drive or ".." in path.parts:
        raise OutsideFolderError(f"{name!r} is not a name inside the folder: use a relative path without '..'.")
    return path


def _files(root: Path, limit: int = 10_000) -> Iterator[Path]:
    if not root.is_dir():
        return
    count = 0
    for path in sorted(root.iterdir()):
        if path.name.startswith("."):
            continue
        for found in [path] if path.is_file() else (sorted(path.iterdir()) if path.is_dir() else []):
            if found.is_file() and count < limit:
                count += 1
                yield found
