"""What identifies a computation, and what never does."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_engine import Folders, UnsupportedValueError
from graph_engine.digest import LONG, Digests, Key, Keys
from graph_engine.engine import Engine
from graph_engine.graph import compile
from graph_engine.registry import Registry, of_functions
from graph_engine.values import Codecs, Digest
from graph_engine.workflow import Workflow, parse
from tests.graph_engine import toys
from tests.graph_engine.toys import document, entry, run, workflow

REGISTRY = of_functions(*toys.ALL)
CODECS = Codecs()


def keys_of(of: Workflow, registry: Registry = REGISTRY, numerics: str = "") -> dict[str, Key]:
    """The key of every node, where each output's digest stands for the key that it came from."""
    graph = compile(of, registry)
    assert graph.problems == ()
    keys, known, found = Keys(CODECS, Folders(), numerics), [], {}
    for node in graph.nodes:
        found[node.path] = keys.key(node, node.eager, known)
        outputs: Digests = {name: Digest(found[node.path] + name.encode()) for name in node.spec.outputs}
        known.append(outputs)
    return found


def key_of(type: str, **values: Any) -> Key:
    return keys_of(workflow({"n": entry(type, **values)}, "n.value"))["n"]


def test_values_of_another_kind_give_another_key() -> None:
    nodes = {"n": entry("pass", value=None)}
    found = set()
    for value in (1, 1.0, True, "1", [1], {"x": 1}, 0.0, -0.0, None, "null"):
        nodes["n"]["values"] = {"value": value}
        registry = of_functions(_any)
        found.add(keys_of(workflow({"n": {**nodes["n"], "type": "toy.any"}}, "n.value"), registry)["n"])
    assert len(found) == 10


def _any_function(value: Any) -> Any:
    """Take anything."""
    return value


_any = toys.node("toy.any", version=1, category="x")(_any_function)


def test_an_int_for_a_float_and_a_default_written_out_change_nothing() -> None:
    assert key_of("add", a=1) == key_of("add", a=1.0) == key_of("add", a=1.0, b=0.0) == key_of("add", a=1.0, b=0)


def test_of_a_long_text_the_last_letter_counts() -> None:
    long = "a boat on the sea, " * 10 * LONG
    assert key_of("text", value=long) == key_of("text", value="".join(list(long)))
    assert len({key_of("text", value=value) for value in (long, long + "x", long + "y", long[:LONG], "x" + long)}) == 5


def test_type_values_and_version_make_the_key() -> None:
    base = key_of("limited", value=1.0)
    assert base != key_of("limited", value=2.0)
    assert base != key_of("limited", value=1.0, count=2)
    assert key_of("number", value=1.0) != key_of("positive", value=1.0)
    newer = toys.node("toy.number", version=2, category="x", migrations={1: dict})(_number)
    of = workflow({"n": entry("number", value=1.0)}, "n.value")
    assert keys_of(of)["n"] != keys_of(of, of_functions(newer))["n"]


def _number(value: float = 0.0) -> float:
    """Give a number."""
    return value


def test_which_output_is_read_and_by_which_input_make_the_key() -> None:
    split = entry("split", value=1.5)
    found = [
        keys_of(workflow({"s": split, "x": entry("number", value=9.0), "n": entry("mix", links)}, "n.value"))["n"]
        for links in (
            {"a": "s.whole"},
            {"a": "s.rest"},
            {"a": "s.whole", "b": "s.rest"},
            {"a": "s.rest", "b": "s.whole"},
            {"a": "s.whole", "c": "s.rest"},
            {"a": "s.whole", "b": "x.value"},
        )
    ]
    assert len(set(found)) == 6


def test_the_number_and_order_of_links_to_a_list_make_the_key() -> None:
    nodes = {"x": entry("number", value=1.0), "y": entry("number", value=2.0)}
    lists = [["x.value"], ["x.value", "y.value"], ["y.value", "x.value"], ["x.value", "x.value"], ["y.value"]]
    found = [keys_of(workflow({**nodes, "n": entry("sum", {"numbers": links})}, "n.value"))["n"] for links in lists]
    assert len(set(found)) == len(lists)


