"""How a run goes: what overlaps, what fails, what is told, and that it always ends."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graph_engine import Cancelled, Context, Folders, Lazy, NodeError, NodeInputError, node
from graph_engine.context import Services
from graph_engine.engine import Engine, Request
from graph_engine.events import Event
from graph_engine.execute import RunResult
from graph_engine.workflow import Workflow
from graph_engine.workflow.embed import extract
from tests.graph_engine.toys import PATIENCE_S, add, entry, fail, finished, number, positive, run, switch, workflow

Make = Callable[..., Engine]


def declare(function: Callable[..., Any], **options: Any) -> Any:
    return node(f"toy.{function.__name__}", version=1, category="x", **options)(function)


def patiently(event: threading.Event) -> None:
    assert event.wait(PATIENCE_S), "nothing happens"


# what runs, and what does not


def test_changing_a_value_reruns_only_that_node_and_what_lies_below(engine: Engine) -> None:
    nodes = {
        "a": entry("number", value=1.0),
        "b": entry("add", {"a": "a.value"}, b=1.0),
        "c": entry("add", {"a": "b.value"}, b=1.0),
        "other": entry("add", {"a": "a.value"}, b=5.0),
    }
    of = workflow(nodes, "c.value", "other.value")
    assert sorted(run(engine, of).ran) == ["a", "b", "c", "other"]
    result = run(engine, of.with_values({"b.b": 2.0}))
    assert (sorted(result.ran), sorted(result.served)) == (["b", "c"], ["a", "other"])
    assert result.outputs == {"c": 4.0, "other": 6.0}


def test_a_node_that_ran_again_and_gave_the_same_value_stops_the_wave(engine: Engine) -> None:
    nodes = {"v": entry("number", value=1.2), "f": entry("floor", {"value": "v.value"})}
    nodes |= {"x": entry("add", {"a": "f.value"}), "y": entry("add", {"a": "x.value"})}
    of = workflow(nodes, "y.value")
    run(engine, of)
    result = run(engine, of.with_values({"v.value": 1.9}))
    assert (sorted(result.ran), sorted(result.served)) == (["f", "v"], ["x", "y"])
    assert result.outputs == {"y": 1.0}


def test_results_are_shared_by_content_between_nodes_and_workflows(engine: Engine) -> None:
    run(engine, workflow({"a": entry("add", a=1.0, b=2.0)}, "a.value"))
    elsewhere = workflow({"z": entry("add", a=1.0, b=2.0), "y": entry("add", {"a": "z.value"})}, "y.value")
    result = run(engine, elsewhere)
    assert (result.served, sorted(result.ran)) == (["z"], ["y"])


def test_nothing_runs_that_no_target_needs(engine: Engine) -> None:
    nodes = {"a": entry("number", value=1.0), "b": entry("add", {"a": "a.value"}), "idle": entry("fail")}
    result = run(engine, workflow(nodes, "b.value"))
    assert (result.status, sorted(result.ran)) == ("succeeded", ["a", "b"])


def test_a_switch_evaluates_one_branch(engine: Engine) -> None:
    nodes = {
        "v": entry("number", value=1.0),
        "c": entry("positive", {"value": "v.value"}),
        "yes": entry("number", value=10.0),
        "no": entry("fail"),
        "s": entry("switch", {"condition": "c.value", "yes": "yes.value", "no": "no.value"}),
    }
    result = run(engine, workflow(nodes, "s.value"))
    assert (result.outputs, sorted(result.ran)) == ({"s": 10.0}, ["c", "s", "v", "yes"])
    other = run(engine, workflow(nodes, "s.value").with_values({"v.value": -1.0}))
    assert other.status == "failed"
    assert other.blocked == ["s"]


def test_the_branch_that_is_not_taken_never_enters_the_key(engine: Engine) -> None:
    nodes = {
        "v": entry("number", value=1.0),
        "c": entry("positive", {"value": "v.value"}),
        "yes": entry("number", value=10.0),
        "no": entry("number", value=20.0),
        "s": entry("switch", {"condition": "c.value", "yes": "yes.value", "no": "no.value"}),
    }
    of = workflow(nodes, "s.value")
    run(engine, of)
    assert run(engine, of.with_values({"no.value": 99.0})).ran == {}


def test_a_volatile_node_runs_once_a_run_however_many_read_it(make_engine: Make) -> None:
    rolls = [0]

    def dice() -> float:
        """Give another number."""
        rolls[0] += 1
        return float(rolls[0])

    engine = make_engine(declare(dice, volatile=True), add, switch, positive, number)
    nodes = {
        "d": entry("dice"),
        "one": entry("add", {"a": "d.value", "b": "d.value"}),
        "c": entry("positive", {"value": "one.value"}),
        "s": entry("switch", {"condition": "c.value", "yes": "d.value", "no": "d.value"}),
    }
    of = workflow(nodes, "one.value", "s.value")
    for number_of_run in (1.0, 2.0, 3.0):
        assert run(engine, of).outputs == {"one": 2 * number_of_run, "s": number_of_run}


def test_a_file_that_changes_is_read_again(engine: Engine, folders: Folders) -> None:
    path = folders.inputs[0] / "a.txt"
    path.write_text("one")
    of = workflow({"r": entry("read", name="a.txt")}, "r.value")
    assert run(engine, of).outputs == {"r": "one"}
    assert run(engine, of).ran == {}
    path.write_text("two")
    assert run(engine, of).outputs == {"r": "two"}
    path.write_text("one")
    assert (run(engine, of).outputs, run(engine, of).ran) == ({"r": "one"}, {})


def test_a_fingerprint_may_depend_on_a_linked_value_even_if_it_is_empty(engine: Engine, folders: Folders) -> None:
    for name in ("full.txt", "empty.txt"):
        (folders.inputs[0] / name).write_text("x" if name == "full.txt" else "")
    nodes = {"n": entry("text", value="full.txt"), "r": entry("read", {"name": "n.value"})}
    of = workflow(nodes, "r.value")
    assert run(engine, of).outputs == {"r": "x"}
    assert run(engine, of.with_values({"n.value": "empty.txt"})).outputs == {"r": ""}


# side by side


def test_independent_branches_really_overlap(make_engine: Make) -> None:
    meeting = threading.Barrier(2, timeout=PATIENCE_S)

    def meet(value: float = 0.0) -> float:
        """Return only when two are here at once."""
        meeting.wait()
        return value

    engine = make_engine(declare(meet), add, workers={"cpu": 2})
    nodes = {"a": entry("meet", value=1.0), "b": entry("meet", value=2.0), "c": entry("add", {"a": "a.value", "b": "b.value"})}
    result = run(engine, workflow(nodes, "c.value"))
    assert (result.outputs, result.errors) == ({"c": 3.0}, [])


def test_lanes_overlap_but_one_device_runs_one_node_at_a_time(make_engine: Make) -> None:
    meetings = [threading.Barrier(2, timeout=PATIENCE_S) for _ in range(3)]  # one each, or two at the disk would meet each other
    busy = threading.Lock()
    collisions: list[str] = []

    def sample(which: int = 0) -> int:
        """Be alone on the device, and meet somebody from the disk."""
        if not busy.acquire(blocking=False):
            collisions.append("two on one device")
            return which
        meetings[which].wait()
        busy.release()
        return which

    def store(which: int = 0) -> int:
        """Meet somebody from the device."""
        meetings[which].wait()
        return which

    engine = make_engine(declare(sample, lane="device"), declare(store, lane="disk"))
    nodes = {f"s{i}": entry("sample", which=i) for i in range(3)} | {f"d{i}": entry("store", which=i) for i in range(3)}
    result = run(engine, workflow(nodes, *(f"{name}.value" for name in nodes)))
    assert (len(result.outputs), result.errors, collisions) == (6, [], [])


def test_async_nodes_wait_side_by_side(make_engine: Make) -> None:
    here = [0]

    async def gather(value: float = 0.0) -> float:
        """Return only when all three are here at once."""
        here[0] += 1
        for _ in range(10_000_000):
            if here[0] == 3:
                return value
            await asyncio.sleep(0)
        raise TimeoutError

    engine = make_engine(declare(gather), add)
    nodes = {f"g{i}": entry("gather", value=float(i)) for i in range(3)}
    result = run(engine, workflow(nodes, *(f"{name}.value" for name in nodes)))
    assert result.outputs == {"g0": 0.0, "g1": 1.0, "g2": 2.0}


def test_earlier_targets_go_first_where_a_lane_is_full(make_engine: Make) -> None:
    order: list[float] = []
    started = threading.Event()
    listening = threading.Event()

    def hold() -> float:
        """Keep the lane until all others wait for it."""
        started.set()
        patiently(listening)
        return 0.0

    def note_down(value: float, gate: float = 0.0) -> float:
        """Write down when it ran."""
        order.append(value)
        return value

    engine = make_engine(declare(hold, lane="device"), declare(note_down, lane="device"))
    nodes = {"h": entry("hold")} | {f"n{i}": entry("note_down", value=float(i)) for i in range(5)}
    started_run = engine.start(Request(workflow=workflow(nodes, "h.value", *(f"n{i}.value" for i in (3, 1, 4, 0, 2)))))
    patiently(started)
    listening.set()
    finished(started_run)
    assert order == [3.0, 1.0, 4.0, 0.0, 2.0]


def test_two_runs_at_once_compute_what_both_want_once(make_engine: Make) -> None:
    calls: list[float] = []
    going, release = threading.Event(), threading.Event()

    def slow(value: float = 0.0) -> float:
        """Take long."""
        calls.append(value)
        going.set()
        patiently(release)
        return value + 1

    engine = make_engine(declare(slow), add)
    of = workflow({"s": entry("slow", value=1.0), "a": entry("add", {"a": "s.value"})}, "a.value")
    first = engine.start(Request(workflow=of))
    patiently(going)
    second = engine.start(Request(workflow=of))
    release.set()
    assert finished(first).outputs == finished(second).outputs == {"a": 2.0}
    assert calls == [1.0]


def test_a_cancelled_run_lets_another_that_waits_for_it_go_on(make_engine: Make) -> None:
    going, checked = threading.Event(), threading.Event()

    def slow(context: Context, value: float = 0.0) -> float:
        """Take long, the first time."""
        if not going.is_set():
            going.set()
            patiently(checked)
            context.check_cancelled()
        return value + 1

    engine = make_engine(declare(slow))
    of = workflow({"s": entry("slow", value=1.0)}, "s.value")
    first = engine.start(Request(workflow=of))
    patiently(going)
    second = engine.start(Request(workflow=of))
    first.cancel()
    checked.set()
    assert finished(first).status == "cancelled"
    assert finished(second).outputs == {"s": 2.0}


# failures


def test_a_failing_node_stops_only_what_depends_on_it(engine: Engine) -> None:
    nodes = {
        "bad": entry("fail"),
        "below": entry("add", {"a": "bad.value"}),
        "further": entry("add", {"a": "below.value"}),
        "good": entry("number", value=1.0),
        "fine": entry("add", {"a": "good.value"}, b=1.0),
        "both": entry("add", {"a": "good.value", "b": "bad.value"}),
    }
    result = run(engine, workflow(nodes, "further.value", "fine.value", "both.value"))
    assert result.status == "failed"
    assert result.outputs == {"fine": 2.0}
    assert sorted(result.blocked) == ["below", "both", "further"]
    assert len(result.errors) == 1
    with pytest.raises(NodeError, match="bad"):
        result.raise_errors()


def test_what_was_finished_before_a_failure_is_kept(engine: Engine) -> None:
    nodes = {"a": entry("number", value=3.0), "bad": entry("refuse", {"value": "a.value"})}
    of = workflow(nodes, "bad.value")
    assert sorted(run(engine, of).ran) == ["a"]
    assert run(engine, of).served == ["a"]


def error_of(engine: Engine, nodes: dict[str, Any], target: str) -> NodeError:
    result = run(engine, workflow(nodes, target))
    assert result.status == "failed"
    (error,) = result.errors
    assert isinstance(error, NodeError)
    return error


def test_an_error_names_node_inputs_cause_and_action(engine: Engine) -> None:
    nodes = {"t": entry("number", value=2.0), "bad": entry("fail", {"value": "t.value"}, message="a secret prompt")}
    error = error_of(engine, nodes, "bad.value")
    assert str(error) == (
        "bad (toy.fail) failed: RuntimeError: a secret prompt.\n"
        "  it received message: text of 15 characters, value: 2.0\n"
        "  This is a fault of the node (pack own); its traceback is in the log (--verbose)."
    )
    assert error.as_json() == {
        "node": "bad",
        "type": "toy.fail",
        "inputs": {"message": "text of 15 characters", "value": "2.0"},
        "cause": "RuntimeError: a secret prompt.",
        "action": "This is a fault of the node (pack own); its traceback is in the log (--verbose).",
    }
    assert isinstance(error.__cause__, RuntimeError)
    assert error.exit_code == 4


def test_the_traceback_is_in_the_log(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="graph_engine.execute"):
        error_of(engine, {"bad": entry("fail")}, "bad.value")
    assert "node bad failed" in caplog.text
    assert "raise RuntimeError(message)" in caplog.text


def test_an_error_inside_a_subgraph_names_its_path(engine: Engine) -> None:
    inner = {"format": "latent-loom/1", "nodes": {"bad": entry("fail")}, "outputs": {"value": {"from": "bad.value"}}}
    result = run(engine, workflow({"sub": entry("workflow:inner")}, "sub.value", definitions={"inner": inner}))
    assert [error.node for error in result.errors if isinstance(error, NodeError)] == ["sub/bad"]


@pytest.mark.parametrize(
    ("raised", "cause", "action"),
    [
        (NodeInputError("value", "it is too small.", "Give more."), "value: it is too small.", "Give more."),
        (MemoryError(), "there is not enough memory.", "Make the picture or the batch smaller, or close other programs."),
        (FileNotFoundError(2, "No such file or directory"), "No such file or directory.", "Check that the file is there"),
        (OSError("odd"), "odd.", "Check that the file is there and can be read, then run again."),
        (SystemExit(3), "SystemExit: 3.", "This is a fault of the node"),
        (KeyboardInterrupt(), "KeyboardInterrupt: .", "This is a fault of the node"),
        (BaseException("own"), "BaseException: own.", "This is a fault of the node"),
        (RecursionError("deep"), "RecursionError: deep.", "This is a fault of the node"),
        (asyncio.CancelledError(), "CancelledError: .", "This is a fault of the node"),
        (GeneratorExit(), "GeneratorExit: .", "This is a fault of the node"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
@pytest.mark.parametrize("asynchronous", [False, True])
def test_whatever_a_node_raises_ends_that_node_alone(
    raised: BaseException, cause: str, action: str, asynchronous: bool, make_engine: Make
) -> None:
    def bad(value: float = 0.0) -> float:
        """Raise."""
        raise raised

    async def bad_later(value: float = 0.0) -> float:
        """Raise."""
        await asyncio.sleep(0)
        raise raised

    name = "bad_later" if asynchronous else "bad"
    engine = make_engine(declare(bad), declare(bad_later), number, add)
    nodes = {"x": entry(name, value=1.0), "ok": entry("number", value=1.0), "below": entry("add", {"a": "x.value"})}
    result = run(engine, workflow(nodes, "below.value", "ok.value"))
    (error,) = result.errors
    assert isinstance(error, NodeError)
    assert error.cause == cause
    assert error.action.startswith(action)
    assert (result.outputs, result.blocked) == ({"ok": 1.0}, ["below"])
    assert run(engine, workflow({"n": entry("number", value=5.0), "a": entry("add", {"a": "n.value"})}, "a.value")).outputs == {
        "a": 5.0
    }


@pytest.mark.parametrize("where", ["fingerprint", "needs", "lookup"])
@pytest.mark.parametrize("error", [ValueError("odd"), KeyError("odd"), TypeError("odd"), OSError("odd")])
def test_a_pack_function_that_fails_beside_the_node_is_an_error_of_the_node(
    where: str, error: Exception, make_engine: Make
) -> None:
    def broken(*_arguments: Any) -> Any:
        raise error

    def prints(value: float = 0.0) -> float:
        """Have a fingerprint."""
        return value

    def lazily(value: float, later: Lazy[float] = None) -> float:
        """Have needs."""
        return value

    engine = make_engine(declare(prints, fingerprint=broken), declare(lazily, needs=broken), number)
    x = {
        "fingerprint": entry("prints", {"value": "n.value"}),
        "needs": entry("lazily", {"value": "n.value"}),
        "lookup": entry("prints", value=2.0),
    }[where]
    of = workflow({"n": entry("number", value=1.0), "x": x, "ok": entry("number", value=3.0)}, "x.value", "ok.value")
    assert {item.node for item in engine.plan(Request(workflow=of))} >= {"x", "ok"}
    result = run(engine, of)
    assert result.outputs == {"ok": 3.0}
    assert [error.node for error in result.errors if isinstance(error, NodeError)] == ["x"]


@pytest.mark.parametrize(
    ("gives", "cause"),
    [
        ("float", "TypeError: output 'value' should be int and is float."),
        ("bool", "TypeError: output 'value' should be int and is bool."),
        ("none", "TypeError: output 'value' should be int and is NoneType."),
    ],
)
def test_an_output_of_the_wrong_type_is_the_nodes_fault(gives: str, cause: str, make_engine: Make) -> None:
    def lies(kind: str) -> int:
        """Give something else."""
        return {"float": 1.5, "bool": True, "none": None}[kind]  # type: ignore[return-value]

    assert error_of(make_engine(declare(lies)), {"x": entry("lies", kind=gives)}, "x.value").cause == cause


def test_nan_and_foreign_values_are_refused_where_they_come_from(make_engine: Make) -> None:
    def not_a_number() -> float:
        """Give NaN."""
        return float("nan")

    def foreign() -> Any:
        """Give something unknown."""
        return object()

    engine = make_engine(declare(not_a_number), declare(foreign))
    assert "NaN equals nothing" in error_of(engine, {"x": entry("not_a_number")}, "x.value").cause
    assert "can be neither identified nor kept" in error_of(engine, {"x": entry("foreign")}, "x.value").cause


def test_a_linked_number_meets_the_same_bounds_as_a_typed_one(engine: Engine) -> None:
    error = error_of(engine, {"n": entry("number", value=99.0), "x": entry("limited", {"value": "n.value"})}, "x.value")
    assert (error.cause, error.action) == ("value: 99.0 lies outside [0, 10].", "Choose a number inside.")
    error = error_of(engine, {"n": entry("whole", value=2**53 + 1), "x": entry("add", {"a": "n.value"})}, "x.value")
    assert error.cause == "a: 9007199254740993 is no float."
    assert run(engine, workflow({"n": entry("whole", value=3), "x": entry("add", {"a": "n.value"})}, "x.value")).outputs == {
        "x": 3.0
    }


# cancel


def sampler(steps: list[int], started: threading.Event, go_on: threading.Event) -> Callable[..., float]:
    def sample(context: Context, value: float = 0.0) -> float:
        """Take steps."""
        for step in range(1000):
            steps.append(step)
            if step == 3:
                started.set()
                patiently(go_on)
            context.progress(step, 1000)
        return value

    return sample


def test_a_cancel_takes_effect_at_the_next_step_and_what_is_finished_is_kept(make_engine: Make) -> None:
    steps: list[int] = []
    started, go_on = threading.Event(), threading.Event()
    engine = make_engine(declare(sampler(steps, started, go_on)), number, add)
    nodes = {
        "n": entry("number", value=1.0),
        "s": entry("sample", {"value": "n.value"}),
        "below": entry("add", {"a": "s.value"}),
    }
    going = engine.start(Request(workflow=workflow(nodes, "below.value")))
    patiently(started)
    going.cancel()
    go_on.set()
    result = finished(going)
    assert (result.status, result.errors, result.blocked) == ("cancelled", [], [])
    assert steps == [0, 1, 2, 3]
    assert (sorted(result.ran), result.outputs) == (["n"], {})
    with pytest.raises(Cancelled, match="the run was cancelled"):
        result.raise_errors()
    assert run(engine, workflow(nodes, "n.value")).ran == {}


def test_what_waits_for_a_lane_does_not_start_after_a_cancel(make_engine: Make) -> None:
    steps: list[int] = []
    others: list[float] = []
    started, go_on = threading.Event(), threading.Event()

    def other(value: float = 0.0) -> float:
        """Wait for the device."""
        others.append(value)
        return value

    engine = make_engine(declare(sampler(steps, started, go_on), lane="device"), declare(other, lane="device"))
    nodes = {"s": entry("sample"), "o": entry("other", value=1.0), "p": entry("other", value=2.0)}
    going = engine.start(Request(workflow=workflow(nodes, "s.value", "o.value", "p.value")))
    patiently(started)
    going.cancel()
    go_on.set()
    assert finished(going).status == "cancelled"
    assert others == []


def test_cancelling_twice_or_after_the_end_is_harmless(engine: Engine) -> None:
    going = engine.start(Request(workflow=workflow({"n": entry("number", value=1.0)}, "n.value")))
    result = finished(going)
    going.cancel()
    going.cancel()
    assert (result.status, result.outputs) == ("succeeded", {"n": 1.0})


def test_a_listener_may_cancel_the_run(make_engine: Make) -> None:
    steps: list[int] = []
    started, go_on = threading.Event(), threading.Event()
    go_on.set()
    engine = make_engine(declare(sampler(steps, started, go_on)))
    going: list[Any] = []
    ready = threading.Event()

    def listener(event: Event) -> None:
        if event.kind == "node_progress":
            patiently(ready)
            going[0].cancel()

    going.append(engine.start(Request(workflow=workflow({"s": entry("sample")}, "s.value")), listener))
    ready.set()
    assert finished(going[0]).status == "cancelled"
    assert steps == [0]


def test_a_listener_that_cancels_while_another_thread_has_news_does_not_deadlock(make_engine: Make) -> None:
    in_listener, looking_up, armed = threading.Event(), threading.Event(), threading.Event()

    def steps(context: Context) -> float:
        """Report a step while the other thread looks up what comes next."""
        patiently(looking_up)
        context.progress(1, 2)
        return 0.0

    def other(value: float = 0.0, salt: int = 0) -> float:
        """Finish, and give the same whatever the salt, so that what lies below is served."""
        return value

    def marked(_values: Any, _folders: Any) -> str:
        if armed.is_set():
            looking_up.set()
            patiently(in_listener)
        return "same"

    def below(value: float) -> float:
        """Be served, which is told."""
        return value

    engine = make_engine(declare(steps), declare(other), declare(below, fingerprint=marked), workers={"cpu": 2})
    nodes = {"o": entry("other", value=1.0), "b": entry("below", {"value": "o.value"})}
    run(engine, workflow(nodes, "b.value"))
    armed.set()
    going: list[Any] = []
    ready = threading.Event()

    def listener(event: Event) -> None:
        if event.kind == "node_progress":
            patiently(ready)
            in_listener.set()
            going[0].cancel()

    of = workflow({**nodes, "s": entry("steps")}, "s.value", "b.value").with_values({"o.salt": 1})
    starting = threading.Thread(
        target=lambda: [going.append(engine.start(Request(workflow=of), listener)), ready.set()], daemon=True
    )
    starting.start()
    starting.join(PATIENCE_S)
    assert not starting.is_alive(), "the run hangs"
    finished(going[0])


# what is told


class Diary:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event.as_json() for event in self.events if event.kind == kind]


def test_events_are_numbered_without_gaps_in_order_and_are_plain_json(make_engine: Make) -> None:
    def step_by_step(context: Context, value: float = 0.0) -> float:
        """Report."""
        for step in range(5):
            context.progress(step + 1, 5)
            context.preview(lambda: b"picture")
        return value

    engine = make_engine(declare(step_by_step), add, fail, workers={"cpu": 4})
    nodes = {f"s{i}": entry("step_by_step", value=float(i)) for i in range(8)}
    nodes |= {f"a{i}": entry("add", {"a": f"s{i}.value"}) for i in range(8)}
    nodes |= {"bad": entry("fail"), "blocked": entry("add", {"a": "bad.value"})}
    diary = Diary()
    run(engine, workflow(nodes, *(f"a{i}.value" for i in range(8)), "blocked.value"), listener=diary)
    assert [event.sequence for event in diary.events] == list(range(1, len(diary.events) + 1))
    times = [event.at_s for event in diary.events]
    assert times == sorted(times)
    assert (diary.events[0].kind, diary.events[-1].kind) == ("run_started", "run_finished")
    for event in diary.events:
        assert json.loads(json.dumps(event.as_json()))["event"] == event.kind
    progress = [(item["node"], item["done"], item["total"]) for item in diary.of("node_progress")]
    assert sorted(progress) == sorted((f"s{i}", step, 5) for i in range(8) for step in range(1, 6))
    assert len(diary.of("node_preview")) == 40
    assert "render" not in diary.of("node_preview")[0]
    assert [(item["node"], item["cause"]) for item in diary.of("node_failed")] == [("bad", "RuntimeError: it broke.")]
    assert [(item["node"], item["by"]) for item in diary.of("node_blocked")] == [("blocked", "bad")]
    assert diary.of("run_finished")[0]["status"] == "failed"


def test_each_node_starts_before_it_finishes_and_after_its_inputs(engine: Engine) -> None:
    nodes = {
        f"n{i}": entry("add", {"a": f"n{i // 2}.value"} if i else {}, b=float(i), **({} if i else {"a": 0.0})) for i in range(30)
    }
    diary = Diary()
    run(engine, workflow(nodes, *(f"n{i}.value" for i in range(15, 30))), listener=diary)
    started = {item["node"]: item["sequence"] for item in diary.of("node_started")}
    ended = {item["node"]: item["sequence"] for item in diary.of("node_finished")}
    assert len(started) == len(ended) == 30
    for index in range(1, 30):
        assert ended[f"n{index // 2}"] < started[f"n{index}"] < ended[f"n{index}"]


def test_a_served_run_tells_so(engine: Engine) -> None:
    of = workflow({"a": entry("number", value=1.0), "b": entry("add", {"a": "a.value"})}, "b.value")
    run(engine, of)
    diary = Diary()
    run(engine, of, listener=diary)
    assert [event.kind for event in diary.events] == ["run_started", "node_served", "node_served", "run_finished"]
    assert diary.of("run_finished")[0] | {"at_s": 0} == {
        "event": "run_finished", "sequence": 4, "at_s": 0, "status": "succeeded", "ran": 0, "served": 2,
    }  # fmt: skip


def test_a_written_file_is_told_with_its_path(engine: Engine, tmp_path: Path) -> None:
    diary = Diary()
    result = run(engine, workflow({"n": entry("note", value=1.0)}), folder=tmp_path, listener=diary)
    assert [item["path"] for item in diary.of("file_written")] == [str(path) for path in result.files]


def test_a_listener_that_fails_does_not_stop_or_hang_the_run(engine: Engine) -> None:
    def broken(event: Event) -> None:
        raise RuntimeError("the listener broke")

    nodes = {"a": entry("number", value=1.0), "b": entry("add", {"a": "a.value"}), "bad": entry("fail")}
    result = run(engine, workflow(nodes, "b.value", "bad.value"), listener=broken)
    assert result.outputs == {"b": 1.0}
    assert len(result.errors) == 1


def test_a_preview_is_rendered_only_if_somebody_asks(make_engine: Make) -> None:
    rendered: list[int] = []

    def draws(context: Context) -> float:
        """Offer a preview."""
        context.preview(lambda: rendered.append(1) or b"png")  # type: ignore[func-returns-value]
        return 0.0

    engine = make_engine(declare(draws, volatile=True))
    of = workflow({"d": entry("draws")}, "d.value")
    run(engine, of)
    diary = Diary()
    run(engine, of, listener=diary)
    assert rendered == []
    (preview,) = [event for event in diary.events if event.kind == "node_preview"]
    assert preview.render() == b"png"  # type: ignore[attr-defined]


# what runs share, and how it ends


class Counter:
    made = 0

    @classmethod
    def from_options(cls, options: Any) -> Counter:
        cls.made += 1
        return cls()


def test_a_shared_service_is_made_once_with_the_options_of_the_engine(make_engine: Make) -> None:
    seen: list[Any] = []

    def uses(context: Context, value: float = 0.0) -> float:
        """Use a service."""
        seen.append(context.service(Counter))
        return value

    engine = make_engine(declare(uses), options={"device": "cpu"})
    Counter.made = 0
    nodes = {f"u{i}": entry("uses", value=float(i)) for i in range(6)}
    run(engine, workflow(nodes, *(f"{name}.value" for name in nodes)))
    assert Counter.made == 1
    assert len({id(one) for one in seen}) == 1
    assert Services({"a": "b"}).options == {"a": "b"}


def test_a_node_can_be_called_with_an_empty_context_in_a_test() -> None:
    context = Context()
    context.progress(1, 2)
    context.preview(lambda: b"")
    context.check_cancelled()


def threads() -> list[str]:
    return sorted(thread.name for thread in threading.enumerate() if thread.name.startswith("loom"))


def test_closing_an_engine_leaves_no_threads(make_engine: Make, tmp_path: Path) -> None:
    async def later() -> float:
        """Be on the loop."""
        await asyncio.sleep(0)
        return 1.0

    before = threads()
    engine = make_engine(declare(later), add, number, declare(noted, sink=True))
    nodes = {"l": entry("later"), "a": entry("add", {"a": "l.value"}), "n": entry("noted", {"value": "a.value"})}
    run(engine, workflow(nodes, "a.value"), folder=tmp_path)
    assert threads() != before
    engine.close()
    assert threads() == before
    engine.close()


def noted(value: float) -> float:
    """Be a sink without files."""
    return value


def test_closing_an_engine_while_a_run_goes_on_ends_the_run(make_engine: Make) -> None:
    steps: list[int] = []
    started, go_on = threading.Event(), threading.Event()
    engine = make_engine(declare(sampler(steps, started, go_on)), add)
    nodes = {"s": entry("sample", value=1.0), "a": entry("add", {"a": "s.value"})}
    going = engine.start(Request(workflow=workflow(nodes, "a.value")))
    patiently(started)
    closing = threading.Thread(target=engine.close, daemon=True)
    closing.start()
    go_on.set()
    assert finished(going).status in ("cancelled", "succeeded")
    closing.join(PATIENCE_S)
    assert not closing.is_alive()


def test_a_closed_engine_refuses_to_run_instead_of_hanging(make_engine: Make) -> None:
    engine = make_engine(number)
    engine.close()
    with pytest.raises(RuntimeError, match="the engine is closed"):
        engine.start(Request(workflow=workflow({"n": entry("number", value=1.0)}, "n.value")))


def test_waiting_with_a_limit_gives_nothing_until_the_end(make_engine: Make) -> None:
    steps: list[int] = []
    started, go_on = threading.Event(), threading.Event()
    engine = make_engine(declare(sampler(steps, started, go_on)))
    going = engine.start(Request(workflow=workflow({"s": entry("sample", value=1.0)}, "s.value")))
    patiently(started)
    assert going.wait(0) is None
    go_on.set()
    assert finished(going).outputs == {"s": 1.0}


def test_many_runs_at_once_are_all_right(engine: Engine) -> None:
    def of(salt: int) -> Workflow:
        nodes = {"n0": entry("mix", a=1.0, salt=salt % 3)}
        nodes |= {f"n{i}": entry("mix", {"a": f"n{i - 1}.value", "b": f"n{i // 2}.value"}, salt=salt % 5) for i in range(1, 20)}
        return workflow(nodes, "n19.value")

    going = [engine.start(Request(workflow=of(salt))) for salt in range(24)]
    results: list[RunResult] = [finished(one) for one in going]
    for salt, result in enumerate(results):
        assert result.outputs == results[salt % 15].outputs
    assert len({str(result.outputs) for result in results}) == 15


# pictures


def test_a_picture_carries_its_workflow_and_record_and_no_path_of_this_machine(engine: Engine, tmp_path: Path) -> None:
    nodes = {
        "m": entry("load", name="small"),
        "d": entry("decode", {"vae": "m.vae", "latent": "m.latent"}),
        "s": entry("save", {"picture": "d.picture"}, name="a"),
        "t": entry("number", value=1.0),
    }
    of = workflow(nodes, inputs={"name": {"to": ["s.name"]}, "model": {"to": ["m.name"]}})
    (engine.folders.models[0] / "small").write_text("sd1")
    result = run(engine, of, folder=tmp_path / "out", name="given")
    (path,) = result.files
    assert path.name == "given_0001.png"
    found = extract(path)
    assert found.workflow == of
    record = found.record
    assert record["inputs"] == {"name": "given", "model": "small"}
    assert record["node"] == "s"
    assert sorted(record["keys"]) == ["d", "m", "s"]
    assert all(re.fullmatch("[0-9a-f]{64}", key) for key in record["keys"].values())
    assert record["packs"] == {"own": "0"}
    assert "python" in record["versions"]
    assert str(tmp_path) not in path.read_bytes().decode("latin-1") + json.dumps(record)
    assert str(Path.home()) not in json.dumps(record)


def test_what_made_a_picture_makes_it_again_from_the_cache(engine: Engine, tmp_path: Path) -> None:
    of = workflow({"p": entry("picture", value=3.0), "s": entry("save", {"picture": "p.picture"})})
    (path,) = run(engine, of, folder=tmp_path).files
    again = run(engine, extract(path).workflow, folder=tmp_path)
    assert again.ran == {}
    assert again.files[0].read_bytes() == path.read_bytes()


def test_a_value_that_a_node_made_anew_differently_is_not_kept_under_the_key_of_the_first(make_engine: Make) -> None:
    """The node rolls dice and does not say so: what is computed from its second value must not be served for its first."""
    rolls = [0.0]

    def roll(a: float = 0.0) -> str:
        """Give another text each time."""
        rolls[0] += 1
        return f"{rolls[0]:.0f}" * 500

    def first(text: str) -> str:
        """Give the first letter."""
        return text[0]

    functions = [declare(roll), declare(first)]
    nodes = {"r": entry("roll"), "f": entry("first", {"text": "r.value"})}
    engine = make_engine(*functions, memory_bytes=300)  # the short text stays, the long one never does
    assert run(engine, workflow({"r": nodes["r"]}, "r.value")).outputs == {"r": "1" * 500}
    assert run(engine, workflow(nodes, "f.value")).outputs == {"f": "2"}
    result = run(engine, workflow(nodes, "f.value"))
    kept = engine.around.cache.memory
    assert result.outputs == {"f": "3"}  # not the "2" under the key of the "1", nor ever a letter of another roll
    assert [known.outputs["value"] for known in kept._results.values()].count(engine.codecs.digest("2")) == 0
