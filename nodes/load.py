"""Decides how a model enters a workflow: chosen by name, told by its headers, handed on as three handles."""

from __future__ import annotations

from typing import Annotated, Generic, NamedTuple

from graph_engine import Choice, Context, Folders, node
from graph_engine.spec import Values
from nodes.models.catalogue import ADD, describe, model_names
from nodes.models.portrait import model_picture
from nodes.types import C, L, Model, Source, TextEncoder, Vae


class LoadedModel(NamedTuple, Generic[C, L]):
    model: Model[C, L]
    text_encoder: TextEncoder[C]
    vae: Vae[L]


def _fingerprint(values: Values, folders: Folders) -> str:
    return describe(values["name"], folders).fingerprint


def _types(values: Values, folders: Folders) -> dict[str, str]:
    info = describe(values["name"], folders)
    return {"C": info.text_kind, "L": info.latent_format}


@node("loom.load_model", version=1, category="model", lane="disk", fingerprint=_fingerprint, resolve_types=_types)
def load_model(
    *,
    name: Annotated[str, Choice(model_names, what="model", action=ADD[0].upper() + ADD[1:], picture=model_picture)] = "loom-tiny",
    context: Context,
) -> LoadedModel[C, L]:
    """Choose a model by name.

    Only the files' headers are read here; the weights are loaded when a node first computes with them, and then stay
    in memory. Models are folders in the layout of diffusers with safetensors files; pickles (.bin, .ckpt) are refused,
    since opening one could run any program.

    Args:
        name: The model's folder, as found below your models folder. loom-tiny is built in and runs on any
            computer.

    Returns:
        model: The denoising network, for a sampler.
        text_encoder: Turns prompts into what this network reads.
        vae: Turns pictures into latents and back.

    Example:
        load_model(name="loom-tiny")
    """
    info = describe(name, context.folders)
    source = Source(name=name, fingerprint=info.fingerprint, family=info.family)
    return LoadedModel(model=Model(source=source), text_encoder=TextEncoder(source=source), vae=Vae(source=source))
