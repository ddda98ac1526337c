"""A browser for all tests of the editor, and pages in it that fail a test for any error of the page itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.web_ui.editor import browsers
from tests.web_ui.editor.using import Editor
from tests.web_ui.serving import Served

EDITOR = Path(__file__).parents[3] / "web_ui" / "editor"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--force-color-profile=srgb",
    "--font-render-hinting=none",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        path, environment = browsers.find(playwright.chromium.executable_path)
        started = playwright.chromium.launch(executable_path=path, args=ARGUMENTS, env={**os.environ, **environment})
        yield started
        started.close()


@pytest.fixture(scope="session")
def modules() -> Path:
    """The editor's folder with all packages that its tests need."""
    if not all((EDITOR / "node_modules" / name).is_dir() for name in ("vitest", "axe-core", "fast-check")):
        browsers.npm("ci", folder=EDITOR)
    return EDITOR


@pytest.fixture(scope="session")
def editor_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all tests that do not stop it."""
    served = Served(tmp_path_factory.mktemp("editor"), environment={"LOOM_SECRET_TOY": "geheim123"})
    yield served
    served.stop()


@pytest.fixture
def context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Makes contexts: windows that share nothing with others."""
    made: list[BrowserContext] = []

    def make(**options: Any) -> BrowserContext:
        facts = {"viewport": {"width": 1400, "height": 860}, "reduced_motion": "reduce", "locale": "en-GB", **options}
        made.append(browser.new_context(**facts))
        made[-1].set_default_timeout(20_000)
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def errors() -> Iterator[list[str]]:
    """What went wrong in pages: the test fails when there is anything."""
    found: list[str] = []
    yield found
    assert not found


@pytest.fixture
def window(context: Callable[..., BrowserContext], errors: list[str], editor_server: Served) -> Callable[..., Editor]:
    """Opens the editor in a window of its own."""

    def opened(url: str = "", *, inside: BrowserContext | None = None, **options: Any) -> Editor:
        page = (inside or context(**options)).new_page()
        watch(page, errors)
        page.goto(url or editor_server.url)
        return Editor(page)

    return opened


@pytest.fixture
def editor(window: Callable[..., Editor]) -> Editor:
    """The editor as a first visitor sees it."""
    found = window()
    found.page.locator(".node").first.wait_for()
    found.settled()
    return found


def watch(page: Page, errors: list[str]) -> None:
    page.on("pageerror", lambda error: errors.append(f"{error}"))
    page.on("console", lambda message: errors.append(message.text) if "Content Security" in message.text else None)


@pytest.fixture(scope="session")
def workflows() -> Path:
    return Path(__file__).parents[3] / "workflows"
