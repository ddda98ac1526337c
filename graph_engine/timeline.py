"""Decides how a run looks in a trace viewer: its intervals in the Chrome trace event format, one row a lane and thread.

Format: Trace Event Format (Google, "complete" and "metadata" events); open the file at ui.perfetto.dev or chrome://tracing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from graph_engine.execute import Interval

MICROSECONDS = 1e6


def chrome_trace(intervals: Iterable[Interval]) -> str:
    """The JSON text. Lanes are shown as processes, their threads as threads."""
    events: list[dict[str, object]] = []
    lanes: dict[str, int] = {}
    threads: dict[tuple[str, str], int] = {}
    for interval in sorted(intervals, key=lambda interval: interval.start_s):
        if interval.lane not in lanes:
            lanes[interval.lane] = len(lanes) + 1
            events.append(_name("process_name", lanes[interval.lane], 0, interval.lane))
        row = (interval.lane, interval.thread)
        if row not in threads:
            threads[row] = len(threads) + 1
            events.append(_name("thread_name", lanes[interval.lane], threads[row], interval.thread))
        events.append(
            {
                "name": interval.node,
                "ph": "X",
                "ts": interval.start_s * MICROSECONDS,
                "dur": (interval.end_s - interval.start_s) * MICROSECONDS,
                "pid": lanes[interval.lane],
                "tid": threads[row],
            }
        )
    return json.dumps({"traceEvents": events, "displayTimeUnit": "ms"})


def _name(kind: str, process: int, thread: int, name: str) -> dict[str, object]:
    return {"name": kind, "ph": "M", "pid": process, "tid": thread, "args": {"name": name}}
