from __future__ import annotations

import importlib.util
import os
import sys
import threading
from pathlib import Path

import pytest

from graph_engine.bytecode import compile_ahead

MODULES = ("__init__", "one", "inner/__init__", "inner/two", "inner/deep/__init__", "inner/tests/__init__", "loose/script")


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that was just installed."""
    for name in MODULES:
        file = tmp_path / "fresh_library" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("raise RuntimeError('nothing is imported')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    return tmp_path / "fresh_library"


def started() -> bool:
    """Whether a process compiles; waits for its end."""
    running = [thread for thread in threading.enumerate() if thread.name == "compile-ahead"]
    for thread in running:
        thread.join(60)
    return bool(running)


def compiled(library: Path) -> set[str]:
    return {name for name in MODULES if Path(importlib.util.cache_from_source(str(library / f"{name}.py"))).exists()}


@pytest.mark.parametrize(
    ("package", "expected"),
    [
        ("fresh_library", {"__init__", "one"}),
        ("fresh_library.inner", {"inner/__init__", "inner/two"}),
        ("fresh_library.*", {"__init__", "one", "inner/__init__", "inner/two", "inner/deep/__init__"}),
    ],
)
def test_a_new_library_is_compiled_once_and_not_imported(library: Path, package: str, expected: set[str]) -> None:
    compile_ahead([package])
    assert started()
    assert compiled(library) == expected
    compile_ahead([package])
    assert not started()
    assert "fresh_library" not in sys.modules


@pytest.mark.parametrize(
    "package", ["no_such_library", "no_such_library.part", "fresh_library.nothing", "fresh_library.loose", "sys"]
)
def test_what_is_not_there_is_left_out(library: Path, package: str) -> None:
    compile_ahead([package])
    assert not started()


def test_nothing_starts_where_bytecode_is_not_wanted_or_a_processor_is_all_there_is(
    library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as here:
        here.setattr(sys, "dont_write_bytecode", True)
        compile_ahead(["fresh_library"])
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    compile_ahead(["fresh_library"])
    assert not started()
    assert compiled(library) == set()
