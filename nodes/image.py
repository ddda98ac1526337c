"""Decides which files may be read as pictures, how large they may be, and what stands where they are transparent."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from graph_engine import Choice, Context, Folders, NodeInputError, Range, node
from graph_engine.spec import Values
from nodes.types import Image, Mask

if TYPE_CHECKING:
    from nodes.imaging.decode import Decoded

log = logging.getLogger(__name__)

SUFFIXES = frozenset({".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})

MAX_PIXELS = 64 * 2**20
"""Of one picture; as float32 that is 768 MiB."""

MAX_BATCH_PIXELS = 4 * MAX_PIXELS
"""Of all frames together."""

MAX_FRAMES = 4096
ADD = "Put the picture into your input folder, or name the file on the command line."


def _input_names(folders: Folders) -> list[str]:
    return folders.input_names(SUFFIXES)


PictureName = Annotated[str, Choice(_input_names, what="picture", action=ADD)]
Frames = Annotated[int | None, Range(1, MAX_FRAMES, step=1, unit="frames")]


def fingerprint(values: Values, folders: Folders) -> str:
    """Of the content of the file that ``values`` names. Raises NodeInputError where there is none."""
    try:
        with _locate(values["name"], folders).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(values["name"], error) from error


def _only_first_frame(values: dict[str, Any]) -> dict[str, Any]:
    """Version 1 read no other."""
    return {"frames": 1, **values}


def _profile_ignored(values: dict[str, Any]) -> dict[str, Any]:
    """Version 2 took the numbers in a file for sRGB, whatever its profile said."""
    return {"profile": "ignored", **values}


MIGRATIONS = {1: _only_first_frame, 2: _profile_ignored}


class LoadedImage(NamedTuple):
    image: Image
    mask: Mask


@node("loom.load_image", version=3, category="image", lane="disk", fingerprint=fingerprint, migrations=MIGRATIONS)
def load_image(
    *,
    name: PictureName,
    background: Literal["white", "black", "kept"] = "white",
    frames: Frames = None,
    profile: Literal["converted", "ignored"] = "converted",
    context: Context,
) -> LoadedImage:
    """Read a picture from the input folder.

    It is turned upright as its EXIF data says. Colours with 16 bits keep them. Each frame of an animation becomes a
    picture of the batch, and so does each page of a TIFF that is as large as the first.

    A colour profile in the file (ICC), such as Display P3, Adobe RGB, one of grey or one of CMYK, is applied: the picture
    comes in sRGB and looks as it does elsewhere. What sRGB cannot show becomes its nearest colour. CMYK and profiles made of
    tables, such as those of printers, are worked out with 8 bits. A damaged profile is left out, and the log says so.

    Args:
        name: The file: PNG, JPEG, WebP, AVIF, TIFF, GIF or BMP, of at most 64 megapixels.
        background: What transparent parts are laid over. kept leaves the colours as the file has them, hidden or not.
        frames: How many frames of an animation to read, from the first on. Left out: all of them.
        profile: converted applies the file's colour profile. ignored takes its numbers as they are, as for a map of heights.

    Returns:
        image: The picture in red, green and blue.
        mask: 1 where the picture is transparent, such as parts that you erased to have them filled; 0 where it is opaque.

    Example:
        load_image(name="photo.png")
    """
    import numpy as np
    import torch

    found = read(name, frames or MAX_FRAMES, context, convert=profile == "converted")
    if found.alpha is None:
        opaque = np.zeros(found.colours.shape[:3], np.float32)  # torch would start its threads for it, as long as all else takes
        return LoadedImage(Image(pixels=found.colours), Mask(values=torch.from_numpy(opaque)))
    mask, pixels = 1 - found.alpha, found.colours
    if background != "kept":
        pixels = torch.lerp(pixels, torch.tensor(1.0 if background == "white" else 0.0), mask[..., None])
    return LoadedImage(Image(pixels=pixels), Mask(values=mask))


def read(name: str, frames: int, context: Context, *, convert: bool) -> Decoded:
    """The first ``frames`` frames of the input file ``name``, to ``convert`` to sRGB or as they are in the file.

    Raises NodeInputError for a file that is missing, damaged or too large.
    """
    import struct

    from PIL import Image as Pillow

    from nodes.imaging.decode import decode

    path = _locate(name, context.folders)
    try:
        return decode(
            path,
            frames,
            lambda *size: _refuse_large(name, *size),
            convert=convert,
            tell=lambda why: log.warning("The colour profile of %r is not applied: %s.", name, why),
        )
    except (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning):
        raise _too_large(name, "far more pixels") from None
    except (OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, EOFError, struct.error) as error:
        raise _unreadable(name, error) from error


def _locate(name: str, folders: Folders) -> Path:
    path = folders.input_file(name)
    if path is None or not path.is_file():
        raise NodeInputError("name", f"There is no picture {name!r}.", ADD)
    return path


def _refuse_large(name: str, frames: int, width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise _too_large(name, f"{width} x {height} pixels")
    if frames * width * height > MAX_BATCH_PIXELS:
        fitting = MAX_BATCH_PIXELS // (width * height)
        cause = f"{frames} frames of {name!r} have {frames * width * height / 2**20:.0f} megapixels."
        raise NodeInputError("frames", cause, f"Read {fitting} or fewer.")


def _too_large(name: str, size: str) -> NodeInputError:
    limit = f"at most {MAX_PIXELS // 2**20} megapixels are read"
    return NodeInputError("name", f"The picture {name!r} has {size}, and {limit}.", "Make it smaller in an image editor.")


def _unreadable(name: str, error: Exception) -> NodeInputError:
    """Without the error's own path: a message may be shared."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
    if type(error).__name__ == "UnidentifiedImageError":
        reason = "it is no picture of a known format"
    elif "MAX_TEXT" in str(error):
        reason = "a text or colour profile in it unpacks to more than 1 MiB"
    elif not isinstance(error, OSError) or not error.strerror:
        reason = str(error).replace("\n", " ")[:200] or reason
    action = "Open it in an image editor and save it again, as PNG for example."
    return NodeInputError("name", f"The picture {name!r} cannot be read: {reason}.", action)
