"""Decides how a prompt becomes token numbers: CLIP's byte-level pair encoding, learned on the words of the captions."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any, Final

from tokenizers import pre_tokenizers
from transformers import CLIPTokenizer

from nodes.builtin.captions import all_words
from nodes.builtin.parts import CONTEXT_LENGTH

START: Final = "<|startoftext|>"
END: Final = "<|endoftext|>"
WORD_END: Final = "</w>"


def learn_merges(words: list[str]) -> list[tuple[str, str]]:
    """Pair merges, in order, that end with every word as one token.

    The commonest pair goes first, and of equally common ones the first in the alphabet; so the same words always give
    the same merges, which the trainer in ``tokenizers`` does not promise.
    """
    spellings = [[*word[:-1], word[-1] + WORD_END] for word in words]
    merges: list[tuple[str, str]] = []
    while True:
        counts = Counter(pair for spelling in spellings for pair in pairwise(spelling))
        if not counts:
            return merges
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges.append(best)
        spellings = [merge(spelling, best) for spelling in spellings]


def merge(spelling: list[str], pair: tuple[str, str]) -> list[str]:
    """The spelling with every occurrence of the pair joined, from the left."""
    joined: list[str] = []
    for piece in spelling:
        if joined and (joined[-1], piece) == pair:
            joined[-1] += piece
        else:
            joined.append(piece)
    return joined


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