def test_only_the_device_lane_depends_on_how_the_device_calculates() -> None:
    sampled = toys.node("toy.sampled", version=1, category="x", lane="device")(_number)
    registry = of_functions(sampled, toys.number)
    of = workflow({"n": entry("number"), "s": entry("sampled")}, "n.value", "s.value")
    half, full = keys_of(of, registry, "float16"), keys_of(of, registry, "float32")
    assert half["n"] == full["n"]
    assert half["s"] != full["s"]


def test_nan_in_a_value_is_refused() -> None:
    of = workflow({"n": entry("any", value=0.0)}, "n.value").with_values({"n.value": float("nan")})
    with pytest.raises(UnsupportedValueError, match="NaN"):
        keys_of(of, of_functions(_any))


# random graphs


@st.composite
def graphs(draw: st.DrawFn, most: int = 8) -> dict[str, Any]:
    """Nodes that each give another number for other inputs, in a random graph without cycles."""
    nodes: dict[str, Any] = {}
    for index in range(draw(st.integers(1, most))):
        links = {}
        for name in ("a", "b", "c"):
            if index and draw(st.booleans()):
                links[name] = f"n{draw(st.integers(0, index - 1))}.value"
        values = {} if "a" in links else {"a": float(draw(st.integers(-3, 3)))}
        nodes[f"n{index}"] = entry("mix", links, **values, salt=draw(st.integers(0, 1)))
    return nodes


def relabelled(nodes: dict[str, Any], names: dict[str, str], seed: int) -> dict[str, Any]:
    """The same graph with other names, titles, positions and order."""
    shuffled = random.Random(seed).sample(sorted(nodes), len(nodes))
    return {
        names[old]: {
            **nodes[old],
            "title": f"another {seed}",
            "links": {
                key: "{}.{}".format(names[(parts := link.split("."))[0]], parts[1])
                for key, link in reversed(nodes[old]["links"].items())
            },
            "values": dict(reversed(nodes[old]["values"].items())),
            "colour": "red",
        }
        for old in shuffled
    }


@given(graphs(), st.integers(0, 5))
def test_names_titles_layout_and_order_never_change_a_key(nodes: dict[str, Any], seed: int) -> None:
    names = {name: f"other_{index * 7 % 11}_{name}" for index, name in enumerate(nodes)}
    plain = keys_of(parse(json.dumps(document(nodes, *(f"{name}.value" for name in nodes)))))
    other = document(
        relabelled(nodes, names, seed),
        *(f"{names[name]}.value" for name in nodes),
        view={"nodes": {names["n0"]: {"x": seed}}},
        title="x",
    )
    again = keys_of(parse(json.dumps(other)))
    assert {names[name]: key for name, key in plain.items()} == again


@given(graphs())
def test_another_branch_never_changes_a_key(nodes: dict[str, Any]) -> None:
    alone = keys_of(workflow(nodes, "n0.value"))
    beside = {**nodes, "zz": entry("mix", {"a": "n0.value"}, salt=7), "yy": entry("number", value=5.0)}
    together = keys_of(workflow(beside, "zz.value", "yy.value"))
    assert {name: together[name] for name in nodes} == alone


@given(graphs(), st.data())
def test_a_changed_value_changes_the_keys_of_all_that_reads_it_and_no_other(nodes: dict[str, Any], data: st.DataObject) -> None:
    changed = data.draw(st.sampled_from(sorted(nodes)))
    below = {changed}
    for name, item in nodes.items():  # in topological order
        if {link.split(".")[0] for link in item["links"].values()} & below:
            below.add(name)
    before = keys_of(workflow(nodes, "n0.value"))
    after = keys_of(workflow(nodes, "n0.value").with_values({f"{changed}.salt": 2}))
    assert {name for name in nodes if before[name] != after[name]} == below


@given(graphs(), st.lists(st.tuples(st.integers(0, 7), st.integers(0, 3)), max_size=4))
def test_with_cache_equals_without(nodes: dict[str, Any], edits: list[tuple[int, int]]) -> None:
    outputs = [f"{name}.value" for name in nodes]
    of = workflow(nodes, *outputs)
    with Engine(REGISTRY) as kept:
        for index, salt in [(0, 0), *edits]:
            of = of.with_values({f"n{index % len(nodes)}.salt": salt})
            with Engine(REGISTRY, memory_bytes=0) as fresh:
                assert run(kept, of).outputs == run(fresh, of).outputs
