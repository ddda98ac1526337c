from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from graph_engine import NodeInputError
from nodes.text import encode_text
from nodes.types import Conditioning, Entry
from tests.nodes.tiny import Models, tokenizer


def encode(models: Models, name: str, text: str, **options: Any) -> Entry:
    found: Conditioning[Any] = encode_text(models.load(name).text_encoder, text=text, **options, context=models.context)
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


@pytest.mark.parametrize("name", ["sd1", "sdxl"])
def test_a_long_prompt_is_read_in_chunks_that_each_read_as_they_would_alone(models: Models, name: str) -> None:
    words = "five " * 18  # 72 tokens: the tests' tokenizer has one a letter
    both, first, second = (encode(models, name, text) for text in (words + "next words", words, "next words"))
    assert both.embedding.shape[1] == 2 * 77
    assert torch.equal(both.embedding, torch.cat([first.embedding, second.embedding], dim=1))
    assert both.pooled is first.pooled is None or torch.equal(both.pooled, first.pooled)


def test_a_word_moves_to_the_next_chunk_whole_and_is_cut_only_when_it_is_very_long(models: Models) -> None:
    full = "a" * 72
    moved = encode(models, "sd1", f"{full} bbbb").embedding
    assert torch.equal(moved, torch.cat([encode(models, "sd1", text).embedding for text in (full, "bbbb")], dim=1))
    assert encode(models, "sd1", f"{full} bbb").embedding.shape[1] == 77
    assert encode(models, "sd1", "c" * 76).embedding.shape[1] == 2 * 77
    assert encode(models, "sd1", "c" * 75).embedding.shape[1] == 77


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.3, -1.0, 50.0])
def test_a_weight_moves_its_tokens_away_from_the_empty_prompt_and_no_others(models: Models, weight: float) -> None:
    plain, empty = encode(models, "sd1", "ab cd ef").embedding, encode(models, "sd1", "").embedding
    found = encode(models, "sd1", f"ab (cd:{weight}) ef").embedding
    torch.testing.assert_close(found[:, 3:5], empty[:, 3:5] + (plain[:, 3:5] - empty[:, 3:5]) * weight)
    assert torch.equal(found[:, :3], plain[:, :3])
    assert torch.equal(found[:, 5:], plain[:, 5:])


def test_a_weight_in_a_later_chunk_reaches_that_chunk_alone(models: Models) -> None:
    words = "five " * 18
    found = encode(models, "sdxl", f"{words} (next words:1.5)").embedding
    assert torch.equal(found[:, :77], encode(models, "sdxl", words).embedding)
    assert torch.equal(found[:, 77:], encode(models, "sdxl", "(next words:1.5)").embedding)


@pytest.mark.parametrize("text", ["(a cat:1.0)", "(((a cat:1)))"])
def test_a_weight_of_one_changes_nothing(models: Models, text: str) -> None:
    assert torch.equal(encode(models, "sdxl", text).embedding, encode(models, "sdxl", "a cat").embedding)


def test_a_weight_beyond_all_sense_is_refused(models: Models) -> None:
    with pytest.raises(NodeInputError, match="A weight in it is 1e\\+06, and at most 1000 is possible") as caught:
        encode(models, "sd1", "(a:1e6)")
    assert caught.value.input == "text"


def test_clip_skip_reads_an_earlier_layer_with_the_final_norm_for_sd1_and_without_for_sdxl(models: Models) -> None:
    ids = tokenizer()("a cat", padding="max_length", max_length=77, return_tensors="pt").input_ids
    encoder = CLIPTextModel.from_pretrained(models.root / "sd1" / "text_encoder")
    with torch.inference_mode():
        hidden = encoder(ids, output_hidden_states=True).hidden_states
        expected = getattr(encoder, "text_model", encoder).final_layer_norm(hidden[-2])
        torch.testing.assert_close(encode(models, "sd1", "a cat", clip_skip=2).embedding, expected)
        encoder = CLIPTextModel.from_pretrained(models.root / "sdxl" / "text_encoder")
        hidden = encoder(ids, output_hidden_states=True).hidden_states
        torch.testing.assert_close(encode(models, "sdxl", "a cat", clip_skip=1).embedding[..., :32], hidden[-1])
        torch.testing.assert_close(encode(models, "sdxl", "a cat").embedding[..., :32], hidden[-2])


@pytest.mark.parametrize(("name", "usual"), [("sd1", 1), ("sdxl", 2)])
def test_the_usual_layer_can_be_named(models: Models, name: str, usual: int) -> None:
    assert torch.equal(encode(models, name, "a", clip_skip=usual).embedding, encode(models, name, "a").embedding)


def test_a_layer_that_the_encoder_does_not_have_is_refused(models: Models) -> None:
    with pytest.raises(NodeInputError, match="The text encoder has 2 layers") as caught:
        encode(models, "sd1", "a", clip_skip=3)
    assert caught.value.input == "clip_skip"


def test_the_tokens_are_those_of_the_tokenizer_of_the_model(models: Models) -> None:
    """SDXL's second tokenizer pads with another token than its first, and punctuation and capitals are split and lowered."""
    text = "A Cat's  (hat), 3½ \\n !?"
    for component, kind, start in (("text_encoder", CLIPTextModel, 0), ("text_encoder_2", CLIPTextModelWithProjection, 32)):
        folder = models.root / "sdxl"
        tokens = CLIPTokenizer.from_pretrained(folder / component.replace("text_encoder", "tokenizer"))
        ids = tokens(text, padding="max_length", max_length=77, return_tensors="pt").input_ids
        with torch.inference_mode():
            expected = kind.from_pretrained(folder / component)(ids, output_hidden_states=True).hidden_states[-2]
        escaped = text.replace("(", r"\(").replace(")", r"\)")
        found = encode(models, "sdxl", escaped).embedding[..., start : start + expected.shape[-1]]
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("text", ["", "日本語 🎨", "<|endoftext|>", "a\0b", "'" * 300, "((((", "))((", "(:)", "[a|b]", "(a:nan)"])
def test_any_text_can_be_encoded(models: Models, text: str) -> None:
    assert torch.isfinite(encode(models, "sdxl", text).embedding).all()
