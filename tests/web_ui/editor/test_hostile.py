"""Files that mean harm, are huge or strange, and a server that errs: the page stays whole and runs nobody's script."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.web_ui.editor.using import Editor

SCRIPT = '<img src=x onerror="window.harmed=1"><script>window.harmed=1</script>"><svg/onload=window.harmed=1>'
HARM = "[click](javascript:window.harmed=1) [data](data:text/html,<script>window.harmed=1</script>) " + SCRIPT


def large(count: int) -> dict[str, Any]:
    """Samplers in a grid, each reading the one before it."""
    nodes: dict[str, Any] = {}
    views: dict[str, Any] = {}
    for index in range(count):
        name = f"n{index}"
        links = {"latent": f"n{index - 1}.latent", "model": f"n{index - 1}.latent"} if index else {}
        nodes[name] = {"type": "loom.sample", "version": 1, "values": {"steps": index % 50 + 1}, "links": links}
        views[name] = {"x": index % 40 * 320, "y": index // 40 * 420}
    return {"format": "latent-loom/1", "title": "large", "nodes": nodes, "view": {"nodes": views}}


def test_script_in_titles_notes_values_and_names_stays_text(editor: Editor) -> None:
    workflow = {
        "format": "latent-loom/1",
        "title": SCRIPT,
        "description": SCRIPT,
        "inputs": {"text": {"to": ["a.text"], "title": SCRIPT, "help": SCRIPT}},
        "nodes": {
            "a": {"type": "loom.encode_text", "version": 1, "title": SCRIPT, "values": {"text": SCRIPT}},
            "b": {"type": SCRIPT, "version": 1, "values": {"x": SCRIPT}, "links": {"y": "a.conditioning"}},
        },
        "view": {
            "nodes": {"a": {"x": 0, "y": 0, "colour": SCRIPT}, "b": {"x": 400, "y": 0}},
            "notes": [{"id": SCRIPT, "text": HARM, "x": 0, "y": 300, "width": 400, "height": 300}],
            "frames": [{"id": "f", "title": SCRIPT, "x": -40, "y": -60, "width": 900, "height": 800}],
        },
    }
    editor.drop(SCRIPT + ".json", "application/json", json.dumps(workflow).encode())
    editor.until(lambda: editor.document["title"] == SCRIPT)
    expect(editor.page.locator(".markdown p").first).to_be_visible()
    for view in ("Control+2", "Control+3", "Control+1"):
        editor.press(view)
        editor.page.wait_for_timeout(150)
    editor.press("p")
    assert editor.page.evaluate("() => window.harmed") is None
    assert editor.page.locator("a[href^='javascript'], a[href^='data'], main script, .note img").count() == 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "line 1, column 2"),
        ('{"format": "latent-loom/9"}', "Update Latent Loom"),
        ('{"format": "latent-loom/1", "nodes": {"a": {"type": "x", "links": {"b": 3}}}}', "link"),
        ('{"format": "latent-loom/1", "nodes": {"__proto__": {"type": "x"}}}', "__proto__"),
        ("[" * 5000, "nested"),
    ],
)
def test_a_broken_file_is_refused_in_words_and_nothing_else_changes(editor: Editor, text: str, told: str) -> None:
    before = editor.document
    editor.open(text)
    expect(editor.page.locator(".toast").filter(has_text=told)).to_be_visible()
    assert editor.document == before


def test_layout_that_is_no_layout_is_passed_over(editor: Editor) -> None:
    view = {
        "nodes": {"a": {"x": "left", "y": None}, "b": 7, "c": {"x": 1e300, "y": -1e300}},
        "notes": "none",
        "frames": [1, {"x": []}],
        "links": [],
        "inputs": {"a": 1},
    }
    nodes = {name: {"type": "loom.noise", "version": 1} for name in "abc"}
    editor.open({"format": "latent-loom/1", "title": "odd", "nodes": nodes, "view": view})
    editor.until(lambda: editor.document["title"] == "odd")
    editor.press("Shift+F", "1", "l", "Control+3")
    expect(editor.page.get_by_role("heading", name="Noise")).to_have_count(3)
    assert list(editor.document["nodes"]) == ["a", "b", "c"]


def test_nodes_that_nobody_knows_are_kept_with_values_and_links(editor: Editor) -> None:
    nodes = {
        f"u{index}": {"type": f"nowhere.{index}", "version": 3, "values": {"k": {"deep": [1, 2.5, None]}}} for index in range(30)
    }
    nodes["u1"]["links"] = {"in": "u0.out", "many": ["u2.out", "u3.out"]}
    workflow = {"format": "latent-loom/1", "title": "unknown", "nodes": nodes, "future": {"kept": True}}
    editor.open(workflow)
    editor.until(lambda: editor.document["title"] == "unknown")
    assert editor.document == workflow
    expect(editor.page.locator('.node[data-unknown="true"]').first).to_be_visible()
    editor.until(lambda: editor.page.locator(".react-flow__edge").count() == 3)


def test_a_file_of_20_megabytes_opens(editor: Editor) -> None:
    text = "x" * (20 * 2**20)
    workflow = {
        "format": "latent-loom/1",
        "title": "heavy",
        "nodes": {"a": {"type": "loom.encode_text", "version": 1, "values": {"text": text}}},
    }
    editor.page.evaluate(
        """([head, size, tail]) => {
          const data = new DataTransfer();
          data.items.add(new File([head, "x".repeat(size), tail], "heavy.json", { type: "application/json" }));
          window.heavy = data;
        }""",
        [json.dumps(workflow).split(text)[0], len(text), json.dumps(workflow).split(text)[1]],
    )
    handle = editor.page.evaluate_handle("() => window.heavy")
    editor.page.dispatch_event(".app", "drop", {"dataTransfer": handle})
    editor.until(lambda: editor.page.locator(".tab").count() == 2)
    editor.until(lambda: editor.page.evaluate("() => __editor.document().title") == "heavy")


def open_large(editor: Editor, count: int) -> None:
    editor.open(large(count))
    editor.until(lambda: editor.document["title"] == "large")


def test_a_file_of_1000_nodes_opens_pans_and_keeps_only_what_is_visible_in_the_page(editor: Editor) -> None:
    open_large(editor, 1000)
    editor.press("1")
    editor.until(lambda: 0 < editor.page.locator(".react-flow__node").count() < 60)
    before = editor.page.locator(".react-flow__viewport").get_attribute("style")
    editor.drag((700, 500), (300, 300), button="middle")
    editor.until(lambda: editor.page.locator(".react-flow__viewport").get_attribute("style") != before)
    assert editor.page.locator(".react-flow__node").count() < 60
    editor.press("Shift+F")
    editor.until(lambda: editor.page.locator(".react-flow__node").count() == 0)  # one drawing, as all are too small to be read
    expect(editor.page.locator("canvas.far-links")).to_be_visible()
    editor.page.locator(".react-flow__pane").click(position={"x": 700, "y": 300})
    editor.until(lambda: 0 < editor.page.locator(".react-flow__node").count() < 60)


WHEEL = """async () => {
  const pane = document.querySelector(".react-flow__pane");
  const turn = { deltaY: -60, clientX: 700, clientY: 430, bubbles: true, cancelable: true };
  for (let turns = 0; turns < 30; turns += 1) pane.dispatchEvent(new WheelEvent("wheel", turn));
  await new Promise(requestAnimationFrame);
  const count = (selector) => document.querySelectorAll(selector).length;
  const { a } = new DOMMatrix(getComputedStyle(document.querySelector(".react-flow__viewport")).transform);
  return { zoom: a, rows: count(".react-flow__node .row"), links: count(".react-flow__edge"), drawn: count("canvas.far-links") };
}"""


def test_nodes_are_one_drawing_while_the_wheel_turns_and_get_their_fields_when_it_rests(editor: Editor) -> None:
    open_large(editor, 400)
    editor.press("Shift+F")
    editor.settled()
    turning = editor.page.evaluate(WHEEL)
    assert turning["zoom"] > 0.5
    assert (turning["rows"], turning["links"], turning["drawn"]) == (0, 0, 1)
    editor.until(lambda: editor.page.locator(".react-flow__node .row").count() > 0)
    editor.until(lambda: editor.page.locator(".react-flow__node:not(:has(.row))").count() == 0, "a node stayed a box")
    assert editor.page.locator(".react-flow__edge").count() > 0
    assert editor.page.locator("canvas.far-links").count() == 0


AWAY = """async () => {
  const pane = document.querySelector(".react-flow__pane");
  const ids = () => [...document.querySelectorAll(".react-flow__node")].map((node) => node.dataset.id);
  const before = new Set(ids());
  const turn = { deltaY: 60, clientX: 700, clientY: 430, bubbles: true, cancelable: true };
  let added = 0;
  for (let turns = 0; turns < 6; turns += 1) {
    pane.dispatchEvent(new WheelEvent("wheel", turn));
    await new Promise(requestAnimationFrame);
    added = Math.max(added, ids().filter((id) => !before.has(id)).length);
  }
  return { before: before.size, now: ids().length, added, drawn: document.querySelectorAll("canvas.far-links").length };
}"""


def test_nothing_is_added_to_the_page_while_one_zooms_away_and_all_of_it_once_the_wheel_rests(editor: Editor) -> None:
    open_large(editor, 400)
    editor.press("1")
    editor.settled()
    turning = editor.page.evaluate(AWAY)
    assert 0 < turning["now"] <= turning["before"]
    assert (turning["added"], turning["drawn"]) == (0, 1)
    editor.until(lambda: editor.page.locator(".react-flow__node").count() > turning["before"])
    editor.until(lambda: editor.page.locator(".react-flow__node:not(:has(.row))").count() == 0, "a node stayed a head")
    assert editor.page.locator("canvas.far-links").count() == 0


WATCH_ROWS = """() => {
  const nodes = () => [...document.querySelectorAll(".react-flow__node")];
  const rows = () => new Map(nodes().map((node) => [node.dataset.id, node.querySelectorAll(".row").length]));
  window.rowCounts = () => new Set(rows().values()).size;
  let before = rows();
  window.atOnce = [];
  const look = () => {
    const now = rows();
    const more = [...now].reduce((sum, [id, count]) => sum + Math.max(0, count - (before.get(id) ?? 0)), 0);
    if (more) window.atOnce.push(more);
    before = now;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""


def test_nodes_that_a_pan_brings_in_get_a_few_rows_a_frame(editor: Editor) -> None:
    open_large(editor, 400)
    editor.press("1")
    editor.settled()
    editor.page.evaluate(WATCH_ROWS)
    mouse = editor.page.mouse
    mouse.move(1300, 500)
    mouse.down(button="middle")
    mouse.move(1200, 480, steps=3)
    mouse.move(100, 200, steps=3)
    editor.until(lambda: len(editor.page.evaluate("() => window.atOnce")) > 3, "the pan brought nothing in")
    editor.until(lambda: editor.page.evaluate("() => window.rowCounts()") == 1, "a node stayed without some of its rows")
    assert max(editor.page.evaluate("() => window.atOnce")) <= 3
    mouse.up(button="middle")
    assert editor.page.locator(".react-flow__edge").count() > 0


POINT_ON_A_LINK = """() => {
  for (const path of document.querySelectorAll(".react-flow__edge-interaction")) {
    for (let share = 0.1; share < 1; share += 0.1) {
      const at = path.getPointAtLength(share * path.getTotalLength()).matrixTransform(path.getScreenCTM());
      if (at.x > 300 && at.x < 1000 && at.y > 200 && at.y < 700 && document.elementFromPoint(at.x, at.y) === path) return [at.x, at.y];
    }
  }
}"""
WIDTHS = """() => [...document.querySelectorAll(".react-flow__edge-path")].map((path) => getComputedStyle(path).strokeWidth)"""


def test_a_link_shows_itself_to_a_hand_that_rests_on_it_and_not_to_one_that_pans(editor: Editor) -> None:
    open_large(editor, 400)
    editor.press("1")
    editor.settled()
    mouse, page = editor.page.mouse, editor.page
    x, y = page.evaluate(POINT_ON_A_LINK)
    mouse.move(x, y)
    editor.until(lambda: "3px" in page.evaluate(WIDTHS), "the link did not show itself")
    mouse.down(button="middle")
    mouse.move(x - 60, y - 20, steps=4)
    assert page.locator(".react-flow__edge:hover").count() == 1
    assert "3px" not in page.evaluate(WIDTHS)
    mouse.up(button="middle")
    editor.until(lambda: "3px" in page.evaluate(WIDTHS), "the link did not show itself again")


def test_a_keystroke_in_a_field_renders_one_node(editor: Editor) -> None:
    editor.page.evaluate(
        """() => {
          window.touched = new Set();
          new MutationObserver((changes) => {
            for (const { target } of changes) {
              const node = (target.closest ? target : target.parentElement)?.closest(".react-flow__node");
              if (node) window.touched.add(node.dataset.id);
            }
          }).observe(document.querySelector(".react-flow__nodes"), {
            subtree: true, attributes: true, characterData: true, childList: true,
          });
        }"""
    )
    editor.field("save", "name").press_sequentially("ab")
    assert set(editor.page.evaluate("() => [...window.touched]")) <= {"save"}


def test_a_server_that_answers_with_errors_or_late_is_borne(editor: Editor) -> None:
    def fail(route: Route) -> None:
        route.fulfill(
            status=500,
            content_type="application/problem+json",
            body='{"title": "Broken", "status": 500, "detail": "It is broken."}',
        )

    editor.page.route("**/api/check", fail)
    editor.page.route("**/api/runs*", fail)
    editor.field("positive", "text").fill("still here")
    editor.press("Control+Enter")
    expect(editor.page.locator(".toast").filter(has_text="It is broken.")).to_be_visible()
    assert editor.document["nodes"]["positive"]["values"]["text"] == "still here"
    editor.page.unroute("**/api/runs*")
    editor.run()
    assert editor.state("save")["pictures"]


def test_a_page_whose_server_is_broken_says_so(
    window: Callable[..., Editor], context: Callable[..., Any], editor_server: Any
) -> None:
    shared = context()
    shared.route("**/api/nodes*", lambda route: route.fulfill(status=503, body="no json"))
    editor = window(inside=shared)
    expect(editor.page.get_by_role("alert")).to_contain_text("503")
    expect(editor.page.get_by_role("button", name="Try again")).to_be_visible()
