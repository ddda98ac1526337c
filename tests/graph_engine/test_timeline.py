"""What overlaps in a run, by the intervals that it records, and how it looks in a trace viewer."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from graph_engine import File, node
from graph_engine.engine import Engine, Request
from graph_engine.execute import Interval
from graph_engine.timeline import chrome_trace
from tests.graph_engine.toys import PATIENCE_S, add, chain, entry, finished, note, number, run, workflow

Make = Callable[..., Engine]


def most_at_once(intervals: list[Interval]) -> int:
    return max(sum(one.start_s <= other.start_s < one.end_s for one in intervals) for other in intervals)


def test_independent_branches_overlap_up_to_the_limit_of_their_lane(make_engine: Make) -> None:
    meet, working, most = threading.Barrier(3), [0], [0]
    lock = threading.Lock()

    @node("toy.meet", version=1, category="x")
    def together(a: float) -> float:
        """End only when three are at work at once."""
        with lock:
            working[0] += 1
            most[0] = max(most[0], working[0])
        meet.wait(PATIENCE_S)
        with lock:
            working[0] -= 1
        return a

    nodes = {f"n{number}": entry("meet", a=float(number)) for number in range(9)}
    result = run(make_engine(together, workers={"cpu": 3}), workflow(nodes, *(f"{name}.value" for name in nodes)))
    assert (result.status, len(result.ran), most) == ("succeeded", 9, [3])
    assert most_at_once(result.intervals) == 3
    assert len({one.thread for one in result.intervals}) == 3


def test_the_device_lane_does_one_thing_at_a_time(make_engine: Make) -> None:
    @node("toy.busy", version=1, category="x", lane="device")
    def busy(a: float) -> float:
        """Work."""
        return a

    nodes = {f"n{number}": entry("busy", a=float(number)) for number in range(20)}
    result = run(make_engine(busy), workflow(nodes, *(f"{name}.value" for name in nodes)))
    ordered = sorted(result.intervals, key=lambda one: one.start_s)
    assert all(before.end_s <= after.start_s for before, after in pairwise(ordered))
    assert {(one.lane, one.thread) for one in ordered} == {("device", ordered[0].thread)}


def test_a_node_that_blocks_stops_no_other_lane_and_no_other_run(make_engine: Make, tmp_path: Path) -> None:
    release, begun = threading.Event(), threading.Event()

    @node("toy.block", version=1, category="x", lane="device")
    def block(a: float) -> float:
        """Wait for the test."""
        begun.set()
        assert release.wait(PATIENCE_S)
        return a

    engine = make_engine(block, number, add, note)
    blocked = engine.start(Request(workflow=workflow({"b": entry("block", a=1.0), **chain_nodes(5)}, "b.value", "n4.value")))
    assert begun.wait(PATIENCE_S)
    other = run(engine, workflow({"x": entry("note", value=1.0)}), folder=tmp_path)
    assert len(other.files) == 1
    release.set()
    assert finished(blocked).outputs == {"b": 1.0, "n4": 5.0}


def chain_nodes(length: int) -> dict[str, Any]:
    return {name: entry.model_dump(by_alias=True) for name, entry in chain(length).nodes.items()}


def test_a_trace_has_one_row_a_thread_grouped_by_lane(make_engine: Make, tmp_path: Path) -> None:
    @node("toy.busy", version=1, category="x", lane="device")
    def busy(value: float) -> float:
        """Work."""
        return value

    nodes = {"a": entry("number", value=1.0), "b": entry("busy", {"value": "a.value"}), "c": entry("note", {"value": "b.value"})}
    result = run(make_engine(number, busy, note), workflow(nodes), folder=tmp_path)
    events = json.loads(chrome_trace(result.intervals))["traceEvents"]
    lanes = {event["pid"]: event["args"]["name"] for event in events if event["name"] == "process_name"}
    rows = {(event["pid"], event["tid"]): event["args"]["name"] for event in events if event["name"] == "thread_name"}
    assert sorted(lanes.values()) == ["cpu", "device", "disk"]
    work = [event for event in events if event["ph"] == "X"]
    assert sorted(event["name"] for event in work) == ["a", "b", "c", "c (writing)"]
    assert {(event["pid"], event["tid"]) for event in work} == set(rows)
    assert all(event["ts"] >= 0 and event["dur"] >= 0 for event in work)


def test_a_trace_of_nothing_is_still_json() -> None:
    assert json.loads(chrome_trace([]))["traceEvents"] == []


def test_a_trace_keeps_names_as_they_are_and_times_in_microseconds() -> None:
    intervals = [Interval('a "quoted" ü', "cpu", "t1", 0.5, 2.0), Interval("b", "cpu", "t2", 0.25, 0.5)]
    b, a = [event for event in json.loads(chrome_trace(intervals))["traceEvents"] if event["ph"] == "X"]
    assert (a["name"], a["ts"], a["dur"], b["ts"], b["dur"]) == ('a "quoted" ü', 5e5, 1.5e6, 2.5e5, 2.5e5)
    assert (a["pid"] == b["pid"], a["tid"] == b["tid"]) == (True, False)


def test_files_are_written_on_the_disk_lane(make_engine: Make, tmp_path: Path) -> None:
    @node("toy.keep", version=1, category="x", sink=True)
    def keep() -> File:
        """Give a file."""
        return File(data=b"x", stem="x", suffix=".txt", media_type="text/plain")

    result = run(make_engine(keep), workflow({"k": entry("keep")}), folder=tmp_path)
    assert {(one.node, one.lane) for one in result.intervals} == {("k", "cpu"), ("k (writing)", "disk")}
