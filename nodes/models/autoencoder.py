"""Decides how pictures and latents are turned into each other: one item at a time, in the scale that the network sees.

One item at a time keeps the memory of a large batch that of one picture, and an item independent of its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import torch
from torch import Tensor

from nodes.models.folder import DiffusersFolder
from nodes.models.tiles import Tiling, tiled
from nodes.runtime.device import Device
from nodes.runtime.libraries import library_class
from nodes.runtime.modules import build

Vae: TypeAlias = Any
"""An AutoencoderKL of diffusers, which carries no types."""

Progress = Callable[[int, int], None]
"""``(done, total)``, told before each piece of work; it may raise to end it."""

OLD_NAMES = {".query.": ".to_q.", ".key.": ".to_k.", ".value.": ".to_v.", ".proj_attn.": ".to_out.0."}
"""Attention in the VAE files of the first diffusers versions, such as those of SD 1.5."""


def no_progress(done: int, total: int) -> None:
    """For those who do not watch."""


def load_vae(folder: DiffusersFolder) -> Vae:
    config = folder.config("vae")
    make = library_class("diffusers", "AutoencoderKL").from_config
    return build(lambda: make(config), folder.weights("vae"), _renamed)


def decode(vae: Vae, samples: Tensor, device: Device, tiling: Tiling | None = None, progress: Progress = no_progress) -> Tensor:
    """Latents [batch, channels, h, w] to pixels [batch, height, width, 3] in [0, 1], on the device."""
    scale, shift = _scale(vae)

    def work(item: Tensor) -> Tensor:
        decoded: Tensor = vae.decode(item, return_dict=False)[0]
        return decoded

    items = (device.send(item, vae.dtype)[None] / scale + shift for item in samples)
    decoded = _each(work, items, len(samples), tiling, (1, _factor(vae)), progress)
    return (decoded / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1)


def encode(vae: Vae, pixels: Tensor, device: Device, tiling: Tiling | None = None, progress: Progress = no_progress) -> Tensor:
    """Pixels [batch, height, width, 3] in [0, 1] to latents [batch, channels, h, w], on the device.

    Height and width are multiples of the VAE's factor. Gives the distribution's mode: the same picture, the same latent.
    """
    scale, shift = _scale(vae)

    def work(item: Tensor) -> Tensor:
        mode: Tensor = vae.encode(item, return_dict=False)[0].mode()
        return mode

    items = (device.send(item, vae.dtype).permute(2, 0, 1)[None] * 2 - 1 for item in pixels)
    return (_each(work, items, len(pixels), tiling, (_factor(vae), 1), progress) - shift) * scale


def _each(
    work: Callable[[Tensor], Tensor],
    items: Iterable[Tensor],
    count: int,
    tiling: Tiling | None,
    into: tuple[int, int],
    progress: Progress,
) -> Tensor:
    return torch.cat([tiled(work, item, tiling, into, _share(progress, index, count)) for index, item in enumerate(items)])


def _share(progress: Progress, index: int, count: int) -> Progress:
    """The progress of one of ``count`` items, told as that of all."""
    return lambda done, total: progress(index * total + done, count * total)


def _factor(vae: Vae) -> int:
    factor: int = 2 ** (len(vae.config.block_out_channels) - 1)
    return factor


def _scale(vae: Vae) -> tuple[float, float]:
    return vae.config.scaling_factor, vae.config.shift_factor or 0.0


def _renamed(name: str) -> str:
    for old, new in OLD_NAMES.items():
        name = name.replace(old, new)
    return name
