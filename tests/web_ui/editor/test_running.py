"""What a run looks like while it goes on and when it fails, what a lost server leaves, and two windows on one workflow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.web_ui.editor.conftest import watch
from tests.web_ui.editor.using import Editor
from tests.web_ui.serving import Served


def toy(type: str, **values: Any) -> dict[str, Any]:
    return {
        "format": "latent-loom/1",
        "title": type,
        "nodes": {
            "work": {"type": type, "version": 1, "values": values},
            "write": {"type": "toy.write", "version": 1, "links": {"value": "work.value"}},
        },
    }


def opened(editor: Editor, workflow: dict[str, Any]) -> None:
    editor.open(workflow)
    editor.until(lambda: editor.document.get("title") == workflow["title"])


def test_a_running_node_shows_its_progress_and_can_be_cancelled(editor: Editor) -> None:
    opened(editor, toy("toy.wait", seconds=30.0, steps=60, value=1))
    editor.press("Control+Enter")
    editor.until(lambda: editor.state("work").get("done", 0) > 1)
    expect(editor.node("work").get_by_role("progressbar")).to_be_visible()
    editor.press("q")
    expect(editor.page.get_by_label("Queue", exact=True).get_by_text("runs")).to_be_visible()
    editor.page.get_by_role("button", name="Cancel the run").click()
    editor.until(lambda: not editor.tab["running"])


def test_an_error_stays_on_its_node_with_cause_and_action(editor: Editor) -> None:
    opened(editor, toy("toy.fail", value=3))
    editor.run()
    badge = editor.node("work").get_by_role("button", name="problem")
    expect(badge).to_be_visible()
    assert "no good" in str(badge.get_attribute("title"))
    assert editor.state("write")["status"] == "blocked"
    editor.page.wait_for_timeout(600)
    expect(badge).to_be_visible()


def test_a_run_that_ends_before_its_answer_comes_is_shown_as_ended(editor: Editor) -> None:
    def late(route: Route) -> None:
        answer = route.fetch()
        editor.page.wait_for_timeout(2500)
        route.fulfill(response=answer)

    opened(editor, toy("toy.wait", seconds=0.05, steps=1, value=2))
    editor.page.route("**/api/runs", late)
    editor.run()
    assert editor.state("work")["status"] in ("ran", "served")


@pytest.mark.parametrize(("late", "new"), [("runs", 61), ("plan", 62)])
def test_a_node_that_is_done_is_not_said_to_run_whatever_comes_late(editor: Editor, late: str, new: int) -> None:
    fetched: list[str] = []

    def answer(route: Route) -> None:
        found = route.fetch()
        fetched.append(late)
        editor.page.wait_for_timeout(2500)
        route.fulfill(response=found)

    document = toy("toy.wait", seconds=30.0, steps=60)
    document["title"] = f"late {late}"
    document["nodes"]["first"] = {"type": "toy.add", "version": 1, "values": {"a": new}}
    document["nodes"]["work"]["links"] = {"value": "first.value"}
    editor.page.route(f"**/api/{late}", answer)
    opened(editor, document)
    editor.until(lambda: fetched or late == "runs", "the plan of before the run")
    with editor.page.expect_response(f"**/api/{late}"):
        editor.press("Control+Enter")
    editor.until(lambda: editor.state("first").get("status") == "ran")
    editor.page.wait_for_timeout(300)
    expect(editor.node("first").locator(".badge.runs")).to_have_count(0)
    expect(editor.node("write").locator(".badge.runs")).to_be_visible()
    editor.page.get_by_role("button", name="Cancel the run").click()
    editor.until(lambda: not editor.tab["running"])


def test_a_value_out_of_range_is_told_at_once_on_the_field(editor: Editor) -> None:
    steps = editor.field("sample", "steps")
    steps.fill("0")
    steps.press("Enter")
    expect(steps).to_have_attribute("aria-invalid", "true")
    editor.until(lambda: editor.tab["problems"])
    assert editor.page.get_by_role("button", name="Run", exact=False).first.is_visible()
    problem = editor.tab["problems"][0]
    assert (problem["node"], problem["input"]) == ("sample", "steps")
    editor.press("Control+z")
    editor.until(lambda: not editor.tab["problems"])


def test_a_lost_server_is_told_editing_goes_on_and_the_run_is_taken_up_again(
    context: Callable[..., Any], serve: Callable[..., Served], errors: list[str]
) -> None:
    served = serve()
    page = context().new_page()
    watch(page, errors)
    page.goto(served.url)
    editor = Editor(page)
    page.locator(".node").first.wait_for()
    opened(editor, toy("toy.wait", seconds=6.0, steps=12, value=1))
    editor.press("Control+Enter")
    editor.until(lambda: editor.state("work").get("done", 0) > 2)
    port = served.port
    served.process.kill()
    served.process.wait()
    expect(page.get_by_text("The server does not answer. Go on editing")).to_be_visible()
    editor.field("work", "value").fill("5")
    editor.field("work", "value").press("Enter")
    assert editor.document["nodes"]["work"]["values"]["value"] == 5
    again = serve("--port", str(port), state=served.state)
    assert again.port == port
    editor.until(lambda: page.evaluate("() => __editor.connection()") == "open")
    expect(page.get_by_text("The server does not answer. Go on editing")).to_be_hidden()
    editor.until(lambda: not editor.tab["running"], "the interrupted job did not end")
    assert again.job(editor.tab["job"])["state"] == "succeeded"
    assert editor.state("work")["status"] in ("ran", "served")


def test_two_windows_on_one_workflow_lose_nothing(window: Callable[..., Editor], editor_server: Served) -> None:
    workflow = toy("toy.wait", seconds=0.1, steps=1, value=1)
    answer = editor_server.call("PUT", "/api/workflows/shared", {"workflow": workflow}, headers={"If-None-Match": "*"})
    assert answer.status in (200, 201), answer
    first, second = (window(f"{editor_server.url}?workflow=shared") for _ in range(2))
    for one in (first, second):
        one.until(lambda one=one: one.tab["name"] == "shared")
    first.field("work", "value").fill("2")
    first.field("work", "value").press("Enter")
    first.press("Control+s")
    second.until(lambda: second.document["nodes"]["work"]["values"]["value"] == 2, "a window without changes did not follow")
    second.field("work", "value").fill("3")
    second.field("work", "value").press("Enter")
    first.field("work", "value").fill("4")
    first.field("work", "value").press("Enter")
    first.press("Control+s")
    banner = second.page.get_by_role("alert").filter(has_text="was also saved elsewhere")
    expect(banner).to_be_visible()
    second.press("Control+s")
    expect(banner).to_be_visible()
    assert editor_server.get("/api/workflows/shared")["workflow"]["nodes"]["work"]["values"]["value"] == 4
    banner.get_by_role("button", name="Take theirs").click()
    second.until(lambda: second.document["nodes"]["work"]["values"]["value"] == 4)
    second.press("Control+z")
    second.until(lambda: second.document["nodes"]["work"]["values"]["value"] == 3)
    revisions = editor_server.get("/api/workflows/shared/revisions")["revisions"]
    assert len(revisions) == 3


def test_an_earlier_version_is_compared_and_brought_back(window: Callable[..., Editor], editor_server: Served) -> None:
    workflow = toy("toy.wait", seconds=0.1, steps=1, value=1)
    editor_server.call("PUT", "/api/workflows/history", {"workflow": workflow}, headers={"If-None-Match": "*"})
    editor = window(f"{editor_server.url}?workflow=history")
    editor.until(lambda: editor.tab["name"] == "history")
    editor.field("work", "value").fill("9")
    editor.field("work", "value").press("Enter")
    editor.press("Control+s")
    editor.until(lambda: len(editor_server.get("/api/workflows/history/revisions")["revisions"]) == 2)
    editor.page.get_by_role("button", name="Menu").click()
    editor.page.get_by_role("menuitem", name="Earlier versions").click()
    editor.page.get_by_role("button", name="Version 1").click()
    expect(editor.page.locator(".changes")).to_contain_text("Value changed was 1")
    editor.page.get_by_role("button", name="Restore").click()
    editor.until(lambda: editor.document["nodes"]["work"]["values"]["value"] == 1)


def test_the_bin_is_emptied_after_a_question_and_not_before(window: Callable[..., Editor], serve: Callable[..., Served]) -> None:
    server = serve()
    ids = []
    for name in ("kept", "thrown"):
        nodes = {"p": {"type": "toy.paint", "version": 1, "values": {"name": name, "value": 90}}}
        job = server.submit({"format": "latent-loom/1", "title": name, "nodes": nodes}, wait=60)
        ids += job["results"]
    server.call("DELETE", f"/api/results/{ids[1]}", {})
    editor = window(server.url)
    editor.page.locator(".node").first.wait_for()
    editor.press("g")
    gallery = editor.page.get_by_label("Gallery", exact=True)
    button = gallery.get_by_role("button", name="Empty the bin")
    expect(gallery.locator(".tile")).to_have_count(1)
    expect(button).to_have_count(0)
    gallery.get_by_label("Which").select_option("Bin")
    asked: list[str] = []
    editor.page.once("dialog", lambda question: (asked.append(question.message), question.dismiss()))
    button.click()
    assert asked == ["Delete all 1 in the bin for good? This cannot be undone."]
    assert server.get("/api/results?trashed=true")["total"] == 1
    editor.page.once("dialog", lambda question: question.accept())
    button.click()
    expect(gallery.locator(".tile")).to_have_count(0)
    expect(button).to_be_disabled()
    expect(editor.page.get_by_role("status").get_by_text("1 deleted for good.")).to_be_visible()
    assert server.call("GET", f"/api/results/{ids[1]}").status == 404
    gallery.get_by_label("Which").select_option("All")
    expect(gallery.locator(".tile")).to_have_count(1)


def test_a_picture_that_is_thrown_away_leaves_its_node_and_comes_back(editor: Editor, editor_server: Served) -> None:
    values = {"name": "thrown away", "value": 70}
    opened(
        editor,
        {"format": "latent-loom/1", "title": "thrown", "nodes": {"p": {"type": "toy.paint", "version": 1, "values": values}}},
    )
    editor.run()
    shown = editor.node("p").locator(".node-picture img")
    expect(shown).to_have_count(1)
    (result,) = editor.state("p")["pictures"]
    editor_server.call("DELETE", f"/api/results/{result}", {})
    expect(shown).to_have_count(0)
    editor_server.post(f"/api/results/{result}/restore")
    expect(shown).to_have_count(1)


def test_a_picture_is_looked_at_closely_where_the_pointer_is_and_two_under_a_slider(
    editor: Editor, editor_server: Served
) -> None:
    for value in (60, 200):
        nodes = {"p": {"type": "toy.paint", "version": 1, "values": {"name": "closely", "value": value, "side": 100}}}
        editor_server.submit({"format": "latent-loom/1", "title": "closely", "nodes": nodes}, wait=60)
    editor.press("g")
    editor.page.get_by_label("Search prompts and names").fill("closely")
    tiles = editor.page.get_by_label("Gallery", exact=True).locator(".tile")
    expect(tiles).to_have_count(2)
    tiles.first.click()
    viewer = editor.page.get_by_role("dialog")
    image = viewer.get_by_role("img").first

    def box() -> Any:
        found = image.bounding_box()
        assert found
        return found

    expect(image).to_have_js_property("naturalWidth", 100)
    editor.until(lambda: box()["width"] > 100)
    whole = box()
    x, y = whole["x"] + whole["width"] * 0.25, whole["y"] + whole["height"] * 0.75
    editor.page.mouse.move(x, y)
    editor.page.mouse.wheel(0, -400)
    editor.until(lambda: box()["width"] > 2 * whole["width"])
    near = box()
    assert ((x - near["x"]) / near["width"], (y - near["y"]) / near["height"]) == pytest.approx((0.25, 0.75), abs=0.01)
    editor.drag((x, y), (x + 50, y - 40))
    editor.until(lambda: (box()["x"], box()["y"]) == pytest.approx((near["x"] + 50, near["y"] - 40), abs=1))
    viewer.get_by_label("Picture: arrow keys", exact=False).press("0")
    editor.until(lambda: box() == pytest.approx(whole, abs=1))
    viewer.get_by_role("button", name="Compare").click()
    slider = viewer.get_by_role("slider")
    slider.fill("30")
    over = viewer.get_by_role("img").nth(1)
    assert over.evaluate("one => getComputedStyle(one).clipPath") == "inset(0px 0px 0px 30%)"
    assert over.bounding_box() == box()
