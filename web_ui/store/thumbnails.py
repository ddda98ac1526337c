"""Decides how pictures look in lists: small WebP files, made when first asked for and kept by what they show.

However many ask for one at once, it is made once. Few are made at the same time, since each holds a whole picture in memory.
"""

from __future__ import annotations

import hashlib
import io
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from graph_engine import atomic
from web_ui.sentences import say
from web_ui.store.errors import NotThere, NotWritten
from web_ui.store.pictures import opened

if TYPE_CHECKING:
    from PIL import Image as Pillow

SIDE = 320
QUALITY = 80
AT_ONCE = 2
CONTENT_ID = re.compile(r"[0-9a-f]{16,64}")


def content_id(source: Path) -> str:
    """Names what a file holds, without reading it: another place, size or time is another content."""
    found = source.stat()
    return hashlib.sha256(f"{source.absolute()} {found.st_size} {found.st_mtime_ns}".encode()).hexdigest()[:32]


class Thumbnails:
    """The folder with all of them. It may be emptied at any time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._making: dict[str, tuple[threading.Lock, int]] = {}
        self._room = threading.Semaphore(AT_ONCE)

    def get(self, source: Path, content_id: str) -> Path:
        """The thumbnail of the picture in ``source``, whose content is called ``content_id`` (hex digits).

        One that is kept is given even where the picture is not there any more. Raises NotThere where neither is, BadPicture or
        TooLarge for what is not opened, NotWritten.
        """
        if not CONTENT_ID.fullmatch(content_id):
            raise NotThere(say("no_picture"), say("choose_listed"))
        path = self._path(content_id)
        if not path.exists():
            with self._alone(content_id):
                if not path.exists():
                    self._make(source, path)
        return path

    def forget(self, content_id: str) -> None:
        """Keep no thumbnail of this content."""
        if CONTENT_ID.fullmatch(content_id):
            self._path(content_id).unlink(missing_ok=True)

    def prune(self, keep: int) -> int:
        """Remove those that were not looked at for longest until ``keep`` are left; returns how many went.

        When a file was last read is known to the day on most disks; where it is not, the oldest go.
        """
        found: list[tuple[float, Path]] = []
        for path in self.folder.glob("*/*.webp"):
            with suppress(OSError):
                facts = path.stat()
                found.append((max(facts.st_atime, facts.st_mtime), path))
        count = 0
        for _, path in sorted(found)[: max(0, len(found) - keep)]:
            with suppress(OSError):
                path.unlink()
                count += 1
        return count

    def _path(self, content_id: str) -> Path:
        return self.folder / content_id[:2] / f"{content_id}.webp"

    def _make(self, source: Path, path: Path) -> None:
        if not source.is_file():
            raise NotThere(say("picture_gone"), say("moved_or_deleted"))
        with self._room:
            data = _thumbnail(source)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            atomic.replace(path, [data], durable=False)
        except OSError as error:
            raise NotWritten.because(say("thumbnail_not_kept"), error) from error

    @contextmanager
    def _alone(self, content_id: str) -> Iterator[None]:
        """The only thread at work on this thumbnail. A lock lives as long as somebody holds or waits for it."""
        with self._lock:
            lock, users = self._making.get(content_id, (threading.Lock(), 0))
            self._making[content_id] = (lock, users + 1)
        try:
            with lock:
                yield
        finally:
            with self._lock:
                lock, users = self._making[content_id]
                if users > 1:
                    self._making[content_id] = (lock, users - 1)
                else:
                    del self._making[content_id]


def _thumbnail(source: Path) -> bytes:
    """At most SIDE pixels wide and high, upright, never scaled up. Of an animation, the first frame."""
    from PIL import Image as Pillow
    from PIL import ImageOps

    with opened(source) as picture:
        colours = _in_colours(picture)
        colours.thumbnail((SIDE, SIDE), Pillow.Resampling.LANCZOS)
        small = ImageOps.exif_transpose(colours)
        written = io.BytesIO()
        small.save(written, "WEBP", quality=QUALITY, method=4)
    return written.getvalue()


def _in_colours(picture: Pillow.Image) -> Pillow.Image:
    if picture.mode == "F":
        raise ValueError("its pixels are floating-point numbers of unknown range")
    if picture.mode.startswith("I"):  # 16 bits of grey: converted to 8 they would be cut, not scaled
        return picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if picture.format == "JPEG":
        picture.draft("RGB", (2 * SIDE, 2 * SIDE))  # decodes a large one at a fraction of its size
    return picture.convert("RGBA" if picture.has_transparency_data else "RGB")
