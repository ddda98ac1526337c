"""The tokenizer: one token a caption word, and any text survives a round trip."""

from __future__ import annotations

import pytest
from transformers import CLIPTokenizer

from nodes.builtin.captions import all_words
from nodes.builtin.parts import CONTEXT_LENGTH
from nodes.builtin.tokens import build_tokenizer, encode


@pytest.fixture(scope="module")
def tokenizer() -> CLIPTokenizer:
    return build_tokenizer()


def test_every_caption_word_is_one_token(tokenizer: CLIPTokenizer) -> None:
    pieces = {word: len(tokenizer(word)["input_ids"]) - 2 for word in all_words()}
    assert set(pieces.values()) == {1}


@pytest.mark.parametrize(
    "text", ["a red circle , on a blue background", "zebra quilting 42", "naïve façade 猫 🚀", "it's (1.2) {x|y}"]
)
def test_any_text_survives_a_round_trip(tokenizer: CLIPTokenizer, text: str) -> None:
    decoded = tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True)
    assert str(decoded).replace(" ", "") == text.replace(" ", "")


def test_rows_start_end_and_pad_as_clip_does(tokenizer: CLIPTokenizer) -> None:
    row = encode(tokenizer, ["a red circle"])[0]
    assert len(row) == CONTEXT_LENGTH == tokenizer.model_max_length
    assert row[0] == tokenizer.bos_token_id
    assert set(row[4:]) == {tokenizer.eos_token_id}


def test_a_long_prompt_is_cut_to_the_context(tokenizer: CLIPTokenizer) -> None:
    row = encode(tokenizer, ["red " * 200])[0]
    assert len(row) == CONTEXT_LENGTH
    assert row[-1] == tokenizer.eos_token_id


def test_building_it_twice_gives_the_same_numbers(tokenizer: CLIPTokenizer) -> None:
    assert build_tokenizer().get_vocab() == tokenizer.get_vocab()
