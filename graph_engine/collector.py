"""Decides when Python's cyclic collector rests: while a large structure is built or imported, of which nothing can be garbage yet."""

from __future__ import annotations

import gc
import threading


class _Resting:
    """Counted, so that several threads may be inside at once; the collector is as before when the last one leaves."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._was_enabled = False

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._was_enabled = gc.isenabled()
                gc.disable()
            self._inside += 1

    def __exit__(self, *_error: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0 and self._was_enabled:
                gc.enable()


_RESTING = _Resting()


def resting() -> _Resting:
    """No cyclic collection inside. Laying out or serving a large graph would else walk the growing graph again and again: three quarters
    of the time that 10,000 cached nodes took (tests/bench/cache.py with and without gc.disable()).
    """
    return _RESTING
