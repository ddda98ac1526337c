"""Subgraphs that are used many times: ``map`` for each item of a list, ``fold`` one after another with a state."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from graph_engine import File, WorkflowError, node
from graph_engine.engine import Engine, Request
from graph_engine.execute import RunResult
from graph_engine.interface import declared_inputs
from graph_engine.types import FLOAT, ListOf
from graph_engine.workflow import Workflow, canonical, parse
from tests.graph_engine.toys import PATIENCE_S, add, entry, finished, note, run, spread, total, workflow

Make = Callable[..., Engine]

# x -> x * 1 + b, of one item
ONE: dict[str, Any] = {
    "nodes": {"m": entry("mix", b=1.0), "p": entry("add", {"a": "m.value"}, b=1.0)},
    "inputs": {"x": {"to": ["m.a"]}, "b": {"to": ["p.b"]}},
    "outputs": {"y": {"from": "p.value"}},
}
ADD: dict[str, Any] = {
    "nodes": {"p": entry("add", b=1.0)},
    "inputs": {"x": {"to": ["p.a"]}, "by": {"to": ["p.b"]}},
    "outputs": {"y": {"from": "p.value"}},
}


def repeated(
    type: str, links: Mapping[str, Any] | None = None, /, over: list[str] | None = None, state: Any = None, **values: Any
) -> dict[str, Any]:
    found: dict[str, Any] = {"type": type, "values": values, "links": dict(links or {})}
    return {**found, **({"over": over} if over is not None else {}), **({"state": state} if state is not None else {})}


def mapped(items: Any, *more: str, definition: Any = ADD, **values: Any) -> Workflow:
    """A map over a list, its sum, and ``more`` outputs."""
    nodes = {"each": repeated("map:one", over=["x"], x=items, **values), "s": entry("sum", {"numbers": "each.y"})}
    return workflow(nodes, "s.value", *more, definitions={"one": definition})


def folded(times: Any = 3, x: float = 0.0, **values: Any) -> Workflow:
    nodes = {"f": repeated("fold:one", state={"x": "y"}, times=times, x=x, **values)}
    return workflow(nodes, "f.y", definitions={"one": ADD})


def causes(engine: Engine, of: Workflow, **given: Any) -> list[str]:
    return [f"{one.node}.{one.input}: {one.cause}" for one in engine.check(Request(workflow=of, given=given)).problems]


# map


def test_a_map_gives_what_single_runs_give_in_order(engine: Engine) -> None:
    result = run(engine, mapped([3.0, 1.0, 2.0], "each.y"))
    assert result.outputs == {"s": 9.0, "each": [4.0, 2.0, 3.0]}
    assert set(result.ran) >= {"each[0]/p", "each[1]/p", "each[2]/p"}


def test_a_map_over_items_that_ran_one_by_one_executes_nothing_of_its_subgraph(engine: Engine) -> None:
    items = [1.0, 2.0, 3.0]
    singles = [
        run(engine, workflow({"m": entry("mix", a=item, b=1.0), "p": entry("add", {"a": "m.value"}, b=5.0)}, "p.value"))
        for item in items
    ]
    result = run(engine, mapped(items, "each.y", definition=ONE, b=5.0))
    assert result.outputs["each"] == [single.outputs["p"] for single in singles]
    assert sorted(result.ran) == ["each[]", "s"]
    assert len(result.served) == 6


def test_a_seventeenth_item_computes_one(engine: Engine) -> None:
    run(engine, mapped([float(number) for number in range(16)], definition=ONE))
    result = run(engine, mapped([float(number) for number in range(17)], definition=ONE))
    assert sorted(path for path in result.ran if "/" in path) == ["each[16]/m", "each[16]/p"]
    moved = run(engine, mapped([16.0, *(float(number) for number in range(16))], definition=ONE))
    assert not [path for path in moved.ran if "/" in path]


def test_equal_items_are_computed_once(engine: Engine) -> None:
    result = run(engine, mapped([2.0] * 5, "each.y"))
    assert result.outputs["each"] == [3.0] * 5
    assert len([path for path in result.ran if "/" in path]) == 1


def test_an_empty_list_gives_an_empty_list(engine: Engine) -> None:
    assert run(engine, mapped([], "each.y")).outputs == {"s": 0.0, "each": []}


def test_a_thousand_items(engine: Engine) -> None:
    result = run(engine, mapped([float(number) for number in range(1000)]))
    assert (result.outputs, len(result.ran)) == ({"s": 1000 * 999 / 2 + 1000}, 1001)


def test_lists_of_one_length_are_zipped(engine: Engine) -> None:
    nodes = {"each": repeated("map:one", over=["x", "by"], x=[1.0, 2.0], by=[10.0, 20.0])}
    assert run(engine, workflow(nodes, "each.y", definitions={"one": ADD})).outputs == {"each": [11.0, 22.0]}


def test_lists_of_unequal_length_are_refused(engine: Engine) -> None:
    nodes = {"each": repeated("map:one", over=["x", "by"], x=[1.0, 2.0], by=[10.0])}
    of = workflow(nodes, "each.y", definitions={"one": ADD})
    assert causes(engine, of) == ["each.x: its lists differ in length: x has 2, by has 1."]


def test_what_is_not_listed_in_over_is_the_same_for_every_item(engine: Engine) -> None:
    nodes = {"b": entry("number", value=100.0), "each": repeated("map:one", {"by": "b.value"}, over=["x"], x=[1.0, 2.0])}
    assert run(engine, workflow(nodes, "each.y", definitions={"one": ADD})).outputs == {"each": [101.0, 102.0]}


def spread_map(count: int) -> Workflow:
    nodes = {
        "v": entry("spread", value=2.0, count=count),
        "each": repeated("map:one", {"x": "v.values"}, over=["x"]),
        "s": entry("sum", {"numbers": "each.y"}),
    }
    return workflow(nodes, "s.value", "each.y", definitions={"one": ADD})


@pytest.mark.parametrize("count", [0, 1, 4])
def test_a_list_that_only_a_run_can_tell(engine: Engine, count: int) -> None:
    assert run(engine, spread_map(count)).outputs == {"s": 3.0 * count, "each": [3.0] * count}


def test_a_workflow_whose_list_is_not_known_yet_can_be_checked_and_planned(engine: Engine) -> None:
    request = Request(workflow=spread_map(3))
    graph = engine.check(request)
    assert (graph.problems, list(graph.unsized)) == ((), ["each.x"])
    bad = spread_map(3).model_dump(by_alias=True)
    bad["definitions"]["one"]["nodes"]["p"]["values"] = {"b": "text"}
    assert causes(engine, parse(json.dumps(bad))) == ["each[0]/p.b: 'text' is no float."]
    assert {planned.node for planned in engine.plan(request)} >= {"v", "s"}


def test_a_list_of_linked_outputs_and_a_single_one(engine: Engine) -> None:
    nodes = {name: entry("number", value=value) for name, value in (("a", 1.0), ("b", 2.0))}
    nodes["each"] = repeated("map:one", {"x": ["a.value", "b.value"]}, over=["x"])
    assert run(engine, workflow(nodes, "each.y", definitions={"one": ADD})).outputs == {"each": [2.0, 3.0]}


def test_a_map_over_a_map(engine: Engine) -> None:
    nodes = {
        "first": repeated("map:one", over=["x"], x=[1.0, 2.0, 3.0]),
        "second": repeated("map:one", {"x": "first.y"}, over=["x"], by=10.0),
    }
    for order in (nodes, dict(reversed(nodes.items()))):
        result = run(engine, workflow(order, "second.y", definitions={"one": ADD}))
        assert result.outputs == {"second": [12.0, 13.0, 14.0]}


def test_a_map_inside_a_subgraph_and_a_map_inside_a_map(engine: Engine) -> None:
    inner = {
        "nodes": {"each": repeated("map:one", over=["x"], x=[1.0, 2.0]), "s": entry("sum", {"numbers": "each.y"})},
        "inputs": {"list": {"to": ["each.x"]}, "by": {"to": ["each.by"]}},
        "outputs": {"sum": {"from": "s.value"}},
        "definitions": {"one": ADD},
    }
    nodes = {
        "sub": {"type": "workflow:inner", "values": {"list": [5.0, 6.0]}},
        "grid": repeated("map:inner", over=["by"], by=[0.0, 100.0]),
    }
    of = workflow(nodes, "sub.sum", "grid.sum", definitions={"inner": inner})
    assert run(engine, of).outputs == {"sub": 13.0, "grid": [3.0, 203.0]}


def test_a_map_over_nested_lists(engine: Engine) -> None:
    inner = {
        "nodes": {"s": entry("sum")},
        "inputs": {"numbers": {"to": ["s.numbers"]}},
        "outputs": {"sum": {"from": "s.value"}},
    }
    nodes = {"each": repeated("map:inner", over=["numbers"], numbers=[[1.0, 2.0], [], [5.0]])}
    assert run(engine, workflow(nodes, "each.sum", definitions={"inner": inner})).outputs == {"each": [3.0, 0.0, 5.0]}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"over": ["nothing"]}, "each.nothing: the definition has no input 'nothing'."),
        ({"over": []}, "each.None: nothing says which input takes a list."),
        ({"values": {"x": 3.0}}, "each.x: it is no list."),
        ({"values": {}}, "each.x: nothing is given here."),
        ({"values": {"x": [0.0] * 100_001}}, "each.None: it would repeat more than 100000 times."),
        ({"type": "map:other"}, "each.None: no definition is called 'other'."),
        ({"values": {"x": [1.0], "z": 1.0}}, "each[0].z: there is no input 'z'."),
        ({"values": {"x": [1.0, "two"]}}, "each[1]/p.a: 'two' is no float."),
        ({"type": "fold:one", "state": {"nothing": "y"}}, "each.nothing: the definition has no input 'nothing'."),
        ({"type": "fold:one", "state": {"by": "nothing"}}, "each.None: the definition has no output 'nothing'."),
    ],
)
def test_what_is_wrong_with_a_map_is_said(engine: Engine, change: dict[str, Any], said: str) -> None:
    nodes = {"each": repeated("map:one", over=["x"], x=[1.0]) | change}
    assert causes(engine, workflow(nodes, "each.y", definitions={"one": ADD}))[0] == said


def test_a_muted_map_leaves_out_what_reads_it(engine: Engine) -> None:
    nodes = {
        "each": repeated("map:one", over=["x"], x=[1.0]) | {"mode": "muted"},
        "s": entry("sum", {"numbers": "each.y"}),
        "other": entry("number", value=1.0),
    }
    result = run(engine, workflow(nodes, "s.value", "other.value", definitions={"one": ADD}))
    assert (result.status, result.outputs) == ("succeeded", {"other": 1.0})


def test_a_map_over_what_a_muted_node_would_give_is_said(engine: Engine) -> None:
    nodes = {
        "v": entry("spread", value=1.0) | {"mode": "muted"},
        "each": repeated("map:one", {"x": "v.values"}, over=["x"]),
    }
    of = workflow(nodes, "each.y", definitions={"one": ADD})
    assert causes(engine, of) == ["each.x: its list comes from a muted node."]


def test_a_bypassed_map_passes_its_list_through(engine: Engine) -> None:
    nodes = {
        "v": entry("spread", value=2.0, count=3),
        "each": repeated("map:one", {"x": "v.values"}, over=["x"]) | {"mode": "bypassed"},
        "s": entry("sum", {"numbers": "each.y"}),
    }
    assert run(engine, workflow(nodes, "s.value", definitions={"one": ADD})).outputs == {"s": 6.0}


def test_a_definition_that_maps_itself_is_refused(engine: Engine) -> None:
    inner = {**ADD, "nodes": {**ADD["nodes"], "again": repeated("map:one", over=["x"], x=[1.0])}}
    nodes = {"each": repeated("map:one", over=["x"], x=[1.0])}
    assert "contains itself" in " ".join(causes(engine, workflow(nodes, "each.y", definitions={"one": inner})))


def test_one_item_that_fails_leaves_the_others_finished(engine: Engine) -> None:
    inner = {
        "nodes": {"s": entry("switch", {"yes": "bad.value"}, condition=False, no=1.0), "bad": entry("fail")},
        "inputs": {"c": {"to": ["s.condition"]}, "no": {"to": ["s.no"]}},
        "outputs": {"y": {"from": "s.value"}},
    }
    nodes = {"each": repeated("map:one", over=["c"], c=[False, True, False])}
    result = run(engine, workflow(nodes, "each.y", definitions={"one": inner}))
    assert result.status == "failed"
    assert [error.node for error in result.errors] == ["each[1]/bad"]  # type: ignore[attr-defined]
    assert {"each[0]/s", "each[2]/s"} <= {*result.ran, *result.served}


# a declared input that is a list


def with_list_input() -> Workflow:
    of = mapped([1.0, 2.0]).model_dump(by_alias=True)
    of["inputs"] = {"numbers": {"to": ["each.x"]}, "by": {"to": ["each.by"]}}
    return parse(json.dumps(of))


def test_a_declared_input_that_a_map_goes_over_is_a_list_with_its_default(engine: Engine) -> None:
    graph = engine.check(Request(workflow=with_list_input()))
    by, numbers = declared_inputs(with_list_input(), graph)
    assert (numbers.field.type, numbers.default, numbers.required) == (ListOf(FLOAT), [1.0, 2.0], False)
    assert (by.field.type, by.default) == (FLOAT, 1.0)
    assert run(engine, with_list_input(), numbers=[10.0, 20.0, 30.0], by=2.0).outputs == {"s": 66.0}


@pytest.mark.parametrize("given", [5.0, "1,2", {"a": 1.0}, None])
def test_what_is_no_list_is_refused_where_a_map_takes_one(engine: Engine, given: Any) -> None:
    with pytest.raises(WorkflowError, match="no list"):
        engine.start(Request(workflow=with_list_input(), given={"numbers": given}))


# order


def test_the_first_item_is_saved_before_the_second_is_sampled(make_engine: Make) -> None:
    order: list[str] = []
    laid_out = threading.Event()

    @node("toy.sample", version=1, category="x", lane="device")
    def sample(a: float) -> float:
        """Be the slow part."""
        assert laid_out.wait(PATIENCE_S)
        order.append(f"sample {a:g}")
        return a

    @node("toy.keep", version=1, category="x", lane="device", sink=True)
    def keep(value: float) -> File:
        """Be the saving."""
        order.append(f"save {value:g}")
        return File(data=b"x", stem="x", suffix=".txt", media_type="text/plain")

    inner = {
        "nodes": {"s": entry("sample"), "k": entry("keep", {"value": "s.value"})},
        "inputs": {"x": {"to": ["s.a"]}},
        "outputs": {"file": {"from": "k.file"}},
    }
    nodes = {"each": repeated("map:one", over=["x"], x=[1.0, 2.0, 3.0])}
    started = make_engine(sample, keep).start(Request(workflow=workflow(nodes, definitions={"one": inner})))
    laid_out.set()
    assert finished(started).status == "succeeded"
    assert order == ["sample 1", "save 1", "sample 2", "save 2", "sample 3", "save 3"]


def test_saving_one_item_overlaps_with_sampling_the_next(make_engine: Make, tmp_path: Path) -> None:
    """Each waits for the other at a barrier: it passes only if the two are at work at once."""
    meet = threading.Barrier(2)

    @node("toy.sample", version=1, category="x", lane="device")
    def sample(a: float) -> float:
        """Be the slow part; all but the first meet the saving of the one before."""
        if a > 1:
            meet.wait(PATIENCE_S)
        return a

    @node("toy.keep", version=1, category="x", lane="disk", sink=True)
    def keep(value: float) -> File:
        """Be the saving; all but the last meet the sampling of the next."""
        if value < 4:
            meet.wait(PATIENCE_S)
        return File(data=b"x", stem="x", suffix=".txt", media_type="text/plain")

    inner = {
        "nodes": {"s": entry("sample"), "k": entry("keep", {"value": "s.value"})},
        "inputs": {"x": {"to": ["s.a"]}},
        "outputs": {"file": {"from": "k.file"}},
    }
    nodes = {"each": repeated("map:one", over=["x"], x=[1.0, 2.0, 3.0, 4.0])}
    result = run(make_engine(sample, keep), workflow(nodes, definitions={"one": inner}), folder=tmp_path)
    assert (result.status, len(result.files)) == ("succeeded", 4)
    for number in range(3):
        saving, sampling = interval(result, f"each[{number}]/k"), interval(result, f"each[{number + 1}]/s")
        assert max(saving.start_s, sampling.start_s) <= min(saving.end_s, sampling.end_s)


def interval(result: RunResult, name: str) -> Any:
    (found,) = [one for one in result.intervals if one.node == name]
    return found


# fold


def test_a_fold_hands_its_state_on(engine: Engine) -> None:
    result = run(engine, folded(3, x=10.0, by=2.0))
    assert (result.outputs, sorted(result.ran)) == ({"f": 16.0}, ["f[0]/p", "f[1]/p", "f[2]/p"])


def test_one_more_turn_computes_one(engine: Engine) -> None:
    run(engine, folded(5))
    assert list(run(engine, folded(6)).ran) == ["f[5]/p"]
    assert run(engine, folded(2)).ran == {}


def test_a_fold_over_a_list_sums_it(engine: Engine) -> None:
    nodes = {"f": repeated("fold:one", over=["by"], state={"x": "y"}, x=0.0, by=[1.0, 2.0, 3.5])}
    assert run(engine, workflow(nodes, "f.y", definitions={"one": ADD})).outputs == {"f": 6.5}


def test_the_state_may_begin_with_what_a_node_gives(engine: Engine) -> None:
    nodes = {"v": entry("number", value=5.0), "f": repeated("fold:one", {"x": "v.value"}, state={"x": "y"}, times=2)}
    assert run(engine, workflow(nodes, "f.y", definitions={"one": ADD})).outputs == {"f": 7.0}


def test_a_fold_of_none_gives_the_state_that_it_began_with(engine: Engine) -> None:
    nodes = {
        "v": entry("number", value=5.0),
        "f": repeated("fold:one", {"x": "v.value"}, state={"x": "y"}, times=0),
        "a": entry("add", {"a": "f.y"}, b=1.0),
    }
    assert run(engine, workflow(nodes, "a.value", definitions={"one": ADD})).outputs == {"a": 6.0}


@pytest.mark.parametrize(
    ("times", "said"),
    [
        (-1, "f.times: it is not told how often to repeat."),
        (1.5, "f.times: it is not told how often to repeat."),
        (True, "f.times: it is not told how often to repeat."),
        ("3", "f.times: it is not told how often to repeat."),
        (10**9, "f.None: it would repeat more than 100000 times."),
        (10**5000, "f.None: it would repeat more than 100000 times."),
    ],
    ids=lambda value: str(value)[:30] if not isinstance(value, int) or value < 10**10 else "huge",
)
def test_how_often_a_fold_repeats_must_be_a_sensible_number(engine: Engine, times: Any, said: str) -> None:
    assert causes(engine, folded(1).with_values({"f.times": times})) == [said]


def test_how_often_a_fold_repeats_cannot_be_linked(engine: Engine) -> None:
    nodes = {"n": entry("whole", value=3), "f": repeated("fold:one", {"times": "n.value"}, state={"x": "y"}, x=0.0)}
    of = workflow(nodes, "f.y", definitions={"one": ADD})
    assert causes(engine, of) == ["f.times: it is not told how often to repeat."]


def test_a_fold_reads_another_fold_and_a_map_reads_a_fold(engine: Engine) -> None:
    nodes = {
        "f": repeated("fold:one", state={"x": "y"}, times=2, x=0.0),
        "g": repeated("fold:one", {"x": "f.y"}, state={"x": "y"}, times=3),
        "each": repeated("map:one", {"by": "g.y"}, over=["x"], x=[0.0, 10.0]),
    }
    of = workflow(nodes, "g.y", "each.y", definitions={"one": ADD})
    assert run(engine, of).outputs == {"g": 5.0, "each": [5.0, 15.0]}


# the file


def test_maps_and_folds_keep_their_text() -> None:
    nodes = {
        "each": repeated("map:one", over=["x", "by"], x=[1.0], by=[2.0]),
        "f": repeated("fold:one", state={"x": "y"}, times=2, x=0.0),
    }
    of = workflow(nodes, "each.y", definitions={"one": ADD})
    text = canonical(of)
    assert canonical(parse(text)) == text
    again = parse(text)
    assert (again.nodes["each"].over, again.nodes["f"].state) == (["x", "by"], {"x": "y"})
    assert '"over"' not in canonical(workflow({"a": entry("number")}, "a.value"))


def test_the_plan_of_a_map_tells_what_the_run_does(engine: Engine) -> None:
    run(engine, mapped([1.0, 2.0]))
    request = Request(workflow=mapped([1.0, 2.0, 3.0]))
    planned = {one.node: one.status for one in engine.plan(request)}
    assert {name for name, status in planned.items() if status == "runs"} == set(engine.run(request).ran)


def test_notes_of_every_item_are_written(make_engine: Make, tmp_path: Path) -> None:
    inner = {
        "nodes": {"p": entry("add", b=1.0), "k": entry("note", {"value": "p.value"})},
        "inputs": {"x": {"to": ["p.a"]}},
        "outputs": {"y": {"from": "p.value"}},
    }
    nodes = {"v": entry("spread", value=1.0, count=3), "each": repeated("map:one", {"x": "v.values"}, over=["x"])}
    result = run(make_engine(add, note, spread, total), workflow(nodes, definitions={"one": inner}), folder=tmp_path)
    assert [path.read_text() for path in result.files] == ["2.0", "2.0", "2.0"]
