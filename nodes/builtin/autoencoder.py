"""Decides how pictures become 4 x 16 x 16 latents and back: the VAE's shape, starting weights, loss and steps.

The starting weights already pass a blurred picture through: colours run as pairs (+c, -c), because
``silu(c) - silu(-c) == c``, beside constant pairs that keep group normalisation from hiding the mean colour.
"""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from nodes.builtin.optimizer import MuonAdam, WeightAverage, rate_share
from nodes.builtin.parts import Autoencoder, new_autoencoder
from nodes.builtin.render import draw
from nodes.builtin.world import CELL, PICTURE_SIZE, sample_picture

logger = logging.getLogger(__name__)

CARRIED: Final = 12
"""Channels 0..11 carry (+r, -r, +1, -1, +g, -g, +1, -1, +b, -b, +1, -1): each group of four has its constant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoencoderRecipe:
    pool: int = 8192
    crop_steps: int = 2100
    crop_batch: int = 8
    full_steps: int = 300
    full_batch: int = 4
    lr: float = 2e-3
    kl_weight: float = 3e-4
    pooled_share: float = 0.15
    """Share of steps that decode a latent pooled 2 x against the picture pooled 2 x, which keeps latents smooth."""
    noise: float = 0.15
    """Largest noise added to a latent before decoding, in standard deviations of that latent's channels."""
    save_every: int = 200
    seed: int = 1


def build_autoencoder() -> Autoencoder:
    vae = new_autoencoder()
    _start_as_blur(vae)
    return vae


@torch.no_grad()
def _start_as_blur(vae: Autoencoder) -> None:
    """Average pooling into the first three latent channels, nearest-neighbour out of them; all else small."""
    for name, module in vae.named_modules():
        if name.endswith("to_out.0") and isinstance(module, nn.Linear):
            module.weight.mul_(0.1)
        if not isinstance(module, nn.Conv2d):
            continue
        weight = module.weight
        if name.endswith("conv2"):
            weight.mul_(0.1)
        elif name.endswith("conv_shortcut"):
            weight.mul_(0.1)
            _carry(weight[:, :, 0, 0])
        elif name.endswith("downsamplers.0.conv"):
            weight.mul_(0.1)
            weight[:CARRIED] = 0.0
            for channel in range(CARRIED):
                weight[channel, channel, :2, :2] = 0.25
        elif name.endswith("upsamplers.0.conv"):
            weight.mul_(0.1)
            _carry(weight[:, :, 1, 1], weight)
    for conv in (vae.encoder.conv_in, vae.decoder.conv_in):
        conv.weight.mul_(0.1)
        conv.weight[:CARRIED] = 0.0
        conv.bias.zero_()
        for channel in range(3):
            conv.weight[4 * channel, channel, 1, 1], conv.weight[4 * channel + 1, channel, 1, 1] = 1.0, -1.0
            conv.bias[4 * channel + 2], conv.bias[4 * channel + 3] = 1.0, -1.0
    for conv in (vae.encoder.conv_out, vae.decoder.conv_out):
        conv.weight.mul_(0.1)
        conv.bias.zero_()
        for channel in range(3):
            conv.weight[channel, 4 * channel, 1, 1], conv.weight[channel, 4 * channel + 1, 1, 1] = 0.7, -0.7
    for conv in (vae.quant_conv, vae.post_quant_conv):
        conv.weight.zero_()
        conv.bias.zero_()
        for channel in range(conv.weight.shape[0]):
            conv.weight[channel, channel, 0, 0] = 1.0
    vae.encoder.conv_out.bias[4:] = -5.0


def _carry(centre: Tensor, whole: Tensor | None = None) -> None:
    """Make the carried channels pass unchanged; ``centre`` is the tap in the middle of ``whole``."""
    (centre if whole is None else whole)[:CARRIED] = 0.0
    for channel in range(CARRIED):
        centre[channel, channel] = 1.0


def draw_pool(count: int, seed: int) -> Tensor:
    """Training drawings as bytes, ``[count, 3, 128, 128]``."""
    source = random.Random(seed)
    parts = []
    for start in range(0, count, 256):
        pictures = [sample_picture(source) for _ in range(min(256, count - start))]
        parts.append((draw(pictures) * 255).round().to(torch.uint8))
    return torch.cat(parts)


