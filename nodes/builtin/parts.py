"""Decides the shape of each part: plain diffusers and transformers classes in Stable Diffusion 1.x's latent geometry.

diffusers leaves its model classes half typed (their methods come from untyped mix-ins), so a part's type is ``Any`` by
an alias that says which part it is.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import diffusers
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

Autoencoder: TypeAlias = Any
"""A ``diffusers.AutoencoderKL``."""
UNet: TypeAlias = Any
"""A ``diffusers.UNet2DConditionModel``."""
Scheduler: TypeAlias = Any
"""A ``diffusers.DDIMScheduler``."""
Pipeline: TypeAlias = Any
"""A ``diffusers.StableDiffusionPipeline``."""

library: Any = diffusers

PICTURE_SIZE: Final = 128
LATENT_SIZE: Final = 16
SCALING: Final = 0.18215
TRAIN_TIMESTEPS: Final = 1000
CONTEXT_LENGTH: Final = 77
TEXT_WIDTH: Final = 128
AUTOENCODER_WIDTHS: Final = (16, 32, 64, 64)
UNET_WIDTHS: Final = (64, 96, 96)


def new_autoencoder() -> Autoencoder:
    return library.AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=AUTOENCODER_WIDTHS,
        layers_per_block=1,
        norm_num_groups=4,
        latent_channels=4,
        sample_size=PICTURE_SIZE,
        scaling_factor=SCALING,
    )


def new_text_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=TEXT_WIDTH,
            intermediate_size=384,
            projection_dim=TEXT_WIDTH,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=CONTEXT_LENGTH,
            hidden_act="quick_gelu",
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def new_unet() -> UNet:
    """Convolutions alone at 16 x 16, where attention would halve the speed; attention to the words at 8 x 8 and 4 x 4."""
    return library.UNet2DConditionModel(
        sample_size=LATENT_SIZE,
        in_channels=4,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=UNET_WIDTHS,
        layers_per_block=1,
        attention_head_dim=4,
        norm_num_groups=8,
        cross_attention_dim=TEXT_WIDTH,
    )


def new_scheduler() -> Scheduler:
    return library.DDIMScheduler(
        num_train_timesteps=TRAIN_TIMESTEPS,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
        prediction_type="v_prediction",
    )


def new_pipeline(vae: Autoencoder, text_encoder: CLIPTextModel, tokenizer: CLIPTokenizer, unet: UNet) -> Pipeline:
    return library.StableDiffusionPipeline(
        vae=vae,
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        unet=unet,
        scheduler=new_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
