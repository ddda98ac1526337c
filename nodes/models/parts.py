"""Decides what a node gets for a handle: the part of the model that it needs, on the device, while it works."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from graph_engine import Context, NodeInputError
from nodes.models.autoencoder import load_vae
from nodes.models.catalogue import reopen
from nodes.models.detect import FAMILIES
from nodes.models.family import Family, ModelInfo
from nodes.models.folder import DiffusersFolder
from nodes.models.unet import load_unet
from nodes.runtime.device import Device
from nodes.runtime.weights import Key, Weights
from nodes.types import Model, TextEncoder, Vae

if TYPE_CHECKING:
    from collections.abc import Callable

    from nodes.types import Patch, Source


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """A part of a model, ready to run on ``device``."""

    module: Any
    info: ModelInfo
    family: Family
    device: Device


@contextmanager
def borrow_unet(model: Model[Any, Any], context: Context) -> Iterator[Part]:
    _refuse_patches("model", model.patches)
    with _borrow(model.source, "model", "unet", load_unet, context) as part:
        yield part


@contextmanager
def borrow_text_encoder(text_encoder: TextEncoder[Any], context: Context) -> Iterator[Part]:
    _refuse_patches("text_encoder", text_encoder.patches)
    load = FAMILIES[text_encoder.source.family].load_text_encoder
    with _borrow(text_encoder.source, "text_encoder", "text encoder", load, context) as part:
        yield part


@contextmanager
def borrow_vae(vae: Vae[Any], context: Context) -> Iterator[Part]:
    with _borrow(vae.source, "vae", "vae", load_vae, context, torch.float32) as part:
        yield part


@contextmanager
def _borrow(
    source: Source, input: str, component: str, load: Callable[[DiffusersFolder], nn.Module], context: Context,
    dtype: torch.dtype | None = None,
) -> Iterator[Part]:  # fmt: skip
    path, info = reopen(source, context.folders, input=input)
    weights = context.service(Weights)
    key = Key(fingerprint=source.fingerprint, component=component, dtype=dtype or weights.device.dtype)
    try:
        with weights.lend(source.name, key, lambda: load(DiffusersFolder(path))) as module:
            yield Part(module=module, info=info, family=FAMILIES[source.family], device=weights.device)
    except torch.OutOfMemoryError:
        weights.release()  # so that a smaller picture finds room
        raise


def _refuse_patches(input: str, patches: tuple[Patch, ...]) -> None:
    if patches:
        raise NodeInputError(input, "It carries patches, which this version cannot apply.", "Update latent-loom.")
