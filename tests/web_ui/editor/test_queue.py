"""The queue as a person changes it: what waits is paused, put in another order by hand and by keys, cancelled and tried again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from tests.web_ui.editor.using import Editor, centre
from tests.web_ui.serving import Served

TOY = {
    "format": "latent-loom/1",
    "nodes": {"add": {"type": "toy.add", "version": 1, "values": {"a": 1, "b": 2}}},
    "outputs": {"sum": {"from": "add.value"}},
}


def order(editor: Editor) -> list[str]:
    return editor.page.locator(".job:is([data-state='queued'], [data-state='interrupted']) b").all_inner_texts()


def row(editor: Editor, title: str) -> Locator:
    return editor.page.locator(".job").filter(has=editor.page.get_by_text(title, exact=True)).first


@pytest.fixture
def waiting(window: Callable[..., Editor], serve: Callable[..., Served]) -> Editor:
    """Three jobs that wait, as the queue is paused."""
    editor = window(serve().url)
    editor.page.locator(".node").first.wait_for()
    editor.press("q")
    editor.page.get_by_role("button", name="Pause", exact=True).click()
    expect(editor.page.get_by_role("button", name="Go on", exact=True)).to_be_visible()
    for title in ("one", "two", "three"):
        editor.open({**TOY, "title": title}, f"{title}.json")
        editor.until(lambda title=title: editor.document["title"] == title)  # type: ignore[misc]
        editor.press("Control+Enter")
        editor.until(lambda title=title: title in order(editor), f"{title} is not queued")  # type: ignore[misc]
    assert order(editor) == ["one", "two", "three"]
    return editor


def test_a_waiting_job_is_dragged_to_another_place(waiting: Editor) -> None:
    x, y = centre(row(waiting, "one"))
    waiting.drag(centre(row(waiting, "three")), (x, y - 15))
    waiting.until(lambda: order(waiting) == ["three", "one", "two"], f"{order(waiting)}")
    x, y = centre(row(waiting, "two"))
    waiting.drag(centre(row(waiting, "three")), (x, y + 15))
    waiting.until(lambda: order(waiting) == ["one", "two", "three"], f"{order(waiting)}")


def test_a_waiting_job_moves_by_its_buttons(waiting: Editor) -> None:
    row(waiting, "one").get_by_role("button", name="Move one down").press("Enter")
    waiting.until(lambda: order(waiting) == ["two", "one", "three"], f"{order(waiting)}")
    row(waiting, "one").get_by_role("button", name="Move one down").press("Enter")
    waiting.until(lambda: order(waiting) == ["two", "three", "one"], f"{order(waiting)}")
    row(waiting, "three").get_by_role("button", name="Move three up").press("Enter")
    waiting.until(lambda: order(waiting) == ["three", "two", "one"], f"{order(waiting)}")
    assert row(waiting, "three").get_by_role("button", name="Move three up").count() == 0
    assert row(waiting, "one").get_by_role("button", name="Move one down").count() == 0


def test_a_job_that_waits_is_in_the_queue_alone_even_where_the_history_knows_it_first(waiting: Editor) -> None:
    waiting.press("q")
    waiting.page.route("**/queue", lambda route: route.fulfill(json={**route.fetch().json(), "jobs": []}))
    with waiting.page.expect_response("**/runs?*"):
        waiting.press("q")
    expect(waiting.page.get_by_text("Nothing waits.")).to_be_visible()
    assert order(waiting) == []


def test_a_cancelled_job_can_be_tried_again_and_the_queue_goes_on(waiting: Editor) -> None:
    row(waiting, "two").get_by_role("button", name="Cancel two").click()
    waiting.until(lambda: order(waiting) == ["one", "three"], f"{order(waiting)}")
    row(waiting, "two").get_by_role("button", name="again").click()
    waiting.until(lambda: order(waiting) == ["one", "three", "two"], f"{order(waiting)}")
    waiting.page.get_by_role("button", name="Go on", exact=True).click()
    waiting.until(lambda: not order(waiting), "the queue does not go on")
