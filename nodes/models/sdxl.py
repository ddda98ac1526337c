"""Decides how Stable Diffusion XL is told, loaded and conditioned: two text encoders, a pooled text, the picture's size.

Podell et al. 2023 (arXiv 2307.01952), section 2.2 for the size conditioning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nodes.models.family import Family, Size, width_of
from nodes.models.folder import DiffusersFolder, ModelFileError

if TYPE_CHECKING:
    from torch import Tensor

    from nodes.models.clip import ClipPair
    from nodes.models.emphasis import Weighted
    from nodes.types import Entry


def text_kind(folder: DiffusersFolder) -> str | None:
    """``clip_<width>_<width>``: what the two encoders give is joined along the width."""
    unet = folder.config("unet")
    if unet.get("addition_embed_type") != "text_time":
        return None
    first, second = folder.config("text_encoder"), folder.config("text_encoder_2")
    if not first or not second:
        raise ModelFileError("it has one text encoder where SDXL has two: refiners cannot be loaded yet.")
    widths = width_of("text_encoder", first), width_of("text_encoder_2", second)
    if unet.get("cross_attention_dim") != sum(widths):
        raise ModelFileError(
            f"its text encoders give {widths[0]} + {widths[1]} numbers a token and its U-Net reads "
            f"{unet.get('cross_attention_dim')}: the parts are of different models, so download it again."
        )
    return f"clip_{widths[0]}_{widths[1]}"


def load_text_encoder(folder: DiffusersFolder) -> ClipPair:
    from nodes.models.clip import ClipPair, load_clip

    return ClipPair(load_clip(folder, "text_encoder", "tokenizer"), load_clip(folder, "text_encoder_2", "tokenizer_2"))


def encode_text(encoder: ClipPair, parts: Sequence[Weighted], layer: int | None) -> tuple[Tensor, Tensor | None]:
    """A hidden layer of both, the last but one unless another is asked for, joined along the width; pooled from the second."""
    import torch

    first, second = encoder.encode(parts, layer or 2)
    return torch.cat([first.embedding, second.embedding], dim=-1), second.pooled


def added(entry: Entry, size: Size) -> Mapping[str, Tensor]:
    """The pooled text, and the picture as uncropped: original height, width, crop top, left, target height, width."""
    import torch

    if entry.pooled is None:
        raise ValueError("SDXL needs a pooled text embedding, and this conditioning has none: encode the text with its encoder.")
    times = torch.tensor([[*size, 0, 0, *size]], dtype=torch.float32)
    return {"text_embeds": entry.pooled, "time_ids": times.expand(entry.pooled.shape[0], -1)}


FAMILY = Family(name="sdxl", text_kind=text_kind, load_text_encoder=load_text_encoder, encode_text=encode_text, added=added)
