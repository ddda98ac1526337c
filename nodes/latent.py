"""Decides what a new latent is: zeros, in the shape that a model's pictures of a size have."""

from __future__ import annotations

from typing import Annotated, Any

from graph_engine import Context, NodeInputError, Range, node
from nodes.types import C, L, Latent, Model

SIDE = Range(16, 16384, step=8, unit="px")
BATCH = Range(1, 4096, step=1, unit="pictures")


@node("loom.empty_latent", version=1, category="latent")
def empty_latent(
    model: Model[C, L],
    *,
    width: Annotated[int | None, SIDE] = None,
    height: Annotated[int | None, SIDE] = None,
    batch: Annotated[int, BATCH] = 1,
    context: Context,
) -> Latent[L]:
    """Start from nothing: a blank latent for a picture of some size.

    Args:
        model: The model that you sample with; it decides the latent's channels and the default size.
        width: Width of the picture in pixels, a multiple of 8. Left out: the width that the model was trained for.
        height: Height of the picture in pixels, a multiple of 8. Left out: the height that the model was trained for.
        batch: How many pictures to make at once. Each has a seed of its own.

    Returns:
        latent: Connect it to a sampler, with denoise at 1.

    Example:
        empty_latent(model, width=512, height=768, batch=4)
    """
    import torch

    from nodes.models.catalogue import reopen

    _, info = reopen(model.source, context.folders, input="model")
    cells = [
        _cells(name, side or default, info.latent_factor)
        for name, side, default in (("height", height, info.default_height), ("width", width, info.default_width))
    ]
    return Latent(samples=torch.zeros(batch, info.latent_channels, *cells))


def _cells(name: str, pixels: int, factor: int) -> int:
    if pixels % factor:
        low = pixels // factor * factor
        raise NodeInputError(name, f"{pixels} px is no multiple of {factor}.", f"Use {low or factor} or {low + factor}.")
    return pixels // factor


def check_fits(latent: Latent[Any], channels: int, input: str) -> None:
    """Raises NodeInputError for a latent that a network or VAE with so many channels cannot read."""
    shape = list(latent.samples.shape)
    if len(shape) != 4 or shape[1] != channels or 0 in shape:
        wanted = f"[batch, {channels}, height, width]"
        raise NodeInputError(input, f"The latent is {shape}, and {wanted} is needed.", "Use one made for this model.")
