"""The dialog for opening shows what each template makes, and opens it."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.web_ui.editor.using import Editor


def test_templates_are_shown_with_the_pictures_that_they_make(editor: Editor) -> None:
    editor.press("Control+o")
    cards = editor.page.locator(".cards .card")
    expect(cards.first).to_be_visible()
    for card in cards.all():
        picture = card.get_by_role("img")
        picture.scroll_into_view_if_needed()
        expect(picture).to_have_attribute("alt", f"Picture made with {card.locator('b').inner_text()}")
        editor.until(lambda picture=picture: picture.evaluate("one => one.complete && one.naturalWidth > 0"))
    cards.filter(has_text="Inpaint").click()
    editor.until(lambda: editor.document.get("title") == "Inpaint")
