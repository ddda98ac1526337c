"""axe finds nothing in any view; a phone has the form; every text is there in German; dark and light follow the system."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.web_ui.editor.using import Editor

EDITOR = Path(__file__).parents[3] / "web_ui" / "editor"
VIEWS: dict[str, Callable[[Editor], Any]] = {
    "graph": lambda editor: None,
    "form": lambda editor: editor.press("Control+2"),
    "list": lambda editor: editor.press("Control+3"),
    "palette": lambda editor: editor.press("Control+k"),
    "inspector": lambda editor: (editor.node("sample").locator(".node-title").click(), editor.press("i")),
    "ports": lambda editor: editor.press("p"),
    "queue": lambda editor: editor.press("q"),
    "gallery": lambda editor: editor.press("g"),
    "library": lambda editor: editor.press("Shift+A"),
    "shortcuts": lambda editor: editor.press("?"),
    "open": lambda editor: editor.press("Control+o"),
    "save": lambda editor: editor.press("Control+Shift+s"),
    "search": lambda editor: (editor.press("Control+f"), editor.page.keyboard.type("noise")),
    "menu of a node": lambda editor: editor.node("sample").locator(".node-title").click(button="right"),
    "menu of the canvas": lambda editor: editor.page.locator(".react-flow__pane").click(
        button="right", position={"x": 24, "y": 700}
    ),
    "choices": lambda editor: (
        editor.page.locator(".node .choice").first.click(),
        editor.page.locator("#choice-list img").wait_for(),
    ),
    "nothing open": lambda editor: editor.new(),
    "subgraph": lambda editor: (
        editor.node("sample").locator(".node-title").click(),
        editor.press("Control+Shift+g"),
        editor.page.get_by_role("button", name="Open the subgraph").click(),
        editor.page.get_by_role("navigation", name="Subgraphs").wait_for(),
    ),
    "refusal": lambda editor: (
        editor.wire("noise.noise", "decode.latent"),
        editor.page.locator(".toasts .toast").wait_for(),
    ),
    "queue after a run": lambda editor: (editor.run(), editor.press("q"), editor.page.locator(".job").first.wait_for()),
    "gallery's bin": lambda editor: (
        editor.press("g"),
        editor.page.get_by_label("Which").select_option("Bin"),
        editor.page.get_by_role("button", name="Empty the bin").wait_for(),
    ),
    "menu": lambda editor: editor.page.get_by_role("button", name="Menu").click(),
    "viewer": lambda editor: (editor.run(), editor.page.locator(".node-picture button").first.click()),
}


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing(window: Callable[..., Editor], modules: Path, view: str, scheme: str) -> None:
    editor = window(color_scheme=scheme)
    editor.page.locator(".node").first.wait_for()
    VIEWS[view](editor)
    editor.page.wait_for_timeout(200)
    editor.page.evaluate(
        (modules / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    )  # by the debugger: the content policy lets no page do it
    found = editor.page.evaluate("() => axe.run({ resultTypes: ['violations'] })")
    told = [f"{one['id']}: {one['help']}: {[node['html'][:200] for node in one['nodes'][:4]]}" for one in found["violations"]]
    assert not told, "\n".join(told)


def test_a_phone_shows_the_form_and_makes_a_picture(window: Callable[..., Editor]) -> None:
    editor = window(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    prompt = editor.page.get_by_label("Prompt", exact=True)
    prompt.fill("a red boat")
    assert editor.page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    editor.page.locator(".form-run button").tap()
    editor.page.locator(".form-picture-button img").wait_for(timeout=60_000)
    assert editor.document["nodes"]["positive"]["values"]["text"] == "a red boat"
    editor.page.get_by_role("button", name="Edit as a graph").tap()
    expect(editor.page.locator(".react-flow__node").first).to_be_visible()


def test_the_form_is_chosen_ordered_and_named_in_the_editor(editor: Editor) -> None:
    editor.node("sample").locator(".node-title").click()
    editor.press("i")
    editor.page.get_by_text("Use in the form").click()
    editor.page.get_by_role("checkbox", name="Denoise").check()
    editor.click_canvas()
    editor.press("p")
    editor.page.get_by_label("denoise: Title").fill("How much to draw")
    for _ in range(8):
        editor.page.get_by_role("button", name="Move denoise up").click()
    editor.press("Control+2")
    labels = editor.page.locator(".form-card label").all_inner_texts()
    assert labels[0] == "How much to draw"
    assert editor.document["view"]["inputs"][0] == "denoise"


def test_every_text_is_there_in_german(window: Callable[..., Editor]) -> None:
    english, german = (
        dict(
            re.findall(
                r'^  (\w+): "(.*)",$', (EDITOR / "src" / "text" / f"{language}.ts").read_text(encoding="utf-8"), re.MULTILINE
            )
        )
        for language in ("en", "de")
    )
    assert english.keys() == german.keys()
    for key, text in english.items():
        assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", german[key])), key
    editor = window(locale="de-DE")
    expect(editor.page.get_by_role("button", name="Ausführen", exact=True)).to_be_visible()
    assert editor.page.evaluate("() => document.documentElement.lang") == "de"


def test_what_is_refused_or_wrong_is_said_in_german_too(window: Callable[..., Editor]) -> None:
    editor = window(locale="de-DE")
    editor.page.locator(".node").first.wait_for()
    editor.wire("noise.noise", "decode.latent")
    toasts = editor.page.locator(".toasts")
    expect(toasts).to_contain_text("noise.noise gibt Noise, aber hier wird Latent")
    editor.open('{"format": "latent-loom/1", "nodes": {"1": {"type": "x"}}}')
    expect(toasts).to_contain_text("Workflow: Der Knoten „1“ hat einen Namen, den kein Knoten haben darf.")
    editor.open('{"a": 1, "a": 2}')
    expect(toasts).to_contain_text("Zeile 1, Spalte 13: Der Schlüssel „a“ steht zweimal in einem Objekt.")
    editor.open({"format": "latent-loom/1", "title": "wrong", "nodes": {"add": {"type": "toy.add", "version": 1}}})
    editor.until(lambda: "missing_input" in [one["code"] for one in editor.tab["problems"]])
    badge = editor.node("add").locator(".badge")
    expect(badge).to_have_attribute("title", re.compile("Hier ist nichts angegeben."))


def test_the_theme_follows_the_system_and_can_be_chosen(editor: Editor) -> None:
    theme = "() => document.documentElement.dataset.theme"
    editor.page.emulate_media(color_scheme="dark")
    editor.until(lambda: editor.page.evaluate(theme) == "dark")
    editor.press("Control+k")
    editor.page.keyboard.type("dark or light")
    editor.press("Enter")
    editor.until(lambda: editor.page.evaluate(theme) == "light")
    editor.page.reload()
    editor.page.locator(".node").first.wait_for()
    assert editor.page.evaluate(theme) == "light"


def test_keys_walk_from_node_to_node_and_find_them(editor: Editor) -> None:
    editor.click_canvas()
    editor.press("Alt+ArrowRight")
    assert editor.tab["selected"] == ["model"]
    editor.press("Alt+ArrowRight")
    assert editor.tab["selected"] == ["positive"]
    editor.press("Control+f")
    editor.page.locator('[role="search"] input:focus').wait_for()
    editor.page.keyboard.type("avoid")
    editor.page.locator('[role="search"]').get_by_text("1/1").wait_for()
    editor.press("Enter")
    editor.until(lambda: editor.tab["selected"] == ["negative"])
