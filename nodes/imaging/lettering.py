"""Decides how a text stands on a picture: in which letters, where its lines break, and what is cut off."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont


class Label:
    """Lines of text in Pillow's own font, broken at blanks and cut where they do not fit ``width``.

    ``size`` is that of the font, ``height`` what a line takes, both in pixels.
    """

    def __init__(self, size: int, width: int, max_lines: int) -> None:
        self.width, self._max_lines = width, max_lines
        self._font: ImageFont.FreeTypeFont | ImageFont.ImageFont = ImageFont.load_default(size)
        box = self._font.getbbox("Ågjp")
        self.height = int(box[3]) + 2

    def lines(self, text: str) -> list[str]:
        found: list[str] = []
        for word in _plain(text).split():
            joined = f"{found[-1]} {word}" if found else word
            if found and self._fits(joined):
                found[-1] = joined
            else:
                found.append(word)
        kept = found[: self._max_lines]
        if len(found) > self._max_lines:
            kept[-1] = f"{kept[-1]}…"
        return [self._cut(line) for line in kept]

    def draw(self, sheet: Pillow.Image, left: int, top: int, lines: Sequence[str], ink: int | tuple[int, int, int]) -> None:
        pen = ImageDraw.Draw(sheet)
        for index, line in enumerate(lines):
            pen.text((left, top + index * self.height), line, fill=ink, font=self._font)

    def _fits(self, line: str) -> bool:
        return self._font.getlength(line) <= self.width

    def _cut(self, line: str) -> str:
        if self._fits(line):
            return line
        low, high = 0, len(line)
        while low < high:  # the longest beginning that fits with an ellipsis
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self._fits(f"{line[:middle]}…") else (low, middle - 1)
        return f"{line[:low]}…"


def _plain(text: str) -> str:
    """What Pillow's own font can write: letters without their accents, and a question mark for those of other scripts."""
    parts = (part for part in unicodedata.normalize("NFKD", text) if not unicodedata.combining(part))
    return "".join(part if part.isascii() or part == "…" else "?" for part in parts)
