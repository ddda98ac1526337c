"""Decides how a file appears: whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def written_beside(path: Path, parts: Iterable[bytes | memoryview], durable: bool = True) -> Iterator[Path]:
    """A temporary file with this content in the folder of ``path``, to be moved or linked there; gone afterwards if it was not.

    ``durable``: the content is on the disk itself before it gets its name, as for what a user would miss. Raises OSError.
    """
    temporary = path.with_name(f".loom-{secrets.token_hex(8)}.part")
    try:
        with temporary.open("xb") as file:
            for part in parts:
                file.write(part)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def replace(path: Path, parts: Iterable[bytes | memoryview], durable: bool = True) -> None:
    """Write ``path``, in place of what stood there. Raises OSError, and then what stood there still does.

    ``durable``: once this returns, a loss of power leaves the new content.
    """
    with written_beside(path, parts, durable) as temporary:
        temporary.replace(path)
    if durable:
        keep_names(path.parent)


def keep_names(folder: Path) -> None:
    """See to it that files moved into or out of ``folder`` keep their names through a loss of power: those too are data of the disk.

    Does nothing where a folder cannot be opened (Windows) or synchronised (some network drives): the names come there in time.
    """
    if os.name != "posix":
        return
    with suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
