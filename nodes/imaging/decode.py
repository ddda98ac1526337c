"""Decides what of a picture file counts: upright frames in red, green, blue with all their bits, and what is transparent in them."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image as Pillow
from PIL import ImageOps
from torch import Tensor

from nodes.imaging.chunks import without_texts
from nodes.imaging.opencv import Array
from nodes.imaging.profile import Profile, ProfileError

FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
"""What Pillow may try, told by content: each format more is a parser more that a hostile file could reach."""

MOVING = frozenset({"AVIF", "GIF", "PNG", "TIFF", "WEBP"})
"""Where further pictures are frames or pages. Those in a JPEG are previews and depth maps."""

GREY = frozenset({"1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L"})
"""Pillow's modes of pictures without colours."""

ORIENTATION = 0x0112
TURNS: Mapping[int, Callable[[Array], Array]] = {
    2: lambda rows: rows[:, ::-1],
    3: lambda rows: rows[::-1, ::-1],
    4: lambda rows: rows[::-1],
    5: lambda rows: rows.swapaxes(0, 1),
    6: lambda rows: np.rot90(rows, -1),
    7: lambda rows: rows[::-1, ::-1].swapaxes(0, 1),
    8: lambda rows: np.rot90(rows),
}
"""What turns a picture upright, by its EXIF orientation."""


class Decoded(NamedTuple):
    """``colours`` [frames, height, width, 3] and ``alpha`` [frames, height, width] in [0, 1]; no alpha where all is opaque."""

    colours: Tensor
    alpha: Tensor | None


def decode(
    path: Path, frames: int, check_size: Callable[[int, int, int], None], *, convert: bool, tell: Callable[[str], None]
) -> Decoded:
    """The first ``frames`` frames. ``check_size(count, width, height)`` may raise before anything is unpacked.

    ``convert``: to sRGB, as the file's colour profile says; ``tell`` is told why a profile is not applied.

    Raises what Pillow raises for a damaged file: OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, EOFError,
    struct.error, DecompressionBombError or DecompressionBombWarning.
    """
    source = without_texts(path)
    with Pillow.open(source, formats=FORMATS) as picture:
        check_size(1, *picture.size)
        chosen = _frames(picture)[:frames]
        check_size(len(chosen), *picture.size)
        profile = _profile(picture, tell) if convert else None
        found = []
        for index in chosen:
            if index or len(chosen) > 1:
                picture.seek(index)
            found.append(_frame(picture, source, profile))
    colours = _stacked([frame[:, :, :3] for frame in found])
    if not any(frame.shape[2] == 4 for frame in found):
        return Decoded(colours, None)
    alphas = [frame[:, :, 3] if frame.shape[2] == 4 else np.ones(frame.shape[:2], np.float32) for frame in found]
    return Decoded(colours, _stacked(alphas))


def _stacked(arrays: list[Array]) -> Tensor:
    tensors = [torch.from_numpy(array) for array in arrays]
    return tensors[0][None].contiguous() if len(tensors) == 1 else torch.stack(tensors)


def _frames(picture: Pillow.Image) -> list[int]:
    count = getattr(picture, "n_frames", 1) if picture.format in MOVING else 1
    if picture.format == "TIFF" and count > 1:  # its pages may be smaller versions of the first
        first = _page(picture, 0)
        pages = [index for index in range(count) if _page(picture, index) == first]
        picture.seek(0)
        return pages
    stands_in = count > 1 and picture.info.get("default_image", False)  # what a PNG shows where it cannot move
    return list(range(int(stands_in), count))


def _page(picture: Pillow.Image, index: int) -> tuple[tuple[int, int], Any]:
    picture.seek(index)
    return picture.size, picture.getexif().get(ORIENTATION)


def _profile(picture: Pillow.Image, tell: Callable[[str], None]) -> Profile | None:
    """The profile to apply; None where there is none, or one of sRGB, or one that cannot be applied."""
    data = picture.info.get("icc_profile")
    if not data:
        return None
    try:
        profile = Profile(data)
        held = "CMYK" if picture.mode == "CMYK" else "L" if picture.mode in GREY else "RGB"
        if profile.mode != held and (profile.mode, held) != ("RGB", "L"):
            raise ProfileError(f"it is for {profile.mode}, and the picture is {held}")
        return profile if profile.changes() else None
    except ProfileError as error:
        tell(str(error))
        return None


def _frame(picture: Pillow.Image, source: Path | io.BytesIO, profile: Profile | None) -> Array:
    """[height, width, 3 or 4] in float32, in sRGB."""
    if profile is not None and profile.mode == "CMYK":
        return profile.picture(ImageOps.exif_transpose(picture))
    values = _stored(picture, source)
    if profile is not None:
        values[:, :, :3] = profile.colours(values[:, :, :3])
    return values


def _stored(picture: Pillow.Image, source: Path | io.BytesIO) -> Array:
    """The same as the file has it."""
    deep = any(";16" in str(tile.args) for tile in getattr(picture, "tile", ())) and picture.mode in ("RGB", "RGBA", "LA")
    orientation = picture.getexif().get(ORIENTATION, 1)
    upright = picture if orientation == 1 else ImageOps.exif_transpose(picture)
    if upright.mode == "F":
        raise ValueError("its pixels are floating-point numbers of unknown range")
    if upright.mode.startswith("I"):  # 16 bits of grey, sometimes held in 32: converted to RGB it would be cut, not scaled
        grey = np.asarray(upright).astype(np.float32) / 65535
        return grey.clip(0, 1)[:, :, None].repeat(3, axis=2)
    if deep and (found := _deep(source, picture.size)) is not None:
        return np.ascontiguousarray(TURNS.get(orientation, np.asarray)(found))
    mode = "RGBA" if upright.has_transparency_data else "RGB"
    values = np.array(upright if upright.mode == mode else upright.convert(mode), dtype=np.float32)
    values /= 255
    return values


def _deep(source: Path | io.BytesIO, size: tuple[int, int]) -> Array | None:
    """Colours with 16 bits, of which Pillow keeps 8. None where OpenCV reads something else than Pillow, which came first, did."""
    import cv2

    content = np.fromfile(source, np.uint8) if isinstance(source, Path) else np.frombuffer(source.getbuffer(), np.uint8)
    found = cv2.imdecode(content, cv2.IMREAD_UNCHANGED)
    if found is None or found.dtype != np.uint16 or found.shape not in {(*size[::-1], 3), (*size[::-1], 4)}:
        return None
    order = cv2.COLOR_BGR2RGB if found.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
    return cv2.cvtColor(found, order).astype(np.float32) / 65535
