"""Decides what of a picture file counts: its upright pixels as red, green, blue; and which files are refused."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from graph_engine import Choice, Context, Folders, NodeInputError, node
from graph_engine.spec import Values
from nodes.types import Image

if TYPE_CHECKING:
    from PIL import Image as Pillow
    from torch import Tensor

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
"""What Pillow may try, told by content: each format more is a parser more that a hostile file could reach."""

SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})

MAX_PIXELS = 64 * 2**20
"""Of one picture; as float32 that is 768 MiB."""

ADD = "Put the picture into your input folder, or name the file on the command line."


def _input_names(folders: Folders) -> list[str]:
    return folders.input_names(SUFFIXES)


def _fingerprint(values: Values, folders: Folders) -> str:
    try:
        with _locate(values["name"], folders).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(values["name"], error) from error


@node("loom.load_image", version=1, category="image", lane="disk", fingerprint=_fingerprint)
def load_image(*, name: Annotated[str, Choice(_input_names, what="picture", action=ADD)], context: Context) -> Image:
    """Read a picture from the input folder.

    It is turned upright as its EXIF data says. Transparent parts are laid over white. Of an animation, the first frame
    is read.

    Args:
        name: The file: PNG, JPEG, WebP, TIFF, GIF or BMP, of at most 64 megapixels.

    Returns:
        image: The picture in red, green and blue.
    """
    import struct

    from PIL import Image as Pillow

    path = _locate(name, context.folders)
    try:
        with Pillow.open(path, formats=FORMATS) as picture:
            _refuse_large(name, *picture.size)
            return Image(pixels=_pixels(picture))
    except (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning):
        raise _too_large(name, "far more pixels") from None
    except (OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, EOFError, struct.error) as error:
        raise _unreadable(name, error) from error


def _locate(name: str, folders: Folders) -> Path:
    path = folders.input_file(name)
    if path is None or not path.is_file():
        raise NodeInputError("name", f"There is no picture {name!r}.", ADD)
    return path


def _pixels(picture: Pillow.Image) -> Tensor:
    """[1, height, width, 3] in [0, 1]."""
    import numpy as np
    import torch
    from PIL import Image as Pillow
    from PIL import ImageOps

    upright = ImageOps.exif_transpose(picture)
    if upright.mode == "F":
        raise ValueError("its pixels are floating-point numbers of unknown range")
    if upright.mode.startswith("I"):  # 16 bits of grey, sometimes held in 32: converted to RGB it would be cut, not scaled
        grey = np.asarray(upright).astype(np.float32) / 65535
        return torch.from_numpy(grey.clip(0, 1)[None, :, :, None].repeat(3, axis=3))
    if upright.has_transparency_data:
        colours = upright.convert("RGBA")
        upright = Pillow.alpha_composite(Pillow.new("RGBA", colours.size, "white"), colours)
    return torch.from_numpy(np.asarray(upright.convert("RGB"), dtype=np.float32) / 255)[None]


def _refuse_large(name: str, width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise _too_large(name, f"{width} x {height} pixels")


def _too_large(name: str, size: str) -> NodeInputError:
    limit = f"at most {MAX_PIXELS // 2**20} megapixels are read"
    return NodeInputError("name", f"The picture {name!r} has {size}, and {limit}.", "Make it smaller in an image editor.")


def _unreadable(name: str, error: Exception) -> NodeInputError:
    """Without the error's own path: a message may be shared."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
    if type(error).__name__ == "UnidentifiedImageError":
        reason = "it is no picture of a known format"
    elif not isinstance(error, OSError) or not error.strerror:
        reason = str(error).replace("\n", " ")[:200] or reason
    action = "Open it in an image editor and save it again, as PNG for example."
    return NodeInputError("name", f"The picture {name!r} cannot be read: {reason}.", action)
