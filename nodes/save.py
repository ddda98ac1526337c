"""Decides how pictures are saved: in which format, and what the names of the files say.

The engine writes the files, adds a number so that none is replaced, and puts the workflow and the run's record into those that are PNG.
"""

from __future__ import annotations

import re
from typing import Annotated

from graph_engine import Context, File, NodeInputError, Range, Seed, node
from graph_engine.folders import OutsideFolderError, confined
from nodes.imaging.formats import KINDS, FileFormat
from nodes.types import SEEDS, Image, Mask

HOLE = re.compile(r"\{(\w*)\}")
UNFIT = re.compile(r"[\\/\x00-\x1f]+")
MAX_FILLING = 60
"""How many letters of a text are put into a name."""


@node("loom.save_image", version=1, category="image", output="files", sink=True)
def save_image(
    image: Image,
    transparent: Mask | None = None,
    *,
    name: str = "image",
    format: FileFormat = "png",
    quality: Annotated[int, Range(1, 100, step=1)] = 90,
    title: str | None = None,
    text: str | None = None,
    seed: Annotated[int | None, Seed()] = None,
    context: Context,
) -> list[File]:
    """Save pictures as files in the output folder; PNG files carry the workflow.

    No file is ever replaced: a number is added to each name.

    Args:
        image: One or more pictures; each becomes a file.
        transparent: Where 1, the file is transparent. A mask of another size is scaled to the picture. JPEG knows none.
        name: What the files' names begin with. {title}, {text} and {seed} stand for what is given below, {index} for the
            place in the batch, counted from 0, {width} and {height} for the size in pixels. With / it leads into a folder.
        format: png keeps 256 steps of each colour, png_16_bit 65,536. jpeg, webp and avif are smaller and lose details.
        quality: Of jpeg, webp and avif: higher is finer and larger. 100 makes webp lossless.
        title: Fills {title} in the name.
        text: Fills {text} in the name, such as the prompt; the first 60 letters are used.
        seed: Fills {seed} in the name; it counts up along the batch, as noise from one seed does.

    Returns:
        files: The encoded files.

    Example:
        save_image(picture, name="{title}/{seed}", title="Cats", seed=7, format="webp")
    """
    import torch

    from nodes.imaging.encode import encode
    from nodes.imaging.fit import mask_for, repeated

    kind = KINDS[format]
    count, height, width = image.pixels.shape[:3]
    if max(height, width) > kind.longest_side:
        cause = f"The picture is {width} x {height} px, and {format} holds {kind.longest_side} px a side."
        raise NodeInputError("format", cause, "Use png.")
    if transparent is not None and not kind.transparent:
        raise NodeInputError("format", f"{format} knows no transparency.", "Use png, webp or avif, or link no mask.")
    alphas = None if transparent is None else 1 - repeated(mask_for(transparent.values, image.pixels, "transparent"), count)
    values = {"title": title, "text": text, "width": width, "height": height}
    stems = [_filled(name, {**values, "seed": _counted(seed, index), "index": index}) for index in range(count)]
    found = []
    for index, (pixels, stem) in enumerate(zip(image.pixels, stems, strict=True)):
        context.progress(index, count)
        whole = pixels if alphas is None else torch.cat([pixels, alphas[index][..., None]], dim=-1)
        data = encode(whole, format, quality)
        found.append(File(data=data, stem=stem, suffix=kind.suffix, media_type=kind.media_type))
    return found


def _counted(seed: int | None, index: int) -> int | None:
    return None if seed is None else (seed + index) % SEEDS


def _filled(name: str, values: dict[str, str | int | None]) -> str:
    """``name`` with its holes filled, still inside the output folder. Raises NodeInputError for a hole that nothing fills."""

    def fill(hole: re.Match[str]) -> str:
        key = hole[1]
        if key not in values:
            known = ", ".join(f"{{{one}}}" for one in sorted(values))
            raise NodeInputError("name", f"The name has {hole[0]}, which stands for nothing.", f"Use one of {known}.")
        value = values[key]
        if value is None:
            raise NodeInputError(key, f"The name has {hole[0]}, and no {key} is given.", "Give one, or change the name.")
        return UNFIT.sub("_", str(value))[:MAX_FILLING].strip(". ") or "_"

    filled = HOLE.sub(fill, name)
    try:
        confined(filled)
    except OutsideFolderError as error:
        raise NodeInputError("name", f"The name {filled!r} leads out of the output folder.", "Use a plain one.") from error
    return filled
