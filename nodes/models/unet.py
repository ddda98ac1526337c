"""Decides what goes into one call of a U-Net, for a batch and several texts, and that it is prepared once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from nodes.models.batch import Question, in_batches, keep_rows_apart
from nodes.models.family import Family, ModelInfo
from nodes.models.folder import DiffusersFolder
from nodes.runtime.device import Device
from nodes.runtime.libraries import library_class
from nodes.runtime.modules import build
from nodes.sampling.guidance import Box, Perturbed, Predict
from nodes.sampling.prediction import Denoise, denoiser
from nodes.sampling.regions import box_of
from nodes.types import Entry

Unet: TypeAlias = Any
"""A UNet2DConditionModel of diffusers, which carries no types."""

Asked: TypeAlias = Entry | Perturbed[Entry]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Group:
    """What is asked together, since shapes agree: the places of the entries among all that are asked, their box, and the question."""

    places: Sequence[int]
    box: Box | None
    ask: Question


def load_unet(folder: DiffusersFolder) -> Unet:
    config = folder.config("unet")
    make = library_class("diffusers", "UNet2DConditionModel").from_config
    unet = build(lambda: make(config), folder.weights("unet"))
    keep_rows_apart(unet)
    return unet


def predictor(unet: Unet, family: Family, info: ModelInfo, device: Device, batch: int, size: tuple[int, int]) -> Predict[Entry]:
    """A guidance's view of the network. ``size``: (height, width) of the picture in pixels.

    All entries of an item share one call where their shapes agree; all items do too, unless ``device.exact`` forbids it. What a call
    needs is put on the device when it is first made, so that a step moves nothing and waits for nothing.
    """
    prepared: dict[tuple[Asked, ...], list[_Group]] = {}
    dtype = unet.dtype  # walks over all weights, so it is asked for once

    def prepare(asked: tuple[Asked, ...], height: int, width: int) -> list[_Group]:
        alike: dict[Any, list[int]] = {}
        for place, one in enumerate(asked):
            entry = _entry(one)
            box = None if entry.area is None else box_of(entry.area, height, width)
            alike.setdefault((box, entry.embedding.shape[1:]), []).append(place)
        return [
            _Group(places=places, box=box, ask=question(tuple(asked[place] for place in places), shape))
            for (box, shape), places in alike.items()
        ]

    def question(asked: tuple[Asked, ...], shape: tuple[int, ...]) -> Question:
        def about(items: slice) -> Question:
            denoise = _denoiser(unet, dtype, family, info, device, asked, items, batch, size)
            return lambda x, sigma: denoise(torch.cat([x[items]] * len(asked)), sigma).chunk(len(asked))

        alike = (tuple(isinstance(one, Perturbed) for one in asked), shape, dtype)
        return in_batches(unet, batch, about, alike, exact=device.exact)

    def predict(x: Tensor, sigma: float, asked: Sequence[Asked]) -> Sequence[Tensor]:
        key = tuple(asked)
        if key not in prepared:
            prepared[key] = prepare(key, *x.shape[-2:])
        answers: dict[int, Tensor] = {}
        for group in prepared[key]:
            answers.update(zip(group.places, group.ask(_cut(x, group.box), sigma), strict=True))
        return [answers[place] for place in range(len(key))]

    return predict


def _entry(asked: Asked) -> Entry:
    return asked.condition if isinstance(asked, Perturbed) else asked


def _cut(x: Tensor, box: Box | None) -> Tensor:
    if box is None:
        return x
    top, bottom, left, right = box
    return x[..., top:bottom, left:right]


def _denoiser(
    unet: Unet, dtype: torch.dtype, family: Family, info: ModelInfo, device: Device,
    asked: tuple[Asked, ...], items: slice, batch: int, size: tuple[int, int],
) -> Denoise:  # fmt: skip
    def joined(tensors: Sequence[Tensor]) -> Tensor:
        """[entries * items, ...], ordered by entry, then by item."""
        every = [tensor.expand(batch, *tensor.shape[1:])[items] for tensor in tensors]
        return device.send(torch.cat(every))

    entries = [_entry(one) for one in asked]
    embedding = joined([entry.embedding for entry in entries]).to(dtype)
    extras = [family.added(entry, size) for entry in entries]
    added = {name: joined([extra[name] for extra in extras]) for name in extras[0]}
    rows = embedding.shape[0] // len(asked)
    looking = sum(rows for one in asked if not isinstance(one, Perturbed))  # guidance asks for those that look away last

    def network(x: Tensor, timestep: float) -> Tensor:
        # Filled on the device: a number sent there would make the processor wait for it.
        timesteps = torch.full((x.shape[0],), timestep, dtype=torch.float32, device=x.device)
        with _looking_away(unet, looking, len(asked) * rows):
            output: Tensor = unet(
                x.to(dtype),
                timesteps,
                encoder_hidden_states=embedding,
                added_cond_kwargs=added or None,
                return_dict=False,
            )[0]
        return output

    return denoiser(network, info.table, info.prediction)


def middle_attentions(unet: Unet) -> list[nn.Module]:
    """The self-attentions between the way down and the way up; none in a network without them."""
    middle: nn.Module | None = unet.mid_block
    return [] if middle is None else [module for name, module in middle.named_modules() if name.endswith(".attn1")]


@contextmanager
def _looking_away(unet: Unet, first: int, end: int) -> Iterator[None]:
    """While this is open, self-attention in the middle is the identity for the rows from first to end: each place sees itself alone.

    The network is shared, and one run at a time holds it, so the change ends with the call.
    """
    if first == end:
        yield
        return

    def alone(attention: Any, inputs: tuple[Any, ...], output: Tensor) -> Tensor:
        own = attention.to_out[0](attention.to_v(inputs[0][first:]))
        return torch.cat([output[:first], own])

    hooks = [attention.register_forward_hook(alone) for attention in middle_attentions(unet)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
