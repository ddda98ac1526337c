"""Decides how latents are scaled, cropped and turned; what a sampler may change is turned with them.

Sizes are in latent cells: what a cell stands for in the picture is the VAE's affair, such as 8 x 8 px with Stable Diffusion.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from graph_engine import NodeInputError, Range, node
from nodes.types import L, Latent

if TYPE_CHECKING:
    from torch import Tensor

Method: TypeAlias = Literal["nearest", "bilinear", "bicubic", "area", "bislerp"]
Degrees: TypeAlias = Literal["90", "180", "270"]

MAX_CELLS = 4096
SIDE = Range(1, MAX_CELLS, step=1, unit="cells")
PLACE = Range(0, MAX_CELLS, step=1, unit="cells")


@node("loom.scale_latent", version=1, category="latent")
def scale_latent(
    latent: Latent[L], *, width: Annotated[int | None, SIDE] = None, height: Annotated[int | None, SIDE] = None,
    method: Method = "bislerp",
) -> Latent[L]:  # fmt: skip
    """Scale a latent to a size, to go on sampling in more or less detail.

    A scaled latent is blurred; a sampler with denoise at about 0.5 makes it sharp again.

    Args:
        latent: What a sampler gave.
        width: The new width in latent cells; a cell is 8 px with Stable Diffusion. Left out: by the height, in proportion.
        height: The new height in latent cells. Left out: by the width, in proportion.
        method: bislerp keeps contrast best; bilinear and bicubic are soft; nearest is hard-edged; area suits scaling down.

    Returns:
        latent: The latent at its new size.

    Example:
        scale_latent(latent, width=128, method="bislerp")
    """
    old_height, old_width = latent.samples.shape[2:]
    if width is None and height is None:
        raise NodeInputError("width", "Neither width nor height is given.", "Give one of them, or both.")
    new_height = height or _proportional("width", old_height, width or 1, old_width)
    new_width = width or _proportional("height", old_width, height or 1, old_height)
    return _scaled(latent, new_height, new_width, method)


@node("loom.scale_latent_by", version=1, category="latent")
def scale_latent_by(
    latent: Latent[L], *, factor: Annotated[float, Range(0.01, 16, step=0.25, unit="times")] = 2.0, method: Method = "bislerp"
) -> Latent[L]:
    """Scale a latent by a factor, to go on sampling in more or less detail.

    A scaled latent is blurred; a sampler with denoise at about 0.5 makes it sharp again.

    Args:
        latent: What a sampler gave.
        factor: How many times as wide and high: 2 is twice, 0.5 half. A side becomes at least one cell.
        method: bislerp keeps contrast best; bilinear and bicubic are soft; nearest is hard-edged; area suits scaling down.

    Returns:
        latent: The latent at its new size.

    Example:
        scale_latent_by(latent, factor=1.5)
    """
    height, width = (max(1, round(side * factor)) for side in latent.samples.shape[2:])
    if max(height, width) > MAX_CELLS:
        cause = f"The latent would be {width} x {height} cells, and at most {MAX_CELLS} are possible along a side."
        raise NodeInputError("factor", cause, "Choose a smaller one.")
    return _scaled(latent, height, width, method)


@node("loom.crop_latent", version=1, category="latent")
def crop_latent(
    latent: Latent[L], *, left: Annotated[int, PLACE] = 0, top: Annotated[int, PLACE] = 0,
    width: Annotated[int, SIDE], height: Annotated[int, SIDE],
) -> Latent[L]:  # fmt: skip
    """Keep a rectangle of a latent.

    Args:
        latent: The latent.
        left: Where the rectangle begins, in latent cells from the left edge; a cell is 8 px with Stable Diffusion.
        top: Where it begins, in latent cells from the upper edge.
        width: Its width in latent cells.
        height: Its height in latent cells.

    Returns:
        latent: The rectangle.

    Example:
        crop_latent(latent, left=8, top=0, width=32, height=64)
    """
    for name, start, length, side in zip(("width", "height"), (left, top), (width, height), (3, 2), strict=True):
        whole = latent.samples.shape[side]
        if start + length > whole:
            cause = f"The rectangle ends at cell {start + length}, and the latent has {whole}."
            raise NodeInputError(name, cause, "Make it smaller, or begin earlier.")
    return _both(latent, lambda tensor: tensor[..., top : top + height, left : left + width])


@node("loom.flip_latent", version=1, category="latent")
def flip_latent(latent: Latent[L], *, direction: Literal["horizontal", "vertical"] = "horizontal") -> Latent[L]:
    """Mirror a latent.

    Decoding does not give exactly the mirrored picture, since VAEs see left and right a little differently.

    Args:
        latent: The latent.
        direction: horizontal swaps left and right; vertical swaps top and bottom.

    Returns:
        latent: The mirrored latent.

    Example:
        flip_latent(latent, direction="vertical")
    """
    axis = 3 if direction == "horizontal" else 2
    return _both(latent, lambda tensor: tensor.flip(axis))


@node("loom.rotate_latent", version=1, category="latent")
def rotate_latent(latent: Latent[L], *, degrees: Degrees = "90") -> Latent[L]:
    """Turn a latent clockwise by a right angle, or two or three.

    Args:
        latent: The latent.
        degrees: How far, clockwise.

    Returns:
        latent: The turned latent; by 90 and 270 degrees, width and height change places.

    Example:
        rotate_latent(latent, degrees="90")
    """
    return _both(latent, lambda tensor: tensor.rot90(-int(degrees) // 90, dims=(2, 3)))


def _both(latent: Latent[L], change: Callable[[Tensor], Tensor]) -> Latent[L]:
    """The same change to the samples and to the mask; they share no memory with the latent."""
    mask = latent.mask if latent.mask is None else change(latent.mask).clone()
    return Latent(samples=change(latent.samples).clone(), mask=mask)


def _proportional(given: str, side: int, new_other: int, other: int) -> int:
    found = max(1, round(side * new_other / other))
    if found > MAX_CELLS:
        raise NodeInputError(given, f"The other side would be {found} cells, and at most {MAX_CELLS} are possible.", "Give both.")
    return found


def _scaled(latent: Latent[L], height: int, width: int, method: Method) -> Latent[L]:
    samples = latent.samples
    if tuple(samples.shape[2:]) == (height, width):
        return latent
    found = bislerp(samples, height, width) if method == "bislerp" else _interpolated(samples, height, width, method)
    mask = latent.mask
    if mask is not None:
        mask = _interpolated(mask, height, width, "bilinear")
    return Latent(samples=found, mask=mask)


def _interpolated(tensor: Tensor, height: int, width: int, method: str) -> Tensor:
    from torch.nn.functional import interpolate

    return interpolate(tensor, size=(height, width), mode="nearest-exact" if method == "nearest" else method)


def bislerp(samples: Tensor, height: int, width: int) -> Tensor:
    """Bilinear, but turning from cell to cell: each cell is a vector of channels, and its length is mixed apart from its direction.

    A plain mixture of unlike vectors is shorter than both, which is what makes a scaled latent grey. ``samples``: [batch,
    channels, height, width]. Along the width first, then along the height.
    """
    return _turned_between(_turned_between(samples, 3, width), 2, height)


def _turned_between(samples: Tensor, axis: int, size: int) -> Tensor:
    import torch

    old = samples.shape[axis]
    places = ((torch.arange(size, dtype=torch.float64) + 0.5) * (old / size) - 0.5).clamp(0, old - 1)
    lower = places.floor().long().clamp(max=max(old - 2, 0))
    shape: list[int] = [1, 1, 1, 1]
    shape[axis] = size
    share = (places - lower).to(samples.dtype).reshape(shape)
    one, other = samples.index_select(axis, lower), samples.index_select(axis, (lower + 1).clamp(max=old - 1))
    lengths = [tensor.norm(dim=1, keepdim=True) for tensor in (one, other)]
    first, second = (tensor / length.clamp_min(1e-12) for tensor, length in zip((one, other), lengths, strict=True))
    angle = (first * second).sum(1, keepdim=True).clamp(-1, 1).acos()
    sine = angle.sin()
    # Of one direction, or opposite ones, or one is nothing: no arc leads from one to the other.
    plain = (sine < 2e-3) | (lengths[0].minimum(lengths[1]) < 1e-12)
    weights: list[Any] = [
        torch.where(plain, part.expand_as(angle), (part * angle).sin() / torch.where(plain, 1.0, sine))
        for part in (1 - share, share)
    ]
    length = lengths[0] * (1 - share) + lengths[1] * share
    turned = (first * weights[0] + second * weights[1]) * length
    return torch.where(plain, one * (1 - share) + other * share, turned)
