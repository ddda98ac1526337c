"""Decides how a text becomes what CLIP's text encoder says of it: padded or cut to its length, as in diffusers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from nodes.models.folder import INDEX, DiffusersFolder, read_json
from nodes.runtime.modules import build

if TYPE_CHECKING:
    from transformers import CLIPTokenizer


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Encoded:
    """``last``: [1, tokens, width] after the final norm; ``penultimate``: one layer before, without it.

    ``pooled``: [1, width] at the end token, projected where the encoder has a projection.
    """

    last: Tensor
    penultimate: Tensor
    pooled: Tensor


class ClipText(nn.Module):
    """A text encoder and the tokenizer that it was trained with."""

    def __init__(self, transformer: nn.Module, tokenizer: CLIPTokenizer) -> None:
        super().__init__()
        self.transformer = transformer
        self.tokenizer = tokenizer

    def encode(self, text: str) -> Encoded:
        tokens = self.tokenizer(
            text, padding="max_length", max_length=self.tokenizer.model_max_length, truncation=True, return_tensors="pt"
        )
        device = next(self.transformer.parameters()).device
        found: Any = self.transformer(tokens.input_ids.to(device), output_hidden_states=True)
        pooled = found.text_embeds if hasattr(found, "text_embeds") else found.pooler_output
        return Encoded(last=found.last_hidden_state, penultimate=found.hidden_states[-2], pooled=pooled)


class ClipPair(nn.Module):
    """Two encoders that read the same text."""

    def __init__(self, first: ClipText, second: ClipText) -> None:
        super().__init__()
        self.first = first
        self.second = second


def load_clip(folder: DiffusersFolder, encoder: str, tokenizer: str) -> ClipText:
    """The encoder and tokenizer in two components of a folder; with projection where model_index.json says so."""
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

    config = CLIPTextConfig(**folder.config(encoder))
    projects = "CLIPTextModelWithProjection" in read_json(folder.path / INDEX).get(encoder, ())
    kind: type[nn.Module] = CLIPTextModelWithProjection if projects else CLIPTextModel
    transformer = build(lambda: kind(config), folder.weights(encoder), _without_prefix)
    # A local folder and a class of our choice: nothing is fetched, and no code that a folder names is run.
    loaded = CLIPTokenizer.from_pretrained(str(folder.path / tokenizer), local_files_only=True)
    return ClipText(transformer, loaded)


def _without_prefix(name: str) -> str:
    """transformers dropped the prefix from CLIPTextModel in version 5.6; files exist with and without it."""
    return name.removeprefix("text_model.")
