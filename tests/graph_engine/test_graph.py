"""What runs and what is wrong: every problem in one reply, with node, input, cause and action."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from graph_engine import Folders, NodeInputError, WorkflowError, check, node
from graph_engine import registry as registry_module
from graph_engine.declare import spec_of
from graph_engine.engine import Engine, Request
from graph_engine.errors import Problem
from graph_engine.graph import Graph, compile
from graph_engine.registry import Registry, of_functions
from graph_engine.spec import InputSpec
from graph_engine.workflow import parse
from tests.graph_engine import toys
from tests.graph_engine.toys import chain, document, entry, run, workflow


def told(graph: Graph) -> list[str]:
    return sorted(map(str, graph.problems))


def only(graph: Graph) -> Problem:
    (problem,) = graph.problems
    return problem


def test_a_correct_workflow_has_no_problem_and_runs_in_order(registry: Registry) -> None:
    nodes = {"c": entry("add", {"a": "b.value"}), "b": entry("add", {"a": "a.value"}), "a": entry("number")}
    graph = compile(workflow(nodes, "c.value"), registry)
    assert (graph.problems, graph.warnings) == ((), ())
    assert [one.path for one in graph.nodes] == ["a", "b", "c"]


def test_defaults_are_filled_in_and_an_int_for_a_float_becomes_one(registry: Registry) -> None:
    graph = compile(workflow({"a": entry("add", a=1)}, "a.value"), registry)
    assert graph.problems == ()
    assert [(name, type(value)) for name, value in graph.nodes[0].constants.items()] == [("a", float), ("b", float)]


PROBLEMS: list[tuple[dict[str, Any], str]] = [
    (entry("nummber"), "n: no node type is called 'toy.nummber'. Did you mean toy.number?"),
    (entry("x.y"), "n: no node type is called 'x.y'. Install the pack that has it, or remove the node."),
    ({**entry("number"), "version": 2}, "n: toy.number is version 2 here, and version 1 is installed. Update the pack."),
    (entry("add"), "n.a: nothing is given here. Give it a value (float)."),
    (entry("decode", {"latent": "l.latent"}), "n.vae: nothing is given here. Link an output of type Vae[L] to it."),
    (entry("number", valeu=1.0), "n.valeu: toy.number has no input 'valeu'. Its inputs: value."),
    (entry("dice", x=1.0), "n.x: toy.dice has no input 'x'. Its inputs: none."),
    (entry("number", {"x": "k.value"}), "n.x: toy.number has no input 'x'. Its inputs: value."),
    (entry("number", value="1"), "n.value: '1' is no float. Write a number."),
    (entry("number", value=True), "n.value: True is no float. Write a number."),
    (entry("number", value=None), "n.value: None is no float. Write a number."),
    (entry("number", value=[1.0]), "n.value: [1.0] is no float. Write a number."),
    (entry("number", value=2**53 + 1), "n.value: 9007199254740993 is no float. Write a number."),
    (entry("whole", value=3.9), "n.value: 3.9 is no int. Write a whole number."),
    (entry("whole", value=3.0), "n.value: 3.0 is no int. Write a whole number."),
    (entry("whole", value=False), "n.value: False is no int. Write a whole number."),
    (entry("text", value=1), "n.value: 1 is no text. Write a text in quotes."),
    (entry("method", on="false"), "n.on: 'false' is no bool. Write true or false."),
    (entry("method", on=0), "n.on: 0 is no bool. Write true or false."),
    (
        entry("method", method="bicubci"),
        "n.method: 'bicubci' is no choice. Did you mean 'bicubic'? Choices: nearest, bilinear, bicubic.",
    ),
    (entry("method", method="x"), "n.method: 'x' is no choice. Choices: nearest, bilinear, bicubic."),
    (entry("limited", value=11), "n.value: 11.0 lies outside [0, 10]. Choose a number inside."),
    (entry("limited", value=-0.1), "n.value: -0.1 lies outside [0, 10]. Choose a number inside."),
    (entry("limited", value=1, count=0), "n.count: 0 lies outside [1, 5]. Choose a number inside."),
    (entry("seeded", seed=-1), "n.seed: -1 lies outside [0, 18446744073709551615]. Choose a number inside."),
    (entry("seeded", seed=2**64), "n.seed: 18446744073709551616 lies outside [0, 18446744073709551615]. Choose a number inside."),
    (entry("sum", numbers=[1, "2"]), "n.numbers: [1, '2'] is no list[float]. Write a list[float]."),
    (entry("sum", numbers=1.0), "n.numbers: 1.0 is no list[float]. Write a list[float]."),
    (entry("to_mask", picture="x"), "n.picture: Picture cannot be written as a value. Link an output to it."),
    (entry("add", {"a": "kk.value"}), "n.a: it is linked to 'kk', which does not exist. Did you mean 'k'?"),
    (entry("add", {"a": "zzz.value"}), "n.a: it is linked to 'zzz', which does not exist. Relink it."),
    (entry("add", {"a": "k.sum"}), "n.a: 'k' has no output 'sum'. Its outputs: value."),
    (entry("add", {"a": ["k.value", "k.value"]}), "n.a: 2 links lead here, and it takes one value. Keep one of the links."),
    (
        entry("add", {"a": "t.value"}),
        "n.a: t.value gives text, but it is a text, and a float is needed. Link an output of type float.",
    ),
    (
        entry("whole", {"value": "k.value"}),
        "n.value: k.value gives float, but it is a float, and an int is needed. Link an output of type int.",
    ),
    (
        entry("sum", {"numbers": ["k.value", "t.value"]}),
        "n.numbers: t.value gives text, but it is a text, and a float is needed. Link an output of type float.",
    ),
    (
        entry("blend", {"below": "p.picture", "above": "p.picture", "mask": "p.picture"}),
        "n.mask: p.picture gives Picture, but it is a Picture, and a Mask is needed. "
        "Insert 'Picture to mask' (toy.to_mask) between them.",
    ),
    (entry("add", {"a": "n.value"}), "n: these nodes need each other: n -> n. Remove one of the links."),
]


@pytest.mark.parametrize(("broken", "sentence"), PROBLEMS, ids=[sentence[:50] for _, sentence in PROBLEMS])
def test_a_problem_is_told_with_place_cause_and_action(broken: dict[str, Any], sentence: str, registry: Registry) -> None:
    around = {"k": entry("number"), "t": entry("text"), "p": entry("picture"), "l": entry("load", name="x")}
    graph = compile(workflow({"n": broken, **around}), registry, targets=["n"])
    assert [text for text in told(graph) if text.startswith("n")] == [sentence]


def test_a_problem_has_a_json_form_for_programs(registry: Registry) -> None:
    problem = only(compile(workflow({"n": entry("limited", value=11)}, "n.value"), registry))
    assert problem.as_json() == {
        "code": "bad_range",
        "node": "n",
        "input": "value",
        "cause": "11.0 lies outside [0, 10].",
        "action": "Choose a number inside.",
    }


def test_everything_wrong_is_told_at_once(registry: Registry, folders: Folders) -> None:
    nodes = {
        "range": entry("limited", value=11),
        "choice": entry("method", method="x"),
        "value": entry("number", value="x"),
        "missing": entry("add"),
        "extra": entry("number", x=1),
        "unknown": entry("gone"),
        "version": {**entry("number"), "version": 9},
        "output": entry("add", {"a": "value.nothing"}),
        "type": entry("add", {"a": "choice.value"}),
        "x": entry("add", {"a": "y.value"}),
        "y": entry("add", {"a": "x.value"}),
        "model": entry("load", name="gone"),
        "again": entry("workflow:again"),
    }
    again = document({"again": entry("workflow:again")})
    of = workflow(nodes, inputs={"p": {"to": ["nowhere.x"]}}, definitions={"again": again})
    graph = compile(of, registry, folders=folders, given={"p": 1, "q": 2}, targets=[*nodes, "nobody"])
    assert {problem.code for problem in graph.problems} == {
        "bad_range", "not_a_choice", "bad_value", "missing_input", "unknown_input", "unknown_node", "version", "unknown_output",
        "type_mismatch", "cycle", "unknown_model", "unknown_target", "recursion",
    }  # fmt: skip
    with pytest.raises(WorkflowError) as caught:
        Engine(registry).start(Request(workflow=of))
    assert len(caught.value.problems) == len(str(caught.value).splitlines()) > 5


def test_a_cycle_is_told_with_its_path_and_only_once(registry: Registry) -> None:
    nodes = {
        "a": entry("add", {"a": "c.value"}),
        "b": entry("add", {"a": "a.value"}),
        "c": entry("add", {"a": "b.value"}),
        "below": entry("add", {"a": "c.value"}),
        "above": entry("number"),
        "p": entry("add", {"a": "q.value", "b": "above.value"}),
        "q": entry("add", {"a": "p.value"}),
    }
    graph = compile(workflow(nodes, "below.value", "q.value"), registry)
    assert told(graph) == [
        "a: these nodes need each other: a -> b -> c -> a. Remove one of the links.",
        "p: these nodes need each other: p -> q -> p. Remove one of the links.",
    ]


def test_a_long_cycle_is_told_in_short(registry: Registry) -> None:
    nodes = {f"n{i:04}": entry("add", {"a": f"n{(i - 1) % 3000:04}.value"}) for i in range(3000)}
    problem = only(compile(workflow(nodes, "n0000.value"), registry))
    assert problem.cause.startswith("these nodes need each other: n0000 -> n0001 -> n0002 -> n0003 -> … -> n2997")
    assert problem.cause.endswith("-> n2999 -> n0000.")


def test_broken_nodes_that_nothing_needs_are_warnings_and_the_rest_runs(engine: Engine) -> None:
    nodes = {
        "good": entry("number", value=1.0),
        "bad": entry("nobody"),
        "worse": entry("add", {"a": "bad.value"}, b="x"),
        "x": entry("add", {"a": "y.value"}),
        "y": entry("add", {"a": "x.value"}),
    }
    of = workflow(nodes, "good.value")
    graph = engine.check(Request(workflow=of))
    assert graph.problems == ()
    assert {problem.code for problem in graph.warnings} == {"unknown_node", "bad_value", "cycle"}
    assert run(engine, of).outputs == {"good": 1.0}


def test_a_broken_node_far_above_a_target_is_a_problem(registry: Registry) -> None:
    nodes = {"bad": entry("limited", value=99), "mid": entry("add", {"a": "bad.value"}), "end": entry("add", {"a": "mid.value"})}
    assert only(compile(workflow(nodes, "end.value"), registry)).node == "bad"


@pytest.mark.parametrize(
    ("nodes", "cause"),
    [({}, "the workflow is empty."), ({"a": entry("number")}, "no node saves anything and no output is declared.")],
)
def test_nothing_to_run_is_a_problem(nodes: dict[str, Any], cause: str, registry: Registry) -> None:
    problem = only(compile(workflow(nodes), registry))
    assert (problem.code, problem.cause) == ("nothing_to_run", cause)
    assert problem.action == "Add a node such as 'Save image', or declare an output."


def test_sinks_and_declared_outputs_are_the_targets_unless_others_are_named(engine: Engine) -> None:
    nodes = {"a": entry("number", value=2.0), "b": entry("add", {"a": "a.value"}), "c": entry("note", {"value": "a.value"})}
    of = workflow(nodes, "b.value")

    def ran(*targets: str) -> list[str]:
        graph = engine.check(Request(workflow=of, targets=targets or None))
        assert not graph.problems
        return sorted(graph.nodes[index].path for index in graph.targets)

    assert ran() == ["b", "c"]
    assert ran("a") == ["a"]
    assert ran("c", "c") == ["c"]
    assert ran("b") == ["b"]


def test_an_unknown_target_is_refused_with_a_suggestion(registry: Registry) -> None:
    of = workflow({"decode": entry("number")}, "decode.value")
    assert told(compile(of, registry, targets=["decoed"])) == [
        "workflow: there is no node or output 'decoed'. Did you mean 'decode'?"
    ]
    assert "Name a node of the file, or one of its outputs." in told(compile(of, registry, targets=["zzz"]))[0]


def test_a_broken_declared_output_is_a_problem(registry: Registry) -> None:
    of = workflow({"a": entry("number")}, outputs={"x": {"from": "b.value"}, "y": {"from": "a.values"}})
    broken = "the declared output is broken: it comes from"
    assert told(compile(of, registry)) == [
        f"workflow input 'x': {broken} 'b', which does not exist. Correct the output's 'from'.",
        f"workflow input 'y': {broken} a.values, which does not exist. Outputs of a: value.",
    ]


def test_an_unknown_given_input_is_refused_with_those_that_there_are(registry: Registry) -> None:
    of = workflow({"a": entry("number")}, "a.value", inputs={"x": {"to": ["a.value"]}})
    assert told(compile(of, registry, given={"y": 1})) == ["workflow input 'y': there is no input 'y'. Declared inputs: x."]


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, "x", None, object(), Path(), {1: 2}, {1, 2}, 10**5000], ids=lambda value: type(value).__name__
)
def test_a_given_value_that_does_not_fit_is_a_problem_like_any_other(value: Any, engine: Engine) -> None:
    of = workflow({"a": entry("limited")}, "a.value", inputs={"x": {"to": ["a.value"]}})
    with pytest.raises(WorkflowError) as caught:
        engine.start(Request(workflow=of, given={"x": value}))
    (problem,) = caught.value.problems
    assert (problem.node, problem.input) == ("a", "value")
    assert problem.code in ("bad_value", "bad_range")


# links


def test_a_single_link_to_a_list_gives_a_list_of_one_and_a_list_is_passed_as_it_is(engine: Engine) -> None:
    nodes = {
        "a": entry("number", value=2.0),
        "one": entry("sum", {"numbers": "a.value"}),
        "many": entry("sum", {"numbers": ["a.value", "one.value", "a.value"]}),
        "list": entry("spread", value=5.0, count=4),
        "whole": entry("sum", {"numbers": "list.values"}),
        "typed": entry("sum", numbers=[1, 2.5]),
    }
    of = workflow(nodes, "one.value", "many.value", "whole.value", "typed.value")
    assert run(engine, of).outputs == {"one": 2.0, "many": 6.0, "whole": 20.0, "typed": 3.5}


def test_an_empty_list_of_links_is_no_input(registry: Registry) -> None:
    graph = compile(workflow({"s": entry("sum", {"numbers": []})}, "s.value"), registry)
    assert [problem.code for problem in graph.problems] == ["missing_input"]


def test_a_value_under_a_link_sleeps_and_is_not_checked(engine: Engine) -> None:
    nodes = {"a": entry("number", value=2.0), "b": entry("add", {"a": "a.value"}, a="of no use", b=1.0)}
    assert run(engine, workflow(nodes, "b.value")).outputs == {"b": 3.0}


def test_the_order_of_links_in_the_file_never_matters(registry: Registry) -> None:
    def same(one: toys.T, other: toys.T) -> toys.T:
        """Take two of a kind."""
        return one

    registry = of_functions(*toys.ALL, node("toy.same", version=1, category="x")(same))
    verdicts = set()
    for links in ({"one": "f.value", "other": "i.value"}, {"other": "i.value", "one": "f.value"}):
        nodes = {"f": entry("number"), "i": entry("whole"), "s": entry("same", links)}
        verdicts.add(tuple(told(compile(workflow(nodes, "s.value"), registry))))
    assert len(verdicts) == 1


# type variables


@pytest.fixture
def models(folders: Folders) -> Folders:
    (folders.models[0] / "small").write_text("sd1")
    (folders.models[0] / "large").write_text("sdxl")
    return folders


def test_a_latent_format_flows_from_the_loader_through_the_graph(registry: Registry, models: Folders) -> None:
    nodes = {
        "m": entry("load", name="small"),
        "s": entry("scale", {"latent": "m.latent"}, by=2.0),
        "p": entry("pass", {"value": "s.latent"}),
        "d": entry("decode", {"vae": "m.vae", "latent": "p.value"}),
    }
    graph = compile(workflow(nodes, "d.picture"), registry, folders=models)
    assert graph.problems == ()
    assert str(graph.by_path["m"].types["vae"]) == "Vae[sd1]"
    assert str(graph.by_path["p"].types["value"]) == "Latent[sd1]"


def test_a_latent_of_another_model_is_refused_with_the_reason(registry: Registry, models: Folders) -> None:
    nodes = {
        "small": entry("load", name="small"),
        "large": entry("load", name="large"),
        "s": entry("scale", {"latent": "small.latent"}),
        "d": entry("decode", {"vae": "large.vae", "latent": "s.latent"}),
    }
    problem = only(compile(workflow(nodes, "d.picture"), registry, folders=models))
    assert (problem.code, problem.node) == ("type_mismatch", "d")
    assert "another input of this node is for" in problem.cause
    assert "sd1" in problem.cause
    assert "sdxl" in problem.cause


def test_an_unknown_model_is_told_once_with_a_suggestion(registry: Registry, models: Folders) -> None:
    graph = compile(workflow({"m": entry("load", name="smal")}, "m.vae"), registry, folders=models)
    assert "m.name: there is no model called 'smal'. Did you mean 'small'?" in told(graph)
    far = compile(workflow({"m": entry("load", name="zzz")}, "m.vae"), registry, folders=models)
    assert "m.name: there is no model called 'zzz'. Put a model into the model folder." in told(far)
    assert len(told(far)) == 1


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "", "a\0b", 5, None, ["small"], {"a": 1}])
def test_a_name_that_is_no_name_is_a_problem_and_nothing_is_read(name: Any, registry: Registry, models: Folders) -> None:
    graph = compile(workflow({"m": entry("load", name=name)}, "m.vae"), registry, folders=models)
    assert graph.problems
    assert {problem.node for problem in graph.problems} == {"m"}


@pytest.mark.parametrize("error", [TypeError("odd"), ValueError("odd"), KeyError("odd"), OSError("odd"), AttributeError("odd")])
def test_a_resolver_or_listing_that_fails_is_a_problem_and_never_a_crash(error: Exception) -> None:
    def broken(*_arguments: object) -> Any:
        raise error

    def loader(name: str) -> toys.Latent[toys.L]:
        """Load."""
        raise NotImplementedError

    def old(value: float = 0.0) -> float:
        """Be of a newer version."""
        return value

    registry = of_functions(
        node("toy.loader", version=1, category="x", resolve_types=broken)(loader),
        node("toy.old", version=2, category="x", migrations={1: broken})(old),
    )
    graph = compile(workflow({"m": entry("loader", name="x")}, "m.latent"), registry)
    assert {problem.code for problem in graph.problems} <= {"unreadable_file"}
    assert graph.problems or isinstance(error, KeyError)
    graph = compile(workflow({"o": entry("old")}, "o.value"), registry)
    assert [problem.code for problem in graph.problems] == ["version"]


def test_an_unreadable_header_is_told_as_the_loader_says(folders: Folders) -> None:
    def refuse(_values: object, _folders: object) -> dict[str, str]:
        raise NodeInputError("name", "x.safetensors is cut off.", "Download it again.")

    def loader(name: str) -> toys.Latent[toys.L]:
        """Load."""
        raise NotImplementedError

    registry = of_functions(node("toy.loader", version=1, category="x", resolve_types=refuse)(loader))
    graph = compile(workflow({"m": entry("loader", name="x")}, "m.latent"), registry)
    assert told(graph) == ["m.name: x.safetensors is cut off. Download it again."]


# versions of nodes


def test_values_of_an_older_node_version_are_migrated_in_order() -> None:
    def third(strength: float = 0.0) -> float:
        """Be of version three."""
        return strength

    def rename(values: dict[str, Any]) -> dict[str, Any]:
        return {"power": values.pop("amount"), **values}

    def scale(values: dict[str, Any]) -> dict[str, Any]:
        return {"strength": values["power"] / 100}

    registry = of_functions(node("toy.third", version=3, category="x", migrations={1: rename, 2: scale})(third))
    with Engine(registry) as engine:
        first = workflow({"a": {**entry("third", amount=50.0), "version": 1}}, "a.value")
        second = workflow({"a": {**entry("third", power=50.0), "version": 2}}, "a.value")
        assert run(engine, first).outputs == run(engine, second).outputs == {"a": 0.5}
        assert first.nodes["a"].values == {"amount": 50.0}
    unknown = of_functions(node("toy.third", version=3, category="x", migrations={2: scale})(third))
    assert told(compile(first, unknown)) == [
        "a: toy.third is version 1 here, and version 3 is installed. The pack has no migration: set the node up anew."
    ]


# hostile and huge


def test_a_chain_of_20000_nodes_is_checked_and_runs(make_engine: Any) -> None:
    engine = make_engine()
    of = chain(20_000)
    result = run(engine, of)
    assert result.outputs == {"n19999": 20_000.0}
    again = run(engine, of)
    assert (again.outputs, again.ran) == (result.outputs, {})
    assert len(engine.plan(Request(workflow=of))) == 20_000


def test_thousands_of_broken_links_and_unknown_nodes_are_told_in_linear_time(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = [0]

    def counted(_word: str, names: Iterable[str], **_options: Any) -> list[str]:
        compared[0] += len(list(names))
        return []

    monkeypatch.setattr(check, "get_close_matches", counted)
    monkeypatch.setattr(registry_module, "get_close_matches", counted)
    nodes = {f"a{i}": entry("add", {"a": f"gone{i}.value"}) for i in range(2000)}
    nodes |= {f"b{i}": entry(f"nobody.has{i}") for i in range(2000)}
    graph = compile(workflow(nodes), registry, targets=list(nodes))
    assert len(graph.problems) == 4000
    assert compared[0] < 100 * 4000


def test_a_node_without_inputs_is_fine(engine: Engine) -> None:
    assert run(engine, parse(json.dumps(document({"d": {"type": "toy.dice"}}, "d.value")))).status == "succeeded"


def test_a_spec_is_the_same_for_every_use(registry: Registry) -> None:
    spec = registry.specs["toy.limited"]
    assert isinstance(spec.inputs["value"], InputSpec)
    assert spec.inputs == spec_of(toys.limited).inputs
