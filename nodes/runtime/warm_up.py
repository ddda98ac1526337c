"""Decides what a process that is to run many jobs does before the first: it imports what nodes need, and says where they can run."""

from __future__ import annotations

import gc
from importlib import import_module

from graph_engine import collector
from nodes.runtime.libraries import library_class


def warm_up() -> list[str]:
    """Import what the nodes of this pack need; returns the names of the devices, the one to prefer first."""
    with collector.resting():
        import torch

        for name in ("AutoencoderKL", "UNet2DConditionModel"):
            library_class("diffusers", name)
        for name in ("CLIPTextModel", "CLIPTextModelWithProjection", "CLIPTokenizer"):
            library_class("transformers", name)
        import_module("nodes.models.parts")
    gc.freeze()  # all of that stays, so it need not be looked through in any later run
    if torch.cuda.is_available():
        return [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    return ["mps"] if torch.backends.mps.is_available() else ["cpu"]
