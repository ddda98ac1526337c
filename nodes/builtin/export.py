"""Decides what ships: the trained parts as a diffusers folder in half precision, with nothing of this machine in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import torch
from transformers import CLIPTokenizer

from nodes.builtin.denoiser import Denoiser
from nodes.builtin.parts import Autoencoder, Pipeline, library, new_pipeline

SHIPPED_FOLDER: Final = Path(__file__).parent / "loom_tiny"
MOST_BYTES: Final = 11_800_000


def export_model(vae: Autoencoder, denoiser: Denoiser, tokenizer: CLIPTokenizer, folder: Path) -> int:
    """Write the pipeline to ``folder``, keeping a model card that is already there; returns the folder's bytes."""
    pipeline = new_pipeline(
        vae.to(memory_format=torch.contiguous_format),
        denoiser.text_encoder,
        tokenizer,
        denoiser.unet.to(memory_format=torch.contiguous_format),
    )
    card = folder / "README.md"
    kept = card.read_text(encoding="utf-8") if card.exists() else None
    pipeline.to(dtype=torch.float16).save_pretrained(folder, safe_serialization=True)
    if kept is not None:
        card.write_text(kept, encoding="utf-8")
    for file in folder.rglob("*.safetensors"):
        file.chmod(0o644)
    for file in folder.rglob("*.json"):
        _forget_paths(file)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    if size > MOST_BYTES:
        raise ValueError(f"{folder.name} holds {size} bytes; at most {MOST_BYTES} may ship. Make the U-Net narrower.")
    return size


def _forget_paths(file: Path) -> None:
    content = json.loads(file.read_text(encoding="utf-8"))
    if "_name_or_path" in content:
        del content["_name_or_path"]
        file.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def load_model(folder: Path) -> Pipeline:
    """The exported pipeline in full precision, silent, without touching the network."""
    pipeline = library.StableDiffusionPipeline.from_pretrained(folder, local_files_only=True).to(torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline
