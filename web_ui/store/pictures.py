"""Decides which pictures are opened here, and how: of few formats, told by content, of bounded size; everything else is refused.

Each format more is a parser more that a hostile file could reach.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING

from web_ui.sentences import say
from web_ui.store.errors import BadPicture, TooLarge

if TYPE_CHECKING:
    from PIL import Image as Pillow

FORMATS = {
    "AVIF": ".avif",
    "BMP": ".bmp",
    "GIF": ".gif",
    "JPEG": ".jpg",
    "MPO": ".jpg",  # a JPEG with more pictures behind the first, as phones write it
    "PNG": ".png",
    "TIFF": ".tif",
    "WEBP": ".webp",
}
"""What Pillow may try, and the suffix of each."""

TRIED = tuple(name for name in FORMATS if name != "MPO")
PLUGINS = ("Avif", "Bmp", "Gif", "Jpeg", "Png", "Tiff", "WebP")
"""Pillow's modules for these. Where one is missing, Pillow imports all that it has, nearly fifty, while the first picture is waited for."""
MAX_PIXELS = 64 * 2**20
ORIENTATION, TURNED = 0x0112, (5, 6, 7, 8)
FAULTS = (
    OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, EOFError, MemoryError, RuntimeError,
    struct.error, zlib.error,
)  # fmt: skip
"""What Pillow raises for files that are damaged on purpose."""
ACTION = say("save_again")


@contextmanager
def opened(source: Path | IO[bytes]) -> Iterator[Pillow.Image]:
    """The picture, with its header read alone. Raises BadPicture or TooLarge, also for what goes wrong while it is decoded inside."""
    from PIL import Image as Pillow
    from PIL import PngImagePlugin, UnidentifiedImageError

    for name in PLUGINS:
        import_module(f"PIL.{name}ImagePlugin")
    PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY  # a workflow in a picture of ours may be longer than 1 MiB
    try:
        with Pillow.open(source, formats=TRIED) as picture:
            width, height = picture.size
            if width * height > MAX_PIXELS:
                raise _too_large(f"{width} x {height} pixels")
            yield picture
    except (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning):
        raise _too_large("far more pixels") from None
    except UnidentifiedImageError:
        raise BadPicture(say("unknown_format"), ACTION) from None
    except FAULTS as error:
        reason = (getattr(error, "strerror", None) or str(error) or type(error).__name__).replace("\n", " ")[:200]
        raise BadPicture(say("picture_unreadable", error=reason), ACTION) from error


def upright_size(picture: Pillow.Image) -> tuple[int, int]:
    """Width and height as it is looked at: phones write a picture lying on its side, with a note to turn it."""
    width, height = picture.size
    return (height, width) if picture.getexif().get(ORIENTATION) in TURNED else (width, height)


def _too_large(size: str) -> TooLarge:
    return TooLarge(f"The picture has {size}, and at most {MAX_PIXELS // 2**20} megapixels are opened.", "Make it smaller.")
