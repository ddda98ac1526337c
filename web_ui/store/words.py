"""Decides when a text holds what somebody searches for: without regard to case, accents or Unicode form, in any script.

Every word must stand somewhere, as a part of a word too; what is in quotes must stand there as it is. Nothing is an operator. The
index is one of trigrams, since other ones know neither emoji nor scripts without spaces; what is shorter is compared row by row.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

TERM = re.compile(r'"([^"]*)"|([^\s"]+)')
SHORTEST_INDEXED = 3
MOST_TERMS = 20


def searched(*texts: str) -> str:
    """Texts as they are searched: one line each."""
    return "\n".join(_plain(text) for text in texts)


def looked_up(search: str) -> Iterator[tuple[str, str]]:
    """An SQL condition on ``results`` and its value for each part of what was typed."""
    for match in list(TERM.finditer(search))[:MOST_TERMS]:
        term = _plain(match[1] if match[1] is not None else match[2]).strip()
        if len(term) >= SHORTEST_INDEXED:
            quoted = term.replace('"', '""')
            yield "number in (select rowid from found where found match ?)", f'"{quoted}"'
        elif term:
            yield "instr(words, ?) > 0", term


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return " ".join("".join(sign for sign in decomposed if _counts(sign)).replace("\0", " ").split())


def _counts(sign: str) -> bool:
    """Not accents, the signs that choose between forms of an emoji, and halves of characters."""
    return not (unicodedata.combining(sign) or "\ufe00" <= sign <= "\ufe0f" or "\ud800" <= sign <= "\udfff")
