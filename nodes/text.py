"""Decides how words enter a workflow: as what a model's own text encoder makes of them."""

from __future__ import annotations

from typing import Annotated

from graph_engine import Context, Multiline, NodeInputError, Range, node
from nodes.types import C, Conditioning, TextEncoder


@node("loom.encode_text", version=1, category="text", lane="device")
def encode_text(
    text_encoder: TextEncoder[C],
    *,
    text: Annotated[str, Multiline()] = "",
    clip_skip: Annotated[int | None, Range(1, 48, step=1, unit="layers")] = None,
    context: Context,
) -> Conditioning[C]:
    """Turn a prompt into a conditioning for the sampler.

    Brackets say what matters: (word) counts 1.1 times as much, and so on with each further pair; (word:1.3) counts 1.3,
    whatever is around it; below 1 it counts less, below 0 it is avoided. Write \\( and \\) for brackets that are meant as
    such. A long prompt is read in chunks of 75 tokens, about 50 to 60 English words each.

    Args:
        text_encoder: The text encoder of the model that you sample with.
        text: What the picture should show, or for the negative input what it should not. May be empty.
        clip_skip: Which layer of the encoder is read, counted from the end: 1 is the last. Some models were trained with 2.
            Left out: what is usual for the model, 1 for SD 1.x and 2 for SDXL.

    Returns:
        conditioning: Connect it to a sampler's positive or negative input.

    Example:
        encode_text(text_encoder, text="a (red:1.3) boat on the sea")
    """
    import torch

    from nodes.models.clip import LayerError
    from nodes.models.emphasis import WeightError, weighted_parts
    from nodes.models.parts import borrow_text_encoder
    from nodes.runtime.device import settle

    try:
        parts = weighted_parts(text)
    except WeightError as error:
        raise NodeInputError("text", str(error), "Give the word a smaller weight, or fewer brackets.") from error
    with borrow_text_encoder(text_encoder, context) as part, torch.inference_mode():
        try:
            embedding, pooled = part.family.encode_text(part.module, parts, clip_skip)
        except LayerError as error:
            raise NodeInputError("clip_skip", str(error), "Choose a smaller number, or leave it out.") from error
    return Conditioning.of(settle(embedding), None if pooled is None else settle(pooled))
