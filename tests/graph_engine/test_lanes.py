"""How much goes on at once in a lane."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from graph_engine.lanes import Lane

PATIENCE_S = 20.0
OVERLAP_S = 0.3


@pytest.fixture
def lane() -> Iterator[Lane]:
    made = Lane("cpu", 4)
    yield made
    made.close()


def test_as_many_tasks_go_on_at_once_as_the_lane_has_workers(lane: Lane) -> None:
    together = threading.Barrier(5, timeout=PATIENCE_S)  # four workers and this test: passes only if all are inside at once
    for number in range(4):
        lane.submit((0, number), lambda: together.wait() and None)
    together.wait()


@pytest.mark.parametrize("first_alone", [True, False])
def test_a_task_that_must_be_alone_has_the_lane_to_itself(lane: Lane, first_alone: bool) -> None:
    first_inside, second_inside, done = threading.Event(), threading.Event(), threading.Event()
    overlapped: list[bool] = []

    def first() -> None:
        first_inside.set()
        overlapped.append(second_inside.wait(OVERLAP_S))  # long enough for an idle worker to come in, if it may
        done.set()

    lane.submit((0, 0), first, first_alone)
    assert first_inside.wait(PATIENCE_S)
    lane.submit((0, 1), second_inside.set, not first_alone)
    assert done.wait(PATIENCE_S)
    assert overlapped == [False]
    assert second_inside.wait(PATIENCE_S), "what waited has to come in afterwards"


def test_the_lowest_rank_waiting_goes_first() -> None:
    lane = Lane("device", 1)
    begin, done, order = threading.Event(), threading.Event(), list[int]()
    lane.submit((0, 0), lambda: begin.wait(PATIENCE_S) and None)
    for rank in (3, 1, 2):
        lane.submit((0, rank), lambda rank=rank: order.append(rank))  # type: ignore[misc]
    lane.submit((0, 9), done.set)
    begin.set()
    assert done.wait(PATIENCE_S)
    assert order == [1, 2, 3]
    lane.close()


def test_a_closed_lane_leaves_no_thread() -> None:
    lane, done = Lane("spare", 2), threading.Event()
    lane.submit((0, 0), done.set)
    assert done.wait(PATIENCE_S)
    lane.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("loom-spare")]
