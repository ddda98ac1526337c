"""How Python programs use workflows: load and call, build and save, inputs from text."""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

from graph_engine import Context, NodeError, Range, WorkflowError, atomic, node
from graph_engine.api import load, save
from graph_engine.build import building
from graph_engine.engine import Engine, Request
from graph_engine.errors import DeclarationError, FormatError, LoomError
from graph_engine.interface import from_text
from graph_engine.registry import of_functions
from graph_engine.spec import InputSpec
from graph_engine.workflow import Workflow, canonical, parse
from tests.graph_engine.toys import add, entry, limited, method, number, picture, png, read, run, seeded, split, total, workflow
from tests.graph_engine.toys import save as save_picture

Make = Callable[..., Engine]

NODES = {"v": entry("number", value=2.0), "s": entry("add", {"a": "v.value"}, b=1.0)}


def sums(**rest: Any) -> Workflow:
    inputs = {"first": {"to": ["v.value"], "help": "To begin with."}, "second": {"to": ["s.b"]}}
    return workflow(NODES, "s.value", "v.value", inputs=inputs, **rest)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save(sums(), tmp_path / "sums.json")
    return tmp_path / "sums.json"


# load and call


def test_a_loaded_workflow_is_called_like_a_function(path: Path, engine: Engine) -> None:
    function = load(path, engine)
    found = function(first=10.0)
    assert (found.s, found["s"], found.v, dict(found)) == (11.0, 11.0, 10.0, {"s": 11.0, "v": 10.0})
    assert (len(found), list(found), found.files) == (2, ["s", "v"], [])
    assert function().s == 3.0
    assert function(first=1, second=2.5).s == 3.5


def test_an_output_that_does_not_exist_is_said(path: Path, engine: Engine) -> None:
    found = load(path, engine)()
    with pytest.raises(AttributeError, match="the workflow has no output 'picture'"):
        found.picture  # noqa: B018
    with pytest.raises(KeyError):
        found["picture"]


def test_the_inputs_of_a_workflow_are_listed(path: Path, engine: Engine) -> None:
    first, second = load(path, engine).inputs
    assert (first.name, first.default, first.help, first.required) == ("first", 2.0, "To begin with.", False)
    assert second.as_json() == {"name": "second", "type": "float", "title": "", "help": "", "required": False, "default": 1.0}


@pytest.mark.parametrize("given", [{"third": 1.0}, {"first": "text"}, {"first": [1.0]}, {"first": None}])
def test_what_cannot_be_given_raises_before_anything_runs(path: Path, engine: Engine, given: dict[str, Any]) -> None:
    with pytest.raises(WorkflowError):
        load(path, engine)(**given)


def test_not_a_number_is_refused_before_anything_runs(path: Path, engine: Engine) -> None:
    with pytest.raises(LoomError, match="NaN"):
        load(path, engine)(first=math.nan)


def test_a_failing_node_raises_with_its_place(tmp_path: Path, engine: Engine) -> None:
    save(workflow({"f": entry("fail", message="no luck")}, "f.value"), tmp_path / "w.json")
    with pytest.raises(NodeError, match="no luck") as caught:
        load(tmp_path / "w.json", engine)()
    assert caught.value.node == "f"


def test_sinks_write_only_where_they_are_told_to(tmp_path: Path, engine: Engine) -> None:
    nodes = {"p": entry("picture", value=1.0), "k": entry("save", {"picture": "p.picture"})}
    save(workflow(nodes, "p.picture"), tmp_path / "w.json")
    function = load(tmp_path / "w.json", engine)
    assert function().files == []
    (written,) = function(output_folder=tmp_path / "out").files
    assert written.parent == tmp_path / "out"
    again = load(written, engine)  # the picture carries its workflow
    assert canonical(again.workflow) == canonical(function.workflow)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"not json", b"\xff\xfe", png()], ids=["empty", "no format", "text", "bytes", "png"]
)
def test_a_file_that_is_no_workflow_is_refused(tmp_path: Path, engine: Engine, content: bytes) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(FormatError):
        load(tmp_path / "x.json", engine)


