"""Decides how words steer noise: the text encoder, the U-Net, what they train on, and the steps that train both.

The U-Net predicts v (Salimans and Ho 2022) under Stable Diffusion 1.x's noise schedule.
"""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import CLIPTokenizer

from nodes.builtin.captions import NEGATIVE_CAPTIONS, full_caption, loose_caption
from nodes.builtin.latents import encode as encode_pictures
from nodes.builtin.optimizer import MuonAdam, WeightAverage, rate_share
from nodes.builtin.parts import CONTEXT_LENGTH, TRAIN_TIMESTEPS, Autoencoder, UNet, new_scheduler, new_text_encoder, new_unet
from nodes.builtin.render import draw
from nodes.builtin.tokens import encode
from nodes.builtin.world import sample_picture

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class DenoiserRecipe:
    pictures: int = 24_576
    captions: int = 6
    """Captions for each picture, drawn once."""
    complete_share: float = 0.4
    """Share of captions that say every fact, in the words of ``full_caption``."""
    steps: int = 8000
    batch: int = 32
    late_batch: int = 16
    late_from: int = 1500
    """From this step on the batch is ``late_batch``: more and smaller steps for the same samples."""
    lr: float = 3e-3
    constant: float = 0.3
    """Share of the steps before the learning rate begins to fall."""
    empty_share: float = 0.07
    negative_share: float = 0.04
    average_decay: float = 0.999
    save_every: int = 100
    seed: int = 2


@dataclass(frozen=True, slots=True)
class TrainingSet:
    latents: Tensor
    """Scaled, ``[pictures, 4, 16, 16]``."""
    tokens: Tensor
    """Token numbers, ``[pictures, captions, CONTEXT_LENGTH]``."""
    without: Tensor
    """Token numbers of the empty caption, then of the negative ones, ``[1 + negatives, CONTEXT_LENGTH]``."""


class Denoiser(nn.Module):
    """The text encoder and the U-Net, trained together; ``state_dict`` holds both."""

    def __init__(self, tokenizer: CLIPTokenizer) -> None:
        super().__init__()
        self.text_encoder = new_text_encoder(tokenizer)
        self.unet: UNet = new_unet()

    def forward(self, noisy: Tensor, timesteps: Tensor, tokens: Tensor) -> Tensor:
        states = self.text_encoder(input_ids=tokens).last_hidden_state
        output: Tensor = self.unet(noisy, timesteps, encoder_hidden_states=states, return_dict=False)[0]
        return output


def make_training_set(recipe: DenoiserRecipe, vae: Autoencoder, tokenizer: CLIPTokenizer) -> TrainingSet:
    """Draw, encode and caption the training pictures, all by lot from the recipe's seed."""
    source = random.Random(recipe.seed)
    latents, tokens = [], []
    for start in range(0, recipe.pictures, 64):
        pictures = [sample_picture(source) for _ in range(min(64, recipe.pictures - start))]
        latents.append(encode_pictures(vae, (draw(pictures) * 255).round()))
        captions = [
            full_caption(picture) if source.random() < recipe.complete_share else loose_caption(picture, source)
            for picture in pictures
            for _ in range(recipe.captions)
        ]
        numbers = torch.tensor(encode(tokenizer, captions), dtype=torch.int16)
        tokens.append(numbers.view(len(pictures), recipe.captions, CONTEXT_LENGTH))
    without = torch.tensor(encode(tokenizer, ["", *NEGATIVE_CAPTIONS]), dtype=torch.int16)
    return TrainingSet(torch.cat(latents), torch.cat(tokens), without)


def choose_tokens(data: TrainingSet, rows: Tensor, recipe: DenoiserRecipe, chance: torch.Generator) -> Tensor:
    """One of each picture's captions; for a share of them the empty caption or a negative one."""
    tokens = data.tokens[rows, torch.randint(data.tokens.shape[1], rows.shape, generator=chance)]
    lot = torch.rand(rows.shape, generator=chance)
    negative = 1 + torch.randint(len(data.without) - 1, rows.shape, generator=chance)
    other = data.without[torch.where(lot < recipe.empty_share, 0, negative)]
    return torch.where((lot < recipe.empty_share + recipe.negative_share).view(-1, 1), other, tokens).long()


