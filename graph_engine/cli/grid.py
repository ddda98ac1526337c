"""Decides which runs a sweep consists of: every combination of the swept values, the last input changing fastest; and how those that
are missing are asked for again, in as few commands as there are blocks of them.
"""

from __future__ import annotations

import itertools
import math
import os
import shlex
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graph_engine.cli.sweep import Value

MAX_LABEL = 40
MAX_COMMANDS = 6
MAX_COMMAND = 4000
"""Characters. A longer one would not be typed again, and some systems refuse it."""

Places = tuple[int, ...]
Block = tuple[frozenset[int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A swept input: ``name`` of a declared one, or ``node.input``. ``spoken`` is how it is given: ``--seed`` or ``--set sample.cfg``.

    ``listable`` says that its values may be joined by commas.
    """

    name: str
    spoken: str
    values: Sequence[Value]
    listable: bool

    def words(self, places: Iterable[int]) -> list[str]:
        """The words of a command that ask for these values."""
        texts = [self.values[place].typed for place in sorted(places)]
        given = [_joined(texts)] if self.listable and not any("," in text for text in texts) else [*map(_escaped, texts)]
        option, _, name = self.spoken.partition(" ")
        return [word for text in given for word in (option, f"{name}={text}" if name else text)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One run of a sweep. ``number`` counts from 1; ``places`` are indices into the axes' values."""

    number: int
    places: Places
    label: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """All runs of a sweep. ``words`` is the command without its swept inputs, ``whole`` with them as they were typed."""

    axes: Sequence[Axis]
    words: Sequence[str]
    whole: Sequence[str]

    def __len__(self) -> int:
        return math.prod(len(axis.values) for axis in self.axes)

    @property
    def columns(self) -> int:
        return len(self.axes[-1].values)

    def __iter__(self) -> Iterator[Item]:
        for number, places in enumerate(itertools.product(*(range(len(axis.values)) for axis in self.axes)), 1):
            yield self._item(number, places)

    def _item(self, number: int, places: Places) -> Item:
        picked = [(axis, axis.values[place]) for axis, place in zip(self.axes, places, strict=True)]
        label = " ".join(f"{axis.name}={short(one.typed)}" for axis, one in picked)
        return Item(number=number, places=places, label=label, values={axis.name: one.value for axis, one in picked})

    def missing(self, places: Iterable[Places]) -> list[str]:
        """The commands that run these items and no others; the whole command where that would be too much to type."""
        found = blocks(set(places))
        commands = [shell([*self.words, *self._words(block)]) for block in found[: MAX_COMMANDS + 1]]
        if len(commands) > MAX_COMMANDS or any(len(command) > MAX_COMMAND for command in commands):
            return [shell(self.whole)]
        return commands

    def _words(self, block: Block) -> Iterator[str]:
        for axis, places in zip(self.axes, block, strict=True):
            yield from axis.words(places)


def blocks(places: set[Places]) -> list[Block]:
    """The places as products of sets, none twice: what agrees in all but one axis is joined along it, the last axis first."""
    found: list[Block] = [tuple(frozenset({index}) for index in place) for place in sorted(places)]
    for axis in reversed(range(len(found[0]) if found else 0)):
        joined: dict[Block, frozenset[int]] = {}
        for block in found:
            rest = block[:axis] + block[axis + 1 :]
            joined[rest] = joined.get(rest, frozenset()) | block[axis]
        found = [(*rest[:axis], members, *rest[axis:]) for rest, members in joined.items()]
    return found


def short(text: str, limit: int = MAX_LABEL) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def shell(words: Sequence[str]) -> str:
    """The command as it is typed."""
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def _joined(texts: Sequence[str]) -> str:
    """``1..3,7``."""
    runs: list[list[str]] = []
    for text in texts:
        if runs and text.isdecimal() and runs[-1][-1].isdecimal() and int(text) == int(runs[-1][-1]) + 1:
            runs[-1].append(text)
        else:
            runs.append([text])
    return ",".join(f"{run[0]}..{run[-1]}" if len(run) > 2 else ",".join(run) for run in runs)


def _escaped(text: str) -> str:
    return f"@{text}" if text.startswith("@") else text
