"""Decides what latents are once the autoencoder is trained: their scale, and a decoder that forgives their errors."""

from __future__ import annotations

import logging
from pathlib import Path

import torch
from torch import Tensor

from nodes.builtin.autoencoder import AutoencoderRecipe, draw_pool, reconstruction_loss
from nodes.builtin.optimizer import MuonAdam, WeightAverage, rate_share
from nodes.builtin.parts import SCALING, Autoencoder

logger = logging.getLogger(__name__)


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


def polish_decoder(recipe: AutoencoderRecipe, vae: Autoencoder, checkpoint: Path) -> None:
    """Train the decoder alone on noisy latents, so that it draws clean edges from a U-Net's imperfect ones."""
    vae.requires_grad_(False)
    vae.decoder.requires_grad_(True)
    vae.post_quant_conv.requires_grad_(True)
    optimizer, average, first = MuonAdam([vae], recipe.lr / 2), WeightAverage(vae, 0.998), 0
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        vae.load_state_dict(saved["weights"])
        optimizer.load_state_dict(saved["optimizer"])
        average.weights, first = saved["average"], saved["step"]
    pool, running = draw_pool(recipe.pool // 2, recipe.seed + 2), 0.0
    for step in range(first, recipe.polish_steps):
        chance = torch.Generator().manual_seed((recipe.seed + 2) * 1_000_003 + step)
        pictures = pool[torch.randint(len(pool), (recipe.full_batch,), generator=chance)]
        latents = encode(vae, pictures)
        amount = recipe.noise * torch.rand(len(latents), 1, 1, 1, generator=chance)
        latents = latents + amount * torch.randn(latents.shape, generator=chance)
        output = vae.decoder(vae.post_quant_conv(latents.contiguous(memory_format=torch.channels_last) / SCALING))
        loss = reconstruction_loss(output, pictures.float() / 127.5 - 1)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimizer.step(rate_share(step, recipe.polish_steps))
        average.update(vae, step)
        running += loss.item()
        if (step + 1) % recipe.save_every == 0 or step + 1 == recipe.polish_steps:
            logger.info("decoder step %d of %d, loss %.4f", step + 1, recipe.polish_steps, running / recipe.save_every)
            running = 0.0
            torch.save({"weights": vae.state_dict(), "optimizer": optimizer.state_dict(),
                        "average": average.weights, "step": step + 1}, checkpoint)
    vae.load_state_dict(average.weights)