def velocity_loss(
    model: Denoiser, data: TrainingSet, recipe: DenoiserRecipe, alphas: Tensor, chance: torch.Generator, batch: int
) -> Tensor:
    """Squared error of v, edges weighted, with timesteps spread evenly over the batch."""
    rows = torch.randint(len(data.latents), (batch,), generator=chance)
    clean = data.latents[rows]
    spread = (torch.arange(batch) + torch.rand(batch, generator=chance)) / batch
    timesteps = (spread * TRAIN_TIMESTEPS).long()
    noise = torch.randn(clean.shape, generator=chance)
    signal, sigma = alphas[timesteps].sqrt().view(-1, 1, 1, 1), (1 - alphas[timesteps]).sqrt().view(-1, 1, 1, 1)
    noisy = (signal * clean + sigma * noise).contiguous(memory_format=torch.channels_last)
    predicted = model(noisy, timesteps, choose_tokens(data, rows, recipe, chance))
    error = (predicted - (signal * noise - sigma * clean)).square().mean(1)
    loss: Tensor = (error * edge_weights(clean)).mean()
    return loss


def edge_weights(latents: Tensor) -> Tensor:
    """Weights ``[batch, 16, 16]`` of mean 1: cells where a latent changes count up to three times as much as flat ones.

    Most of a picture of one small shape is flat; without this, the few cells that tell a star from a cross drown in it.
    """
    across = (latents[..., 1:] - latents[..., :-1]).abs().sum(1)
    down = (latents[..., 1:, :] - latents[..., :-1, :]).abs().sum(1)
    change = functional.pad(across, (0, 1)) + functional.pad(across, (1, 0))
    change = change + functional.pad(down, (0, 0, 0, 1)) + functional.pad(down, (0, 0, 1, 0))
    weights = 1 + (change / change.mean((1, 2), keepdim=True)).clamp(max=2.0)
    return weights / weights.mean((1, 2), keepdim=True)


def train_denoiser(recipe: DenoiserRecipe, data: TrainingSet, tokenizer: CLIPTokenizer, checkpoint: Path) -> Denoiser:
    """Train from the start, or from ``checkpoint`` where it exists; returns the averaged weights."""
    torch.manual_seed(recipe.seed)
    model = Denoiser(tokenizer)
    model.unet.to(memory_format=torch.channels_last)
    optimizer, average, first = MuonAdam([model], recipe.lr), WeightAverage(model, recipe.average_decay), 0
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(saved["weights"])
        optimizer.load_state_dict(saved["optimizer"])
        average.weights, first = saved["average"], saved["step"]
    alphas, running, counted = new_scheduler().alphas_cumprod, 0.0, 0
    for step in range(first, recipe.steps):
        chance = torch.Generator().manual_seed(recipe.seed * 1_000_003 + step)
        batch = recipe.batch if step < recipe.late_from else recipe.late_batch
        loss = velocity_loss(model, data, recipe, alphas, chance, batch)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimizer.step(rate_share(step, recipe.steps, constant=recipe.constant))
        average.update(model, step)
        running, counted = running + loss.item(), counted + 1
        if (step + 1) % recipe.save_every == 0 or step + 1 == recipe.steps:
            logger.info("denoiser step %d of %d, loss %.4f", step + 1, recipe.steps, running / counted)
            running, counted = 0.0, 0
            save(
                checkpoint,
                {
                    "weights": model.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "average": average.weights,
                    "step": step + 1,
                },
            )
    model.load_state_dict(average.weights)
    model.eval()
    return model


def new_state(model: Denoiser, recipe: DenoiserRecipe) -> dict[str, object]:
    """The checkpoint of a run that begins with these weights."""
    average = WeightAverage(model, recipe.average_decay).weights
    optimizer = MuonAdam([model], recipe.lr).state_dict()
    return {"weights": model.state_dict(), "optimizer": optimizer, "average": average, "step": 0}


def save(checkpoint: Path, state: dict[str, object]) -> None:
    """Write beside, then replace, so that a kill leaves a whole file."""
    partial = checkpoint.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(checkpoint)
