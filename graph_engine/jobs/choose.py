"""Decides which waiting job runs next, and in what order the queue is shown: pure functions of what waits.

What was interrupted goes first, then what has the highest priority. Jobs of one priority take turns by client, so that a hundred jobs
of one person do not keep another waiting. Among a client's own jobs, a free worker prefers one whose models it already holds, but
passes over the one whose turn it is at most a few times.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

MOST_PASSED_OVER = 4


class Waiting(Protocol):
    """What the choice looks at; ``turn`` counts up within a client's jobs of one priority."""

    @property
    def id(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def client(self) -> str: ...
    @property
    def priority(self) -> int: ...
    @property
    def turn(self) -> float: ...
    @property
    def models(self) -> Sequence[str]: ...
    @property
    def passed_over(self) -> int: ...


def order(waiting: Iterable[Waiting], served: Mapping[str, int]) -> list[Waiting]:
    """The jobs as they would start on one worker that holds no model. ``served``: when each client last had a turn, as a growing number."""
    lots: dict[tuple[bool, int], dict[str, list[Waiting]]] = {}
    for job in sorted(waiting, key=lambda one: one.turn):
        lots.setdefault((job.state != "interrupted", -job.priority), {}).setdefault(job.client, []).append(job)
    found: list[Waiting] = []
    last = dict(served)
    now = max(last.values(), default=0)
    for lot in sorted(lots):
        clients = lots[lot]
        while clients:
            client = min(clients, key=lambda name: (last.get(name, 0), clients[name][0].turn))
            found.append(clients[client].pop(0))
            now += 1
            last[client] = now
            if not clients[client]:
                del clients[client]
    return found


def choose(waiting: Sequence[Waiting], served: Mapping[str, int], held: Collection[str]) -> Waiting | None:
    """The job for a worker that holds the models ``held``; None where nothing waits."""
    ordered = order(waiting, served)
    if not ordered:
        return None
    first = ordered[0]
    if not first.models or set(first.models) <= set(held) or first.passed_over >= MOST_PASSED_OVER:
        return first
    same = (job for job in ordered if (job.state, job.priority, job.client) == (first.state, first.priority, first.client))
    return next((job for job in same if job.models and set(job.models) <= set(held)), first)
