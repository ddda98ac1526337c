"""Decides how a file appears: whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
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
    """Write ``path``, in place of what stood there. Raises OSError, and then what stood there still does."""
    with written_beside(path, parts, durable) as temporary:
        temporary.replace(path)
