"""Decides what is said of a node's memory: how far the process grew while it ran, above where it stood when it began.

The process is looked at many times a second, so what comes and goes between two looks is missed; nodes that run side by side share
what they see. Memory of an accelerator is not in it.
"""

from __future__ import annotations

import threading

import psutil  # type: ignore[import-untyped]

INTERVAL_S = 0.05


class MemoryWatch:
    """Watches this process from ``begin`` to ``end``; safe to use from several threads."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._lock = threading.Lock()
        self._nodes: dict[str, tuple[int, int]] = {}  # where the process stood, and the most since, in bytes
        self._ended = threading.Event()

    def begin(self) -> None:
        self._ended = threading.Event()
        threading.Thread(target=self._watch, args=(self._ended,), name="memory", daemon=True).start()

    def end(self) -> None:
        self._ended.set()
        with self._lock:
            self._nodes.clear()

    def started(self, node: str) -> None:
        now = self._now()
        with self._lock:
            self._nodes[node] = (now, now)

    def finished(self, node: str) -> int | None:
        """Bytes; None for a node that was not seen to start."""
        now = self._now()
        with self._lock:
            before, most = self._nodes.pop(node, (None, 0))
        return None if before is None else max(most, now) - before

    def _watch(self, ended: threading.Event) -> None:
        while not ended.wait(INTERVAL_S):
            if self._nodes:
                now = self._now()
                with self._lock:
                    self._nodes = {node: (before, max(most, now)) for node, (before, most) in self._nodes.items()}

    def _now(self) -> int:
        return int(self._process.memory_info().rss)
