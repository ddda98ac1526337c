"""Which part may import which, proved on the source and in a process of its own."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {"torch", "numpy", "PIL", "diffusers", "transformers", "safetensors", "aiohttp", "scipy", "cv2", "tokenizers"}
SMALL_LIBRARIES = {"pydantic", "networkx", "platformdirs", "psutil"}
IN_THE_COMMAND_LINE = {"click", "rich"}


def imports(path: Path, *, outside_functions_only: bool = False) -> Iterator[tuple[str, int]]:
    """Absolute names that a module imports, with the line; those under TYPE_CHECKING never run and are left out."""
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        item = waiting.pop()
        if isinstance(item, ast.Import):
            yield from ((alias.name, item.lineno) for alias in item.names)
        elif isinstance(item, ast.ImportFrom):
            assert item.level == 0, f"{path}:{item.lineno}: a relative import"
            assert item.module is not None
            yield item.module, item.lineno
            yield from ((f"{item.module}.{alias.name}", item.lineno) for alias in item.names)
        elif isinstance(item, ast.If) and isinstance(item.test, ast.Name) and item.test.id == "TYPE_CHECKING":
            waiting += item.orelse
        elif not (outside_functions_only and isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)):
            waiting += ast.iter_child_nodes(item)


def modules(part: str) -> list[Path]:
    return sorted(path for path in (ROOT / part).rglob("*.py") if "node_modules" not in path.parts)


def offences(paths: list[Path], allowed: set[str], **options: bool) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in paths
        for name, line in imports(path, **options)
        if name.partition(".")[0] not in allowed
    ]


def test_there_is_something_to_look_at() -> None:
    assert len(modules("graph_engine")) > 20
    assert ROOT / "nodes" / "types.py" in modules("nodes")
    assert ("graph_engine.errors", 3) not in list(imports(ROOT / "graph_engine" / "errors.py"))
    assert any(name == "networkx" for name, _ in imports(ROOT / "graph_engine" / "check.py"))


def test_the_engine_imports_the_standard_library_and_small_libraries_only() -> None:
    core = [path for path in modules("graph_engine") if "cli" not in path.parts and path.name != "__main__.py"]
    assert offences(core, {*sys.stdlib_module_names, *SMALL_LIBRARIES, "graph_engine"}) == []


def test_the_command_line_may_also_import_its_own_libraries() -> None:
    assert (
        offences(modules("graph_engine"), {*sys.stdlib_module_names, *SMALL_LIBRARIES, *IN_THE_COMMAND_LINE, "graph_engine"})
        == []
    )


def test_nothing_in_the_core_imports_the_command_line() -> None:
    core = [path for path in modules("graph_engine") if "cli" not in path.parts and path.name != "__main__.py"]
    assert [f"{path}:{line}" for path in core for name, line in imports(path) if f"{name}.".startswith("graph_engine.cli.")] == []


def test_nodes_never_import_the_editor_or_its_server() -> None:
    found = [
        f"{path}:{line}"
        for path in modules("nodes")
        for name, line in imports(path)
        if name.split(".")[0] in ("web_ui", "aiohttp")
    ]
    assert found == []


def test_the_editor_never_imports_nodes_or_what_they_stand_on() -> None:
    forbidden = {"nodes", "torch", "diffusers", "transformers"}
    found = [f"{path}:{line}" for path in modules("web_ui") for name, line in imports(path) if name.split(".")[0] in forbidden]
    assert found == []


def test_declarations_of_nodes_load_without_what_they_run_on() -> None:
    themes = list((ROOT / "nodes").glob("*.py"))
    found = [
        f"{path.name}:{line} imports {name}"
        for path in themes
        for name, line in imports(path, outside_functions_only=True)
        if name.split(".")[0] in HEAVY
    ]
    assert found == []


def test_the_engine_has_no_circle_of_imports_at_import_time() -> None:
    import networkx

    names = {
        path: ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in modules("graph_engine")
    }
    graph = networkx.DiGraph()
    for path, name in names.items():
        for target, _line in imports(path, outside_functions_only=True):
            known = target if target in names.values() else target.rpartition(".")[0]
            if known in names.values() and known not in (name, "graph_engine") and not name.startswith(f"{known}."):
                graph.add_edge(name, known)
    assert graph.number_of_edges() > 40
    assert [sorted(knot) for knot in networkx.strongly_connected_components(graph) if len(knot) > 1] == []


def python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, timeout=120
    ).stdout.strip()


def test_importing_the_engine_loads_no_heavy_library() -> None:
    heavy = sorted({*HEAVY, "networkx", "click", "rich"})
    loaded = python(f"import sys, graph_engine; print(sorted(set({heavy!r}) & set(sys.modules)))")
    assert loaded == "[]"


def test_checking_planning_and_running_load_no_heavy_library_for_nodes_that_need_none() -> None:
    code = f"""
import sys
from graph_engine.engine import Engine, Request
from graph_engine.registry import of_functions
from tests.graph_engine import toys
with Engine(of_functions(*toys.ALL)) as engine:
    request = Request(workflow=toys.chain(5))
    assert not engine.check(request).problems
    assert len(engine.plan(request)) == 5
    assert engine.run(request).outputs == {{"n4": 5.0}}
print(sorted(set({sorted({*HEAVY, "networkx"})!r}) & set(sys.modules)))
"""
    assert python(code) == "[]"


def test_the_standard_pack_is_found_checked_and_planned_without_torch() -> None:
    code = f"""
import sys
from pathlib import Path
from graph_engine import Pack
from graph_engine.engine import Engine, Request
from graph_engine.registry import discover
import nodes
registry = discover()
print([str(fault) for fault in registry.faults])
print(len([spec for spec in registry.specs.values() if spec.pack == "loom"]) > 5)
with Engine(registry) as engine:
    for path in sorted(Path("workflows").glob("*.json")):
        from graph_engine.workflow import read
        graph = engine.check(Request(workflow=read(path)))
        if not graph.problems:
            engine.plan(Request(workflow=read(path)))
print(sorted(set({sorted(HEAVY)!r}) & set(sys.modules)))
"""
    assert python(code).splitlines() == ["[]", "True", "[]"]


@pytest.mark.parametrize("name", ["graph_engine", "graph_engine.workflow", "graph_engine.engine"])
def test_the_public_names_are_complete(name: str) -> None:
    module = __import__(name, fromlist=["x"])
    for public in getattr(module, "__all__", ()):
        assert getattr(module, public) is not None
