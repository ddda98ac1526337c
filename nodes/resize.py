"""Decides what size a picture is scaled to: from a size, a factor, a number of megapixels or a longest side."""

from __future__ import annotations

from typing import Annotated, Literal

from graph_engine import NodeInputError, Range, node
from nodes.imaging.choices import Method
from nodes.types import Image

SIDE = Range(1, 16384, step=1, unit="px")
MAX_PIXELS = 2**28
"""Of one picture that is made; as float32 that is 3 GiB."""

Fit = Literal["stretch", "crop", "inside"]


@node("loom.scale_image", version=1, category="image")
def scale_image(
    image: Image,
    *,
    width: Annotated[int | None, SIDE] = None,
    height: Annotated[int | None, SIDE] = None,
    factor: Annotated[float | None, Range(0.01, 64, step=0.25, unit="times")] = None,
    megapixels: Annotated[float | None, Range(0.001, 256, step=0.25, unit="megapixels")] = None,
    longest_side: Annotated[int | None, SIDE] = None,
    fit: Fit = "stretch",
    multiple_of: Annotated[int, Range(1, 256, step=1, unit="px")] = 1,
    method: Method = "lanczos",
) -> Image:
    """Make pictures larger or smaller.

    Say the new size in one way: by width or height or both, or by factor, megapixels or longest_side.

    Args:
        image: One or more pictures.
        width: The new width. Without a height, the picture keeps its proportions.
        height: The new height. Without a width, the picture keeps its proportions.
        factor: How many times as wide and high.
        megapixels: The new number of pixels, in millions (1,000,000); the picture keeps its proportions.
        longest_side: The new length of the longer side; the picture keeps its proportions.
        fit: What to do where width and height have other proportions than the picture: stretch it, crop what stands over
            on both sides, or make it fit inside, so that one side becomes shorter than asked.
        multiple_of: Rounds both sides to the nearest multiple, such as 8 for a picture to be encoded.
        method: lanczos is sharpest, bicubic a little softer, bilinear softer still. area takes the mean of what falls into a
            pixel. nearest repeats or drops pixels: for pixel art.

    Returns:
        image: The scaled pictures.

    Example:
        scale_image(picture, megapixels=1.0, multiple_of=8)
    """
    from nodes.imaging.place import anchored
    from nodes.imaging.resample import resize

    old_height, old_width = image.pixels.shape[1:3]
    ways = {"width": width or height, "factor": factor, "megapixels": megapixels, "longest_side": longest_side}
    given = [name for name, value in ways.items() if value is not None]
    if len(given) != 1:
        cause = f"The new size is given by {' and '.join(given) or 'nothing'}."
        raise NodeInputError(given[-1] if given else "width", cause, "Give width or height, factor, megapixels or longest_side.")
    if width is not None and height is not None and fit != "inside":
        wanted: tuple[float, float] = (height, width)
    else:
        scale = _scale(old_height, old_width, height, width, factor, megapixels, longest_side)
        wanted = (old_height * scale, old_width * scale)
    new_height, new_width = (max(multiple_of, round(side / multiple_of) * multiple_of) for side in wanted)
    if new_width * new_height > MAX_PIXELS:
        cause = f"The picture would be {new_width} x {new_height} px."
        raise NodeInputError(given[0], cause, f"Ask for {MAX_PIXELS // 2**20} megapixels or fewer.")
    if fit != "crop":
        return Image(pixels=resize(image.pixels, new_height, new_width, method))
    kept = _proportioned(old_height, old_width, new_height / new_width)
    top, left = anchored("centre", (old_height, old_width), kept)
    part = image.pixels[:, top : top + kept[0], left : left + kept[1]]
    pixels = resize(part, new_height, new_width, method)
    return Image(pixels=pixels.clone() if pixels is part else pixels)  # a part would keep the whole in memory


def _scale(
    old_height: int,
    old_width: int,
    height: int | None,
    width: int | None,
    factor: float | None,
    megapixels: float | None,
    longest_side: int | None,
) -> float:
    if factor is not None:
        return factor
    if megapixels is not None:
        scale: float = (megapixels * 1e6 / (old_width * old_height)) ** 0.5
        return scale
    if longest_side is not None:
        return longest_side / max(old_width, old_height)
    return min(new / old for new, old in ((width, old_width), (height, old_height)) if new is not None)


def _proportioned(height: int, width: int, proportion: float) -> tuple[int, int]:
    """The largest (height, width) inside that has ``proportion``, height to width; at least a pixel."""
    return max(1, min(height, round(width * proportion))), max(1, min(width, round(height / proportion)))