def test_a_muted_output_is_said_when_it_is_asked_for(tmp_path: Path, engine: Engine) -> None:
    nodes = {"v": entry("number", value=2.0) | {"mode": "muted"}, "s": entry("add", {"a": "v.value"}), "o": entry("number")}
    of = workflow(nodes, "s.value", "v.value", "o.value")
    for target in ("v", "s"):
        (problem,) = engine.check(Request(workflow=of, targets=[target])).problems
        assert str(problem.cause) == f"{target!r} is muted, or needs a muted node."
    assert engine.run(Request(workflow=of)).outputs == {"o": 0.0}


# save


def test_saving_is_whole_or_not_at_all_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "w.json"
    save(sums(), path)
    before = path.read_text()
    assert before == canonical(sums())

    def breaks() -> Any:
        yield b"half of it"
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        atomic.replace(path, breaks())
    assert path.read_text() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_saved_file_can_be_read_by_whom_the_umask_says(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        save(sums(), tmp_path / "w.json")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "w.json").stat().st_mode) == 0o640


def test_saving_into_a_folder_that_is_not_there_raises(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        save(sums(), tmp_path / "nowhere" / "w.json")


# build


def test_building_makes_the_same_text_as_by_hand_and_runs(engine: Engine) -> None:
    with building(title="Sums", description="Two numbers.") as graph:
        first = number(value=graph.input("first", 2.0, help="To begin with."))
        result = add(first, b=graph.input("second", 1.0))
        graph.output("sum", result)
    by_hand = {
        "format": "latent-loom/1",
        "title": "Sums",
        "description": "Two numbers.",
        "inputs": {"first": {"to": ["number.value"], "help": "To begin with."}, "second": {"to": ["add.b"]}},
        "outputs": {"sum": {"from": "add.value"}},
        "nodes": {
            "number": {"type": "toy.number", "version": 1, "values": {"value": 2.0}},
            "add": {"type": "toy.add", "version": 1, "values": {"b": 1.0}, "links": {"a": "number.value"}},
        },
    }
    assert canonical(graph.workflow) == canonical(Workflow.model_validate(by_hand))
    assert run(engine, parse(canonical(graph.workflow)), first=5.0).outputs == {"sum": 6.0}


def test_building_names_several_nodes_of_a_type_apart_and_unpacks_several_outputs(engine: Engine) -> None:
    with building() as graph:
        whole, rest = split(value=2.25)
        parts = split(value=7.5)
        graph.output("sum", total([rest, parts.rest, add(a=1.0, b=2.0)]))
        save_picture(picture(value=1.0))
    assert sorted(graph.workflow.nodes) == ["add", "picture", "save", "split", "split_2", "sum"]
    assert graph.workflow.nodes["sum"].links == {"numbers": ["split.rest", "split_2.rest", "add.value"]}
    assert (str(whole), run(engine, graph.workflow).outputs) == ("split.whole", {"sum": 3.75})


def test_building_leaves_the_context_of_a_node_to_the_engine() -> None:
    with building() as graph:
        graph.output("text", read(name="a.txt"))  # type: ignore[call-arg]
        with pytest.raises(TypeError, match="context"):
            read(name="a.txt", context=Context())
    assert graph.workflow.nodes["read"].values == {"name": "a.txt"}


def test_one_input_may_set_several_nodes(engine: Engine) -> None:
    with building() as graph:
        shared = graph.input("x", 1.0)
        graph.output("sum", add(add(a=shared, b=0.0), b=shared))
    assert graph.workflow.inputs["x"].to == ["add.a", "add_2.b"]
    assert run(engine, graph.workflow, x=4.0).outputs == {"sum": 8.0}


def test_outside_of_building_a_node_is_a_plain_function_again() -> None:
    with building():
        add(a=1.0, b=2.0)
    assert add(1.0, 2.0) == 3.0
    with pytest.raises(RuntimeError, match="mine"), building():
        raise RuntimeError("mine")
    assert add(1.0, 2.0) == 3.0


def test_what_cannot_be_wired_is_said() -> None:
    with building() as graph:
        several = split(value=1.0)
        with pytest.raises(DeclarationError, match="pass one output of a node call"):
            add(several)  # type: ignore[arg-type]
        with pytest.raises(DeclarationError, match="output 'x'"):
            graph.output("x", 5.0)
        with pytest.raises(TypeError):
            add(1.0, 2.0, 3.0)  # type: ignore[call-arg]


# typed by a person


def field(function: Any, name: str) -> InputSpec:
    (spec,) = (spec for spec in of_functions(function).specs.values() if name in spec.inputs and spec.type.startswith("toy."))
    return spec.inputs[name]


@node("toy.lists", version=1, category="x")
def lists(
    numbers: list[Annotated[float, Range(0, 10)]],
    names: list[Literal["a", "b"]],
    bounded: Annotated[list[int], Range(1, 3)],
    either: int | str = 0,
    on: list[bool] | None = None,
) -> float:
    """Take lists whose items are bounded."""
    return 0.0


TEXTS: list[tuple[Any, str, str, Any]] = [
    (number, "value", "2.5", 2.5),
    (number, "value", " 3 ", 3.0),
    (number, "value", "1e3", 1000.0),
    (number, "value", "nan", None),
    (number, "value", "inf", None),
    (number, "value", "two", None),
    (number, "value", "", None),
    (limited, "value", "10", 10.0),
    (limited, "value", "10.1", None),
    (limited, "count", "5", 5),
    (limited, "count", "5.0", None),
    (limited, "count", "0", None),
    (seeded, "seed", str(2**64 - 1), 2**64 - 1),
    (seeded, "seed", str(2**64), None),
    (seeded, "seed", "-1", None),
    (method, "method", "bilinear", "bilinear"),
    (method, "method", "Bilinear", None),
    (method, "on", "Yes", True),
    (method, "on", "off", False),
    (method, "on", "1", None),
    (total, "numbers", "1, 2,3.5", [1.0, 2.0, 3.5]),
    (total, "numbers", "1,,2", None),
    (lists, "numbers", "1,10", [1.0, 10.0]),
    (lists, "numbers", "1,11", None),
    (lists, "names", "a,b,a", ["a", "b", "a"]),
    (lists, "names", "a,c", None),
    (lists, "bounded", "1,3", [1, 3]),
    (lists, "bounded", "1,4", None),
    (lists, "either", "7", 7),
    (lists, "either", "seven", "seven"),
    (lists, "on", "yes,no", [True, False]),
]


@pytest.mark.parametrize(("function", "name", "text", "value"), TEXTS, ids=[f"{one[1]}={one[2]}" for one in TEXTS])
def test_a_typed_text_becomes_a_value_or_is_refused_by_name(function: Any, name: str, text: str, value: Any) -> None:
    if value is None:
        with pytest.raises(WorkflowError) as caught:
            from_text(field(function, name), text, "--it")
        assert caught.value.problems[0].input == "--it"
    else:
        found = from_text(field(function, name), text, "--it")
        assert (type(found), found) == (type(value), value)


def test_lists_keep_the_range_and_the_choices_of_their_items(make_engine: Make) -> None:
    engine = make_engine(lists, add)
    good = {"numbers": [0, 10.0], "names": ["b"], "bounded": [1]}
    for change, cause in (
        ({}, None),
        ({"numbers": [5.0, 10.5]}, "10.5 lies outside [0, 10]."),
        ({"names": ["a", "x"]}, "'x' is no choice."),
        ({"bounded": [0]}, "0 lies outside [1, 3]."),
    ):
        of = workflow({"l": entry("lists", **{**good, **change})}, "l.value")
        assert [problem.cause for problem in engine.check(Request(workflow=of)).problems] == ([cause] if cause else [])
    nodes = {"n": entry("add", a=50.0), "l": entry("lists", {"numbers": ["n.value"]}, names=["a"], bounded=[1])}
    result = run(engine, workflow(nodes, "l.value"))
    assert "50.0 lies outside [0, 10]" in str(result.errors[0])


def test_a_default_of_a_list_meets_the_bounds_of_its_items() -> None:
    with pytest.raises(DeclarationError, match="has the default 5"):

        @node("toy.bad", version=1, category="x")
        def bad(numbers: list[Annotated[float, Range(0, 1)]] = [0.5, 5.0]) -> float:  # noqa: B006
            """Break a bound."""
            return 0.0
