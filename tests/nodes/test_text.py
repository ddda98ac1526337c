from __future__ import annotations

from typing import Any

import pytest
import torch

from nodes.text import encode_text
from nodes.types import Conditioning, Entry
from tests.nodes.tiny import Models


def encode(models: Models, name: str, text: str) -> Entry:
    found: Conditioning[Any] = encode_text(models.load(name).text_encoder, text=text, context=models.context)
    (entry,) = found.entries
    return entry


def test_a_prompt_becomes_77_tokens_of_the_encoder_s_width(models: Models) -> None:
    found = encode(models, "sd1", "a red circle")
    assert found.embedding.shape == (1, 77, 32)
    assert found.pooled is None
    assert not found.embedding.is_inference()


def test_sdxl_joins_both_encoders_and_adds_a_pooled_text(models: Models) -> None:
    found = encode(models, "sdxl", "a red circle")
    assert found.embedding.shape == (1, 77, 80)
    assert found.pooled.shape == (1, 24)


@pytest.mark.parametrize("name", ["sd1", "sdxl"])
def test_other_words_give_another_conditioning_and_the_same_words_the_same(models: Models, name: str) -> None:
    one, same, other = (encode(models, name, text) for text in ("a cat", "a cat", "a dog"))
    assert torch.equal(one.embedding, same.embedding)
    assert not torch.equal(one.embedding, other.embedding)


def test_what_exceeds_the_encoder_is_cut(models: Models) -> None:
    letters = "a" * 75
    assert torch.equal(encode(models, "sd1", letters).embedding, encode(models, "sd1", letters + " more").embedding)
    assert not torch.equal(encode(models, "sd1", letters).embedding, encode(models, "sd1", letters[1:]).embedding)


@pytest.mark.parametrize("text", ["", "日本語 🎨", "<|endoftext|>", "a\0b", "'" * 300])
def test_any_text_can_be_encoded(models: Models, text: str) -> None:
    assert torch.isfinite(encode(models, "sdxl", text).embedding).all()
