"""Decides what of a PNG a decoder gets to see: all but the texts that say nothing about its pixels.

Pillow unpacks every text and refuses the file where one is longer than 1 MiB, as the workflow of a large graph may be. A text that is left
out needs no limit, since nobody unpacks it.
"""

from __future__ import annotations

import io
import struct
from io import RawIOBase
from pathlib import Path

SIGNATURE = b"\x89PNG\r\n\x1a\n"
TEXTS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
TELLING = frozenset({b"exif", b"Raw profile type exif", b"Raw profile type APP1", b"XML:com.adobe.xmp"})
"""Keywords of texts that may say which way the picture lies."""

LONGEST_KEYWORD = 79


def without_texts(path: Path) -> Path | io.BytesIO:
    """``path`` itself where there is nothing to leave out. What is no sound PNG comes whole: to tell so is up to the decoder."""
    with path.open("rb", buffering=0) as file:
        parts = _kept(file, path.stat().st_size)
    if len(parts) < 2:
        return path
    content = memoryview(path.read_bytes())
    return io.BytesIO(b"".join(content[start:end] for start, end in parts))


def _kept(file: RawIOBase, size: int) -> list[tuple[int, int | None]]:
    """Where the parts to keep begin and end, the last one with the file."""
    found: list[tuple[int, int | None]] = []
    start, at = 0, len(SIGNATURE)
    if file.read(at) != SIGNATURE:
        return [(0, None)]
    while len(head := file.read(8 + LONGEST_KEYWORD + 1) or b"") >= 8:
        length, kind = struct.unpack_from(">I4s", head)
        end = at + 12 + length
        if end > size or kind == b"IEND":
            break
        if kind in TEXTS and head[8:].partition(b"\0")[0] not in TELLING:
            found.append((start, at))
            start = end
        at = file.seek(end)
    return [*found, (start, None)]
