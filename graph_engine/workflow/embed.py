"""Decides how a picture carries its workflow and run record: two compressed iTXt chunks in a PNG, read back with limits.

Written against the PNG specification, third edition (W3C 2025), sections 5 and 11.3.3; no imaging library is needed.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from graph_engine.errors import FormatError
from graph_engine.sentences import message, say
from graph_engine.workflow.document import Workflow
from graph_engine.workflow.text import MAX_BYTES, canonical, limit_depth, load_json, parse

SIGNATURE = b"\x89PNG\r\n\x1a\n"
WORKFLOW, RECORD = b"loom.workflow", b"loom.run"


class Embedded(NamedTuple):
    """What a picture carries."""

    workflow: Workflow
    record: dict[str, Any]


def embed(png: bytes, workflow: Workflow, record_json: str) -> bytes:
    """``png`` with both chunks right after its header; earlier ones of ours are replaced."""
    chunks = list(_chunks(png))
    kept = [raw for kind, data, raw in chunks if not (kind == b"iTXt" and data.split(b"\0", 1)[0] in (WORKFLOW, RECORD))]
    ours = [_text_chunk(WORKFLOW, canonical(workflow)), _text_chunk(RECORD, record_json)]
    return b"".join([SIGNATURE, kept[0], *ours, *kept[1:]])


def extract(path: Path) -> Embedded:
    """The workflow and record in a PNG. Raises FormatError when it is no PNG, is damaged, or carries none."""
    try:
        return extract_bytes(path.read_bytes(), str(path))
    except OSError as error:
        raise FormatError(f"{path} cannot be read: {error.strerror}.") from error


def extract_bytes(png: bytes, name: str = say("the_picture")) -> Embedded:
    """The same from the content of a file, which messages call ``name``."""
    found: dict[bytes, str] = {}
    try:
        for kind, data, _raw in _chunks(png):
            keyword, _, rest = data.partition(b"\0")
            if kind == b"iTXt" and keyword in (WORKFLOW, RECORD):
                found[keyword] = _decode(rest)
    except (ValueError, struct.error, zlib.error) as error:
        raise FormatError(say("file_damaged", file=name, error=str(error))) from error
    if WORKFLOW not in found:
        raise FormatError(say("carries_nothing", file=name))
    try:
        workflow, told = parse(found[WORKFLOW]), load_json(found.get(RECORD, "{}"))
        record = told if isinstance(told, dict) else {}
        limit_depth(record)
    except FormatError as error:
        raise FormatError(say("within", name=name, reason=message(error))) from error
    return Embedded(workflow, record)


def is_png(path: Path) -> bool:
    """Whether the file starts like a PNG."""
    try:
        with path.open("rb") as file:
            return file.read(len(SIGNATURE)) == SIGNATURE
    except OSError:
        return False


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    if not png.startswith(SIGNATURE):
        raise ValueError("it is no PNG")
    at = len(SIGNATURE)
    while at < len(png):
        length, kind = struct.unpack_from(">I4s", png, at)
        end = at + 12 + length
        if end > len(png):
            raise ValueError("it is cut off")
        yield kind, png[at + 8 : end - 4], png[at:end]
        at = end


def _text_chunk(keyword: bytes, text: str) -> bytes:
    body = b"iTXt" + keyword + b"\0\1\0\0\0" + zlib.compress(text.encode("utf-8"), 6)
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))


def _decode(rest: bytes) -> str:
    """The text of an iTXt chunk after its keyword: flag, method, language, translated keyword, text."""
    compressed = rest[:1] == b"\1"
    _language, _, rest = rest[2:].partition(b"\0")
    _translated, _, text = rest.partition(b"\0")
    if compressed:
        inflater = zlib.decompressobj()
        text = inflater.decompress(text, MAX_BYTES)
        if inflater.unconsumed_tail:
            raise ValueError(f"its workflow is larger than {MAX_BYTES} bytes")
    return text.decode("utf-8")
