"""Decides which names a workflow may have: those that are one plain file name on every system, and that nobody can mistake.

Checked before the disk is touched. Two names are the same if they differ in case alone, since some file systems hold only one of them.
"""

from __future__ import annotations

import re
import unicodedata

from web_ui.sentences import say
from web_ui.store.errors import BadName

MAX_CHARACTERS = 100
MAX_BYTES = 200
"""In UTF-8, with room for what is added within the 255 bytes that a file name may have."""

SIGNS = frozenset(" _.()-")
CATEGORIES = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Nd"})
INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
"""Letters and marks by category that show nothing."""
DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9]) *(\..*)?", re.IGNORECASE)
ACTION = say("name_signs")


def checked(name: str) -> str:
    """``name`` in Unicode's composed form (NFC), in which it is kept. Raises BadName that says what is wrong with it."""
    if not isinstance(name, str) or not name:
        raise BadName(say("name_missing"), ACTION)
    if len(name) > 4 * MAX_CHARACTERS:
        raise BadName(say("name_far_too_long", count=len(name)), ACTION)
    found = unicodedata.normalize("NFC", name)
    refused = next((sign for sign in found if not _allowed(sign)), None)
    if refused is not None:
        raise BadName(say("name_sign", name=_shown(found), sign=_spelled(refused)), ACTION)
    if len(found) > MAX_CHARACTERS:
        raise BadName(say("name_characters", name=_shown(found), count=len(found)), ACTION)
    if max(len(found.encode()), len(key(found).encode())) > MAX_BYTES:
        raise BadName(say("name_bytes", name=_shown(found), most=MAX_BYTES), say("choose_shorter"))
    if found[0] in " ." or found[-1] in " .":
        raise BadName(say("name_ends", name=_shown(found)), say("leave_out"))
    if unicodedata.category(found[0]).startswith("M"):
        raise BadName(say("name_mark", name=_shown(found)), say("begin_with_letter"))
    if DEVICES.fullmatch(found):
        raise BadName(say("name_device", name=_shown(found)), say("choose_another"))
    return found


def key(name: str) -> str:
    """The same for two names that no folder should hold both of."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def _allowed(sign: str) -> bool:
    return sign in SIGNS or (unicodedata.category(sign) in CATEGORIES and not INVISIBLE.match(sign))


def _shown(name: str) -> str:
    short = name if len(name) <= 60 else f"{name[:57]}..."
    return repr(short) if all(map(_allowed, name)) else ascii(short)


def _spelled(sign: str) -> str:
    return repr(sign) if sign.isprintable() and sign.isascii() else f"U+{ord(sign):04X}"
