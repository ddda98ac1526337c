"""What hands do on the graph: the end of a link dragged elsewhere, a picture pasted, two fingers; and what a sampler shows meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

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
