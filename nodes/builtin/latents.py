"""Decides what latents are once the autoencoder is trained: means of the posterior, with deviation 1 a channel."""

from __future__ import annotations

import torch
from torch import Tensor

from nodes.builtin.parts import SCALING, Autoencoder


@torch.no_grad()
def encode(vae: Autoencoder, pictures: Tensor) -> Tensor:
    """Mean latents, scaled, of pictures as bytes: ``[batch, 4, 16, 16]``."""
    target = (pictures.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)
    latents: Tensor = vae.quant_conv(vae.encoder(target))[:, :4].contiguous() * SCALING
    return latents


@torch.no_grad()
def standardise(vae: Autoencoder, pictures: Tensor) -> None:
    """Fold a shift and a scale a channel into the 1 x 1 convolutions: scaled latents get mean 0 and deviation 1."""
    latents = torch.cat([encode(vae, part) for part in torch.split(pictures, 64)]) / SCALING
    mean, scale = latents.mean((0, 2, 3)), latents.std((0, 2, 3)) * SCALING
    inward, outward = vae.quant_conv, vae.post_quant_conv
    outward.bias.add_(outward.weight[:, :, 0, 0] @ mean)
    outward.weight.mul_(scale.view(1, -1, 1, 1))
    inward.weight[:4].div_(scale.view(-1, 1, 1, 1))
    inward.bias[:4].sub_(mean).div_(scale)
    inward.bias[4:].sub_(2 * scale.log())
