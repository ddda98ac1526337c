"""What differs between two workflows, by meaning."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from graph_engine.workflow import Workflow, parse
from graph_engine.workflow.diff import Change, Rename, apply, diff
from graph_engine.workflow.places import ABSENT
from tests.graph_engine.workflow.documents import PICTURE, WORKFLOWS, Edit, drop, edited, name, put, without_layout

BASE = edited()


def node(type: str, values: dict[str, Any] | None = None, **links: str) -> dict[str, Any]:
    return {"type": type, "version": 1, "values": values or {}, "links": links}


def of_nodes(**nodes: dict[str, Any]) -> Workflow:
    return parse(json.dumps({"format": "latent-loom/1", "nodes": nodes}))


def renames(before: Workflow, after: Workflow) -> dict[str, str]:
    return {one.before: one.after for one in diff(before, after).renames}


@pytest.mark.parametrize(
    ("edit", "change"),
    [
        (put("nodes", "sample", "values", "cfg", 7), Change(place=("nodes", "sample", "values", "cfg"), before=5.0, after=7)),
        (put("nodes", "sample", "values", "cfg", 5), Change(place=("nodes", "sample", "values", "cfg"), before=5.0, after=5)),
        (put("nodes", "sample", "values", "eta", None), Change(place=("nodes", "sample", "values", "eta"), after=None)),
        (drop("nodes", "noise", "values", "seed"), Change(place=("nodes", "noise", "values", "seed"), before=7)),
        (
            put("nodes", "decode", "links", "vae", ["model.vae"]),
            Change(place=("nodes", "decode", "links", "vae"), before="model.vae", after=["model.vae"]),
        ),
        (drop("nodes", "decode", "links", "vae"), Change(place=("nodes", "decode", "links", "vae"), before="model.vae")),
        (put("nodes", "decode", "mode", "muted"), Change(place=("nodes", "decode", "mode"), after="muted")),
        (put("nodes", "decode", "title", "Show"), Change(place=("nodes", "decode", "title"), after="Show")),
        (put("nodes", "decode", "version", 2), Change(place=("nodes", "decode", "version"), before=1, after=2)),
        (put("nodes", "decode", "type", "x.y"), Change(place=("nodes", "decode", "type"), before="loom.decode", after="x.y")),
        (put("nodes", "decode", "colour", "red"), Change(place=("nodes", "decode", "colour"), after="red")),
        (put("title", "Another"), Change(place=("title",), before="Text to image", after="Another")),
        (put("licence", {"a": 1}), Change(place=("licence",), after={"a": 1})),
        (put("inputs", "seed", "help", "Any."), Change(place=("inputs", "seed", "help"), after="Any.")),
        (put("outputs", "image", "from", "a.b"), Change(place=("outputs", "image", "from"), before="decode.image", after="a.b")),
        (put("outputs", "raw", {"from": "a.b"}), Change(place=("outputs", "raw"), after={"from": "a.b"})),
        (put("requires", "packs", "x", "1"), Change(place=("requires", "packs", "x"), after="1")),
    ],
)
def test_each_thing_that_may_change_is_found_alone(edit: Edit, change: Change) -> None:
    found = diff(BASE, edited(edit))
    assert (found.changes, found.renames, found.layout) == ((change,), (), ())
    assert apply(found, BASE) == edited(edit)


def test_a_node_that_came_or_went_is_told_whole() -> None:
    extra = {"type": "loom.show", "version": 1, "links": {"image": "decode.image"}}
    after = edited(put("nodes", "show", extra))
    assert diff(BASE, after).changes == (Change(place=("nodes", "show"), after=extra),)
    assert diff(after, BASE).changes == (Change(place=("nodes", "show"), before=extra),)
    assert [diff(BASE, after).changes[0].kind, diff(after, BASE).changes[0].kind] == ["added", "removed"]


def test_what_is_written_as_its_default_is_no_difference() -> None:
    assert not diff(BASE, edited(put("nodes", "noise", "mode", "on"), put("description", ""), put("definitions", {})))


def test_layout_is_told_apart_and_is_no_difference_in_meaning() -> None:
    found = diff(BASE, edited(put("view", "nodes", "model", {"x": 5, "y": 0}), put("view", "zoom", 2)))
    assert not found
    assert [change.place for change in found.layout] == [("view", "nodes", "model"), ("view", "zoom")]


def test_a_renamed_node_is_one_rename_and_links_that_follow_are_no_difference() -> None:
    found = diff(BASE, edited(name("noise", "grain")))
    assert found.renames == (Rename(within=(), before="noise", after="grain"),)
    assert (found.changes, found.layout) == ((), ())


def test_a_node_that_was_renamed_and_changed_a_little_is_told_as_both() -> None:
    found = diff(BASE, edited(put("nodes", "positive", "values", "text", "a square"), name("positive", "prompt")))
    assert found.renames == (Rename(within=(), before="positive", after="prompt"),)
    assert found.changes == (Change(place=("nodes", "prompt", "values", "text"), before="a circle", after="a square"),)


def test_all_nodes_may_be_renamed_at_once() -> None:
    edits = [name(node, f"new_{node}") for node in PICTURE["nodes"]]
    found = diff(BASE, edited(*edits))
    assert {one.before: one.after for one in found.renames} == {node: f"new_{node}" for node in PICTURE["nodes"]}
    assert not found.changes


def test_nodes_that_look_alike_are_told_apart_by_what_they_are_linked_to() -> None:
    before = of_nodes(
        a=node("t.load", {"n": 1}), b=node("t.load", {"n": 2}), p=node("t.blur", x="a.out"), q=node("t.blur", x="b.out")
    )
    after = of_nodes(
        z=node("t.load", {"n": 1}), y=node("t.load", {"n": 2}), k=node("t.blur", x="z.out"), j=node("t.blur", x="y.out")
    )
    assert renames(before, after) == {"a": "z", "b": "y", "p": "k", "q": "j"}


def test_the_same_id_is_the_same_node_whatever_another_looks_like() -> None:
    before = of_nodes(a=node("t.one", {"n": 1}), b=node("t.one", {"n": 2}))
    after = of_nodes(a=node("t.one", {"n": 2}), b=node("t.one", {"n": 1}))
    assert [change.place for change in diff(before, after).changes] == [
        ("nodes", "a", "values", "n"),
        ("nodes", "b", "values", "n"),
    ]


def test_nodes_that_share_less_than_half_or_have_another_type_are_not_the_same() -> None:
    before = of_nodes(a=node("t.one", {"n": 1, "m": 1, "k": 1}))
    assert renames(before, of_nodes(b=node("t.one", {"n": 1, "m": 2, "k": 2}))) == {}
    assert renames(before, of_nodes(b=node("t.one", {"n": 1, "m": 1, "k": 2}))) == {"a": "b"}
    assert renames(before, of_nodes(b=node("t.two", {"n": 1, "m": 1, "k": 1}))) == {}


def test_the_order_of_a_file_has_no_say_in_what_is_paired() -> None:
    before, after = (
        {f"a{i}": node("t.one", {"n": i // 3}) for i in range(9)},
        {f"b{i}": node("t.one", {"n": i // 3}) for i in range(7)},
    )
    found = renames(of_nodes(**before), of_nodes(**after))
    assert found == {f"a{i}": f"b{i}" for i in range(7)}
    assert renames(of_nodes(**dict(reversed(before.items()))), of_nodes(**dict(reversed(after.items())))) == found


def test_definitions_are_compared_inside_by_path() -> None:
    before = edited(put("definitions", "up", {**PICTURE, "definitions": {"in": PICTURE}}))
    edits = [
        put("definitions", "up", "definitions", "in", "nodes", "noise", "values", "seed", 8),
        put("definitions", "new", PICTURE),
    ]
    found = diff(
        before, edited(put("definitions", "up", {**PICTURE, "definitions": {"in": json.loads(json.dumps(PICTURE))}}), *edits)
    )
    assert [change.place for change in found.changes] == [
        ("definitions", "new"),
        ("definitions", "up", "definitions", "in", "nodes", "noise", "values", "seed"),
    ]


def test_a_node_renamed_in_a_definition_is_named_with_it() -> None:
    def inner(of: dict[str, Any]) -> dict[str, Any]:
        return {"format": "latent-loom/1", "nodes": of}

    before = edited(put("definitions", "up", inner({"a": node("t.one", {"n": 1}), "b": node("t.two", x="a.out")})))
    after = edited(put("definitions", "up", inner({"c": node("t.one", {"n": 1}), "b": node("t.two", x="c.out")})))
    found = diff(before, after)
    assert (found.renames, found.changes) == ((Rename(within=("up",), before="a", after="c"),), ())
    assert apply(found, before) == after


def test_inputs_that_two_runs_used_are_compared() -> None:
    found = diff(BASE, BASE, {"seed": 1, "prompt": "x"}, {"seed": 2, "prompt": "x"})
    assert found.used == (Change(place=("used", "seed"), before=1, after=2),)
    assert found


def test_a_picture_is_compared_with_a_file_by_the_values_that_the_file_would_use() -> None:
    assert not diff(BASE, BASE, None, {"seed": 7, "prompt": "a circle"})
    assert diff(BASE, BASE, None, {"seed": 8}).used == (Change(place=("used", "seed"), before=7, after=8),)
    unknown = edited(put("inputs", "eta", {"to": ["sample.eta"]}))
    assert not diff(unknown, unknown, None, {"eta": 0.5}).used, "what the file leaves to the node is not known here"
    assert diff(unknown, unknown, {}, {"eta": 0.5}).used == (Change(place=("used", "eta"), before=ABSENT, after=0.5),)


@given(WORKFLOWS)
@settings(max_examples=20)
def test_a_workflow_does_not_differ_from_itself(one: Workflow) -> None:
    found = diff(one, one)
    assert (found.renames, found.changes, found.used, found.layout) == ((), (), (), ())


@given(WORKFLOWS, WORKFLOWS)
@settings(max_examples=40)
def test_what_differs_done_to_the_one_gives_the_other(before: Workflow, after: Workflow) -> None:
    found = diff(before, after)
    assert without_layout(apply(found, before)) == without_layout(after)
    assert bool(found) == (without_layout(before) != without_layout(after))


def test_a_long_row_of_nodes_alike_is_paired_without_end_of_turns() -> None:
    def row(prefix: str) -> Workflow:
        return of_nodes(
            **{f"{prefix}{i:04}": node("t.blur", **({"x": f"{prefix}{i - 1:04}.out"} if i else {})) for i in range(600)}
        )

    found = diff(row("a"), row("b"))
    assert {one.before: one.after for one in found.renames} == {f"a{i:04}": f"b{i:04}" for i in range(600)}
    assert not found.changes
