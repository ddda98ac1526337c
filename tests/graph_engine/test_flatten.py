"""Subgraphs written out, muted nodes left out, bypassed ones passed through."""

from __future__ import annotations

from typing import Any

import pytest

from graph_engine import flatten
from graph_engine.engine import Engine, Request
from graph_engine.graph import Graph, compile
from graph_engine.registry import Registry
from graph_engine.workflow import Workflow
from tests.graph_engine.toys import document, entry, run, workflow

PLUS = document(
    {"sum": entry("add", b=1.0)},
    inputs={"value": {"to": ["sum.a"]}, "by": {"to": ["sum.b"]}},
    outputs={"value": {"from": "sum.value"}},
)


def codes(graph: Graph) -> list[str]:
    return [problem.code for problem in graph.problems]


def test_a_subgraph_is_used_twice_with_inputs_of_its_own(engine: Engine) -> None:
    nodes = {
        "start": entry("number", value=10.0),
        "one": entry("workflow:plus", {"value": "start.value"}),
        "two": entry("workflow:plus", {"value": "one.value"}, by=5.0),
    }
    of = workflow(nodes, "two.value", definitions={"plus": PLUS})
    result = run(engine, of)
    assert result.outputs == {"two": 16.0}
    assert sorted(result.ran) == ["one/sum", "start", "two/sum"]


def test_subgraphs_nest_and_a_definition_around_is_seen_inside(engine: Engine) -> None:
    twice = document(
        {"x": entry("workflow:plus"), "y": entry("workflow:plus", {"value": "x.value"})},
        inputs={"value": {"to": ["x.value"]}, "by": {"to": ["x.by", "y.by"]}},
        outputs={"value": {"from": "y.value"}, "half": {"from": "x.value"}},
    )
    nodes = {"a": entry("workflow:twice", value=1.0, by=10.0), "b": entry("workflow:twice", {"value": "a.half"})}
    of = workflow(nodes, "a.value", "b.value", definitions={"plus": PLUS, "twice": twice})
    result = run(engine, of)
    assert result.outputs == {"a": 21.0, "b": 13.0}
    assert sorted(result.ran) == ["a/x/sum", "a/y/sum", "b/x/sum", "b/y/sum"]


def test_an_inner_definition_hides_an_outer_one_of_the_same_name(engine: Engine) -> None:
    ten = document({"n": entry("number", value=10.0)}, outputs={"value": {"from": "n.value"}})
    one = document({"n": entry("number", value=1.0)}, outputs={"value": {"from": "n.value"}})
    inner = document({"use": entry("workflow:give")}, outputs={"value": {"from": "use.value"}}, definitions={"give": one})
    of = workflow(
        {"a": entry("workflow:give"), "b": entry("workflow:inner")},
        "a.value",
        "b.value",
        definitions={"give": ten, "inner": inner},
    )
    assert run(engine, of).outputs == {"a": 10.0, "b": 1.0}


def test_a_definition_means_the_same_wherever_it_is_used(engine: Engine) -> None:
    ten = document({"n": entry("number", value=10.0)}, outputs={"value": {"from": "n.value"}})
    one = document({"n": entry("number", value=1.0)}, outputs={"value": {"from": "n.value"}})
    use = document({"x": entry("workflow:give")}, outputs={"value": {"from": "x.value"}})
    caller = document({"x": entry("workflow:use")}, outputs={"value": {"from": "x.value"}}, definitions={"give": one})
    of = workflow(
        {"direct": entry("workflow:use"), "through": entry("workflow:caller")},
        "direct.value",
        "through.value",
        definitions={"give": ten, "use": use, "caller": caller},
    )
    assert run(engine, of).outputs == {"direct": 10.0, "through": 10.0}


def test_the_ports_of_a_subgraph_are_typed_by_what_is_inside(registry: Registry) -> None:
    nodes = {"t": entry("text", value="x"), "p": entry("workflow:plus", {"value": "t.value"})}
    graph = compile(workflow(nodes, "p.value", definitions={"plus": PLUS}), registry)
    (problem,) = graph.problems
    assert (problem.code, problem.node, problem.input) == ("type_mismatch", "p/sum", "a")
    assert problem.cause == "t.value gives text, but it is a text, and a float is needed."


def test_a_value_for_an_unknown_port_is_refused_with_those_that_there_are(registry: Registry) -> None:
    graph = compile(workflow({"p": entry("workflow:plus", valeu=1.0)}, "p.value", definitions={"plus": PLUS}), registry)
    problem = next(problem for problem in graph.problems if problem.code == "unknown_input")
    assert (problem.node, problem.input) == ("p", "valeu")
    assert str(problem) == "p.valeu: there is no input 'valeu'. Declared inputs: by, value."


