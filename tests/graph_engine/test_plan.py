"""What a run would do and why, known before it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph_engine import Folders, WorkflowError, node
from graph_engine.engine import Engine, Request
from graph_engine.registry import of_functions
from graph_engine.workflow import Workflow
from tests.graph_engine import toys
from tests.graph_engine.toys import entry, run, workflow

REGISTRY = of_functions(*toys.ALL)


def planned(engine: Engine, of: Workflow, **given: Any) -> dict[str, str]:
    """``runs: reason`` or ``cached`` for each node."""
    found = engine.plan(Request(workflow=of, given=given))
    return {item.node: f"runs: {item.reason}" if item.status == "runs" else item.status for item in found}


THREE = {
    "a": entry("number", value=7.0),
    "b": entry("add", {"a": "a.value"}, b=1.0),
    "c": entry("add", {"a": "b.value"}, b=2.0),
}


def test_the_first_time_everything_runs(engine: Engine) -> None:
    of = workflow(THREE, "c.value")
    assert planned(engine, of) == dict.fromkeys("abc", "runs: first time")


def test_a_plan_runs_nothing_and_changes_nothing(engine: Engine) -> None:
    of = workflow(THREE, "c.value")
    assert planned(engine, of) == planned(engine, of)
    assert sorted(run(engine, of).ran) == ["a", "b", "c"]


def test_after_a_run_everything_is_cached(engine: Engine) -> None:
    of = workflow(THREE, "c.value")
    run(engine, of)
    (first, *_rest) = engine.plan(Request(workflow=of))
    assert first.as_json() == {
        "node": "a", "type": "toy.number", "status": "cached", "reason": "nothing that it depends on changed",
        **{name: value for name, value in first.as_json().items() if name not in ("node", "type", "status", "reason")},
    }  # fmt: skip
    assert planned(engine, of) == dict.fromkeys("abc", "cached")


def test_a_changed_value_is_named_with_what_it_was_and_what_lies_below_follows(engine: Engine) -> None:
    of = workflow(THREE, "c.value")
    run(engine, of)
    changed = of.with_values({"b.b": 1.5})
    assert planned(engine, changed) == {"a": "cached", "b": "runs: b 1.0 -> 1.5", "c": "runs: its input changes"}
    result = run(engine, changed)
    assert result.reasons == {"b": "b 1.0 -> 1.5", "c": "its input a changed"}


def test_several_changes_are_all_named(engine: Engine) -> None:
    of = workflow({"n": entry("limited", value=1.0, count=1)}, "n.value")
    run(engine, of)
    assert planned(engine, of.with_values({"n.value": 2.0, "n.count": 3})) == {"n": "runs: value 1.0 -> 2.0, count 1 -> 3"}


def test_a_change_of_kind_is_a_change(engine: Engine) -> None:
    of = workflow({"t": entry("text", value="1"), "l": entry("letters", {"value": "t.value"})}, "l.value")
    run(engine, of)
    assert planned(engine, of.with_values({"t.value": ""}))["t"] == "runs: value '1' -> ''"
    long = planned(engine, of.with_values({"t.value": "x" * 500}))["t"]
    assert len(long) < 100
    assert long.endswith("…")


def test_a_link_made_or_removed_is_named(engine: Engine) -> None:
    of = workflow(THREE, "c.value")
    run(engine, of)
    assert planned(engine, of.with_values({"b.a": 3.0}))["b"] == "runs: a is now a value"
    run(engine, of.with_values({"b.a": 3.0}))
    linked = workflow({**THREE, "b": entry("add", {"a": "a.value", "b": "a.value"})}, "c.value")
    assert planned(engine, linked)["b"] == "runs: a is now linked, b is now linked"


def test_another_node_in_its_place_is_there_for_the_first_time(engine: Engine) -> None:
    of = workflow({"n": entry("number", value=1.0)}, "n.value")
    run(engine, of)
    assert planned(engine, workflow({"n": entry("dice")}, "n.value")) == {"n": "runs: changes on every run"}
    assert planned(engine, workflow({"n": entry("floor", value=1.0)}, "n.value")) == {"n": "runs: first time"}


def test_a_volatile_node_runs_every_time_and_what_lies_below_may(engine: Engine) -> None:
    of = workflow({"d": entry("dice"), "s": entry("add", {"a": "d.value"})}, "s.value")
    for _ in range(2):
        assert planned(engine, of)["d"] == "runs: changes on every run"
        assert run(engine, of).reasons["d"] == "changes on every run"
    assert planned(engine, of)["s"] == "runs: its input changes"


def test_a_file_that_changed_is_the_reason(engine: Engine, folders: Folders) -> None:
    path = folders.inputs[0] / "a.txt"
    path.write_text("one")
    of = workflow({"r": entry("read", name="a.txt"), "l": entry("letters", {"value": "r.value"})}, "l.value")
    assert run(engine, of).outputs == {"l": 3}
    assert planned(engine, of) == {"r": "cached", "l": "cached"}
    path.write_text("three")
    assert planned(engine, of) == {"r": "runs: the file changed", "l": "runs: its input changes"}
    assert run(engine, of).outputs == {"l": 5}
    path.write_text("seven")
    assert run(engine, of).reasons == {"r": "the file changed", "l": "its input value changed"}


def test_a_value_that_was_dropped_is_the_reason(make_engine: Any) -> None:
    engine: Engine = make_engine(memory_bytes=0)
    of = workflow({"a": entry("number", value=1.0)}, "a.value")
    run(engine, of)
    assert planned(engine, of) == {"a": "runs: its result is no longer kept"}


def test_a_new_version_of_a_node_is_the_reason() -> None:
    def changing(value: float = 0.0) -> float:
        """Give a number."""
        return value

    first = node("toy.changing", version=1, category="x")(changing)
    second = node("toy.changing", version=2, category="x", migrations={1: dict})(changing)
    of = workflow({"n": entry("changing")}, "n.value")
    with Engine(of_functions(first)) as old, Engine(of_functions(second)) as new:
        run(old, of)
        new.around.history._traces.update(old.around.history._traces)
        assert planned(new, of) == {"n": "runs: node version 1 -> 2"}


def test_only_what_the_targets_need_is_planned(engine: Engine) -> None:
    found = engine.plan(Request(workflow=workflow(THREE, "c.value"), targets=["b"]))
    assert [item.node for item in found] == ["a", "b"]


def test_a_switch_is_planned_by_the_branch_that_it_takes_once_its_condition_is_known(engine: Engine) -> None:
    nodes = {
        "v": entry("number", value=1.0),
        "c": entry("positive", {"value": "v.value"}),
        "yes": entry("number", value=10.0),
        "no": entry("number", value=20.0),
        "s": entry("switch", {"condition": "c.value", "yes": "yes.value", "no": "no.value"}),
    }
    of = workflow(nodes, "s.value")
    assert planned(engine, of)["no"] == "runs: first time"  # it cannot be told yet: all that may be needed is named
    run(engine, of)
    assert planned(engine, of) == dict.fromkeys(["v", "c", "yes", "s"], "cached")
    constant = workflow({**nodes, "s": entry("switch", {"yes": "yes.value", "no": "no.value"}, condition=False)}, "s.value")
    assert planned(engine, constant) == {"no": "runs: first time", "s": "runs: condition is now a value"}


def test_a_workflow_with_problems_has_no_plan(engine: Engine) -> None:
    with pytest.raises(WorkflowError, match="the workflow is empty"):
        engine.plan(Request(workflow=workflow({})))


def test_two_workflows_do_not_explain_each_other(engine: Engine) -> None:
    one, other = workflow({"n": entry("number", value=1.0)}, "n.value"), workflow({"n": entry("number", value=2.0)}, "n.value")
    engine.run(Request(workflow=one, origin="one.json"))
    (plan,) = engine.plan(Request(workflow=other, origin="other.json"))
    assert plan.reason == "first time"


def test_a_file_that_cannot_be_read_is_told_and_the_plan_goes_on(engine: Engine, folders: Folders) -> None:
    (folders.inputs[0] / "a.txt").mkdir()
    of = workflow({"r": entry("read", name="a.txt"), "l": entry("letters", {"value": "r.value"})}, "l.value")
    assert set(planned(engine, of)) == {"r", "l"}
    assert planned(engine, of)["r"].startswith("runs: what it depends on cannot be read: [Errno 21] Is a directory")


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Any]:
    """Every node gives another number for any other input, so that no change is lost on its way."""
    nodes: dict[str, Any] = {}
    for index in range(draw(st.integers(1, 8))):
        links = {name: f"n{draw(st.integers(0, index - 1))}.value" for name in "abc" if index and draw(st.booleans())}
        values = {} if "a" in links else {"a": float(draw(st.integers(0, 3)))}
        nodes[f"n{index}"] = entry("mix", links, **values, salt=draw(st.integers(0, 2)))
    return nodes


@settings(max_examples=40)
@given(
    graphs(),
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 3), st.integers(0, 7)), min_size=1, max_size=5),
    st.sampled_from([0, 150, 10**6]),
)
def test_a_run_does_exactly_what_was_planned(nodes: dict[str, Any], edits: list[tuple[int, int, int]], budget: int) -> None:
    with Engine(REGISTRY, memory_bytes=budget) as engine:
        of = workflow(nodes, "n0.value", f"n{len(nodes) - 1}.value")
        for changed, salt, target in [(0, 0, 0), *edits]:
            of = of.with_values({f"n{changed % len(nodes)}.salt": salt})
            request = Request(workflow=of, targets=[f"n{target % len(nodes)}"])
            expected = {item.node for item in engine.plan(request) if item.status == "runs"}
            reasons = {item.node: item.reason for item in engine.plan(request) if item.status == "runs"}
            result = toys.finished(engine.start(request))
            if budget == 10**6:
                assert set(result.ran) == expected
                assert all(reasons[name] in (reason, "its input changes") for name, reason in result.reasons.items())
            else:  # what is dropped while the run goes on cannot be planned
                assert set(result.ran) >= expected


def test_a_plan_never_says_that_something_is_cached_and_then_runs_it(engine: Engine, tmp_path: Path) -> None:
    nodes = {
        "v": entry("number", value=1.2),
        "f": entry("floor", {"value": "v.value"}),
        "end": entry("add", {"a": "f.value"}),
    }
    of = workflow(nodes, "end.value")
    run(engine, of)
    changed = of.with_values({"v.value": 1.4})
    plan = planned(engine, changed)
    result = run(engine, changed)
    assert {name for name, what in plan.items() if what == "cached"} & set(result.ran) == set()
    assert sorted(result.ran) == ["f", "v"]  # planned to run below, and cut off early
    assert plan["end"] == "runs: its input changes"
