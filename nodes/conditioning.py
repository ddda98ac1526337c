"""Decides how encoded texts are put together and limited: to a strength, a part of the picture, or a part of the steps.

Every limit narrows the ones before it: areas and steps to what both share, masks and strengths to their product.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from graph_engine import NodeInputError, Range, node
from nodes.types import C, Conditioning, Entry, Mask

if TYPE_CHECKING:
    from torch import Tensor

SHARE = Range(0, 1, step=0.05)
STRENGTH = Range(0, 100, step=0.1)


@node("loom.combine_conditionings", version=1, category="conditioning")
def combine_conditionings(
    conditionings: list[Conditioning[C]], *, strengths: list[Annotated[float, STRENGTH]] | None = None
) -> Conditioning[C]:
    """Follow several texts at once: the sampler asks the model for each and averages the pictures that it aims for.

    Each text costs as much time as a text alone. Limit them to areas, masks or steps first to draw different things in
    different places.

    Args:
        conditionings: The encoded texts.
        strengths: How much each counts, beside the others where they meet. Left out: all alike.

    Returns:
        conditioning: All of them.

    Example:
        combine_conditionings([sky, meadow], strengths=[1.0, 0.5])
    """
    if not conditionings:
        raise NodeInputError("conditionings", "There is no text.", "Link at least one.")
    if strengths is not None and len(strengths) != len(conditionings):
        cause = f"{len(strengths)} strengths are given for {len(conditionings)} texts."
        raise NodeInputError("strengths", cause, "Give one for each, or none.")
    scaled = zip(conditionings, strengths or [1.0] * len(conditionings), strict=True)
    return Conditioning(
        entries=tuple(
            replace(entry, strength=entry.strength * strength)
            for conditioning, strength in scaled
            for entry in conditioning.entries
        )
    )


@node("loom.concatenate_conditionings", version=1, category="conditioning")
def concatenate_conditionings(first: Conditioning[C], second: Conditioning[C]) -> Conditioning[C]:
    """Let the model read one text after another, as a longer prompt whose parts were encoded apart.

    Words of one do not colour those of the other while they are encoded, and the time is that of one text.

    Args:
        first: The text that is read first. Where and when it holds is kept; every entry of it gets the second text.
        second: The text that is read after it. If it is a combination, only the first of its texts is used.

    Returns:
        conditioning: Both, as one text.

    Example:
        concatenate_conditionings(subject, style)
    """
    import torch

    added = second.entries[0].embedding

    def longer(entry: Entry) -> Entry:
        _check_widths("second", entry.embedding, added)
        return replace(entry, embedding=torch.cat(_as_many(entry.embedding, added), dim=1))

    return _each(first, longer)


@node("loom.average_conditionings", version=1, category="conditioning")
def average_conditionings(
    first: Conditioning[C], second: Conditioning[C], *, share: Annotated[float, SHARE] = 0.5
) -> Conditioning[C]:
    """Mix two texts into one that lies between them, token by token.

    A text between a cat and a dog may give an animal that is both; a combination would draw either.

    Args:
        first: One text. Where and when it holds is kept; its length too: the second is cut or filled up with zeros.
        second: The other text. If it is a combination, only the first of its texts is used.
        share: How much of the second is in the mixture: 0 is the first alone, 1 the second.

    Returns:
        conditioning: The mixture, as one text.

    Example:
        average_conditionings(cat, dog, share=0.4)
    """
    import torch
    from torch.nn.functional import pad

    other = second.entries[0]

    def mixed(entry: Entry) -> Entry:
        _check_widths("second", entry.embedding, other.embedding)
        tokens = entry.embedding.shape[1]
        fitted = pad(other.embedding[:, :tokens], (0, 0, 0, max(0, tokens - other.embedding.shape[1])))
        embedding = torch.lerp(*_as_many(entry.embedding, fitted), share)
        pooled = entry.pooled
        if pooled is not None and other.pooled is not None:
            pooled = torch.lerp(*_as_many(pooled, other.pooled), share)
        return replace(entry, embedding=embedding, pooled=pooled)

    return _each(first, mixed)


@node("loom.zero_conditioning", version=1, category="conditioning")
def zero_conditioning(conditioning: Conditioning[C]) -> Conditioning[C]:
    """Say nothing at all: every number of the encoded text becomes 0.

    This is not the same as an empty prompt. Some models were trained with it for the negative input.

    Args:
        conditioning: Any encoded text of the model.

    Returns:
        conditioning: As many zeros.

    Example:
        zero_conditioning(prompt)
    """

    def zeroed(entry: Entry) -> Entry:
        pooled = None if entry.pooled is None else entry.pooled.new_zeros(entry.pooled.shape)
        return replace(entry, embedding=entry.embedding.new_zeros(entry.embedding.shape), pooled=pooled)

    return _each(conditioning, zeroed)


@node("loom.limit_to_area", version=1, category="conditioning")
def limit_to_area(
    conditioning: Conditioning[C],
    *,
    left: Annotated[float, SHARE] = 0.0,
    top: Annotated[float, SHARE] = 0.0,
    width: Annotated[float, Range(0, 1, step=0.05, exclude_minimum=True)] = 1.0,
    height: Annotated[float, Range(0, 1, step=0.05, exclude_minimum=True)] = 1.0,
    strength: Annotated[float, STRENGTH] = 1.0,
) -> Conditioning[C]:
    """Draw a text in one rectangle of the picture only.

    The model sees nothing but that part when it reads the text, so a whole scene fits into it. Combine it with a text for
    the whole picture, or with others that cover the rest.

    Args:
        conditioning: The encoded text. If it was limited to an area before, it holds where the two overlap.
        left: Where the area begins, as a share of the picture's width: 0 is the left edge, 0.5 the middle.
        top: Where it begins, as a share of the picture's height: 0 is the upper edge.
        width: Its width, as a share of the picture's. Left and width together are at most 1.
        height: Its height, as a share of the picture's. Top and height together are at most 1.
        strength: How much it counts beside other texts that hold in the same place.

    Returns:
        conditioning: The text for that area.

    Example:
        limit_to_area(moon, left=0.5, top=0.0, width=0.5, height=0.5)
    """
    for name, start, length in (("width", left, width), ("height", top, height)):
        if start + length > 1 + 1e-6:
            raise NodeInputError(
                name, f"The area ends at {start + length:g} and the picture at 1.", f"Use at most {1 - start:g}."
            )

    def limited(entry: Entry) -> Entry:
        old_left, old_top, old_width, old_height = entry.area or (0.0, 0.0, 1.0, 1.0)
        across = _overlap("left", old_left, old_left + old_width, left, min(left + width, 1.0))
        down = _overlap("top", old_top, old_top + old_height, top, min(top + height, 1.0))
        area = (across[0], down[0], across[1] - across[0], down[1] - down[0])
        return replace(entry, area=area, strength=entry.strength * strength)

    return _each(conditioning, limited)


@node("loom.limit_to_mask", version=1, category="conditioning")
def limit_to_mask(conditioning: Conditioning[C], mask: Mask, *, strength: Annotated[float, STRENGTH] = 1.0) -> Conditioning[C]:
    """Draw a text where a mask says, with soft edges where the mask is soft.

    The model reads the text for the whole picture; what it aims for is kept where the mask is. Combine it with a text that
    covers the rest.

    Args:
        conditioning: The encoded text. If it was limited to a mask before, the product of both counts.
        mask: Where the text holds: 1 in full, 0 not at all. It is stretched to the picture.
        strength: How much it counts beside other texts that hold in the same place.

    Returns:
        conditioning: The text for those places.

    Example:
        limit_to_mask(boat, mask, strength=1.0)
    """
    if mask.values.shape[0] != 1:
        cause = f"It holds {mask.values.shape[0]} masks, and a text has one for all pictures."
        raise NodeInputError("mask", cause, "Use a single mask.")

    def limited(entry: Entry) -> Entry:
        both = mask.values if entry.mask is None else _product(entry.mask, mask.values)
        return replace(entry, mask=both, strength=entry.strength * strength)

    return _each(conditioning, limited)


@node("loom.limit_to_steps", version=1, category="conditioning")
def limit_to_steps(
    conditioning: Conditioning[C], *, start: Annotated[float, SHARE] = 0.0, end: Annotated[float, SHARE] = 1.0
) -> Conditioning[C]:
    """Follow a text during a part of the sampling only.

    The first steps decide what is where, the last ones decide details. Combine two texts with one range each to change
    from one to the other on the way.

    Args:
        conditioning: The encoded text. If it was limited to steps before, it holds while both do.
        start: From where on it holds: 0 is pure noise, 0.5 half of the way through the noise levels of the model.
        end: Until where: 1 is the finished picture.

    Returns:
        conditioning: The text for those steps.

    Example:
        limit_to_steps(sketch, start=0.0, end=0.4)
    """

    def limited(entry: Entry) -> Entry:
        begin, stop = _overlap("start", entry.start, entry.end, start, end)
        return replace(entry, start=begin, end=stop)

    if start >= end:
        raise NodeInputError("end", f"It ends at {end:g} and starts at {start:g}.", "Choose an end after the start.")
    return _each(conditioning, limited)


def _each(conditioning: Conditioning[C], change: Callable[[Entry], Entry]) -> Conditioning[C]:
    return Conditioning(entries=tuple(map(change, conditioning.entries)))


def _overlap(name: str, start: float, end: float, other_start: float, other_end: float) -> tuple[float, float]:
    begin, stop = max(start, other_start), min(end, other_end)
    if begin >= stop:
        cause = f"The text holds from {start:g} to {end:g} already, which has nothing in common with {other_start:g} to {other_end:g}."
        raise NodeInputError(name, cause, "Choose one that overlaps, or limit the text once only.")
    return begin, stop


def _product(one: Tensor, other: Tensor) -> Tensor:
    """Two masks multiplied, at the larger height and width of both."""
    from torch.nn.functional import interpolate

    size = [max(one.shape[axis], other.shape[axis]) for axis in (1, 2)]
    first, second = (interpolate(mask[None], size=size, mode="bilinear")[0] for mask in (one, other))
    return first * second


def _check_widths(name: str, one: Tensor, other: Tensor) -> None:
    if one.shape[2] != other.shape[2]:
        cause = f"Its tokens are {other.shape[2]} numbers wide, and those of the first text {one.shape[2]}."
        raise NodeInputError(name, cause, "Encode both with the same text encoder.")


def _as_many(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """Both with the larger of their batch sizes. Raises NodeInputError where they differ and neither is 1."""
    counts = {one.shape[0], other.shape[0]} - {1}
    if len(counts) > 1:
        cause = f"It holds {other.shape[0]} texts, and the first {one.shape[0]}."
        raise NodeInputError("second", cause, "Use one text, or as many as in the first.")
    count = counts.pop() if counts else 1
    grown: list[Any] = [tensor.expand(count, *tensor.shape[1:]) for tensor in (one, other)]
    return grown[0], grown[1]
