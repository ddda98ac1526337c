"""Nodes for the server's tests: they take time, fail, die and write as they are told."""

from __future__ import annotations

import os
import signal
import struct
import time
import zlib
from pathlib import Path
from typing import Annotated, Any

from graph_engine import Choice, Context, Range, node
from graph_engine.values import File


@node("toy.add", version=1, category="toy")
def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    return a + b


@node("toy.wait", version=1, category="toy", lane="device")
def wait(
    value: int = 0,
    *,
    seconds: Annotated[float, Range(0, 600)] = 0.1,
    steps: Annotated[int, Range(1, 10_000)] = 10,
    context: Context,
) -> int:
    """Give a value after some time, step by step, going on from the last step that was kept."""
    done = context.resume() or 0
    pace = {"slow": 3.0, "fast": 1.0}.get(context.services.options.get("device", ""), 1.0)
    for step in range(done, steps):
        time.sleep(seconds / steps * pace)
        context.preview(lambda: b"\xff\xd8picture")
        if step + 1 < steps:
            context.checkpoint(lambda step=step: step + 1)  # type: ignore[misc]
        context.progress(step + 1, steps)
    return value


@node("toy.slow_add", version=1, category="toy")
def slow_add(a: int, seconds: float = 1.0) -> int:
    """Add one, in some time."""
    time.sleep(seconds)
    return a + 1


@node("toy.die", version=1, category="toy", lane="device")
def die(path: str) -> int:
    """Kill the process, the first time or always."""
    if path == "always" or not os.path.exists(path):  # noqa: PTH110
        if path != "always":
            with open(path, "w"):  # noqa: PTH123
                pass
        os.kill(os.getpid(), signal.SIGKILL)
    return 1


@node("toy.deaf", version=1, category="toy", lane="device")
def deaf(seconds: float) -> int:
    """Hold the processor for some time and listen to nobody."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        pass
    return 1


@node("toy.fail", version=1, category="toy")
def fail(value: int = 0, *, context: Context) -> int:
    """Fail, and say a secret while doing so."""
    raise ValueError(f"no good: {context.secret('toy')}")


@node("toy.write", version=1, category="toy", sink=True)
def write(value: int, *, name: str = "number") -> File:
    """Write a number to a file."""
    return File(data=str(value).encode(), stem=name, suffix=".txt", media_type="text/plain")


@node("toy.paint", version=1, category="toy", sink=True)
def paint(value: int = 0, *, side: Annotated[int, Range(1, 100)] = 4, name: str = "grey") -> File:
    """Write a picture of one grey."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes([value % 256]) * side) * side
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    data = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return File(data=data, stem=name, suffix=".png", media_type="image/png")


def _no_header(*_given: object) -> Any:
    raise ValueError("no header")


@node("toy.unreadable", version=1, category="toy", resolve_types=_no_header)
def unreadable() -> int:
    """Load a file that says nothing of itself."""
    return 1


PICTURES = Choice(lambda folders: folders.input_names(frozenset({".png"})), what="picture", action="Upload one.")


@node("toy.size", version=1, category="toy", lane="disk")
def size(*, name: Annotated[str, PICTURES], context: Context) -> int:
    """Give the size of a picture's file."""
    path = context.folders.input_file(name)
    assert path is not None
    return len(Path(path).read_bytes())
