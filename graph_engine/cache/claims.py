"""Decides who computes a key that several want at once: the first to claim it; the others are told when it is free.

Within a process claims are a table. Between processes a claim is a lock on one byte of a shared file, at a place that the key gives:
no file is made for it, and the system drops it when its process dies, however it dies.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

from graph_engine.brief import BriefLock
from graph_engine.digest import Key

try:
    import fcntl
except ImportError:  # Windows: processes do not share claims there; two may compute the same value, and both are right
    fcntl = None  # type: ignore[assignment]

log = logging.getLogger(__name__)

POLL_S = 0.02
PLACES = 2**62


class Claims:
    """Safe to use from several threads. Without a ``path`` claims hold within this process alone."""

    def __init__(self, path: Path | None = None) -> None:
        self._lock = BriefLock()
        self._waiters: dict[Key, list[Callable[[], None]]] = {}
        self._elsewhere: dict[Key, list[Callable[[], None]]] = {}
        self._watching = False
        self._closed = threading.Event()
        self._file = -1
        if path is not None and fcntl is not None:
            try:
                self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            except OSError as error:
                log.warning("%s cannot be opened (%s): other processes may compute the same values.", path, error.strerror)

    def take(self, key: Key, when_free: Callable[[], None], shared: bool) -> bool:
        """True: the key is ours until ``release``. False: ``when_free`` is called once, as soon as it may be worth another try.

        ``shared``: whether other processes could use the value, so that they count too.
        """
        with self._lock:
            if key in self._waiters:
                self._waiters[key].append(when_free)
                return False
            if shared and not self._lock_byte(key):
                self._elsewhere.setdefault(key, []).append(when_free)
                if not self._watching:
                    self._watching = True
                    threading.Thread(target=self._watch, name="loom-claims", daemon=True).start()
                return False
            self._waiters[key] = []
            return True

    def release(self, key: Key) -> None:
        """Tell those in this process that wait; other processes are let in by ``release_shared``."""
        with self._lock:
            waiters = self._waiters.pop(key, [])
        for when_free in waiters:
            when_free()

    def release_shared(self, key: Key) -> None:
        """Let other processes in: to be called when the value can be found by them, or will not come."""
        if self._file >= 0 and fcntl is not None:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _place(key))

    def close(self) -> None:
        self._closed.set()
        with self._lock:
            if self._file >= 0:
                os.close(self._file)  # drops every lock that this process has
                self._file = -1

    def _lock_byte(self, key: Key) -> bool:
        if self._file < 0 or fcntl is None:
            return True
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _place(key))
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks
            return True
        return True

    def _watch(self) -> None:
        """Until nobody waits: see which of the keys that other processes hold have become free."""
        while not self._closed.wait(POLL_S):
            free: list[Callable[[], None]] = []
            with self._lock:
                for key in list(self._elsewhere):
                    if key in self._waiters:  # taken by this process meanwhile
                        self._waiters[key] += self._elsewhere.pop(key)
                    elif self._lock_byte(key):
                        self.release_shared(key)
                        free += self._elsewhere.pop(key)
                if not self._elsewhere:
                    self._watching = False
            for when_free in free:
                when_free()
            if not self._watching:
                return


def _place(key: Key) -> int:
    return int.from_bytes(key[:8], "little") % PLACES