def test_an_unknown_definition_and_an_unknown_output_are_refused(registry: Registry) -> None:
    nodes = {"a": entry("workflow:gone"), "b": entry("workflow:plus", value=1.0), "c": entry("add", {"a": "b.sum"})}
    graph = compile(workflow(nodes, "c.value", definitions={"plus": PLUS}), registry)
    assert "a: no definition is called 'gone'. Add it under 'definitions'." in map(str, graph.problems)
    assert any(problem.node == "c" and problem.input == "a" and problem.code == "unknown_output" for problem in graph.problems)


def test_a_declared_input_that_sets_a_missing_node_is_refused(registry: Registry) -> None:
    broken = document({"sum": entry("add")}, inputs={"value": {"to": ["summ.a"]}}, outputs={"value": {"from": "sum.value"}})
    graph = compile(workflow({"p": entry("workflow:broken", value=1.0)}, "p.value", definitions={"broken": broken}), registry)
    assert any(
        problem.code == "unknown_target" and "sets 'summ', which does not exist" in problem.cause for problem in graph.problems
    )


def test_recursion_is_refused_directly_and_in_a_ring(registry: Registry) -> None:
    itself = document({"again": entry("workflow:itself")})
    graph = compile(workflow({"a": entry("workflow:itself")}, definitions={"itself": itself}), registry)
    assert "a/again: 'itself' contains itself, or lies too deep. A subgraph cannot repeat itself." in map(str, graph.problems)
    ring = {"x": document({"n": entry("workflow:y")}), "y": document({"n": entry("workflow:x")})}
    assert "recursion" in codes(compile(workflow({"a": entry("workflow:x")}, definitions=ring), registry))


def test_nesting_deeper_than_allowed_is_refused(registry: Registry) -> None:
    levels: dict[str, Any] = {"d0": PLUS}
    for level in range(1, flatten.MAX_NESTING + 2):
        levels[f"d{level}"] = document({"n": entry(f"workflow:d{level - 1}")})
    fine = workflow({"a": entry(f"workflow:d{flatten.MAX_NESTING - 1}")}, definitions=levels)
    deep = workflow({"a": entry(f"workflow:d{flatten.MAX_NESTING + 1}")}, definitions=levels)
    assert "recursion" not in codes(compile(fine, registry))
    assert "recursion" in codes(compile(deep, registry))


def nested(width: int, innermost: dict[str, Any], depth: int = 12, **inputs: Any) -> Workflow:
    """Each level uses the one below ``width`` times: ``width ** depth`` copies of the innermost."""
    levels = {"d0": innermost}
    for level in range(1, depth):
        levels[f"d{level}"] = document({f"n{i}": entry(f"workflow:d{level - 1}") for i in range(width)}, **inputs)
    return workflow({"a": entry(f"workflow:d{depth - 1}")}, definitions=levels)


@pytest.mark.parametrize("innermost", [PLUS, document({})], ids=["of nodes", "of nothing"])
def test_a_small_file_that_multiplies_without_end_is_stopped(
    innermost: dict[str, Any], registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flatten, "MAX_NODES", 2000)
    graph = compile(nested(10, innermost), registry)
    assert "too_large" in codes(graph)
    assert "workflow: it holds more than 2000 nodes once written out. Split it." in map(str, graph.problems)
    assert len(graph.problems) < 10


def test_an_input_passed_on_to_one_place_many_times_does_not_multiply(registry: Registry) -> None:
    ports = {"inputs": {"v": {"to": ["n0.v"] * 50}}}
    innermost = document({"n0": entry("number")}, inputs={"v": {"to": ["n0.value"]}})
    of = nested(1, innermost, **ports)
    of = of.model_copy(update={"inputs": of.definitions["d1"].inputs, "nodes": {"n0": of.nodes["a"]}})
    graph = compile(of, registry, given={"v": 3.0})
    assert graph.inputs["v"] == (("/".join(["n0"] * 13), "value"),)


# muted and bypassed


def test_a_muted_node_takes_what_needs_it_with_it_and_the_rest_runs(engine: Engine) -> None:
    nodes = {
        "a": entry("number", value=1.0),
        "m": {**entry("add", {"a": "a.value"}), "mode": "muted"},
        "below": entry("add", {"a": "m.value"}),
        "further": entry("add", {"a": "below.value"}),
        "kept": entry("add", {"a": "a.value"}, b=1.0),
    }
    of = workflow(nodes, "further.value", "kept.value")
    result = run(engine, of)
    assert result.outputs == {"kept": 2.0}
    assert sorted(result.ran) == ["a", "kept"]
    muted = [item.node for item in engine.plan(Request(workflow=of)) if item.status == "muted"]
    assert muted == ["below", "further", "m"]


