"""Decides how words enter a workflow: as what a model's own text encoder makes of them."""

from __future__ import annotations

from typing import Annotated

from graph_engine import Context, Multiline, node
from nodes.types import C, Conditioning, TextEncoder


@node("loom.encode_text", version=1, category="text", lane="device")
def encode_text(text_encoder: TextEncoder[C], *, text: Annotated[str, Multiline()] = "", context: Context) -> Conditioning[C]:
    """Turn a prompt into a conditioning for the sampler.

    Args:
        text_encoder: The text encoder of the model that you sample with.
        text: What the picture should show, or for the negative input what it should not. May be empty. The encoder reads
            the first 75 tokens, about 50 to 60 English words, and ignores the rest.

    Returns:
        conditioning: Connect it to a sampler's positive or negative input.
    """
    import torch

    from nodes.models.parts import borrow_text_encoder
    from nodes.runtime.device import settle

    with borrow_text_encoder(text_encoder, context) as part, torch.inference_mode():
        embedding, pooled = part.family.encode_text(part.module, text)
    return Conditioning.of(settle(embedding), None if pooled is None else settle(pooled))
