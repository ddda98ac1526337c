"""Decides what goes into one call of a U-Net, for a batch and several texts, and that it is prepared once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor

from nodes.models.family import Family, ModelInfo
from nodes.models.folder import DiffusersFolder
from nodes.runtime.device import Device
from nodes.runtime.modules import build
from nodes.sampling.guidance import Predict
from nodes.sampling.prediction import Denoise, denoiser
from nodes.types import Entry

Unet: TypeAlias = Any
"""A UNet2DConditionModel of diffusers, which carries no types."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Call:
    """One network call of a step: the batch items it covers, and the denoiser that holds their conditionings."""

    items: slice
    denoise: Denoise


def load_unet(folder: DiffusersFolder) -> Unet:
    from diffusers import UNet2DConditionModel

    config = folder.config("unet")
    make: Any = UNet2DConditionModel.from_config
    return build(lambda: make(config), folder.weights("unet"))


def predictor(unet: Unet, family: Family, info: ModelInfo, device: Device, batch: int, size: tuple[int, int]) -> Predict[Entry]:
    """A guidance's view of the network. ``size``: (height, width) of the picture in pixels.

    All entries of an item share one call; all items do too where ``device.batched``. What a call needs is put on
    the device when it is first made, so that a step moves nothing and waits for nothing.
    """
    items = [slice(0, batch)] if device.batched else [slice(i, i + 1) for i in range(batch)]
    prepared: dict[tuple[Entry, ...], list[_Call]] = {}

    def predict(x: Tensor, sigma: float, entries: Sequence[Entry]) -> Sequence[Tensor]:
        key = tuple(entries)
        if key not in prepared:
            prepared[key] = [
                _Call(items=part, denoise=_denoiser(unet, family, info, device, key, part, batch, size)) for part in items
            ]
        found = [call.denoise(torch.cat([x[call.items]] * len(key)), sigma).chunk(len(key)) for call in prepared[key]]
        return [torch.cat(parts) for parts in zip(*found, strict=True)]

    return predict


def _denoiser(
    unet: Unet, family: Family, info: ModelInfo, device: Device,
    entries: tuple[Entry, ...], items: slice, batch: int, size: tuple[int, int],
) -> Denoise:  # fmt: skip
    def joined(tensors: Sequence[Tensor]) -> Tensor:
        """[entries * items, ...], ordered by entry, then by item."""
        every = [tensor.expand(batch, *tensor.shape[1:])[items] for tensor in tensors]
        return device.send(torch.cat(every))

    embedding = joined([entry.embedding for entry in entries]).to(unet.dtype)
    extras = [family.added(entry, size) for entry in entries]
    added = {name: joined([extra[name] for extra in extras]) for name in extras[0]}

    def network(x: Tensor, timestep: float) -> Tensor:
        # Filled on the device: a number sent there would make the processor wait for it.
        timesteps = torch.full((x.shape[0],), timestep, dtype=torch.float32, device=x.device)
        output: Tensor = unet(
            x.to(unet.dtype),
            timesteps,
            encoder_hidden_states=embedding,
            added_cond_kwargs=added or None,
            return_dict=False,
        )[0]
        return output

    return denoiser(network, info.table, info.prediction)
