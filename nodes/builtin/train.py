"""Decides the order of training: tokenizer, autoencoder, latents, text encoder with U-Net, export.

    python -m nodes.builtin.train WORK --to FOLDER    everything, from nothing; what WORK already holds is continued
    python -m nodes.builtin.train WORK --to FOLDER --smoke    the same with a few steps of each, to see that it runs

A run that was killed goes on from its last checkpoint in WORK. ``--start MODEL`` begins an empty WORK with the weights of an exported
model, such as the one that ships, and trains the text encoder and U-Net further; the optimiser starts anew. ``--stages export`` writes
FOLDER from the checkpoints as they are.
"""

from __future__ import annotations

import argparse
import logging
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import CLIPTokenizer

from nodes.builtin.autoencoder import (
    AutoencoderRecipe,
    build_autoencoder,
    draw_pool,
    train_autoencoder,
)
from nodes.builtin.denoiser import (
    Denoiser,
    DenoiserRecipe,
    TrainingSet,
    make_training_set,
    new_state,
    save,
    train_denoiser,
)
from nodes.builtin.export import export_model, load_model
from nodes.builtin.latents import standardise
from nodes.builtin.parts import Autoencoder
from nodes.builtin.tokens import build_tokenizer

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recipe:
    autoencoder: AutoencoderRecipe
    denoiser: DenoiserRecipe


FULL = Recipe(AutoencoderRecipe(), DenoiserRecipe())
SMOKE = Recipe(
    AutoencoderRecipe(pool=24, crop_steps=4, crop_batch=2, full_steps=2, full_batch=1, save_every=2),
    DenoiserRecipe(pictures=32, captions=2, steps=4, batch=4, late_batch=2, late_from=2, save_every=2),
)


def autoencoder_stage(recipe: Recipe, work: Path) -> Autoencoder:
    """The trained autoencoder with standardised latents; its encoder does not change after this."""
    finished = work / "autoencoder.pt"
    if not finished.exists():
        vae = train_autoencoder(recipe.autoencoder, work / "autoencoder-training.pt")
        standardise(vae, draw_pool(min(1024, recipe.autoencoder.pool), recipe.autoencoder.seed + 1))
        torch.save(vae.state_dict(), finished)
    vae = build_autoencoder()
    vae.load_state_dict(torch.load(finished, weights_only=True))
    return vae.to(memory_format=torch.channels_last).eval()


def latent_stage(recipe: Recipe, work: Path, vae: Autoencoder, tokenizer: CLIPTokenizer) -> TrainingSet:
    finished = work / "latents.pt"
    if not finished.exists():
        data = make_training_set(recipe.denoiser, vae, tokenizer)
        torch.save([data.latents, data.tokens, data.without], finished)
    return TrainingSet(*torch.load(finished, weights_only=True))


def start_from(model: Path, work: Path) -> None:
    """Begin ``work`` with the weights of an exported model. Raises FileExistsError when it has checkpoints already."""
    if (work / "denoiser.pt").exists():
        raise FileExistsError(f"{work} holds a run already: leave out --start to continue it, or name an empty folder.")
    work.mkdir(parents=True, exist_ok=True)
    pipeline = load_model(model)
    denoiser = Denoiser(build_tokenizer())
    denoiser.text_encoder.load_state_dict(pipeline.text_encoder.state_dict())
    denoiser.unet.load_state_dict(pipeline.unet.state_dict())
    torch.save(pipeline.vae.state_dict(), work / "autoencoder.pt")
    save(work / "denoiser.pt", new_state(denoiser, DenoiserRecipe()))


def run(recipe: Recipe, work: Path, folder: Path, *, stages: tuple[str, ...]) -> None:
    work.mkdir(parents=True, exist_ok=True)
    tokenizer = build_tokenizer()
    vae = autoencoder_stage(recipe, work)
    if "latents" in stages:
        latent_stage(recipe, work, vae, tokenizer)
    if "denoise" in stages:
        train_denoiser(recipe.denoiser, latent_stage(recipe, work, vae, tokenizer), tokenizer, work / "denoiser.pt")
    if "export" in stages:
        export_stage(work, vae, tokenizer, folder)


def export_stage(work: Path, vae: Autoencoder, tokenizer: CLIPTokenizer, folder: Path) -> None:
    """Write the averaged weights of the latest checkpoints."""
    denoiser = Denoiser(tokenizer)
    saved = torch.load(work / "denoiser.pt", weights_only=True)
    denoiser.load_state_dict(saved["average"])
    size = export_model(vae, denoiser.eval(), tokenizer, folder)
    logger.info("exported step %d: %d bytes", saved["step"], size)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path, help="folder for checkpoints and latents")
    parser.add_argument("--to", type=Path, required=True, help="folder for the exported model")
    parser.add_argument("--smoke", action="store_true", help="a few steps of each stage")
    parser.add_argument("--start", type=Path, help="an exported model whose weights an empty WORK begins with")
    parser.add_argument("--stages", default="denoise,export", help="which stages run after the autoencoder")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if options.start is not None:
        start_from(options.start, options.work)
    run(SMOKE if options.smoke else FULL, options.work, options.to, stages=tuple(options.stages.split(",")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
