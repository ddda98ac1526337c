"""Decides how pictures enter and leave the latent space: whole or in tiles, and with parts left for a sampler to fill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from graph_engine import Context, NodeInputError, Range, node
from nodes.types import Image, L, Latent, Mask, Vae

if TYPE_CHECKING:
    from torch import Tensor

    from nodes.models.tiles import Tiling

Tile = Annotated[int | None, Range(64, 8192, step=64, unit="px")]
Overlap = Annotated[int, Range(16, 1024, step=16, unit="px")]


@node("loom.encode_image", version=1, title="VAE encode", category="latent", lane="device", conversion=True)
def encode_image(image: Image, vae: Vae[L], *, tile: Tile = None, overlap: Overlap = 64, context: Context) -> Latent[L]:
    """Turn a picture into a latent, to change it with a sampler.

    The same picture always gives the same latent. A width or height that is no multiple of 8 is cropped to one around
    the centre.

    Args:
        image: One or more pictures.
        vae: The VAE of the model that you sample with.
        tile: Encode in squares of this side, where memory is short. Left out: the whole picture at once, which is most exact.
        overlap: How far the squares reach into each other, at most half of tile; more hides their edges better and takes
            longer.

    Returns:
        latent: Connect it to a sampler, with denoise below 1.

    Example:
        encode_image(picture, vae, tile=512)
    """
    import torch

    from nodes.models.autoencoder import encode
    from nodes.models.parts import borrow_vae
    from nodes.runtime.device import settle

    with borrow_vae(vae, context) as part, torch.inference_mode():
        factor = part.info.latent_factor
        cropped = _centre(image.pixels, factor)
        samples = encode(part.module, cropped, part.device, _tiling(tile, overlap, factor), context.progress)
    return Latent(samples=settle(samples))


@node("loom.decode_latent", version=1, title="VAE decode", category="latent", lane="device", conversion=True)
def decode_latent(latent: Latent[L], vae: Vae[L], *, tile: Tile = None, overlap: Overlap = 64, context: Context) -> Image:
    """Turn a latent into a picture.

    Args:
        latent: What a sampler gave.
        vae: The VAE of the model that made the latent.
        tile: Decode in squares of this side, in pixels of the picture, where memory is short. Left out: all at once, which
            is most exact.
        overlap: How far the squares reach into each other, at most half of tile; more hides their edges better and takes
            longer.

    Returns:
        image: One picture for each item of the latent.

    Example:
        decode_latent(latent, vae)
    """
    import torch

    from nodes.latent import check_fits
    from nodes.models.autoencoder import decode
    from nodes.models.parts import borrow_vae
    from nodes.runtime.device import settle

    with borrow_vae(vae, context) as part, torch.inference_mode():
        check_fits(latent, part.info.latent_channels, "latent")
        tiling = _tiling(tile, overlap, part.info.latent_factor)
        pixels = decode(part.module, latent.samples, part.device, tiling, context.progress)
    return Image(pixels=settle(pixels))


@node("loom.encode_for_inpainting", version=1, title="VAE encode for inpainting", category="latent", lane="device")
def encode_for_inpainting(
    image: Image,
    mask: Mask,
    vae: Vae[L],
    *,
    grow: Annotated[int, Range(0, 256, step=1, unit="px")] = 6,
    tile: Tile = None,
    overlap: Overlap = 64,
    context: Context,
) -> Latent[L]:
    """Turn a picture into a latent in which a sampler paints the masked part anew.

    The masked part becomes grey first, so that nothing of it shines through; use denoise 1. To change what is there and
    not replace it, encode the picture as it is and set the mask on the latent.

    Args:
        image: One or more pictures.
        mask: 1 where to paint. A mask of another size is scaled to the picture.
        vae: The VAE of the model that you sample with.
        grow: How far around the mask the sampler may change the picture, so that new and old meet without a seam.
        tile: Encode in squares of this side, where memory is short. Left out: the whole picture at once.
        overlap: How far the squares reach into each other, at most half of tile.

    Returns:
        latent: Connect it to a sampler; what is not masked stays.

    Example:
        encode_for_inpainting(picture, mask, vae, grow=8)
    """
    import torch

    from nodes.imaging.fit import mask_for, repeated
    from nodes.models.autoencoder import encode
    from nodes.models.parts import borrow_vae
    from nodes.runtime.device import settle

    with borrow_vae(vae, context) as part, torch.inference_mode():
        factor = part.info.latent_factor
        selected = _centre(mask_for(mask.values, image.pixels), factor)
        pixels = _centre(image.pixels, factor)
        count = max(len(pixels), len(selected))
        grey = torch.where((selected >= 0.5)[..., None], 0.5, repeated(pixels, count))
        samples = encode(part.module, grey, part.device, _tiling(tile, overlap, factor), context.progress)
    return Latent(samples=settle(samples), mask=_cells(selected, grow, factor))


def _centre(batch: Tensor, factor: int) -> Tensor:
    """The part of [batch, height, width, …] around the centre whose sides are multiples of ``factor``."""
    height, width = batch.shape[1:3]
    if min(height, width) < factor:
        cause = f"The picture is {width} x {height} px, and the VAE needs {factor} x {factor}."
        raise NodeInputError("image", cause, "Use a larger one.")
    top, left = height % factor // 2, width % factor // 2
    return batch[:, top : top + height // factor * factor, left : left + width // factor * factor]


def _cells(selected: Tensor, grow: int, factor: int) -> Tensor:
    """[batch, 1, h, w] of [batch, height, width]: a cell may change as much as any pixel of it, or within ``grow`` of one."""
    from torch.nn.functional import max_pool2d

    side = 2 * grow + 1
    rows = max_pool2d(selected[:, None], (side, 1), stride=1, padding=(grow, 0))
    return max_pool2d(max_pool2d(rows, (1, side), stride=1, padding=(0, grow)), factor)


def _tiling(tile: int | None, overlap: int, factor: int) -> Tiling | None:
    from nodes.models.tiles import Tiling

    if tile is None:
        return None
    side = max(8, tile // factor)
    return Tiling(side=side, overlap=max(2, min(overlap // factor, side // 2)))
