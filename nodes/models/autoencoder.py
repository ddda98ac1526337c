"""Decides how pictures and latents are turned into each other: one item at a time, in the scale that the network sees.

One item at a time keeps the memory of a large batch that of one picture, and an item independent of its neighbours.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import torch
from torch import Tensor

from nodes.models.folder import DiffusersFolder
from nodes.runtime.device import Device
from nodes.runtime.modules import build

Vae: TypeAlias = Any
"""An AutoencoderKL of diffusers, which carries no types."""

OLD_NAMES = {".query.": ".to_q.", ".key.": ".to_k.", ".value.": ".to_v.", ".proj_attn.": ".to_out.0."}
"""Attention in the VAE files of the first diffusers versions, such as those of SD 1.5."""


def load_vae(folder: DiffusersFolder) -> Vae:
    from diffusers import AutoencoderKL

    config = folder.config("vae")
    make: Any = AutoencoderKL.from_config
    return build(lambda: make(config), folder.weights("vae"), _renamed)


def decode(vae: Vae, samples: Tensor, device: Device) -> Tensor:
    """Latents [batch, channels, h, w] to pixels [batch, height, width, 3] in [0, 1], on the device."""
    scale, shift = _scale(vae)
    items = (device.send(item, vae.dtype)[None] / scale + shift for item in samples)
    decoded = [vae.decode(item, return_dict=False)[0] for item in items]
    return (torch.cat(decoded) / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1)


def encode(vae: Vae, pixels: Tensor, device: Device) -> Tensor:
    """Pixels [batch, height, width, 3] in [0, 1] to latents [batch, channels, h, w], on the device.

    Height and width are multiples of the VAE's factor. Gives the distribution's mode: the same picture, the same latent.
    """
    scale, shift = _scale(vae)
    items = (device.send(item, vae.dtype).permute(2, 0, 1)[None] * 2 - 1 for item in pixels)
    modes = [vae.encode(item, return_dict=False)[0].mode() for item in items]
    return (torch.cat(modes) - shift) * scale


def _scale(vae: Vae) -> tuple[float, float]:
    return vae.config.scaling_factor, vae.config.shift_factor or 0.0


def _renamed(name: str) -> str:
    for old, new in OLD_NAMES.items():
        name = name.replace(old, new)
    return name
