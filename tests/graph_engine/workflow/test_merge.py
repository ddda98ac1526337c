"""Three workflows become one: field by field, with nothing lost and nothing dangling."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph_engine.workflow import Workflow, canonical, parse
from graph_engine.workflow.merge import CONFLICTS, Merged, merge
from graph_engine.workflow.rename import references
from graph_engine.workflow.text import MAX_DEPTH, to_data
from tests.graph_engine.workflow.documents import PICTURE, WORKFLOWS, Edit, closed, drop, edited, name, put

BASE = edited()
LORA = {"type": "loom.lora", "version": 1, "values": {"name": "x"}, "links": {"model": "model.model"}}


def both(*edits: Edit) -> Edit:
    def edit(data: dict[str, Any]) -> None:
        for one in edits:
            one(data)

    return edit


def merged(ours: Edit, theirs: Edit, base: Workflow = BASE) -> Merged:
    """What two edits make together; whatever it is, it can be loaded and holds its conflicts."""
    of = json.loads(canonical(base))
    found = merge(base, edited(ours, of=of), edited(theirs, of=of))
    assert parse(canonical(found.workflow)) == found.workflow
    assert to_data(found.workflow).get(CONFLICTS, []) == [one.as_json() for one in found.conflicts]
    return found


def bare(of: Merged) -> str:
    """The document without the list of its conflicts."""
    data = to_data(of.workflow)
    data.pop(CONFLICTS, None)
    return canonical(parse(json.dumps(data)))


DISJOINT: list[Edit] = [
    put("title", "Another"),
    put("description", "What it does."),
    put("licence", {"name": "CC0"}),
    put("nodes", "sample", "values", "cfg", 7.5),
    put("nodes", "sample", "values", "eta", 0.1),
    drop("nodes", "sample", "values", "steps"),
    put("nodes", "sample", "title", "Sampler"),
    put("nodes", "sample", "colour", "red"),
    put("nodes", "positive", "values", "text", "a square"),
    put("nodes", "negative", "mode", "muted"),
    drop("nodes", "sample", "links", "negative"),
    both(put("nodes", "lora", LORA), put("nodes", "sample", "links", "model", "lora.model")),
    put("nodes", "show", {"type": "loom.show", "version": 1, "links": {"image": "decode.image"}}),
    put("inputs", "cfg", {"to": ["sample.cfg"]}),
    put("inputs", "seed", "help", "Any number."),
    drop("outputs", "image"),
    put("requires", "packs", "x", "1"),
    put("requires", "models", {"loom-tiny": {"bytes": 1}}),
    put("definitions", "up", {"format": "latent-loom/1", "nodes": {"a": LORA}}),
    put("view", "nodes", "model", {"x": 5, "y": 5}),
    put("view", "nodes", "decode", {"x": 9, "y": 9}),
    name("noise", "grain"),
]


@given(st.lists(st.booleans() | st.none(), min_size=len(DISJOINT), max_size=len(DISJOINT)))
@settings(max_examples=60)
def test_edits_of_different_things_never_conflict_and_all_are_there(sides: list[bool | None]) -> None:
    ours, theirs = ([edit for edit, side in zip(DISJOINT, sides, strict=True) if side is mine] for mine in (True, False))
    together = [edit for edit, side in zip(DISJOINT, sides, strict=True) if side is not None]
    found = merged(both(*ours), both(*theirs))
    assert not found.conflicts
    assert canonical(found.workflow) == canonical(edited(*together))


@given(WORKFLOWS, WORKFLOWS)
@settings(max_examples=30)
def test_a_side_that_changed_nothing_has_no_say(base: Workflow, other: Workflow) -> None:
    assert merge(base, other, base) == Merged(workflow=other)
    assert merge(base, base, other) == Merged(workflow=other)
    assert merge(base, other, other) == Merged(workflow=other)


@given(st.tuples(WORKFLOWS, WORKFLOWS, WORKFLOWS))
@settings(max_examples=60)
def test_whatever_is_merged_gives_a_workflow_that_can_be_loaded(three: tuple[Workflow, Workflow, Workflow]) -> None:
    found = merge(*three)
    assert canonical(parse(canonical(found.workflow))) == canonical(found.workflow)


@given(st.tuples(WORKFLOWS, WORKFLOWS, WORKFLOWS))
@settings(max_examples=60)
def test_nothing_dangles_in_the_result_where_nothing_dangled_before(three: tuple[Workflow, Workflow, Workflow]) -> None:
    found = merge(*map(closed, three))
    assert closed(found.workflow) == found.workflow


@given(st.tuples(WORKFLOWS, WORKFLOWS, WORKFLOWS))
@settings(max_examples=60)
def test_every_value_that_a_side_brought_in_is_in_the_result(three: tuple[Workflow, Workflow, Workflow]) -> None:
    """In its place, under another id, or among the conflicts: the text of the result has it."""
    base, *sides = (json.loads(canonical(one)) for one in three)
    marked = []
    for side, mark in zip(sides, ("ours", "theirs"), strict=True):
        for node in side.get("nodes", {}):
            side["nodes"][node].setdefault("values", {})["x"] = f"<{mark} {node}>"
            marked.append(f"<{mark} {node}>")
    result = canonical(merge(parse(json.dumps(base)), *(parse(json.dumps(side)) for side in sides)).workflow)
    assert [mark for mark in marked if mark not in result] == []


def _dangling(data: dict[str, Any]) -> set[str]:
    return {reference for _, reference in references(data) if reference.partition(".")[0] not in data.get("nodes", {})}


def test_a_field_that_both_changed_stays_ours_and_the_other_is_kept_beside() -> None:
    found = merged(put("nodes", "sample", "values", "cfg", 6.0), put("nodes", "sample", "values", "cfg", 7.0))
    assert bare(found) == canonical(edited(put("nodes", "sample", "values", "cfg", 6.0)))
    assert to_data(found.workflow)[CONFLICTS] == [
        {"node": "sample", "field": "values.cfg", "why": "both sides changed it", "base": 5.0, "ours": 6.0, "theirs": 7.0}
    ]


def test_one_and_one_point_zero_contradict_each_other() -> None:
    found = merged(put("nodes", "sample", "values", "eta", 1), put("nodes", "sample", "values", "eta", 1.0))
    assert [(one.node, one.field) for one in found.conflicts] == [("sample", "values.eta")]


@pytest.mark.parametrize(
    ("place", "ours", "theirs"),
    [
        (("title",), "A", "B"),
        (("licence",), {"a": 1}, {"b": 1}),
        (("nodes", "noise", "mode"), "muted", "bypassed"),
        (("nodes", "noise", "title"), "A", "B"),
        (("nodes", "decode", "links", "latent"), "noise.noise", ["noise.noise"]),
        (("inputs", "seed", "help"), "A", "B"),
        (("outputs", "image", "from"), "noise.noise", "sample.latent"),
        (("requires", "packs", "loom"), ">=1", ">=2"),
        (("view", "nodes", "model"), {"x": 1, "y": 0}, {"x": 0, "y": 1}),
    ],
)
def test_each_thing_that_may_contradict_is_named_with_its_place(place: tuple[str, ...], ours: Any, theirs: Any) -> None:
    found = merged(put(*place, ours), put(*place, theirs))
    assert [(one.place, one.ours, one.theirs) for one in found.conflicts] == [(place, ours, theirs)]
    assert bare(found) == canonical(edited(put(*place, ours)))


def test_a_node_removed_here_and_changed_there_is_kept_beside() -> None:
    remove = both(drop("nodes", "negative"), drop("nodes", "sample", "links", "negative"))
    change = put("nodes", "negative", "values", "text", "ugly")
    assert "negative" not in (found := merged(remove, change)).workflow.nodes
    assert to_data(found.workflow)[CONFLICTS][0]["theirs"]["values"] == {"text": "ugly"}
    assert merged(change, remove).workflow.nodes["negative"].values == {"text": "ugly"}


def test_links_follow_a_rename_of_the_other_side() -> None:
    using = put("nodes", "noise2", {"type": "loom.x", "version": 1, "links": {"all": ["noise.noise", "model.model"]}})
    for ours, theirs in ((name("noise", "grain"), using), (using, name("noise", "grain"))):
        found = merged(ours, theirs)
        assert not found.conflicts
        assert found.workflow.nodes["noise2"].links == {"all": ["grain.noise", "model.model"]}
        assert found.workflow.inputs["seed"].to == ["grain.seed"]
        assert "noise" not in found.workflow.view["nodes"]  # type: ignore[operator]


def test_changes_to_a_node_follow_its_rename() -> None:
    found = merged(name("noise", "grain"), put("nodes", "noise", "values", "seed", 8))
    assert not found.conflicts
    assert found.workflow.nodes["grain"].values["seed"] == 8


def test_a_node_that_both_renamed_keeps_our_name() -> None:
    found = merged(name("noise", "grain"), both(name("noise", "snow"), put("nodes", "snow", "values", "seed", 8)))
    assert [(one.node, one.field, one.base, one.ours, one.theirs) for one in found.conflicts] == [
        ("grain", "id", "noise", "grain", "snow")
    ]
    assert found.workflow.nodes["grain"].values["seed"] == 8


def test_both_may_rename_a_node_alike() -> None:
    found = merged(both(name("noise", "grain"), put("title", "A")), name("noise", "grain"))
    assert not found.conflicts
    assert bare(found) == canonical(edited(name("noise", "grain"), put("title", "A")))


def test_a_rename_to_an_id_that_the_other_side_took_is_not_followed() -> None:
    found = merged(put("nodes", "grain", LORA), both(name("noise", "grain"), put("nodes", "grain", "values", "seed", 8)))
    assert found.workflow.nodes["grain"].type == "loom.lora"
    assert found.workflow.nodes["noise"].values["seed"] == 8
    assert found.workflow.nodes["sample"].links["noise"] == "noise.noise"
    assert [(one.node, one.field) for one in found.conflicts] == [("noise", "id")]


def test_two_nodes_that_got_the_same_id_both_stay() -> None:
    other = {"type": "loom.upscale", "version": 1, "values": {"by": 2}}
    theirs = both(put("nodes", "new", other), put("nodes", "user", {"type": "loom.x", "version": 1, "links": {"a": "new.image"}}))
    found = merged(put("nodes", "new", LORA), theirs)
    assert found.workflow.nodes["new"].type == "loom.lora"
    assert found.workflow.nodes["new_2"].values == {"by": 2}
    assert found.workflow.nodes["user"].links == {"a": "new_2.image"}
    assert [(one.node, one.field) for one in found.conflicts] == [("new_2", "id")]


def test_ids_of_two_renames_that_cross_do_not_mix_the_nodes() -> None:
    crossing = put("nodes", "grain", {"type": "loom.y", "version": 1, "values": {"k": 1}})
    found = merged(name("noise", "grain"), both(crossing, put("title", "B")))
    assert found.workflow.nodes["grain"].type == "loom.noise"
    assert found.workflow.nodes["grain_2"].type == "loom.y"
    assert found.workflow.title == "B"


@pytest.mark.parametrize("ours_removes", [True, False])
def test_a_node_that_one_side_removed_stays_where_the_other_linked_to_it(ours_removes: bool) -> None:
    remove = both(drop("nodes", "noise"), drop("nodes", "sample", "links", "noise"), drop("inputs", "seed"))
    use = put("nodes", "show", {"type": "loom.show", "version": 1, "links": {"noise": "noise.noise"}})
    found = merged(remove, use) if ours_removes else merged(use, remove)
    assert found.workflow.nodes["noise"].values["seed"] == 7
    assert _dangling(to_data(found.workflow)) == set()
    [conflict] = found.conflicts
    assert (conflict.node, conflict.field) == ("noise", "")
    assert conflict.why == "one side removed it, but show.noise of the other needs it; it was kept"
    assert ("ours" in conflict.as_json()) is not ours_removes


def test_what_a_kept_node_is_linked_to_is_kept_too() -> None:
    remove = both(
        *(drop("nodes", one) for one in ("positive", "model", "negative", "decode", "sample")),
        drop("inputs", "prompt"),
        drop("outputs", "image"),
    )
    found = merged(remove, put("nodes", "show", {"type": "loom.show", "version": 1, "links": {"c": "positive.conditioning"}}))
    assert sorted(found.workflow.nodes) == ["model", "noise", "positive", "show"]
    assert [one.node for one in found.conflicts] == ["model", "positive"]


@pytest.mark.parametrize("type", ["workflow:up", "map:up", "fold:up"])
def test_a_definition_that_one_side_removed_stays_where_the_other_uses_it(type: str) -> None:
    base = edited(put("definitions", "up", PICTURE))
    found = merged(drop("definitions", "up"), put("nodes", "big", {"type": type, "version": 1}), base)
    assert list(found.workflow.definitions) == ["up"]
    assert [one.as_json()["definitions"] for one in found.conflicts] == [["up"]]


def test_a_dangling_link_that_a_side_brought_itself_is_left_for_check() -> None:
    found = merged(put("nodes", "decode", "links", "vae", "nobody.vae"), put("title", "B"))
    assert not found.conflicts
    assert found.workflow.nodes["decode"].links["vae"] == "nobody.vae"


def test_links_of_both_sides_that_close_a_circle_are_a_conflict() -> None:
    base = edited(*(put("nodes", one, {"type": "loom.blur", "version": 1}) for one in ("a", "b")))
    found = merged(put("nodes", "a", "links", {"image": "b.image"}), put("nodes", "b", "links", {"image": "a.image"}), base)
    assert [(one.node, one.field, one.theirs) for one in found.conflicts] == [("b", "links.image", "a.image")]
    assert (found.workflow.nodes["a"].links, found.workflow.nodes["b"].links) == ({"image": "b.image"}, {})


def test_definitions_are_merged_inside_with_their_own_names() -> None:
    base = edited(put("definitions", "up", PICTURE))
    ours = put("definitions", "up", to_data(edited(name("noise", "grain"), put("nodes", "sample", "values", "cfg", 6.0))))
    theirs = put(
        "definitions",
        "up",
        to_data(edited(put("nodes", "noise", "values", "seed", 8), put("nodes", "sample", "values", "cfg", 7.0))),
    )
    found = merged(ours, theirs, base)
    inner = found.workflow.definitions["up"]
    assert inner.nodes["grain"].values["seed"] == 8
    assert [(one.within, one.node, one.field) for one in found.conflicts] == [(("up",), "sample", "values.cfg")]


def test_lists_of_things_that_stand_for_themselves_take_what_either_added() -> None:
    base = edited(put("view", "notes", [{"id": "a", "text": "1"}, {"id": "b", "text": "2"}]))
    ours = both(put("inputs", "seed", "to", ["noise.seed", "sample.seed"]), put("view", "notes", [{"id": "b", "text": "2"}]))
    theirs = both(
        put("inputs", "seed", "to", ["noise.seed", "decode.seed"]),
        put("view", "notes", [{"id": "a", "text": "1"}, {"id": "b", "text": "2"}, {"id": "c", "text": "3"}]),
    )
    found = merged(ours, theirs, base)
    assert not found.conflicts
    assert found.workflow.inputs["seed"].to == ["noise.seed", "sample.seed", "decode.seed"]
    assert found.workflow.view["notes"] == [{"id": "b", "text": "2"}, {"id": "c", "text": "3"}]


def test_what_a_repetition_goes_over_and_hands_on_is_merged_item_by_item() -> None:
    loop = {"type": "fold:up", "version": 1, "over": ["a"], "state": {"a": "x"}}
    base = edited(put("nodes", "loop", loop))
    ours = both(put("nodes", "loop", "over", ["a", "b"]), put("nodes", "loop", "state", "b", "x"))
    theirs = both(put("nodes", "loop", "over", ["a", "c"]), put("nodes", "loop", "state", "c", "y"))
    found = merged(ours, theirs, base)
    assert not found.conflicts
    entry = to_data(found.workflow)["nodes"]["loop"]
    assert (entry["over"], entry["state"]) == (["a", "b", "c"], {"a": "x", "b": "x", "c": "y"})


def test_a_note_that_both_rewrote_is_a_conflict() -> None:
    base = edited(put("view", "notes", [{"id": "a", "text": "1"}]))
    found = merged(put("view", "notes", [{"id": "a", "text": "2"}]), put("view", "notes", [{"id": "a", "text": "3"}]), base)
    assert [one.field for one in found.conflicts] == ["view.notes"]


def test_a_node_moved_there_and_removed_here_is_no_conflict_and_leaves_no_spot() -> None:
    remove = both(
        drop("nodes", "noise"), drop("nodes", "sample", "links", "noise"), drop("inputs", "seed"), drop("view", "nodes", "noise")
    )
    found = merged(remove, put("view", "nodes", "noise", {"x": 3, "y": 3}))
    assert not found.conflicts
    assert bare(found) == canonical(edited(remove))


@pytest.mark.parametrize("before", [[{"node": "old"}], {"a": "field of someone else"}, "text"])
def test_conflicts_that_were_there_before_stay(before: Any) -> None:
    base = edited(put(CONFLICTS, before))
    found = merge(base, *(edited(put(CONFLICTS, before), put("title", title)) for title in "AB"))
    listed = to_data(found.workflow)[CONFLICTS]
    assert listed[:-1] == (before if isinstance(before, list) else [before])
    assert listed[-1]["field"] == "title"


def test_a_value_as_deep_as_may_be_is_kept_as_text_so_that_the_result_can_be_loaded() -> None:
    def deep(inner: int) -> Any:
        return [deep(inner - 1)] if inner else "x"

    found = merge(BASE, *(edited(put("extra", [title, deep(MAX_DEPTH - 3)])) for title in "AB"))
    assert parse(canonical(found.workflow)) == found.workflow
    [conflict] = to_data(found.workflow)[CONFLICTS]
    assert json.loads(conflict["theirs"])[0] == "B"


def test_merging_does_not_change_what_it_was_given() -> None:
    ours, theirs = edited(name("noise", "grain"), put("title", "A")), edited(drop("nodes", "model"), put("title", "B"))
    before = [canonical(one) for one in (BASE, ours, theirs)]
    merge(BASE, ours, theirs)
    assert [canonical(one) for one in (BASE, ours, theirs)] == before
