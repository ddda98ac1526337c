"""What differs between two versions, two windows or a file is seen in the graph and read in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.web_ui.editor.using import Editor
from tests.web_ui.serving import Served

SEED = 2**62 + 1
EARLIER: dict[str, Any] = {
    "format": "latent-loom/1",
    "title": "compared",
    "nodes": {
        "gone": {"type": "toy.add", "version": 1, "values": {"a": 1, "b": 2}},
        "first": {"type": "toy.wait", "version": 1, "values": {"value": 1, "steps": 3}},
        "last": {"type": "toy.add", "version": 1, "values": {"b": SEED}, "links": {"a": "gone.value"}},
    },
    "view": {"nodes": {"gone": {"x": 0, "y": 0}, "first": {"x": 0, "y": 260}, "last": {"x": 400, "y": 0}}},
}
LATER: dict[str, Any] = {
    **EARLIER,
    "nodes": {
        "first": {"type": "toy.wait", "version": 1, "values": {"value": 9, "steps": 3}, "mode": "muted"},
        "fresh": {"type": "toy.add", "version": 1, "values": {"a": 5, "b": 6}},
        "last": {"type": "toy.add", "version": 1, "values": {"b": SEED + 1}, "links": {"a": "first.value"}},
    },
    "view": {"nodes": {"first": {"x": 0, "y": 260}, "fresh": {"x": 400, "y": 260}, "last": {"x": 400, "y": 0}}},
}


def shown(editor: Editor) -> Any:
    view = editor.page.get_by_role("dialog", name="What differs")
    expect(view).to_be_visible()
    return view


def compared_with_file(editor: Editor, document: dict[str, Any]) -> Any:
    editor.page.get_by_role("button", name="Menu").click()
    with editor.page.expect_file_chooser() as chooser:
        editor.page.get_by_role("menuitem", name="Compare with a file").click()
    chooser.value.set_files({"name": "earlier.json", "mimeType": "application/json", "buffer": json.dumps(document).encode()})
    return shown(editor)


def opened(editor: Editor, document: dict[str, Any]) -> None:
    editor.open(document)
    editor.until(lambda: editor.document.get("title") == document["title"])


def test_a_file_is_compared_in_the_graph_and_in_words(editor: Editor, modules: Path) -> None:
    opened(editor, LATER)
    view = compared_with_file(editor, EARLIER)
    for name, kind in (("gone", "removed"), ("fresh", "added"), ("first", "changed"), ("last", "changed")):
        expect(view.locator(f'.react-flow__node[data-id="{name}"] .badge.kind')).to_have_text(kind)
    node = view.locator('.react-flow__node[data-id="first"]')
    expect(node.locator("[data-changed] del")).to_contain_text("1")
    expect(node.locator("[data-changed] ins")).to_contain_text("9")
    expect(node.locator(".compared-more")).to_contain_text("muted")
    assert sorted(view.locator(".react-flow__edge-text").all_text_contents()) == ["added", "removed"]
    told = view.locator(".compare-list")
    expect(told.get_by_role("status")).to_have_text("2 added, 1 removed, 3 changed")
    for text in (
        f"B changed was {SEED} → is now {SEED + 1}",
        "Value changed was 1 → is now 9",
        "Link to: A changed was gone.value → is now first.value",
    ):
        expect(told).to_contain_text(text)
    told.get_by_role("button", name="(gone)").press("Enter")
    expect(view.locator('.react-flow__node[data-id="gone"]')).to_be_in_viewport()
    editor.page.evaluate((modules / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8"))
    found = editor.page.evaluate("() => axe.run({ resultTypes: ['violations'] })")
    assert not [(one["id"], [node["html"][:200] for node in one["nodes"][:4]]) for one in found["violations"]]
    editor.press("Escape")
    expect(view).to_be_hidden()
    assert set(editor.document["nodes"]) == set(LATER["nodes"])


def test_any_two_are_chosen_as_the_earlier_and_the_later(editor: Editor) -> None:
    opened(editor, LATER)
    view = compared_with_file(editor, LATER)
    expect(view.get_by_text("Nothing has changed since.")).to_be_visible()
    with editor.page.expect_file_chooser() as chooser:
        view.get_by_label("Later").select_option("A file …")
    chooser.value.set_files({"name": "other.json", "mimeType": "application/json", "buffer": json.dumps(EARLIER).encode()})
    expect(view.locator('.react-flow__node[data-id="gone"] .badge.kind')).to_have_text("added")
    expect(view.locator('.react-flow__node[data-id="fresh"] .badge.kind')).to_have_text("removed")


def test_what_differs_inside_a_subgraph_is_found_from_the_list(editor: Editor) -> None:
    def holding(value: int) -> dict[str, Any]:
        inner = {
            "format": "latent-loom/1",
            "title": "Inner",
            "nodes": {"deep": {"type": "toy.add", "version": 1, "values": {"a": value, "b": 1}}},
        }
        return {
            "format": "latent-loom/1",
            "title": "outer",
            "nodes": {"use": {"type": "workflow:inner", "version": 1}},
            "definitions": {"inner": inner},
        }

    opened(editor, holding(2))
    view = compared_with_file(editor, holding(1))
    use = view.locator('.react-flow__node[data-id="use"]')
    expect(use.locator(".badge.kind")).to_have_text("changed")
    use.get_by_role("button", name="Differences inside: 1").click()
    expect(view.get_by_label("Shown")).to_have_value("inner")
    view.get_by_label("Shown").select_option("Workflow")
    expect(use).to_be_visible()
    view.get_by_role("button", name="(deep)").click()
    expect(view.locator('.react-flow__node[data-id="deep"] .badge.kind')).to_have_text("changed")
    expect(view.get_by_label("Shown")).to_have_value("inner")


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_a_new_subgraph_is_told_node_by_node_with_what_is_nested_in_it(
    window: Callable[..., Editor], modules: Path, scheme: str
) -> None:
    add = {"type": "toy.add", "version": 1, "values": {"a": 1}}
    deep = {"format": "latent-loom/1", "title": "Deep", "nodes": {"end": add}}
    part = {
        "format": "latent-loom/1",
        "title": "Part",
        "nodes": {"one": add, "use": {"type": "workflow:deep", "version": 1}},
        "definitions": {"deep": deep},
    }
    plain = {"format": "latent-loom/1", "title": "grown", "nodes": {"start": add}}
    grown = {**plain, "nodes": {"start": add, "all": {"type": "workflow:part", "version": 1}}, "definitions": {"part": part}}
    editor = window(color_scheme=scheme)
    editor.page.locator(".node").first.wait_for()
    opened(editor, grown)
    view = compared_with_file(editor, plain)
    told = view.locator(".compare-list")
    expect(told).to_contain_text("Subgraph: Part added")
    expect(told).not_to_contain_text("{")
    for text in ("Part / Add (one)", "Part / Deep / Add (end)"):
        expect(told.get_by_role("button", name=text).first).to_be_visible()
    told.get_by_role("button", name="(end)").click()
    expect(view.locator('.react-flow__node[data-id="end"] .badge.kind')).to_have_text("added")
    expect(view.get_by_label("Shown").locator("option")).to_have_text(["Workflow", "Part", "Part / Deep"])
    editor.page.evaluate((modules / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8"))
    for scope in ("Workflow", "Part"):
        view.get_by_label("Shown").select_option(scope)
        expect(view.locator(".react-flow__node").first).to_be_visible()
        found = editor.page.evaluate("() => axe.run({ resultTypes: ['violations'] })")
        assert not [(one["id"], [node["html"][:200] for node in one["nodes"][:4]]) for one in found["violations"]]


def test_versions_and_a_conflict_lead_to_what_differs(window: Callable[..., Editor], editor_server: Served) -> None:
    editor_server.call("PUT", "/api/workflows/seen", {"workflow": EARLIER}, headers={"If-None-Match": "*"})
    editor = window(f"{editor_server.url}?workflow=seen")
    editor.until(lambda: editor.tab["name"] == "seen")
    steps = editor.field("first", "steps")
    steps.fill("8")
    steps.press("Enter")
    editor.page.get_by_role("button", name="Menu").click()
    editor.page.get_by_role("menuitem", name="Earlier versions").click()
    editor.page.get_by_role("button", name="Version 1").click()
    editor.page.get_by_role("button", name="Show in the graph").click()
    expect(shown(editor).locator('.react-flow__node[data-id="first"] [data-changed]')).to_contain_text("8")
    editor.press("Escape")
    etag = editor_server.call("GET", "/api/workflows/seen").data["etag"]
    editor_server.call("PUT", "/api/workflows/seen", {"workflow": LATER}, headers={"If-Match": f'"{etag}"'})
    editor.page.get_by_role("alert").get_by_role("button", name="Compare").click()
    view = shown(editor)
    expect(view.locator('.react-flow__node[data-id="fresh"] .badge.kind')).to_have_text("removed")
    expect(view.get_by_label("Earlier")).to_contain_text("as it is on the server")
    editor.press("Escape")
    expect(editor.page.get_by_role("alert").get_by_role("button", name="Take theirs")).to_be_visible()
