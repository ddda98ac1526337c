"""Decides what a model family must answer: a further family is one file that fills these in, and a row in ``detect``.

The functions that need torch import it in their bodies, so that a folder can be described without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from nodes.models.folder import DiffusersFolder, ModelFileError
from nodes.sampling.prediction import Levels, Prediction

if TYPE_CHECKING:
    from torch import Tensor, nn

    from nodes.models.emphasis import Weighted
    from nodes.types import Entry

PREDICTIONS: Mapping[str, Prediction] = {"epsilon": "epsilon", "v_prediction": "v"}

Size: TypeAlias = tuple[int, int]
"""(height, width) in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """What the headers of a model say. ``latent_factor``: pixels along a latent cell; sizes are in pixels."""

    family: str
    text_kind: str
    latent_format: str
    latent_channels: int
    latent_factor: int
    default_height: int
    default_width: int
    prediction: Prediction
    table: Levels
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One kind of model.

    ``text_kind``: the kind of embedding that its network reads, or None if the folder is of another family.
    ``load_text_encoder``: its encoders with their tokenizers, as one module on the CPU.
    ``encode_text``: (that module, parts of the prompt, layer from the end or None for the one that the network was trained
    with) -> (embedding [1, tokens, width], pooled [1, width] or None), on its device.
    ``added``: (entry, size) -> what the network takes beside the embedding, each [1, ...].
    """

    name: str
    text_kind: Callable[[DiffusersFolder], str | None]
    load_text_encoder: Callable[[DiffusersFolder], nn.Module]
    encode_text: Callable[[Any, Sequence[Weighted], int | None], tuple[Tensor, Tensor | None]]
    added: Callable[[Entry, Size], Mapping[str, Tensor]]


def width_of(component: str, config: Mapping[str, Any]) -> int:
    """The width of a text encoder's embedding. Raises ModelFileError if its config does not say."""
    width = config.get("hidden_size")
    if not isinstance(width, int):
        raise ModelFileError(f"{component}/config.json has no hidden_size: download the model again.")
    return width
