"""Decides how a prompt becomes token numbers: CLIP's byte-level pair encoding, learned on the words of the captions."""

from __future__ import annotations

import json
from typing import Any, Final

from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import CLIPTokenizer

from nodes.builtin.captions import all_words
from nodes.builtin.parts import CONTEXT_LENGTH

START: Final = "<|startoftext|>"
END: Final = "<|endoftext|>"
WORD_END: Final = "</w>"


def learn_merges(words: list[str]) -> list[tuple[str, str]]:
    """Pair merges, in order, that end with every word as one token."""
    learner = Tokenizer(models.BPE(end_of_word_suffix=WORD_END))
    learner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.BpeTrainer(
        vocab_size=20_000, min_frequency=0, end_of_word_suffix=WORD_END, show_progress=False
    )
    learner.train_from_iterator([" ".join(words)], trainer)
    merges = json.loads(learner.to_str())["model"]["merges"]
    return [(left, right) for left, right in merges]


def build_tokenizer() -> CLIPTokenizer:
    """CLIP's tokenizer with a vocabulary of its own. Any text encodes: unknown words become pieces or bytes."""
    merges = learn_merges(all_words())
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    entries = [*letters, *(letter + WORD_END for letter in letters), *(left + right for left, right in merges)]
    vocabulary = {entry: index for index, entry in enumerate(dict.fromkeys([*entries, START, END]))}
    pairs: Any = merges  # CLIPTokenizer takes pairs, though its signature says strings
    return CLIPTokenizer(vocab=vocabulary, merges=pairs, model_max_length=CONTEXT_LENGTH)


def encode(tokenizer: CLIPTokenizer, prompts: list[str]) -> list[list[int]]:
    """Token numbers, each row padded with the end token to ``CONTEXT_LENGTH``."""
    rows = tokenizer(prompts, padding="max_length", max_length=CONTEXT_LENGTH, truncation=True)["input_ids"]
    return [list(row) for row in rows]
