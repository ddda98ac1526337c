"""Decides how Stable Diffusion 1.x, 2.x and the like are told, loaded and conditioned: one CLIP text encoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nodes.models.family import Family, Size, width_of
from nodes.models.folder import DiffusersFolder, ModelFileError

if TYPE_CHECKING:
    from torch import Tensor

    from nodes.models.clip import ClipText
    from nodes.models.emphasis import Weighted
    from nodes.types import Entry


def text_kind(folder: DiffusersFolder) -> str | None:
    """``clip_<width>``, the width being what the U-Net's cross-attention reads."""
    unet, text = folder.config("unet"), folder.config("text_encoder")
    if not text or folder.has("text_encoder_2") or unet.get("addition_embed_type") or unet.get("class_embed_type"):
        return None
    width = width_of("text_encoder", text)
    if unet.get("cross_attention_dim") != width:
        raise ModelFileError(
            f"its text encoder gives {width} numbers a token and its U-Net reads {unet.get('cross_attention_dim')}: "
            "the parts are of different models, so download it again."
        )
    return f"clip_{width}"


def load_text_encoder(folder: DiffusersFolder) -> ClipText:
    from nodes.models.clip import load_clip

    return load_clip(folder, "text_encoder", "tokenizer")


def encode_text(encoder: ClipText, parts: Sequence[Weighted], layer: int | None) -> tuple[Tensor, Tensor | None]:
    """A hidden layer after the final norm: the last one, as the U-Net was trained on, unless another is asked for."""
    return encoder.encode(encoder.chunks(parts), layer or 1, normalized=True).embedding, None


def added(_entry: Entry, _size: Size) -> Mapping[str, Tensor]:
    return {}


FAMILY = Family(name="sd1", text_kind=text_kind, load_text_encoder=load_text_encoder, encode_text=encode_text, added=added)
