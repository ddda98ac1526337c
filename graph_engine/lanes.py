"""Decides where work waits and how many pieces of it go on at once: a queue and a few threads for each lane."""

from __future__ import annotations

import heapq
import itertools
import os
import threading
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from graph_engine.brief import BriefLock

if TYPE_CHECKING:
    import asyncio

Rank = tuple[int, int]
Task = Callable[[], None]

DEFAULT_WORKERS: Mapping[str, int] = {"cpu": min(8, os.cpu_count() or 1), "disk": 2, "device": 1}


class Lane:
    """Runs tasks in the order of their ranks, at most ``workers`` at once. Threads start when needed and end with the process."""

    def __init__(self, name: str, workers: int) -> None:
        self.name, self.workers = name, workers
        self._queue: list[tuple[Rank, int, Task, bool]] = []
        self._order = itertools.count()
        self._threads: list[threading.Thread] = []
        self._identities: set[int] = set()
        self._idle = 0
        self._closed = False
        self._busy = 0
        self._alone = False  # a task that must have the lane to itself runs, or waits until the others are done
        self._lock = BriefLock()
        # a condition asks no more of a lock than BriefLock has
        self._changed = threading.Condition(self._lock)  # type: ignore[arg-type]
        self._quieter = threading.Condition(self._lock)  # type: ignore[arg-type]

    def submit(self, rank: Rank, task: Task, alone: bool = False) -> None:
        """Queue ``task``; ``alone``: nothing else of this lane goes on beside it.

        A worker that submits as the last thing in its task takes it up itself, without waking another.
        """
        with self._lock:
            heapq.heappush(self._queue, (rank, next(self._order), task, alone))
            if len(self._queue) == 1 and threading.get_ident() in self._identities:
                return
            if self._idle:
                self._idle -= 1  # here and not in the woken thread: a second task must not count on the same one
                self._changed.notify()
            elif len(self._threads) < self.workers:
                name = f"loom-{self.name}-{len(self._threads)}"
                thread = threading.Thread(target=self._work, name=name, daemon=True)
                self._threads.append(thread)
                thread.start()

    def close(self) -> None:
        """Let the threads end once their task is done; what is still queued is dropped."""
        with self._lock:
            self._closed = True
            self._queue.clear()
            self._changed.notify_all()
            threads = list(self._threads)
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join()

    def _work(self) -> None:
        self._identities.add(threading.get_ident())
        self._lock.acquire()
        while True:
            while not self._queue and not self._closed:
                self._idle += 1
                self._changed.wait()
            if self._closed:
                break
            _, _, task, alone = heapq.heappop(self._queue)
            while self._alone:
                self._quieter.wait()
            self._alone = alone
            while alone and self._busy:
                self._quieter.wait()
            self._busy += 1
            self._lock.release()
            task()
            self._lock.acquire()
            self._busy -= 1
            if self._alone:  # else nobody waits for quiet
                self._alone = not alone
                self._quieter.notify_all()
        self._lock.release()


class AsyncLane:
    """One thread with an event loop, for nodes that are coroutines: they wait side by side."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def submit(self, coroutine: Coroutine[Any, Any, None]) -> None:
        import asyncio  # most runs have no such node, and importing it takes a tenth of the time that a check may take

        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="loom-async", daemon=True)
                self._thread.start()
        asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def close(self) -> None:
        with self._lock:
            loop, thread, self._loop = self._loop, self._thread, None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


class Lanes:
    """All lanes of one engine."""

    def __init__(self, workers: Mapping[str, int] | None = None) -> None:
        self._lanes = {name: Lane(name, count) for name, count in {**DEFAULT_WORKERS, **(workers or {})}.items()}
        self.asynchronous = AsyncLane()

    def submit(self, lane: str, rank: Rank, task: Task, alone: bool = False) -> None:
        self._lanes[lane].submit(rank, task, alone)

    def close(self) -> None:
        for lane in self._lanes.values():
            lane.close()
        self.asynchronous.close()
