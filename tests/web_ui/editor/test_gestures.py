"""What hands do on the graph: the end of a link dragged elsewhere, a picture pasted, two fingers; and what a sampler shows meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.web_ui.editor.using import Editor, centre

REACH = 12
"""How far before its socket a link is held by its end, in pixels."""

PASTE = """async (field) => {
  const canvas = new OffscreenCanvas(7, 5);
  canvas.getContext("2d").fillRect(0, 0, 7, 5);
  const data = new DataTransfer();
  data.items.add(new File([await canvas.convertToBlob()], "pasted.png", { type: "image/png" }));
  field.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}"""


def end_of(editor: Editor, address: str) -> tuple[float, float]:
    editor.settled()
    x, y = centre(editor.socket("target", address))
    return x - REACH, y


def test_the_end_of_a_link_dragged_to_another_socket_leads_there(editor: Editor) -> None:
    before = editor.document
    editor.drag(end_of(editor, "sample.negative"), centre(editor.socket("target", "sample.positive")))
    editor.until(lambda: "sample.negative" not in editor.links(), f"{editor.links()}")
    assert editor.links()["sample.positive"] == before["nodes"]["sample"]["links"]["negative"]
    expect(editor.page.get_by_role("dialog")).to_be_hidden()
    editor.press("Control+z")
    editor.until(lambda: editor.document == before, "one gesture was not one step")


def test_the_end_of_a_link_dragged_away_takes_the_link_off(editor: Editor) -> None:
    before = editor.document
    x, y = end_of(editor, "sample.negative")
    editor.drag((x, y), (x - 20, y + 330))
    editor.until(lambda: "sample.negative" not in editor.links())
    expect(editor.page.get_by_role("dialog")).to_be_hidden()
    editor.press("Control+z")
    editor.until(lambda: editor.document == before)


def test_a_link_whose_end_is_let_go_where_it_does_not_fit_stays(editor: Editor) -> None:
    before = editor.document
    editor.drag(end_of(editor, "sample.negative"), centre(editor.socket("target", "sample.noise")))
    expect(editor.page.get_by_role("status").get_by_text("is needed here")).to_be_visible()
    assert editor.document == before


TWO_SOURCES = {
    "format": "latent-loom/1",
    "title": "many",
    "nodes": {
        "old": {"type": "toy.add", "version": 1, "values": {"a": 1}},
        "new": {"type": "toy.add", "version": 1, "values": {"a": 2}},
        "one": {"type": "toy.add", "version": 1, "links": {"a": "old.value", "b": "old.value"}},
        "two": {"type": "toy.slow_add", "version": 1, "links": {"a": "old.value"}},
    },
    "view": {
        "nodes": {"old": {"x": 0, "y": 0}, "new": {"x": 0, "y": 260}, "one": {"x": 480, "y": 0}, "two": {"x": 480, "y": 260}},
    },
}


def test_a_drag_with_shift_from_one_output_to_another_moves_all_its_links(editor: Editor) -> None:
    editor.open(TWO_SOURCES)
    editor.until(lambda: editor.document["title"] == "many")
    editor.settled()
    before = editor.document
    start, end = (centre(editor.socket("source", f"{name}.value")) for name in ("old", "new"))
    editor.page.keyboard.down("Shift")
    editor.drag(start, end)
    editor.page.keyboard.up("Shift")
    editor.until(lambda: set(editor.links().values()) == {"new.value"}, f"{editor.links()}")
    assert editor.links().keys() == {"one.a", "one.b", "two.a"}
    editor.press("Control+z")
    editor.until(lambda: editor.document == before, "one gesture was not one step")


def test_a_click_on_one_of_several_that_are_chosen_chooses_it_alone(editor: Editor) -> None:
    editor.open({**TWO_SOURCES, "title": "several"})
    editor.until(lambda: editor.document["title"] == "several")
    editor.settled()
    before = editor.document
    editor.click_canvas()
    editor.press("Control+a")
    editor.until(lambda: len(editor.tab["selected"]) == 4)
    editor.node("new").locator(".node-title").click(modifiers=["Shift"])
    editor.until(lambda: sorted(editor.tab["selected"]) == ["old", "one", "two"])
    x, y = centre(editor.node("one").locator(".node-title"))
    editor.drag((x, y), (x + 50, y + 50))
    editor.until(lambda: editor.document != before)
    assert sorted(editor.tab["selected"]) == ["old", "one", "two"], "a drag moves them all"
    editor.node("one").locator(".node-title").click()
    editor.until(lambda: editor.tab["selected"] == ["one"])


def test_a_reroute_dot_is_made_dragged_and_taken_away(editor: Editor) -> None:
    document = {**TWO_SOURCES, "title": "led", "nodes": {**TWO_SOURCES["nodes"], "one": {"type": "toy.add", "version": 1}}}
    editor.open(document)
    editor.until(lambda: editor.document["title"] == "led")
    editor.settled()

    def points() -> list[dict[str, float]]:
        return list(editor.document["view"].get("links", {}).get("two.a", []))

    (x, y), (to_x, to_y) = centre(editor.socket("source", "old.value")), centre(editor.socket("target", "two.a"))
    editor.page.keyboard.down("Alt")
    editor.page.mouse.click((x + to_x) / 2, (y + to_y) / 2)
    editor.page.keyboard.up("Alt")
    editor.until(lambda: len(points()) == 1)
    dot = editor.page.locator(".reroute")
    before, start = points()[0], centre(dot)
    path = editor.page.locator(".react-flow__edge-path").first.get_attribute("d")
    editor.drag(start, (start[0] + 30, start[1] - 120))
    editor.until(lambda: points()[0] != before)
    assert centre(dot) == pytest.approx((start[0] + 30, start[1] - 120), abs=2)
    assert editor.page.locator(".react-flow__edge-path").first.get_attribute("d") != path
    undoable = editor.tab["undoable"]
    assert undoable == 2
    editor.press("Control+z")
    editor.until(lambda: points() == [before], "one gesture was not one step")
    dot.dblclick()
    editor.until(lambda: points() == [])
    assert editor.links() == {"two.a": "old.value"}
    expect(editor.page.get_by_role("dialog")).to_be_hidden()


ONLY_OURS = "addEventListener('contextmenu', (event) => event.isTrusted && event.stopImmediatePropagation(), true)"
"""As on a device whose browser tells nobody of a held finger."""


@pytest.mark.parametrize("own", [True, False])
def test_a_finger_held_still_opens_the_menu_of_node_link_and_canvas(
    context: Callable[..., BrowserContext], window: Callable[..., Editor], own: bool
) -> None:
    inside = context(has_touch=True)
    if own:
        inside.add_init_script(ONLY_OURS)
    editor = window(inside=inside)
    editor.page.locator(".node").first.wait_for()
    editor.open(TWO_SOURCES)
    editor.until(lambda: editor.document["title"] == "many")
    editor.settled()
    session = inside.new_cdp_session(editor.page)

    def touch(kind: str, *at: tuple[float, float]) -> None:
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in at]})

    (x, y), (to_x, to_y) = centre(editor.socket("source", "old.value")), centre(editor.socket("target", "two.a"))
    title = centre(editor.node("new").locator(".node-title"))
    menu = editor.page.get_by_role("menu")
    before = editor.document
    for place, entry in (
        (title, "Duplicate"),
        (((x + to_x) / 2, (y + to_y) / 2), "Remove the link"),
        ((x + 20, y + 420), "Add a node"),
    ):
        touch("touchStart", place)
        expect(menu.get_by_role("menuitem", name=entry)).to_be_visible()
        touch("touchEnd")
        expect(menu).to_have_count(1)
        expect(menu.get_by_role("menuitem", name=entry)).to_be_visible()
        editor.press("Escape")
        expect(menu).to_have_count(0)
    assert editor.document == before
    touch("touchStart", title)
    for step in range(1, 6):
        touch("touchMove", (title[0] + 12 * step, title[1] + 8 * step))
    editor.page.wait_for_timeout(900)
    expect(menu).to_have_count(0)
    touch("touchEnd")
    editor.until(lambda: editor.document["view"]["nodes"]["new"] != before["view"]["nodes"]["new"], "it is dragged instead")


def test_a_sampler_shows_the_picture_while_it_grows(editor: Editor) -> None:
    steps = editor.field("sample", "steps")
    steps.fill("400")
    steps.press("Enter")
    editor.press("Control+Enter")
    preview = editor.node("sample").get_by_role("img", name="Preview of")
    preview.wait_for(timeout=60_000)
    editor.until(lambda: preview.evaluate("one => one.complete && one.naturalWidth > 0"))
    first = preview.get_attribute("src")
    editor.until(lambda: preview.get_attribute("src") != first, "it shows one step only")
    editor.page.get_by_role("button", name="Cancel the run").click()
    editor.until(lambda: not editor.tab["running"])


def test_a_picture_pasted_into_its_field_is_uploaded_and_chosen(editor: Editor, workflows: Path) -> None:
    editor.open(json.loads((workflows / "image_to_image.json").read_text(encoding="utf-8")))
    field = editor.page.locator(".node .picture")
    field.wait_for()
    node = next(name for name, entry in editor.document["nodes"].items() if entry["type"] == "loom.load_image")
    before = editor.document["nodes"][node]["values"]["name"]
    field.evaluate(PASTE)
    editor.until(lambda: editor.document["nodes"][node]["values"]["name"] != before)
    expect(field.get_by_role("img")).to_have_js_property("naturalWidth", 7)


def test_two_fingers_zoom_the_graph_about_what_lies_between_them(window: Callable[..., Editor]) -> None:
    editor = window(viewport={"width": 1000, "height": 800}, has_touch=True)
    editor.page.locator(".node").first.wait_for()
    editor.settled()
    session = editor.page.context.new_cdp_session(editor.page)

    def fingers(kind: str, *at: int) -> None:
        points = [{"x": x, "y": 640, "id": index} for index, x in enumerate(at)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def zoom() -> float:
        return float(
            editor.page.evaluate(
                "() => new DOMMatrix(getComputedStyle(document.querySelector('.react-flow__viewport')).transform).a"
            )
        )

    before = zoom()
    fingers("touchStart", 450, 550)
    for spread in range(50, 151, 10):
        fingers("touchMove", 500 - spread, 500 + spread)
    fingers("touchEnd")
    editor.until(lambda: zoom() > 1.6 * before, f"{before} -> {zoom()}")
    fingers("touchStart", 350, 650)
    for spread in range(150, 49, -10):
        fingers("touchMove", 500 - spread, 500 + spread)
    fingers("touchEnd")
    editor.until(lambda: zoom() < 1.2 * before)
