"""A workflow that uses files beside it becomes one that stands alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from graph_engine.engine import Engine
from graph_engine.errors import FormatError
from graph_engine.graph import compile
from graph_engine.registry import Registry
from graph_engine.workflow import Workflow, canonical, parse
from graph_engine.workflow.bundle import MAX_FILES, bundle
from tests.graph_engine.toys import document, entry, run, workflow


def put(folder: Path, name: str, data: dict[str, Any]) -> None:
    (folder / name).write_text(json.dumps(data))


def using(*files: str) -> dict[str, Any]:
    return document({f"use{index}": entry(f"file:{file}") for index, file in enumerate(files)})


PLUS_ONE = document(
    {"plus": entry("add", b=1.0)}, inputs={"value": {"to": ["plus.a"]}}, outputs={"value": {"from": "plus.value"}}
)


def test_a_workflow_without_files_stays_as_it_is(tmp_path: Path) -> None:
    of = workflow({"a": entry("number")}, "a.value")
    assert bundle(of, tmp_path) is of


def test_a_file_beside_becomes_a_definition_and_runs(tmp_path: Path, engine: Engine) -> None:
    put(tmp_path, "plus one.json", PLUS_ONE)
    nodes = {"a": entry("number", value=1.0), "b": entry("file:plus one.json", {"value": "a.value"})}
    bundled = bundle(workflow(nodes, "b.value"), tmp_path)
    assert bundled.nodes["b"].type == "workflow:file_plus_one"
    assert bundled.definitions == {"file_plus_one": parse(json.dumps(PLUS_ONE))}
    assert run(engine, bundled).outputs == {"b": 2.0}
    assert parse(canonical(bundled)) == bundled


def test_files_that_use_files_are_followed_and_each_is_read_once(tmp_path: Path, engine: Engine) -> None:
    put(tmp_path, "one.json", PLUS_ONE)
    twice = document(
        {"x": entry("file:one.json"), "y": entry("file:one.json", {"value": "x.value"})},
        inputs={"value": {"to": ["x.value"]}},
        outputs={"value": {"from": "y.value"}},
    )
    put(tmp_path, "two.json", twice)
    nodes = {"a": entry("file:one.json", value=1.0), "b": entry("file:two.json", {"value": "a.value"})}
    bundled = bundle(workflow(nodes, "b.value"), tmp_path)
    assert sorted(bundled.definitions) == ["file_one", "file_two"]
    assert run(engine, bundled).outputs == {"b": 4.0}


def test_a_definition_of_the_same_name_is_not_overwritten(tmp_path: Path) -> None:
    put(tmp_path, "one.json", PLUS_ONE)
    of = workflow({"a": entry("file:one.json"), "b": entry("workflow:file_one")}, definitions={"file_one": document({})})
    bundled = bundle(of, tmp_path)
    assert bundled.definitions["file_one"] == parse(json.dumps(document({})))
    assert bundled.nodes["a"].type == "workflow:file_one_"


def test_a_file_used_inside_a_definition_is_found(tmp_path: Path, engine: Engine) -> None:
    put(tmp_path, "one.json", PLUS_ONE)
    inner = document({"x": entry("file:one.json", value=5.0)}, outputs={"value": {"from": "x.value"}})
    bundled = bundle(workflow({"a": entry("workflow:inner")}, "a.value", definitions={"inner": inner}), tmp_path)
    assert run(engine, bundled).outputs == {"a": 6.0}


@pytest.mark.parametrize(
    "name",
    [
        "../secret.json",
        "/etc/secret.json",
        "a/b.json",
        "a\\b.json",
        "..json",
        ".hidden.json",
        "x.txt",
        "x.json\n",
        "",
        "C:x.json",
    ],
)
def test_a_name_that_is_no_plain_file_name_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"is no file beside the workflow: write file:NAME\.json, without a folder\."):
        bundle(parse(json.dumps(using(name))), tmp_path)


def test_a_link_beside_the_workflow_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    put(tmp_path / "elsewhere", "real.json", PLUS_ONE)
    (tmp_path / "link.json").symlink_to(tmp_path / "elsewhere" / "real.json")
    with pytest.raises(FormatError, match=r"link\.json is a link; a workflow beside this one must be a file\."):
        bundle(parse(json.dumps(using("link.json"))), tmp_path)


def test_a_missing_or_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"gone\.json cannot be read: No such file"):
        bundle(parse(json.dumps(using("gone.json"))), tmp_path)
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(FormatError, match=r"bad\.json: line 1"):
        bundle(parse(json.dumps(using("bad.json"))), tmp_path)


def test_files_that_use_each_other_are_read_once_and_refused_by_check(tmp_path: Path, registry: Registry) -> None:
    put(tmp_path, "a.json", using("b.json"))
    put(tmp_path, "b.json", using("a.json"))
    bundled = bundle(parse(json.dumps(using("a.json"))), tmp_path)
    assert sorted(bundled.definitions) == ["file_a", "file_b"]
    assert [problem.code for problem in compile(bundled, registry).problems if problem.code == "recursion"] == ["recursion"]


def test_more_files_than_allowed_are_refused(tmp_path: Path) -> None:
    put(tmp_path, "many.json", using(*(f"f{index}.json" for index in range(MAX_FILES))))
    with pytest.raises(FormatError, match=r"it uses more than 100 other files\."):
        bundle(parse(json.dumps(using("many.json"))), tmp_path)


def test_bundling_leaves_the_original_alone(tmp_path: Path) -> None:
    put(tmp_path, "one.json", PLUS_ONE)
    of: Workflow = parse(json.dumps(using("one.json")))
    before = canonical(of)
    bundle(of, tmp_path)
    assert canonical(of) == before
