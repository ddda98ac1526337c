"""Decides which words a seed chooses: a function of the text and the seed alone, the same on every machine, for ever.

The k-th choice of a text is made by a digest of the seed and of where it stands: its number, after the numbers of the choices
around it and of what was chosen there. So to change the words of one choice leaves all others as they were.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate
from typing import Annotated

from graph_engine import Multiline, NodeInputError, Seed, node

MAX_DEPTH = 50

_WEIGHT = re.compile(r"\s*(\d{1,9}(?:\.\d{1,9})?)::", re.ASCII)
_SYMBOL = re.compile(r"\\([{}|])|([{}|])|[^\\{}|]+|\\")


@dataclass(frozen=True, slots=True)
class _Option:
    """One of the texts between two bars, with choices in it."""

    weight: float
    parts: Sequence[str | _Choice]


@dataclass(frozen=True, slots=True)
class _Choice:
    """A pair of braces with a bar in it."""

    options: Sequence[_Option]


@node("loom.wildcards", version=1, category="text", output="text")
def wildcards(*, text: Annotated[str, Multiline()] = "a {red|blue} {circle|square}", seed: Annotated[int, Seed()] = 0) -> str:
    r"""Choose between words by a seed: {red|blue} becomes one of the two.

    The same text and seed give the same words on every machine. {3::red|blue} chooses red three times as often. A choice
    may hold choices, and words may be empty: a {|very {large|small} }circle. Braces without a | stay as they are, for a
    template. Write \{, \| and \} for letters that are meant as such.

    Args:
        text: A text with choices.
        seed: Another seed chooses anew, each choice by itself.

    Returns:
        text: The text with every choice made.

    Example:
        wildcards(text="a {3::red|blue} {circle|square}", seed=7)
    """
    return "".join(_chosen(_parsed(text), seed, ""))


def _chosen(parts: Sequence[str | _Choice], seed: int, place: str) -> Iterator[str]:
    number = 0
    for part in parts:
        if isinstance(part, str):
            yield part
            continue
        here = f"{place}{number}"
        index = _picked(f"choice {here} of seed {seed}", [option.weight for option in part.options])
        yield from _chosen(part.options[index].parts, seed, f"{here}.{index}.")
        number += 1


def _picked(key: str, weights: Sequence[float]) -> int:
    """The index that 53 bits of a digest of ``key`` point at, each index taking room by its weight. Fixed by test."""
    share = (int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "little") >> 11) / 2**53
    ends = list(accumulate(weights))
    if not ends[-1]:
        raise NodeInputError("text", "Every word of a choice has the weight 0.", "Give one of them a weight above 0.")
    return next(index for index, end in enumerate(ends) if share * ends[-1] < end)


def _parsed(text: str) -> Sequence[str | _Choice]:
    """Braces without a partner, and bars outside of all, are letters."""
    open_choices: list[list[list[str | _Choice]]] = [[[]]]  # for each level its options so far; the outermost has one
    for match in _SYMBOL.finditer(text):
        symbol = match[2]
        if symbol == "{":
            open_choices.append([[]])
            if len(open_choices) > MAX_DEPTH:
                raise NodeInputError("text", f"Its braces are nested more than {MAX_DEPTH} deep.", "Take some of them away.")
        elif symbol == "|" and len(open_choices) > 1:
            open_choices[-1].append([])
        elif symbol == "}" and len(open_choices) > 1:
            options = open_choices.pop()
            closed: list[str | _Choice] = [_Choice([*map(_option, options)])] if len(options) > 1 else ["{", *options[0], "}"]
            open_choices[-1][-1] += closed
        else:
            open_choices[-1][-1].append(match[1] or match[0])
    while len(open_choices) > 1:
        first, *others = open_choices.pop()
        open_choices[-1][-1] += ["{", *first, *(part for option in others for part in ("|", *option))]
    return open_choices[0][0]


def _option(parts: Sequence[str | _Choice]) -> _Option:
    if parts and isinstance(parts[0], str) and (match := _WEIGHT.match(parts[0])):
        return _Option(float(match[1]), [parts[0][match.end() :], *parts[1:]])
    return _Option(1.0, parts)
