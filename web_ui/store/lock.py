"""Decides who may write to a folder that threads and processes share: one at a time, the others wait their turn.

The system drops the lock when its process dies, however it dies, so that none is left behind. On POSIX it is the folder itself that is
locked, and nothing is put into it; on Windows it is a file elsewhere.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from web_ui.sentences import say
from web_ui.store.errors import NotWritten

log = logging.getLogger(__name__)

PATIENCE_S = 30.0
POLL_S = 0.01


class FolderLock:
    """``spare``: the file that is locked where a folder cannot be. The same thread may hold it several times."""

    def __init__(self, folder: Path, spare: Path) -> None:
        self._folder, self._spare = folder, spare
        self._threads = threading.RLock()
        self._depth = 0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Raises NotWritten if another process does not let go of the folder for half a minute."""
        with self._threads:
            number = self._locked() if self._depth == 0 else -1
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if number >= 0:
                    _unlock(number)
                    os.close(number)

    def _locked(self) -> int:
        """An open file that holds the lock; -1 where nothing can be locked."""
        for path, flags in self._places():
            try:
                number = os.open(path, flags, 0o666)
            except OSError:
                continue
            try:
                self._wait(number)
                return number
            except OSError:  # a network drive that locks no folder, say
                os.close(number)
            except BaseException:
                os.close(number)
                raise
        log.warning("The folder %s cannot be locked: let only one server write to it.", self._folder.name)
        return -1

    def _places(self) -> list[tuple[Path, int]]:
        spare = (self._spare, os.O_RDWR | os.O_CREAT)
        return [spare] if sys.platform == "win32" else [(self._folder, os.O_RDONLY), spare]

    def _wait(self, number: int) -> None:
        until = time.monotonic() + PATIENCE_S
        while not _lock(number):
            if time.monotonic() > until:
                raise NotWritten(say("folder_held"), say("close_or_retry"))
            time.sleep(POLL_S)


if sys.platform == "win32":
    import msvcrt

    def _lock(number: int) -> bool:
        """Whether it is ours now. Raises OSError where it cannot be locked."""
        try:
            msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

    def _unlock(number: int) -> None:
        os.lseek(number, 0, os.SEEK_SET)
        msvcrt.locking(number, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(number: int) -> bool:
        """Whether it is ours now. Raises OSError where it cannot be locked."""
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(number: int) -> None:
        fcntl.flock(number, fcntl.LOCK_UN)
