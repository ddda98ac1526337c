"""Decides how a picture becomes the bytes of a file: every value rounded to the nearest that the format holds."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image as Pillow
from torch import Tensor

from nodes.imaging.formats import KINDS, FileFormat
from nodes.imaging.opencv import Array

COMPRESS_LEVEL = 4
"""zlib's. On noise with the spectrum of a photograph, 6 and 9 give no smaller file and take 3 to 4 times as long (measured)."""

ROWS = 16
"""That are rounded at a time."""


def encode(pixels: Tensor, format: FileFormat, quality: int) -> bytes:
    """``pixels`` [height, width, 3 or 4] in [0, 1]. ``quality`` 1 to 100 is for the formats that lose something."""
    depth = 16 if format == "png_16_bit" else 8
    whole = _whole(pixels.numpy(), np.uint16 if depth == 16 else np.uint8)
    if depth == 16:
        return _png_16_bit(whole)
    written = io.BytesIO()
    Pillow.fromarray(whole, "RGBA" if whole.shape[2] == 4 else "RGB").save(
        written, KINDS[format].name, **_options(format, quality)
    )
    return written.getvalue()


def _whole(values: Array, dtype: type[np.unsignedinteger[Any]]) -> Array:
    """[0, 1] to the whole numbers of ``dtype``, a few rows at a time: they stay in the processor's cache. What is no number becomes 0."""
    most = np.float32(np.iinfo(dtype).max)
    found = np.empty(values.shape, dtype)
    for top in range(0, len(values), ROWS):
        part = values[top : top + ROWS] * most
        np.rint(part, out=part)
        np.minimum(np.fmax(part, 0, out=part), most, out=part)
        found[top : top + ROWS] = part
    return found


def _options(format: FileFormat, quality: int) -> dict[str, Any]:
    if format == "png":
        return {"compress_level": COMPRESS_LEVEL}
    if format == "webp":
        return {"quality": quality, "lossless": quality == 100, "exact": True}
    return {"quality": quality, "subsampling": "4:4:4" if quality >= 90 else "4:2:0"}


def _png_16_bit(values: Array) -> bytes:
    """By OpenCV: Pillow writes 16 bits of grey only."""
    import cv2

    order = cv2.COLOR_RGBA2BGRA if values.shape[2] == 4 else cv2.COLOR_RGB2BGR
    done, written = cv2.imencode(".png", cv2.cvtColor(values, order), [cv2.IMWRITE_PNG_COMPRESSION, COMPRESS_LEVEL])
    if not done:
        raise OSError("OpenCV could not write the PNG")
    return written.tobytes()
