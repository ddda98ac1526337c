"""Decides how server and worker talk: messages over pipes, each a JSON header after its length, and bytes where the header says so.

A message that is cut off, or is no object, ends the conversation: the other side is gone or broken.
"""

from __future__ import annotations

import asyncio
import json
import struct
import threading
from collections.abc import Mapping
from typing import Any, BinaryIO, NamedTuple

LENGTH = struct.Struct(">I")
MAX_HEADER_BYTES = 256 * 2**20
MAX_BODY_BYTES = 256 * 2**20


class Message(NamedTuple):
    """``header["do"]`` (to a worker) or ``header["tell"]`` (from one) says what it is."""

    header: dict[str, Any]
    body: bytes = b""


def packed(header: Mapping[str, Any], body: bytes = b"") -> bytes:
    """The message as bytes."""
    text = json.dumps({**header, "bytes": len(body)}, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return LENGTH.pack(len(text)) + text + body


class Sender:
    """Writes messages from several threads, each whole."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._lock = stream, threading.Lock()

    def send(self, header: Mapping[str, Any], body: bytes = b"") -> None:
        data = packed(header, body)
        with self._lock:
            self._stream.write(data)
            self._stream.flush()


def receive(stream: BinaryIO) -> Message | None:
    """The next message; None when the other side is gone."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    text = stream.read(length) if length <= MAX_HEADER_BYTES else b""
    if len(text) < length or not text:
        return None
    header = json.loads(text)
    size = header.pop("bytes")
    body = stream.read(size) if size else b""
    return Message(header, body) if len(body) == size else None


async def receive_async(stream: asyncio.StreamReader) -> Message | None:
    """The next message; None when the other side is gone."""
    try:
        (length,) = LENGTH.unpack(await stream.readexactly(LENGTH.size))
        if length > MAX_HEADER_BYTES:
            return None
        header = json.loads(await stream.readexactly(length))
        size = header.pop("bytes")
        return Message(header, await stream.readexactly(size) if 0 < size <= MAX_BODY_BYTES else b"")
    except (asyncio.IncompleteReadError, ConnectionError, ValueError, KeyError, AttributeError):
        return None
