"""Decides how a prompt becomes what CLIP's text encoder says of it: in chunks of its length, each part by its weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch import Tensor, nn

from nodes.models.emphasis import Weighted
from nodes.models.folder import INDEX, DiffusersFolder, read_json
from nodes.runtime.libraries import library_class
from nodes.runtime.modules import build

if TYPE_CHECKING:
    from transformers import CLIPTokenizer

Token: TypeAlias = tuple[int, float]
"""Its number and its weight."""

LONG_WORD_TOKENS = 8
"""A word of so many tokens or more may be cut at the end of a chunk; a shorter one moves to the next."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Encoded:
    """``embedding``: [1, tokens, width], the chunks one after another. ``pooled``: [1, width] at the first chunk's end token,
    projected where the encoder has a projection."""

    embedding: Tensor
    pooled: Tensor


class LayerError(ValueError):
    """A layer that the encoder does not have."""


class ClipText(nn.Module):
    """A text encoder and the tokenizer that it was trained with."""

    def __init__(self, transformer: nn.Module, tokenizer: CLIPTokenizer) -> None:
        super().__init__()
        self.transformer = transformer
        self.tokenizer = tokenizer

    def chunks(self, parts: Sequence[Weighted]) -> list[list[Token]]:
        """The tokens of a prompt, at least one chunk of them, each with start and end and padded to the encoder's length.

        Words, told by blanks, are not cut unless they are very long.
        """
        room = self._length - 2
        filled: list[list[Token]] = [[]]
        for part in parts:
            words = part.text.split()
            for numbers in self.tokenizer(words, add_special_tokens=False, verbose=False)["input_ids"] if words else []:
                left = [(number, part.weight) for number in numbers]
                while len(filled[-1]) + len(left) > room:
                    cut = room - len(filled[-1]) if len(left) >= LONG_WORD_TOKENS or not filled[-1] else 0
                    filled[-1] += left[:cut]
                    left = left[cut:]
                    filled.append([])
                filled[-1] += left
        return [self._closed(chunk) for chunk in filled]

    def encode(self, chunks: Sequence[Sequence[Token]], layer: int, *, normalized: bool) -> Encoded:
        """What layer ``layer`` from the end says of each chunk (1 is the last), after the final norm if ``normalized``.

        A token of weight w stands w times as far from what the empty prompt gives in its place as it would by itself.
        Raises LayerError.
        """
        layers: int = self._config.num_hidden_layers
        if layer > layers:
            raise LayerError(f"The text encoder has {layers} layers.")
        hidden, pooled = zip(*(self._run(chunk, layer, normalized) for chunk in chunks), strict=True)
        if any(weight != 1 for chunk in chunks for _, weight in chunk):
            empty, _ = self._run(self._closed([]), layer, normalized)
            hidden = tuple(_weighted(one, empty, chunk) for one, chunk in zip(hidden, chunks, strict=True))
        return Encoded(embedding=torch.cat(hidden, dim=1), pooled=pooled[0])

    def _run(self, chunk: Sequence[Token], layer: int, normalized: bool) -> tuple[Tensor, Tensor]:
        device = next(self.transformer.parameters()).device
        found: Any = self.transformer(torch.tensor([[number for number, _ in chunk]], device=device), output_hidden_states=True)
        pooled = found.text_embeds if hasattr(found, "text_embeds") else found.pooler_output
        if normalized and layer == 1:
            return found.last_hidden_state, pooled
        hidden = found.hidden_states[-layer]
        return (self._final_norm(hidden) if normalized else hidden), pooled

    def _final_norm(self, hidden: Tensor) -> Tensor:
        """Wherever this version of transformers keeps it."""
        (norm,) = (module for name, module in self.transformer.named_modules() if name.endswith("final_layer_norm"))
        normed: Tensor = norm(hidden)
        return normed

    @property
    def _length(self) -> int:
        positions: int = self._config.max_position_embeddings
        return min(positions, self.tokenizer.model_max_length)

    @property
    def _config(self) -> Any:
        return self.transformer.config

    def _closed(self, tokens: Sequence[Token]) -> list[Token]:
        start, end, padding = (getattr(self.tokenizer, f"{name}_token_id") for name in ("bos", "eos", "pad"))
        closed = [(start, 1.0), *tokens, (end, 1.0)]
        return closed + [(padding, 1.0)] * (self._length - len(closed))


def _weighted(hidden: Tensor, empty: Tensor, chunk: Sequence[Token]) -> Tensor:
    weights = torch.tensor([weight for _, weight in chunk], device=hidden.device, dtype=hidden.dtype)[None, :, None]
    return torch.where(weights == 1, hidden, empty + (hidden - empty) * weights)


class ClipPair(nn.Module):
    """Two encoders that read the same text."""

    def __init__(self, first: ClipText, second: ClipText) -> None:
        super().__init__()
        self.first = first
        self.second = second

    def encode(self, parts: Sequence[Weighted], layer: int) -> tuple[Encoded, Encoded]:
        """What both say, without the final norm, in equally many chunks: the encoder with fewer gets empty ones."""
        encoders = (self.first, self.second)
        chunked = [encoder.chunks(parts) for encoder in encoders]
        count = max(map(len, chunked))
        first, second = (
            encoder.encode(chunks + encoder.chunks([]) * (count - len(chunks)), layer, normalized=False)
            for encoder, chunks in zip(encoders, chunked, strict=True)
        )
        return first, second


def load_clip(folder: DiffusersFolder, encoder: str, tokenizer: str) -> ClipText:
    """The encoder and tokenizer in two components of a folder; with projection where model_index.json says so."""
    config = library_class("transformers", "CLIPTextConfig")(**folder.config(encoder))
    projects = "CLIPTextModelWithProjection" in read_json(folder.path / INDEX).get(encoder, ())
    kind: type[nn.Module] = library_class("transformers", "CLIPTextModelWithProjection" if projects else "CLIPTextModel")
    transformer = build(lambda: kind(config), folder.weights(encoder), _without_prefix)
    # A local folder and a class of our choice: nothing is fetched, and no code that a folder names is run.
    loaded = library_class("transformers", "CLIPTokenizer").from_pretrained(str(folder.path / tokenizer), local_files_only=True)
    return ClipText(transformer, loaded)


def _without_prefix(name: str) -> str:
    """transformers dropped the prefix from CLIPTextModel in version 5.6; files exist with and without it."""
    return name.removeprefix("text_model.")
