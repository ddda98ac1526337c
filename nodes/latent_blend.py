"""Decides how latents are laid over each other, mixed and gathered into batches, and which part of one a sampler may change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from graph_engine import NodeInputError, Range, node
from nodes.types import L, Latent, Mask

if TYPE_CHECKING:
    from torch import Tensor

PLACE = Range(-4096, 4096, step=1, unit="cells")
COUNT = Range(1, 4096, step=1, unit="latents")


@node("loom.composite_latents", version=1, category="latent")
def composite_latents(
    below: Latent[L], above: Latent[L], *, left: Annotated[int, PLACE] = 0, top: Annotated[int, PLACE] = 0,
    feather: Annotated[int, Range(0, 512, step=1, unit="cells")] = 0,
) -> Latent[L]:  # fmt: skip
    """Lay one latent over another; a sampler with denoise below 1 then makes one picture of both.

    Args:
        below: The latent that gives the size, and the mask of what may change.
        above: The latent that is laid over it; what sticks out is cut off. One for all, or one for each of the batch.
        left: Where its left edge comes to lie, in latent cells from that of the other; a cell is 8 px with Stable Diffusion.
        top: Where its upper edge comes to lie, in latent cells.
        feather: Over how many cells its edges fade, on the sides that lie within the other latent. 0 is a hard edge.

    Returns:
        latent: Both as one.

    Example:
        composite_latents(background, figure, left=16, top=8, feather=4)
    """
    base = below.samples
    laid = _matching("above", base, above.samples)
    height, width = base.shape[2:]
    laid_height, laid_width = laid.shape[2:]
    weight = _ramp(laid_height, top, height, feather)[:, None] * _ramp(laid_width, left, width, feather)[None, :]
    rows, laid_rows = _shared(top, laid_height, height)
    columns, laid_columns = _shared(left, laid_width, width)
    samples = base.clone()
    spot = samples[..., rows, columns]
    spot += (laid[..., laid_rows, laid_columns] - spot) * weight[laid_rows, laid_columns]
    return Latent(samples=samples, mask=below.mask)


@node("loom.blend_latents", version=1, category="latent")
def blend_latents(first: Latent[L], second: Latent[L], *, share: Annotated[float, Range(0, 1, step=0.05)] = 0.5) -> Latent[L]:
    """Mix two latents of one size, cell by cell.

    Args:
        first: One latent; the mask of what may change is kept.
        second: The other, of the same size. One for all, or one for each of the batch.
        share: How much of the second is in the mixture: 0 is the first alone, 1 the second.

    Returns:
        latent: The mixture.

    Example:
        blend_latents(first, second, share=0.3)
    """
    import torch

    other = _matching("second", first.samples, second.samples)
    if other.shape != first.samples.shape:
        raise _other_size("second", first.samples, other)
    return Latent(samples=torch.lerp(first.samples, other, share), mask=first.mask)


@node("loom.join_latents", version=1, category="latent")
def join_latents(latents: list[Latent[L]]) -> Latent[L]:
    """Gather latents of one size into a batch, to sample or decode them together.

    Args:
        latents: The latents, in order.

    Returns:
        latent: All of them, as one batch.

    Example:
        join_latents([first, second])
    """
    import torch

    if not latents:
        raise NodeInputError("latents", "There is no latent.", "Link at least one.")
    first = latents[0].samples
    for latent in latents:
        if latent.samples.shape[1:] != first.shape[1:]:
            raise _other_size("latents", first, latent.samples)
    mask = None
    if any(latent.mask is not None for latent in latents):
        mask = torch.cat([_whole_mask(latent) for latent in latents])
    return Latent(samples=torch.cat([latent.samples for latent in latents]), mask=mask)


@node("loom.pick_latents", version=1, category="latent")
def pick_latents(
    latent: Latent[L], *, first: Annotated[int, Range(-4096, 4095, step=1)] = 0, count: Annotated[int, COUNT] = 1
) -> Latent[L]:
    """Take some latents out of a batch, such as the one whose picture you like.

    A sampler gives a picked latent the first seed; give the noise node the seed of the picture, its own plus its index.

    Args:
        latent: A batch.
        first: The first one to take, counted from 0; -1 is the last of the batch, -2 the last but one.
        count: How many to take. There must be so many.

    Returns:
        latent: The latents that were taken.

    Example:
        pick_latents(latent, first=2, count=1)
    """
    total = latent.samples.shape[0]
    start = first + total if first < 0 else first
    if not 0 <= start < total:
        raise NodeInputError("first", f"There is no latent {first}: the batch has {total}.", f"Choose from 0 to {total - 1}.")
    if start + count > total:
        raise NodeInputError("count", f"From latent {start} on there are {total - start}.", "Choose fewer, or begin earlier.")
    mask = latent.mask
    if mask is not None and mask.shape[0] > 1:
        mask = mask[start : start + count].clone()
    return Latent(samples=latent.samples[start : start + count].clone(), mask=mask)


@node("loom.repeat_latent", version=1, category="latent")
def repeat_latent(latent: Latent[L], *, times: Annotated[int, COUNT] = 2) -> Latent[L]:
    """Make a batch of copies of a latent, to try several seeds on the same picture.

    Args:
        latent: A latent, or a batch: the whole batch is repeated.
        times: How many there are in the end.

    Returns:
        latent: The copies, as one batch.

    Example:
        repeat_latent(latent, times=4)
    """
    mask = latent.mask
    if mask is not None and mask.shape[0] > 1:
        mask = mask.repeat(times, 1, 1, 1)
    return Latent(samples=latent.samples.repeat(times, 1, 1, 1), mask=mask)


@node("loom.mask_latent", version=1, category="latent")
def mask_latent(latent: Latent[L], mask: Mask) -> Latent[L]:
    """Say which part of a latent a sampler may change; the rest stays as it is.

    Args:
        latent: An encoded picture.
        mask: Where it may change: 1 in full, 0 not at all; in between the change is partial. It is stretched to the
            latent. One for all, or one for each of the batch. A mask that was there before is replaced.

    Returns:
        latent: The latent with its mask; connect it to a sampler.

    Example:
        mask_latent(latent, mask)
    """
    from torch.nn.functional import interpolate

    values, samples = mask.values, latent.samples
    if values.shape[0] not in (1, samples.shape[0]):
        cause = f"It holds {values.shape[0]} masks, and the latent {samples.shape[0]} pictures."
        raise NodeInputError("mask", cause, "Use one mask, or as many as there are pictures.")
    stretched = interpolate(values[:, None], size=samples.shape[2:], mode="bilinear")
    return Latent(samples=samples, mask=stretched)


def _matching(input: str, base: Tensor, other: Tensor) -> Tensor:
    """``other`` with as many items as ``base``. Raises NodeInputError where it has neither one nor as many."""
    if other.shape[1] != base.shape[1]:
        raise _other_size(input, base, other)
    if other.shape[0] not in (1, base.shape[0]):
        cause = f"It holds {other.shape[0]} latents, and the other {base.shape[0]}."
        raise NodeInputError(input, cause, "Use one, or as many.")
    grown: Any = other.expand(base.shape[0], *other.shape[1:])
    return grown  # type: ignore[no-any-return]


def _other_size(input: str, base: Tensor, other: Tensor) -> NodeInputError:
    cause = f"It is {list(other.shape[1:])} (channels, height, width), and the first is {list(base.shape[1:])}."
    return NodeInputError(input, cause, "Scale or crop one of them, and use latents of one model.")


def _whole_mask(latent: Latent[Any]) -> Tensor:
    """[batch, 1, height, width]."""
    batch, _, height, width = latent.samples.shape
    mask = latent.samples.new_ones(1, 1, height, width) if latent.mask is None else latent.mask
    return mask.expand(batch, 1, height, width)


def _shared(start: int, length: int, whole: int) -> tuple[slice, slice]:
    """What of a side of ``whole`` cells is covered from ``start`` on, and what of the ``length`` cells covers it."""
    begin, end = max(start, 0), max(min(start + length, whole), max(start, 0))
    return slice(begin, end), slice(begin - start, end - start)


def _ramp(length: int, start: int, whole: int, feather: int) -> Tensor:
    """The weight of each of ``length`` cells: it rises over ``feather`` cells from the edges that lie within ``whole``."""
    import torch

    weights = torch.ones(length)
    if feather:
        place = torch.arange(length, dtype=torch.float32)
        if start > 0:
            weights = weights.minimum((place + 1) / (feather + 1))
        if start + length < whole:
            weights = weights.minimum((length - place) / (feather + 1))
    return weights
