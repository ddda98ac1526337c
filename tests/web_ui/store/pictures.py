"""Pictures in memory, for tests of what takes them."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image as Pillow

FORMATS = {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp", "TIFF": ".tif", "GIF": ".gif", "BMP": ".bmp", "AVIF": ".avif"}
"""Those that are taken, with the suffix that each is kept under."""


def picture(format: str = "PNG", size: tuple[int, int] = (7, 5), mode: str = "RGB", colour: Any = "red", **options: Any) -> bytes:
    written = io.BytesIO()
    image = Pillow.new(mode, size, colour)
    if mode in ("RGB", "L", "RGBA"):
        for at in range(min(size)):  # not one colour alone, so that a cut is noticed
            image.putpixel((at, at), (at * 30 % 256,) * len(image.getbands()) if mode != "L" else at * 30 % 256)
    image.save(written, format, **options)
    return written.getvalue()


def lying(orientation: int = 6, size: tuple[int, int] = (8, 4)) -> bytes:
    """A JPEG whose EXIF data says how to turn it."""
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    return picture("JPEG", size, exif=exif)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def claiming(width: int, height: int) -> bytes:
    """A PNG that says it is large, and holds next to nothing."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


def shown(data: bytes) -> Pillow.Image:
    with Pillow.open(io.BytesIO(data)) as found:
        found.load()
        return found


def foreign() -> list[Any]:
    """Bytes that are no picture which may be opened."""
    ppm = b"P6\n1 1\n255\n\0\0\0"
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n"
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    ico = picture("ICO", (16, 16))
    return [
        pytest.param(data, id=name)
        for name, data in [
            ("nothing", b""), ("text", b"hello"), ("svg", svg), ("html", b"<html><script>alert(1)</script>"), ("ppm", ppm), ("eps", eps),
            ("ico", ico), ("zip", b"PK\x03\x04" + b"\0" * 40), ("pdf", b"%PDF-1.7\n"), ("png in name alone", b"\x89PNG\r\n\x1a\n"),
            ("gif in name alone", b"GIF89a"), ("pickle", b"\x80\x04\x95\x00."),
        ]
    ]  # fmt: skip
