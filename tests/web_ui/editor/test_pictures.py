"""The pictures of the editor in the documentation can be made: ``LOOM_PICTURES=1`` writes them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.web_ui.editor.using import Editor

FOLDER = Path(__file__).parents[3] / "docs" / "pictures"


@pytest.mark.parametrize(("name", "view"), [("editor", "Control+1"), ("editor-form", "Control+2")])
def test_the_editor_is_pictured(window: Callable[..., Editor], tmp_path: Path, name: str, view: str) -> None:
    editor = window(color_scheme="dark", viewport={"width": 1440, "height": 820})
    editor.page.locator(".node").first.wait_for()
    editor.run()
    editor.press(view)
    editor.page.wait_for_timeout(600)
    target = (FOLDER if os.environ.get("LOOM_PICTURES") else tmp_path) / f"{name}.png"
    editor.page.screenshot(path=target)
    assert target.stat().st_size > 20_000
