"""Decides how threads share what each holds for a few operations only: they try again, and never queue up for it."""

from __future__ import annotations

import threading
import time

PAUSE_S = 2e-5


class BriefLock:
    """A lock that nobody holds for longer than a few dictionary operations.

    A waiter of an ordinary lock gets it handed over before it gets the interpreter. If a thread is interrupted once while it holds the
    lock, every later user finds it taken by somebody who does not run yet, and each step becomes a change of threads: 10,000
    independent nodes on two threads took twice as long with ordinary locks (tests/bench/engine.py). Who finds this one taken sleeps for
    a moment instead and leaves the interpreter to who holds it.
    """

    __slots__ = ("_try", "release")

    def __init__(self) -> None:
        lock = threading.Lock()
        self._try, self.release = lock.acquire, lock.release

    def acquire(self, blocking: bool = True) -> bool:
        while not self._try(False):
            if not blocking:
                return False
            time.sleep(PAUSE_S)
        return True

    __enter__ = acquire

    def __exit__(self, *_error: object) -> None:
        self.release()
