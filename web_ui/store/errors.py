"""What a store refuses, and the form in which it is told: what happened, and what to do next.

StoreError
├── BadName        a name that no file may have here
├── NotThere       nothing has this name or id
├── AlreadyThere   something has this name already
├── Stale          another version was stored meanwhile: carries its etag
├── Broken         the file is there and cannot be used
├── BadPicture     bytes that are no picture which may be opened
├── TooLarge       more bytes or pixels than are taken
└── NotWritten     the disk refused: it is full, read-only or held by others
"""

from __future__ import annotations

from graph_engine.errors import LoomError
from web_ui.sentences import say


class StoreError(LoomError):
    """The message is ``cause`` and ``action`` as sentences; neither names a path of this machine."""

    def __init__(self, cause: str, action: str) -> None:
        self.cause, self.action = cause, action
        super().__init__(f"{cause} {action}")


class BadName(StoreError):
    """Refused before the disk was touched."""


class NotThere(StoreError):
    """Nothing has this name or id."""


class AlreadyThere(StoreError):
    """Something has this name already, perhaps in other letters."""


class Stale(StoreError):
    """What was to be changed is not what is stored. ``etag`` names what is."""

    def __init__(self, cause: str, action: str, etag: str) -> None:
        super().__init__(cause, action)
        self.etag = etag


class Broken(StoreError):
    """A file that is there and cannot be used."""


class BadPicture(StoreError):
    """Bytes that are no picture, no whole one, or of a kind that is not opened here."""


class TooLarge(StoreError):
    """More bytes or pixels than are taken."""


class NotWritten(StoreError):
    """What was to be kept could not be written; what stood there still does."""

    @classmethod
    def because(cls, what: str, error: OSError) -> NotWritten:
        reason = error.strerror or type(error).__name__
        return cls(say("disk_refused", what=what, error=reason), say("make_room"))
