"""Decides how many pictures are shown on one: in rows of equal cells, each scaled down to fit, never up, with its label below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from graph_engine import NodeInputError, Range, node
from nodes.types import Image

if TYPE_CHECKING:
    from PIL import Image as Pillow
    from PIL import ImageFont
    from torch import Tensor

GAP = 8
FONT_SHARE = 16
"""The letters of a label are a sixteenth of a cell's side high, and at least SMALLEST_FONT pixels."""
SMALLEST_FONT = 11
MAX_LINES = 3
PAPER, INK = (255, 255, 255), (20, 20, 20)
MAX_SHEET_PIXELS = 2**28


@node("loom.contact_sheet", version=1, category="image")
def contact_sheet(
    images: list[Image],
    *,
    labels: list[str] | None = None,
    columns: Annotated[int, Range(1, 4096)] = 4,
    size: Annotated[int, Range(16, 2048, unit="px")] = 256,
    places: list[int] | None = None,
) -> Image:
    """Show many pictures on one, in rows, each with a label.

    Of a batch the first picture is shown. Pictures may differ in size; a single one without a label is only scaled down.

    Args:
        images: The pictures, in the order of the rows.
        labels: A text below each picture, as many as there are pictures. Left out: none.
        columns: How many stand side by side.
        size: The longest side that a picture has on the sheet, in pixels. Smaller pictures stay as they are.
        places: Where each picture stands, counted from 0 along the rows; what is not named stays empty. Left out: one after the other.

    Returns:
        image: The sheet.
    """
    import numpy as np
    import torch
    from PIL import Image as Pillow

    texts = _checked_labels(labels, len(images))
    spots = _checked_places(places, len(images))
    thumbnails = [_thumbnail(image.pixels[0], size) for image in images]
    columns = min(columns, max(spots) + 1)
    rows = max(spots) // columns + 1
    width, height = (max(one.size[side] for one in thumbnails) for side in (0, 1))
    margin = GAP if texts else 0
    width = max(width, size // 2) if texts else width
    label = _Label(size, width)
    wrapped = [label.lines(text) for text in texts]
    cell_height = height + (label.height * max(map(len, wrapped)) + GAP if texts else 0)
    sheet_size = [margin * 2 + count * side + (count - 1) * GAP for count, side in ((columns, width), (rows, cell_height))]
    if sheet_size[0] * sheet_size[1] > MAX_SHEET_PIXELS:
        raise NodeInputError("images", f"The sheet would be {sheet_size[0]} x {sheet_size[1]} pixels.", "Make size smaller.")
    sheet = Pillow.new("RGB", (sheet_size[0], sheet_size[1]), PAPER)
    for index, (thumbnail, spot) in enumerate(zip(thumbnails, spots, strict=True)):
        left = margin + spot % columns * (width + GAP)
        top = margin + spot // columns * (cell_height + GAP)
        sheet.paste(thumbnail, (left + (width - thumbnail.size[0]) // 2, top + (height - thumbnail.size[1]) // 2))
        if texts:
            label.draw(sheet, left, top + height + GAP // 2, wrapped[index])
    return Image(pixels=torch.from_numpy(np.asarray(sheet, dtype=np.float32) / 255)[None])


class _Label:
    """Lines of text in Pillow's own font, broken at blanks and cut where they do not fit ``width``."""

    def __init__(self, size: int, width: int) -> None:
        from PIL import ImageFont

        self.width = width
        self._font: ImageFont.FreeTypeFont | ImageFont.ImageFont = ImageFont.load_default(max(SMALLEST_FONT, size // FONT_SHARE))
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
        kept = found[:MAX_LINES]
        if len(found) > MAX_LINES:
            kept[-1] = f"{kept[-1]}…"
        return [self._cut(line) for line in kept]

    def draw(self, sheet: Pillow.Image, left: int, top: int, lines: Sequence[str]) -> None:
        from PIL import ImageDraw

        pen = ImageDraw.Draw(sheet)
        for index, line in enumerate(lines):
            pen.text((left, top + index * self.height), line, fill=INK, font=self._font)

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
    import unicodedata

    parts = (part for part in unicodedata.normalize("NFKD", text) if not unicodedata.combining(part))
    return "".join(part if part.isascii() or part == "…" else "?" for part in parts)


def _thumbnail(pixels: Tensor, size: int) -> Pillow.Image:
    """``pixels``: [height, width, 3]."""
    from PIL import Image as Pillow

    eight_bit: Any = (pixels.clamp(0, 1) * 255).round().byte().contiguous().numpy()
    picture = Pillow.fromarray(eight_bit, "RGB")
    scale = min(1.0, size / max(picture.size))
    if scale == 1.0:
        return picture
    width, height = (max(1, round(side * scale)) for side in picture.size)
    return picture.resize((width, height), Pillow.Resampling.LANCZOS)


def _checked_labels(labels: Sequence[str] | None, count: int) -> Sequence[str]:
    if not count:
        raise NodeInputError("images", "There is no picture.", "Link at least one.")
    if labels and len(labels) != count:
        raise NodeInputError("labels", f"{len(labels)} labels are given for {count} pictures.", "Give one for each, or none.")
    return labels or ()


def _checked_places(places: Sequence[int] | None, count: int) -> Sequence[int]:
    if not places:
        return range(count)
    if len(places) != count or len(set(places)) != count or min(places) < 0:
        cause = f"{len(places)} places are given for {count} pictures, or one is given twice or below 0."
        raise NodeInputError("places", cause, "Give each picture a place of its own, counted from 0.")
    return places
