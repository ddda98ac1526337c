"""The editor's sources: their own tests pass, their types are those of the API, and a file is written as the engine writes it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graph_engine.errors import FormatError
from graph_engine.workflow.text import canonical, parse
from hatch_build import stamp_of
from tests.web_ui.editor import browsers
from tests.web_ui.editor.using import Editor
from web_ui.editor_files import editor_folder

ROOT = Path(__file__).parents[3]


def ran(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "PATH": f"{browsers.node().parent}{os.pathsep}{os.environ.get('PATH', '')}", "NO_COLOR": "1"}
    done = subprocess.run(
        [str(browsers.node()), *arguments], cwd=folder, env=environment, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_tests_of_the_document_and_its_commands_pass(modules: Path) -> None:
    assert "passed" in ran(modules, "node_modules/vitest/vitest.mjs", "run")


def test_the_sources_have_the_types_that_they_say(modules: Path) -> None:
    ran(modules, "node_modules/typescript/bin/tsc", "--noEmit", "-p", "tsconfig.test.json")


def test_the_types_of_the_api_are_those_of_the_server() -> None:
    script = ROOT / "web_ui" / "editor" / "scripts" / "api_types.py"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, str(script), "--check"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_built_editor_is_that_of_these_sources() -> None:
    folder = editor_folder()
    assert folder is not None, "the editor was not built: run uv sync"
    assert (folder / ".stamp").read_text(encoding="utf-8") == stamp_of(ROOT / "web_ui" / "editor")


def test_the_lock_file_names_no_host_and_no_script_runs_while_installing() -> None:
    lock = json.loads((ROOT / "web_ui" / "editor" / "package-lock.json").read_text(encoding="utf-8"))
    for name, package in lock["packages"].items():
        assert "resolved" not in package, name
        assert not package.get("hasInstallScript") or package.get("optional"), name
        assert not name or package.get("link") or package["integrity"].startswith("sha512-")


def test_the_page_before_the_first_picture_needs_less_than_350_kilobytes_of_script() -> None:
    import gzip

    folder = editor_folder()
    assert folder is not None
    page = (folder / "index.html").read_text(encoding="utf-8")
    needed = [path for path in (folder / "assets").glob("*.js") if path.name in page]
    assert needed
    assert sum(len(gzip.compress(path.read_bytes())) for path in needed) < 350_000


def test_the_shipped_workflows_are_written_as_the_engine_writes_them(editor: Editor, workflows: Path) -> None:
    found = sorted(workflows.glob("*.json"))
    assert found
    for path in found:
        text = path.read_text(encoding="utf-8")
        assert editor.page.evaluate("text => __editor.canonical(text)", text) == canonical(parse(text)), path.name


names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,8}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
nodes = st.fixed_dictionaries(
    {"type": st.text("abc.:", min_size=1, max_size=8)},
    optional={
        "version": st.integers(1, 9),
        "values": st.dictionaries(texts, values, max_size=3),
        "links": st.dictionaries(names, st.sampled_from(["a.b", "c-1.d"]) | st.lists(st.just("a.b"), max_size=2), max_size=2),
        "mode": st.sampled_from(["on", "muted", "bypassed"]),
        "title": texts,
        "over": st.lists(names, max_size=2),
        "state": st.dictionaries(names, names, max_size=2),
        "future": values,
    },
)
documents = st.fixed_dictionaries(
    {"format": st.just("latent-loom/1"), "nodes": st.dictionaries(names, nodes, max_size=3)},
    optional={
        "title": texts,
        "description": texts,
        "inputs": st.dictionaries(
            names, st.fixed_dictionaries({"to": st.just(["a.b"])}, optional={"title": texts, "help": texts}), max_size=2
        ),
        "outputs": st.dictionaries(names, st.fixed_dictionaries({"from": st.just("a.b")}, optional={"title": texts}), max_size=2),
        "view": st.dictionaries(texts, values, max_size=2),
        "requires": st.dictionaries(texts, values, max_size=2),
        "extra": values,
    },
)


def test_any_workflow_is_written_as_the_engine_writes_it(editor: Editor) -> None:
    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(document=documents, inner=st.none() | documents)
    def compare(document: dict[str, Any], inner: dict[str, Any] | None) -> None:
        text = json.dumps({**document, **({"definitions": {"inner": inner}} if inner else {})}, ensure_ascii=False)
        if '"__proto__"' in text:
            return  # the editor refuses such a key, in words: see json.test.ts
        try:
            ours = canonical(parse(text))
        except FormatError:
            return
        assert editor.page.evaluate("text => __editor.canonical(text)", text) == ours

    compare()


def test_every_node_is_drawn_as_high_as_its_schema_says(editor: Editor) -> None:
    types = editor.page.evaluate(
        "async () => (await (await fetch('api/nodes?limit=1000')).json()).nodes.map((node) => node.type)"
    )
    nodes = {f"n{index}": {"type": type, "version": 1} for index, type in enumerate(types)}
    views = {name: {"x": index % 4 * 320, "y": index // 4 * 700} for index, name in enumerate(nodes)}
    for start in range(0, len(nodes), 8):
        some = dict(list(nodes.items())[start : start + 8])
        editor.open(
            {
                "format": "latent-loom/1",
                "title": f"part {start}",
                "nodes": some,
                "view": {"nodes": {name: views[name] for name in some}},
            }
        )
        editor.until(lambda start=start: editor.document["title"] == f"part {start}")
        editor.page.wait_for_timeout(150)
        overflowing = editor.page.evaluate(
            """() => [...document.querySelectorAll(".node:not(.far)")].flatMap((node) => {
              const box = node.getBoundingClientRect();
              return [...node.querySelectorAll(".row")].filter((row) => row.getBoundingClientRect().bottom > box.bottom + 1)
                .map((row) => `${node.innerText.split("\\n")[0]}: ${row.innerText}`);
            })"""
        )
        assert not overflowing
        handles = editor.page.evaluate(
            """() => [...document.querySelectorAll(".row .react-flow__handle")].filter((handle) => {
              const row = handle.closest(".row").getBoundingClientRect();
              const box = handle.getBoundingClientRect();
              const scale = row.width / 264;
              return Math.abs(box.top + box.height / 2 - row.top - 14 * scale) > 1.5;
            }).map((handle) => handle.dataset.socket)"""
        )
        assert not handles
