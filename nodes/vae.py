"""Decides how pictures enter and leave the latent space."""

from __future__ import annotations

from graph_engine import Context, NodeInputError, node
from nodes.types import Image, L, Latent, Vae


@node("loom.encode_image", version=1, title="VAE encode", category="latent", lane="device", conversion=True)
def encode_image(image: Image, vae: Vae[L], *, context: Context) -> Latent[L]:
    """Turn a picture into a latent, to change it with a sampler.

    The same picture always gives the same latent. A width or height that is no multiple of 8 is cropped to one around
    the centre.

    Args:
        image: One or more pictures.
        vae: The VAE of the model that you sample with.

    Returns:
        latent: Connect it to a sampler, with denoise below 1.
    """
    import torch

    from nodes.models.autoencoder import encode
    from nodes.models.parts import borrow_vae
    from nodes.runtime.device import settle

    with borrow_vae(vae, context) as part, torch.inference_mode():
        factor = part.info.latent_factor
        height, width = image.pixels.shape[1:3]
        if min(height, width) < factor:
            cause = f"The picture is {width} x {height} px, and the VAE needs {factor} x {factor}."
            raise NodeInputError("image", cause, "Use a larger one.")
        top, left = height % factor // 2, width % factor // 2
        cropped = image.pixels[:, top : top + height // factor * factor, left : left + width // factor * factor]
        samples = encode(part.module, cropped, part.device)
    return Latent(samples=settle(samples))


@node("loom.decode_latent", version=1, title="VAE decode", category="latent", lane="device", conversion=True)
def decode_latent(latent: Latent[L], vae: Vae[L], *, context: Context) -> Image:
    """Turn a latent into a picture.

    Args:
        latent: What a sampler gave.
        vae: The VAE of the model that made the latent.

    Returns:
        image: One picture for each item of the latent.
    """
    import torch

    from nodes.latent import check_fits
    from nodes.models.autoencoder import decode
    from nodes.models.parts import borrow_vae
    from nodes.runtime.device import settle

    with borrow_vae(vae, context) as part, torch.inference_mode():
        check_fits(latent, part.info.latent_channels, "latent")
        pixels = decode(part.module, latent.samples, part.device)
    return Image(pixels=settle(pixels))
