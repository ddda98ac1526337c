"""Decides how a node is timed beside the plain call that it stands on, so that a ratio holds on a machine that others use too.

Both run in turn in one process, with one set of threads, and change places each round. The ratio is the median of those of the
rounds: what slows the machine for a while slows two neighbours in time alike. Rounds go on until the median is known well enough,
whatever it is, or the time is up. Beside it stands the ratio of the processor's time, which other processes hardly touch.

Memory is the other thing that makes a ratio wander: the C library gives a call fresh pages or used ones, depending on what ran before
it, and on a virtual machine a fresh page may cost more than all that is done with it. ``keep_memory`` and ``fresh_memory`` make it
one or the other for both sides. What a call returns is freed outside of its time.
"""

from __future__ import annotations

import ctypes
import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

Call = Callable[[], Any]

LEAST_ROUNDS = 15
UNCERTAINTY = 0.015
"""Of the median of the ratios, as a standard error: where rounds may end."""

LARGE_BYTES = 2**20
NEVER = 2**31 - 1
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_MMAP_MAX = -1, -3, -4


class Cost(NamedTuple):
    elapsed_s: float
    processor_s: float


@dataclass(frozen=True, slots=True)
class Timing:
    """What each round cost, node and plain call."""

    rounds: list[tuple[Cost, Cost]]

    @property
    def ratios(self) -> list[float]:
        return [ours.elapsed_s / plain.elapsed_s for ours, plain in self.rounds]

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    @property
    def uncertainty(self) -> float:
        """Standard error of the median, as it would be of normal noise of the same spread in its middle half."""
        low, _, high = statistics.quantiles(self.ratios, n=4)
        return 1.2533 * (high - low) / 1.349 / len(self.rounds) ** 0.5

    @property
    def ratio_of_least(self) -> float:
        ours_s, plain_s = self.least_s
        return ours_s / plain_s

    @property
    def ratio_of_processor_time(self) -> float:
        return sum(ours.processor_s for ours, _ in self.rounds) / sum(plain.processor_s for _, plain in self.rounds)

    @property
    def least_s(self) -> tuple[float, float]:
        return min(ours.elapsed_s for ours, _ in self.rounds), min(plain.elapsed_s for _, plain in self.rounds)


def keep_memory() -> None:
    """Have what is freed stay in the process, to be used again by either side. glibc only."""
    _told(M_MMAP_MAX, 0)
    _told(M_TRIM_THRESHOLD, NEVER)


def fresh_memory() -> None:
    """Have each large block mapped anew, instead of by a threshold that moves with what was freed before. glibc only."""
    _told(M_MMAP_THRESHOLD, LARGE_BYTES)


def _told(parameter: int, value: int) -> None:
    if not ctypes.CDLL(None).mallopt(parameter, value):
        raise OSError(f"the C library did not take {value} for {parameter}")


def timed(ours: Call, plain: Call, seconds: float) -> Timing:
    """At most ``seconds``, unless the least number of rounds takes longer. Both should have run before."""
    found = Timing([])
    gc.collect()
    gc.disable()
    try:
        end = time.perf_counter() + seconds
        while len(found.rounds) < LEAST_ROUNDS or (time.perf_counter() < end and found.uncertainty > UNCERTAINTY):
            if len(found.rounds) % 2:
                found.rounds.append((_cost(ours), _cost(plain)))
            else:
                found.rounds.append((_cost(plain), _cost(ours))[::-1])
    finally:
        gc.enable()
    return found


def _cost(call: Call) -> Cost:
    started, worked = time.perf_counter(), time.process_time()
    result = call()
    cost = Cost(time.perf_counter() - started, time.process_time() - worked)
    del result
    return cost
