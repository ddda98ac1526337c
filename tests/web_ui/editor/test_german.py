"""The interface in German: nothing that the server, the standard pack or a template says stays English, but for help and causes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
from playwright.sync_api import expect

from graph_engine.errors import ProblemCode
from graph_engine.registry import discover
from graph_engine.sentences import say as engine_says
from tests.web_ui.editor.using import Editor
from tests.web_ui.serving import Served
from web_ui.sentences import say as server_says

ROOT = Path(__file__).parents[3]
TEXT = ROOT / "web_ui" / "editor" / "src" / "text"
ADD: Mapping[str, Any] = {"type": "toy.add", "version": 1}
SEVEN = {**ADD, "values": {"a": 7}}


def table(file: str, name: str = "") -> dict[str, str]:
    """A table of texts as its source has it; ``name``: the one of several in the file."""
    text = (TEXT / f"{file}.ts").read_text(encoding="utf-8")
    if name:
        text = text[text.index(f"  {name}: {{") :]
        text = text[: text.index("\n  },")]
    found = re.findall(r'^\s+(?:"((?:[^"\\]|\\.)+)"|([\w$]+)):\s+"((?:[^"\\]|\\.)*)",$', text, re.MULTILINE)
    return {json.loads(f'"{quoted or plain}"'): value for quoted, plain, value in found}


def blanks(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)(?::\w+)?\}", text))


def test_every_sentence_of_engine_and_server_has_a_german_one() -> None:
    english, german = {**engine_says, **server_says}, table("deServer")
    assert german.keys() == english.keys()
    for code, text in english.items():
        assert blanks(german[code]) <= blanks(text), code


def test_the_words_of_the_standard_pack_are_there_in_german() -> None:
    specs = [spec for spec in discover().specs.values() if spec.pack in ("loom", "")]
    assert len(specs) > 90
    fields = [field for spec in specs for field in spec.inputs.values()]
    assert table("deNodes", "titles").keys() == {spec.type for spec in specs}
    assert table("deNodes", "categories").keys() == {spec.category for spec in specs}
    names = {field.name for field in fields} | {output.name for spec in specs for output in spec.outputs.values()}
    assert table("deNodes", "fields").keys() == names | {"prompt"}
    assert table("deNodes", "units").keys() == {field.range.unit for field in fields if field.range is not None} - {""}
    assert table("deNodes", "texts").keys() == {field.choice.action for field in fields if field.choice is not None}


def texts_of(workflow: Mapping[str, Any]) -> Iterator[str]:
    """What a template says to people."""
    parts = [part for kind in ("inputs", "outputs", "nodes") for part in workflow.get(kind, {}).values()]
    yield from (one[name] for one in (workflow, *parts) for name in ("title", "description", "help") if one.get(name))
    for definition in workflow.get("definitions", {}).values():
        yield from texts_of(definition)


def test_the_templates_are_there_in_german(workflows: Path) -> None:
    found = {text for path in workflows.glob("*.json") for text in texts_of(json.loads(path.read_text(encoding="utf-8")))}
    assert table("deTemplates").keys() == found


@pytest.fixture
def german(window: Callable[..., Editor]) -> Editor:
    editor = window(locale="de-DE")
    editor.page.locator(".node").first.wait_for()
    editor.settled()
    return editor


def test_a_template_its_nodes_and_its_form_are_german(german: Editor) -> None:
    page = german.page
    assert german.document["title"] == "Text zu Bild"
    expect(german.node("model").locator(".node-title")).to_have_text("Modell laden")
    expect(german.node("sample")).to_contain_text("Entrauschen")
    german.press("Control+2")
    expect(page.locator(".form-card label").nth(1)).to_have_text("Negativer Prompt")
    german.press("Control+1", "Control+o")
    expect(page.get_by_role("dialog")).to_contain_text("Malt einen Teil eines Bildes nach dem Prompt neu")
    page.keyboard.press("Escape")
    german.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Strg+Umschalt+Enter")


def test_a_node_is_found_by_its_german_name(german: Editor) -> None:
    german.new()
    german.add("Bild skalieren")
    assert [one["type"] for one in german.document["nodes"].values()] == ["loom.scale_image"]


def test_the_plan_says_in_german_why_a_node_runs(german: Editor) -> None:
    german.open({"format": "latent-loom/1", "title": "plan", "nodes": {"a": SEVEN, "w": writing("a.value", "plan")}})
    german.until(lambda: german.state("a").get("plan"))
    assert german.state("a")["plan"]["reason"] == "zum ersten Mal"
    german.run()
    german.until(lambda: (german.state("a").get("plan") or {}).get("status") == "cached")
    assert german.state("a")["plan"]["reason"] == "nichts, wovon es abhängt, hat sich geändert"
    german.settled()
    german.field("a", "a").fill("8")
    german.press("Tab")
    german.until(lambda: (german.state("a").get("plan") or {}).get("status") == "runs")
    assert german.state("a")["plan"]["reason"] == "A 7 → 8"
    assert german.state("w")["plan"]["reason"] == "sein Eingang ändert sich"
    expect(german.node("a").locator(".badge")).to_have_attribute("title", re.compile("^A 7 → 8"))


def test_a_failed_node_says_in_german_what_to_do(german: Editor) -> None:
    failing = {"type": "toy.fail", "version": 1}
    german.open({"format": "latent-loom/1", "title": "fail", "nodes": {"f": failing, "w": writing("f.value", "never")}})
    german.until(lambda: "f" in german.document["nodes"])
    german.run()
    german.until(lambda: german.state("f").get("error"))
    action = "Das ist ein Fehler des Knotens (Paket toy); Näheres steht im Protokoll (--verbose)."
    assert german.state("f")["error"] == {"cause": "ValueError: no good: •••.", "action": action}
    german.press("Control+3")
    expect(german.page.get_by_role("alert").first).to_contain_text(action)


def writing(source: str, name: str) -> dict[str, Any]:
    return {"type": "toy.write", "version": 1, "values": {"name": name}, "links": {"value": source}}


def wrong() -> dict[str, tuple[dict[str, Any], str]]:
    """For each code of a problem: what of a workflow leads to it, and how the German of its cause begins."""
    levels: dict[str, Any] = {"d0": {"nodes": {"a": SEVEN}}}
    for level in range(1, 12):
        levels[f"d{level}"] = {"nodes": {f"n{i}": {"type": f"workflow:d{level - 1}", "version": 1} for i in range(4)}}
    sub = {"type": "workflow:d", "version": 1}
    loads = {"type": "loom.load_image", "version": 2}
    blend = {"type": "loom.blend_images", "version": 1}
    return {
        "bad_range": ({"nodes": {"n": {"type": "toy.wait", "version": 1, "values": {"steps": 0}}}}, "0 liegt außerhalb von"),
        "bad_value": ({"nodes": {"n": {**ADD, "values": {"a": "x"}}}}, "'x' ist nicht vom Typ int."),
        "cycle": (
            {"nodes": {"n": {**ADD, "links": {"a": "m.value"}}, "m": {**ADD, "links": {"a": "n.value"}}}},
            "Diese Knoten brauchen einander im Kreis: m -> n -> m.",
        ),
        "missing_input": ({"nodes": {"n": ADD}}, "Hier ist nichts angegeben."),
        "not_a_choice": ({"nodes": {"n": {**blend, "values": {"mode": "ad"}}}}, "'ad' steht nicht zur Wahl."),
        "nothing_to_run": ({"nodes": {"n": SEVEN}}, "Kein Knoten speichert etwas"),
        "recursion": ({"nodes": {"n": sub}, "definitions": {"d": {"nodes": {"n": sub}}}}, "„d“ enthält sich selbst"),
        "too_large": (
            {"nodes": {"n": {"type": "workflow:d11", "version": 1}}, "definitions": levels},
            "Ausgeschrieben hat er mehr als 250000 Knoten.",
        ),
        "type_mismatch": (
            {"nodes": {"t": {"type": "loom.text", "version": 1}, "n": {**ADD, "links": {"a": "t.text"}}}},
            "t.text gibt text, aber es ist text, und gebraucht wird int.",
        ),
        "unknown_input": ({"nodes": {"n": {**SEVEN, "values": {"z": 1}}}}, "„toy.add“ hat keinen Eingang „z“."),
        "unknown_model": ({"nodes": {"n": {**loads, "values": {"name": "no.png"}}}}, "'no.png' gibt es hier nicht."),
        "unknown_node": ({"nodes": {"n": {"type": "toy.none", "version": 1}}}, "Den Knotentyp „toy.none“ gibt es hier nicht."),
        "unknown_output": ({"nodes": {"n": {**ADD, "links": {"a": "m.value"}}}}, "Die Verbindung kommt von „m“"),
        "unknown_target": (
            {"nodes": {"n": {**sub, "values": {"x": 1}}}, "definitions": {"d": {"nodes": {}, "inputs": {"x": {"to": ["m.a"]}}}}},
            "Ein erklärter Eingang setzt „m“",
        ),
        "unreadable_file": ({"nodes": {"n": {"type": "toy.unreadable", "version": 1}}}, "no header."),
        "version": ({"nodes": {"n": {**SEVEN, "version": 3}}}, "„toy.add“ hat hier Version 3, und installiert ist Version 1."),
    }


def test_every_problem_is_said_in_german(german: Editor, editor_server: Served) -> None:
    cases = wrong()
    assert cases.keys() == set(get_args(ProblemCode))
    for code, (parts, begins) in cases.items():
        workflow = {"format": "latent-loom/1", "title": code, **parts}
        english = editor_server.post("/api/check", {"workflow": workflow})["problems"]
        german.open(workflow)
        german.until(lambda code=code: german.document.get("title") == code)
        german.until(lambda code=code: code in [one["code"] for one in german.tab["problems"]], f"{code}: {english}")
        told = [one for one in german.tab["problems"] if one["code"] == code]
        assert told[0]["cause"].startswith(begins), told
        assert not {one["action"] for one in told} & {one["action"] for one in english}, told
        if told[0]["node"] and told[0]["node"] in german.document["nodes"]:
            badge = german.node(told[0]["node"]).locator(".badge")
            expect(badge).to_have_attribute("title", re.compile(re.escape(begins)))


def test_a_refusal_of_the_server_is_said_in_german(german: Editor) -> None:
    german.press("Control+s")
    german.page.get_by_role("dialog").get_by_role("textbox").fill("con")
    german.press("Enter")
    expect(german.page.locator(".toasts")).to_contain_text("'con' ist unter Windows der Name eines Geräts. Etwas anderes wählen.")


def test_another_language_is_spoken_at_once(german: Editor) -> None:
    german.until(lambda: german.state("sample").get("plan"))
    assert german.state("sample")["plan"]["reason"] not in engine_says.values()
    german.page.get_by_role("button", name="Menü").click()
    german.page.get_by_role("menuitem", name="English").click()
    expect(german.node("model").locator(".node-title")).to_have_text("Load model")
    german.until(lambda: (german.state("sample").get("plan") or {}).get("reason") in engine_says.values())