def test_an_optional_input_of_a_muted_node_has_its_default(engine: Engine) -> None:
    nodes = {
        "m": {**entry("number", value=7.0), "mode": "muted"},
        "sum": entry("add", {"b": "m.value"}, a=1.0),
        "list": entry("sum", {"numbers": ["m.value", "sum.value"]}),
    }
    assert run(engine, workflow(nodes, "sum.value", "list.value")).outputs == {"sum": 1.0, "list": 1.0}


def test_a_dormant_value_under_a_link_to_a_muted_node_stays_dormant(engine: Engine) -> None:
    nodes = {"m": {**entry("number"), "mode": "muted"}, "sum": entry("add", {"b": "m.value"}, a=1.0, b=99.0)}
    assert run(engine, workflow(nodes, "sum.value")).outputs == {"sum": 1.0}


def test_a_bypassed_node_passes_on_the_input_of_its_outputs_type(engine: Engine) -> None:
    nodes = {
        "t": entry("text", value="four"),
        "a": entry("number", value=3.0),
        "split": {**entry("split", {"value": "a.value"}), "mode": "bypassed"},
        "sum": entry("add", {"a": "split.rest"}, b=1.0),
        "count": {**entry("letters", {"value": "t.value"}), "mode": "bypassed"},
        "next": entry("add", {"b": "count.value"}, a=5.0),
    }
    assert run(engine, workflow(nodes, "sum.value", "next.value")).outputs == {"sum": 4.0, "next": 5.0}


def test_which_input_is_passed_on_never_depends_on_the_order_in_the_file(registry: Registry) -> None:
    for links in ({"below": "x.picture", "above": "y.picture"}, {"above": "y.picture", "below": "x.picture"}):
        nodes = {
            "x": entry("picture", value=1.0),
            "y": entry("picture", value=2.0),
            "blend": {**entry("blend", links), "mode": "bypassed"},
            "save": entry("save", {"picture": "blend.picture"}),
        }
        graph = compile(workflow(nodes), registry)
        source = graph.by_path["save"].sources(["picture"])[0]
        assert graph.nodes[source.node].path == "x"


def test_a_chain_of_bypassed_nodes_is_followed_to_its_start(engine: Engine) -> None:
    nodes = {"a": entry("number", value=3.0)}
    nodes |= {f"b{i}": {**entry("add", {"a": f"b{i - 1}.value" if i else "a.value"}), "mode": "bypassed"} for i in range(5000)}
    nodes["end"] = entry("add", {"a": "b4999.value"}, b=1.0)
    assert run(engine, workflow(nodes, "end.value")).outputs == {"end": 4.0}


def test_bypassed_nodes_in_a_ring_are_reported_and_end(registry: Registry) -> None:
    nodes = {
        "x": {**entry("add", {"a": "y.value"}), "mode": "bypassed"},
        "y": {**entry("add", {"a": "x.value"}), "mode": "bypassed"},
        "end": entry("add", {"a": "x.value"}),
    }
    graph = compile(workflow(nodes, "end.value"), registry)
    assert graph.problems


def test_a_bypassed_subgraph_passes_on_the_input_named_like_its_output(engine: Engine) -> None:
    nodes = {
        "a": entry("number", value=3.0),
        "z": entry("number", value=9.0),
        "p": {**entry("workflow:plus", {"by": "z.value", "value": "a.value"}), "mode": "bypassed"},
        "end": entry("add", {"a": "p.value"}),
    }
    assert run(engine, workflow(nodes, "end.value", definitions={"plus": PLUS})).outputs == {"end": 3.0}


def test_a_muted_subgraph_is_left_out_whole(engine: Engine) -> None:
    nodes = {"a": entry("number", value=3.0), "p": {**entry("workflow:plus", {"value": "a.value"}), "mode": "muted"}}
    of = workflow(nodes, "a.value", "p.value", definitions={"plus": PLUS})
    assert run(engine, of).outputs == {"a": 3.0}


def test_given_values_reach_every_node_that_a_declared_input_sets(engine: Engine) -> None:
    nodes = {"a": entry("number"), "b": entry("number"), "sum": entry("add", {"a": "a.value", "b": "b.value"})}
    of = workflow(nodes, "sum.value", inputs={"x": {"to": ["a.value", "b.value"]}})
    assert run(engine, of, x=4.0).outputs == {"sum": 8.0}
    assert run(engine, of).outputs == {"sum": 0.0}