def crop_lots(pool: Tensor, crop: int) -> Tensor:
    """How likely each crop is, ``[count, places]``: by the edges in it, with a floor, at whole-cell offsets."""
    lots = []
    for part in torch.split(pool, 256):
        grey = part.float().mean(1, keepdim=True) / 255
        edges = functional.pad((grey[..., 1:] - grey[..., :-1]).abs(), (0, 1))
        edges = edges + functional.pad((grey[..., 1:, :] - grey[..., :-1, :]).abs(), (0, 0, 0, 1))
        lots.append(functional.avg_pool2d(edges, crop, CELL).flatten(1))
    energy = torch.cat(lots)
    return energy + 0.2 * energy.mean() + 1e-6


def take_crops(pool: Tensor, lots: Tensor, rows: Tensor, crop: int, chance: torch.Generator) -> Tensor:
    across = (PICTURE_SIZE - crop) // CELL + 1
    places = torch.multinomial(lots[rows], 1, generator=chance).squeeze(1)
    crops = []
    for row, place in zip(rows.tolist(), places.tolist(), strict=True):
        top, left = place // across * CELL, place % across * CELL
        crops.append(pool[row, :, top : top + crop, left : left + crop])
    return torch.stack(crops).float() / 127.5 - 1


def reconstruction_loss(output: Tensor, target: Tensor) -> Tensor:
    """L1, plus half the L1 of the differences between neighbouring pixels, which keeps edges sharp."""
    error = output - target
    across, down = error[..., 1:] - error[..., :-1], error[..., 1:, :] - error[..., :-1, :]
    return error.abs().mean() + 0.5 * (across.abs().mean() + down.abs().mean())


def training_loss(vae: Autoencoder, target: Tensor, recipe: AutoencoderRecipe, chance: torch.Generator) -> Tensor:
    moments = vae.quant_conv(vae.encoder(target))
    mean, log_variance = moments.chunk(2, dim=1)
    log_variance = log_variance.clamp(-12.0, 4.0)
    amount = recipe.noise * torch.rand(len(mean), 1, 1, 1, generator=chance)
    amount = amount * (torch.rand(len(mean), 1, 1, 1, generator=chance) < 0.6)
    spread = torch.exp(0.5 * log_variance) + amount * mean.detach().std((0, 2, 3), keepdim=True)
    latent = mean + spread * torch.randn(mean.shape, generator=chance)
    if torch.rand((), generator=chance).item() < recipe.pooled_share:
        latent, target = functional.avg_pool2d(latent, 2), functional.avg_pool2d(target, 2)
    output = vae.decoder(vae.post_quant_conv(latent))
    divergence: Tensor = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
    return reconstruction_loss(output, target) + recipe.kl_weight * divergence


def train_autoencoder(recipe: AutoencoderRecipe, checkpoint: Path) -> Autoencoder:
    """Train from the start, or from ``checkpoint`` where it exists; returns the averaged weights, standardised."""
    torch.manual_seed(recipe.seed)
    vae = build_autoencoder().to(memory_format=torch.channels_last)
    optimizer, average, first = MuonAdam([vae], recipe.lr), WeightAverage(vae, 0.998), 0
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        vae.load_state_dict(saved["weights"])
        optimizer.load_state_dict(saved["optimizer"])
        average.weights, first = saved["average"], saved["step"]
    pool = draw_pool(recipe.pool, recipe.seed)
    crop = PICTURE_SIZE // 2
    lots, total, running = crop_lots(pool, crop), recipe.crop_steps + recipe.full_steps, 0.0
    for step in range(first, total):
        chance = torch.Generator().manual_seed(recipe.seed * 1_000_003 + step)
        if step < recipe.crop_steps:
            rows = torch.randint(len(pool), (recipe.crop_batch,), generator=chance)
            target = take_crops(pool, lots, rows, crop, chance)
        else:
            target = pool[torch.randint(len(pool), (recipe.full_batch,), generator=chance)].float() / 127.5 - 1
        loss = training_loss(vae, target, recipe, chance)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimizer.step(rate_share(step, total))
        average.update(vae, step)
        running += loss.item()
        if (step + 1) % recipe.save_every == 0 or step + 1 == total:
            logger.info("vae step %d of %d, loss %.4f", step + 1, total, running / recipe.save_every)
            running = 0.0
            torch.save(
                {"weights": vae.state_dict(), "optimizer": optimizer.state_dict(), "average": average.weights, "step": step + 1},
                checkpoint,
            )
    vae.load_state_dict(average.weights)
    return vae.eval()
