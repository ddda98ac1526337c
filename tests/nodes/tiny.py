"""Tiny models of every family with random weights, as real diffusers folders; nothing is downloaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    EulerDiscreteScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from tokenizers import pre_tokenizers
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from graph_engine import Context, Folders
from graph_engine.context import Services
from nodes.load import LoadedModel, load_model


@dataclass(frozen=True)
class Models:
    """The folder with ``sd1``, ``sd1-v`` and ``sdxl``, and the shared services of every test that takes it."""

    root: Path
    services: Services

    @property
    def context(self) -> Context:
        return Context(folders=Folders(models=(self.root,)), services=self.services)

    def load(self, name: str) -> LoadedModel:
        return load_model(name=name, context=self.context)


def make_sd1(folder: Path, *, prediction: str, seed: int) -> None:
    torch.manual_seed(seed)
    pipeline = StableDiffusionPipeline(
        vae=_vae(0.18215),
        text_encoder=CLIPTextModel(_text_config(32)),
        tokenizer=tokenizer(),
        unet=_unet(cross_attention_dim=32),
        scheduler=_scheduler(prediction),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder, safe_serialization=True)


def make_sdxl(folder: Path, *, seed: int) -> None:
    torch.manual_seed(seed)
    pipeline = StableDiffusionXLPipeline(
        vae=_vae(0.13025),
        text_encoder=CLIPTextModel(_text_config(32)),
        text_encoder_2=CLIPTextModelWithProjection(_text_config(48)),
        tokenizer=tokenizer(),
        tokenizer_2=tokenizer(pad_token="!"),
        unet=_unet(
            cross_attention_dim=80,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=6 * 8 + 24,
        ),
        scheduler=_scheduler("epsilon"),
    )
    pipeline.save_pretrained(folder, safe_serialization=True)


def tokenizer(**options: str) -> CLIPTokenizer:
    """CLIP's tokenizer with one token a letter: any text encodes, and differently."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    entries = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {entry: index for index, entry in enumerate(entries)}
    return CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=77, **options)


def _unet(**options: object) -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(8, 16),
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        attention_head_dim=2,
        norm_num_groups=4,
        **options,
    )


def _vae(scaling_factor: float) -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(4, 8, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        norm_num_groups=2,
        latent_channels=4,
        sample_size=64,
        scaling_factor=scaling_factor,
    )


def _text_config(width: int) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=514,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=2,
        num_attention_heads=2,
        projection_dim=24,
        bos_token_id=512,
        eos_token_id=513,
        pad_token_id=513,
    )


def _scheduler(prediction: str) -> EulerDiscreteScheduler:
    return EulerDiscreteScheduler(
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        prediction_type=prediction,
        timestep_spacing="leading",
        steps_offset=1,
    )
