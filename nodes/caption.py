"""Decides how a text is written on a picture, or beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from graph_engine import Colour, Multiline, NodeInputError, Range, node
from nodes.types import Image

if TYPE_CHECKING:
    from torch import Tensor

MAX_LINES = 200


@node("loom.caption_image", version=1, category="image")
def caption_image(
    image: Image,
    *,
    text: Annotated[str, Multiline()],
    place: Literal["below", "above", "bottom", "top"] = "below",
    size: Annotated[int, Range(6, 512, step=1, unit="px")] = 24,
    colour: Annotated[str, Colour()] = "black",
    paper: str = "white",
    opacity: Annotated[float, Range(0, 1, step=0.05)] = 1.0,
) -> Image:
    """Write a text on pictures, or on a strip added to them.

    Long lines are broken at blanks. The letters are Latin ones; others become question marks.

    Args:
        image: One or more pictures; all get the same text.
        text: What to write. Nothing leaves the picture as it is.
        place: below and above add a strip to the picture; bottom and top write on it.
        size: The size of the letters.
        colour: The colour of the letters: a name such as black, or #rrggbb.
        paper: The colour behind them.
        opacity: How much the paper hides of the picture where the text stands on it.

    Returns:
        image: The pictures with the text.

    Example:
        caption_image(picture, text="a red house, seed 7", size=20)
    """
    import torch

    from nodes.imaging.colour import parsed

    pixels = image.pixels
    count, height, width, _ = pixels.shape
    ink = _written(text, size, width)
    strip = len(ink)
    if not strip:
        return image
    paper_colour, ink_colour = parsed(paper, "paper"), parsed(colour)
    if place in ("below", "above"):
        written = torch.lerp(paper_colour, ink_colour, ink[..., None]).expand(count, -1, -1, -1)
        parts = [pixels, written] if place == "below" else [written, pixels]
        return Image(pixels=torch.cat(parts, dim=1))
    if strip > height:
        cause = f"The text takes {strip} px, and the picture is {height} px high."
        raise NodeInputError("text", cause, "Use smaller letters, or place it below.")
    found = pixels.clone()
    part = found[:, height - strip :] if place == "bottom" else found[:, :strip]
    part.lerp_(paper_colour.expand_as(part), opacity)
    part.lerp_(ink_colour.expand_as(part), ink[..., None].expand_as(part))
    return Image(pixels=found)


def _written(text: str, size: int, width: int) -> Tensor:
    """[rows, width] of the text with a margin: 1 where there is ink. Without a text, no rows."""
    import numpy as np
    import torch
    from PIL import Image as Pillow

    from nodes.imaging.lettering import Label

    margin = size // 3
    label = Label(size, max(1, width - 2 * margin), MAX_LINES)
    lines = [line for paragraph in text.strip().splitlines() for line in (label.lines(paragraph) or [""])][:MAX_LINES]
    height = len(lines) * label.height + 2 * margin if lines else 0
    strip = Pillow.new("L", (width, height))
    if lines:
        label.draw(strip, margin, margin, lines, 255)
    return torch.from_numpy(np.asarray(strip, dtype=np.float32) / 255)
