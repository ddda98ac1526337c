"""Decides when Python's cyclic collector rests: while a large structure is built, of which nothing can be garbage yet."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_resting = 0
_was_enabled = False


@contextmanager
def resting() -> Iterator[None]:
    """No cyclic collection inside. Laying out or serving a large graph would else walk the growing graph again and again: three quarters
    of the time that 10,000 cached nodes took (tests/bench/cache.py with and without gc.disable()).

    Counted, so that several threads may be inside at once; the collector is as before when the last one leaves.
    """
    global _resting, _was_enabled
    with _lock:
        if _resting == 0:
            _was_enabled = gc.isenabled()
            gc.disable()
        _resting += 1
    try:
        yield
    finally:
        with _lock:
            _resting -= 1
            if _resting == 0 and _was_enabled:
                gc.enable()
