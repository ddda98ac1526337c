"""Decides how many pictures are shown on one: in rows of equal cells, each scaled down to fit, never up, with its label below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from graph_engine import NodeInputError, Range, node
from nodes.types import Image

if TYPE_CHECKING:
    from PIL import Image as Pillow
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

    Example:
        contact_sheet(pictures, labels=["seed 1", "seed 2"], columns=2)
    """
    import numpy as np
    import torch
    from PIL import Image as Pillow

    from nodes.imaging.lettering import Label

    texts = _checked_labels(labels, len(images))
    spots = _checked_places(places, len(images))
    thumbnails = [_thumbnail(image.pixels[0], size) for image in images]
    columns = min(columns, max(spots) + 1)
    rows = max(spots) // columns + 1
    width, height = (max(one.size[side] for one in thumbnails) for side in (0, 1))
    margin = GAP if texts else 0
    width = max(width, size // 2) if texts else width
    label = Label(max(SMALLEST_FONT, size // FONT_SHARE), width, MAX_LINES)
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
            label.draw(sheet, left, top + height + GAP // 2, wrapped[index], INK)
    return Image(pixels=torch.from_numpy(np.asarray(sheet, dtype=np.float32) / 255)[None])


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
