"""The editor as people use it first: a picture, another seed, undo, save, open from the picture."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from tests.web_ui.editor.using import Editor
from tests.web_ui.serving import Served


def test_the_first_page_shows_text_to_image_and_run_gives_a_picture(editor: Editor) -> None:
    assert editor.document["title"] == "Text to image"
    editor.page.get_by_role("button", name="Run", exact=True).click()
    editor.page.locator(".node-picture img").first.wait_for(timeout=60_000)
    editor.until(lambda: not editor.tab["running"])
    editor.until(lambda: editor.page.evaluate("() => document.querySelector('.node-picture img').naturalWidth") > 0)
    assert editor.state("save")["pictures"]


def test_a_new_seed_runs_only_the_sampler_and_what_is_below(editor: Editor) -> None:
    editor.run()
    seed = editor.field("noise", "seed")
    seed.fill("7")
    seed.press("Enter")
    editor.until(lambda: (editor.state("sample").get("plan") or {}).get("status") == "runs")
    assert editor.state("positive")["plan"]["status"] == "cached"
    assert "seed" in editor.state("noise")["plan"]["reason"]
    editor.run()
    ran = {node for node in editor.document["nodes"] if editor.state(node)["status"] == "ran"}
    assert ran == {"noise", "sample", "decode", "save"}


def test_a_seed_that_is_not_locked_is_another_with_every_run_and_shown(editor: Editor) -> None:
    editor.node("noise").get_by_role("button", name="keep this seed").click()
    before = editor.document["nodes"]["noise"]["values"]["seed"]
    editor.run()
    after = editor.document["nodes"]["noise"]["values"]["seed"]
    assert after != before
    assert editor.field("noise", "seed").input_value() == str(after)


def test_undo_takes_back_each_gesture_and_redo_brings_it_again(editor: Editor) -> None:
    start = editor.document
    steps = editor.field("sample", "steps")
    steps.fill("5*2")
    steps.press("Enter")
    assert editor.document["nodes"]["sample"]["values"]["steps"] == 10
    editor.field("positive", "text").press_sequentially(" and a hill")
    box = editor.node("decode").bounding_box()
    assert box
    editor.drag((box["x"] + 90, box["y"] + 15), (box["x"] + 90, box["y"] + 215))
    editor.until(lambda: editor.document["view"]["nodes"]["decode"]["y"] > 100)
    editor.node("save").locator(".node-title").click()
    editor.press("Delete")
    editor.until(lambda: "save" not in editor.document["nodes"])
    end = editor.document
    assert editor.tab["undoable"] == 4
    for _ in range(4):
        editor.press("Control+z")
    editor.until(lambda: editor.document == start)
    for _ in range(4):
        editor.press("Control+Shift+z")
    editor.until(lambda: editor.document == end)


def test_what_was_saved_is_there_after_a_reload_and_on_the_server(editor: Editor, editor_server: Served) -> None:
    editor.field("positive", "text").fill("a saved boat")
    editor.press("Control+s")
    name = editor.page.get_by_role("dialog").get_by_label("Name")
    name.fill("my boat")
    name.press("Enter")
    editor.until(lambda: editor.tab["name"] == "my boat")
    stored = editor_server.get("/api/workflows/my%20boat")["workflow"]
    assert stored["nodes"]["positive"]["values"]["text"] == "a saved boat"
    assert editor.page.locator(".unsaved").count() == 0
    editor.field("positive", "text").fill("a boat that is not saved")
    editor.page.wait_for_timeout(700)
    editor.page.reload()
    editor.page.locator(".node").first.wait_for()
    assert editor.document["nodes"]["positive"]["values"]["text"] == "a boat that is not saved"
    assert editor.tab["name"] == "my boat"
    assert editor.page.locator(".unsaved").count() == 1


def test_a_window_that_was_killed_leaves_its_work_to_the_next(
    window: Callable[..., Editor], context: Callable[..., Any], editor_server: Served
) -> None:
    shared = context()
    first = window(inside=shared)
    first.page.locator(".node").first.wait_for()
    first.field("positive", "text").fill("not lost")
    first.page.wait_for_timeout(700)
    first.page.close()
    second = window(inside=shared)
    second.page.locator(".node").first.wait_for()
    assert second.document["nodes"]["positive"]["values"]["text"] == "not lost"


def test_the_menu_saves_a_picture_that_holds_the_workflow_as_it_stands(editor: Editor) -> None:
    def saved() -> tuple[str, bytes]:
        with editor.page.expect_download() as download:
            editor.page.get_by_role("button", name="Menu").click()
            editor.page.get_by_role("menuitem", name="Download as PNG with the workflow inside").click()
        return download.value.suggested_filename, Path(download.value.path()).read_bytes()

    def size(png: bytes) -> tuple[int, int]:
        with Image.open(io.BytesIO(png)) as picture:
            return picture.size

    first = editor.document
    name, graph = saved()
    assert name == "Text to image.png"
    editor.run()
    (result,) = editor.state("save")["pictures"]
    editor.field("positive", "text").fill("changed after the run")
    editor.page.wait_for_timeout(500)
    _, made = saved()
    natural = editor.page.evaluate("id => fetch(`api/results/${id}`).then((answer) => answer.json())", result)
    assert size(made) == (natural["width"], natural["height"]) != size(graph)
    edited = editor.document
    editor.drop("graph.png", "image/png", graph)
    editor.until(lambda: editor.page.locator(".tab").count() == 2)
    assert editor.document == first
    editor.drop("made.png", "image/png", made)
    editor.until(lambda: editor.page.locator(".tab").count() == 3)
    assert editor.document == edited


def test_a_picture_dropped_on_the_page_opens_its_workflow(editor: Editor, editor_server: Served) -> None:
    editor.field("positive", "text").fill("a red flower")
    editor.run()
    (result,) = editor.state("save")["pictures"]
    png = editor_server.call("GET", f"/api/results/{result}/file").body
    editor.field("positive", "text").fill("something else")
    editor.drop("flower.png", "image/png", png)
    editor.until(lambda: editor.page.locator(".tab").count() == 2)
    editor.until(lambda: editor.document["nodes"]["positive"]["values"]["text"] == "a red flower")
    editor.run()
    assert editor.state("sample")["status"] == "served"
