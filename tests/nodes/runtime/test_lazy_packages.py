"""A package that is put off behaves as ever, only later; and a process does start without what it does not use."""

from __future__ import annotations

import importlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from nodes.runtime import lazy_packages
from nodes.runtime.lazy_packages import LazyPackage

INIT = """
import time
from . import record
record.runs += 1
time.sleep(record.takes_s)
if record.fails:
    raise ImportError("not today")
from .inner import one
two = 2
"""


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package whose ``__init__`` counts how often it ran, in a module of its own."""
    folder = tmp_path / "slow_library"
    folder.mkdir()
    (folder / "__init__.py").write_text(INIT)
    (folder / "record.py").write_text("runs, takes_s, fails = 0, 0, False\n")
    (folder / "inner.py").write_text("one = 1\n")
    (folder / "uses_init.py").write_text("from slow_library import two\nfour = two * 2\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(lazy_packages, "PUT_OFF", frozenset({"slow_library"}))
    lazy_packages.put_off()
    yield "slow_library"
    for name in [name for name in sys.modules if name.split(".")[0] == "slow_library"]:
        del sys.modules[name]


@pytest.fixture
def compiler(library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same package in the part of torch's compiler, with its decorators."""
    (tmp_path / "slow_library" / "__init__.py").write_text(
        "from . import record\nrecord.runs += 1\ntold = []\n"
        "def allow_in_graph(function):\n    told.append(('allowed', function))\n    return function\n"
        "def assume_constant_result(function):\n    told.append(('constant', function))\n    return function\n"
        "def disable(function, recursive=True, *, reason=None):\n"
        "    return lambda *arguments: ('disabled', recursive, reason, function(*arguments))\n"
    )
    monkeypatch.setattr(lazy_packages, "COMPILER", library)
    monkeypatch.setattr(lazy_packages, "FREE_OF_COMPILER", frozenset({"record"}))
    return library


def runs(library: str) -> int:
    return importlib.import_module(f"{library}.record").runs


def test_a_module_is_imported_without_the_init_of_its_package(library: str) -> None:
    from slow_library.inner import one  # type: ignore[import-not-found]

    assert one == 1
    assert runs(library) == 0
    assert isinstance(sys.modules[library], LazyPackage)


def test_a_module_is_found_as_an_attribute_too(library: str) -> None:
    from slow_library import inner  # type: ignore[import-not-found]

    assert importlib.import_module(library).record.runs == 0
    assert inner.one == 1


def test_a_name_runs_the_init_once_and_makes_it_an_ordinary_package(library: str) -> None:
    from slow_library import one, two

    assert (one, two) == (1, 2)
    assert runs(library) == 1
    assert type(sys.modules[library]) is type(sys)


def test_a_module_may_need_the_init_itself(library: str) -> None:
    assert importlib.import_module(f"{library}.uses_init").four == 4
    assert runs(library) == 1


def test_a_name_that_there_is_not_is_missed_as_ever(library: str) -> None:
    with pytest.raises(ImportError, match="cannot import name 'three'"):
        from slow_library import three  # noqa: F401
    assert not hasattr(importlib.import_module(library), "three")
    assert runs(library) == 1


def test_an_init_that_fails_says_why_and_is_tried_again(library: str) -> None:
    record = importlib.import_module(f"{library}.record")
    record.fails = True
    with pytest.raises(ImportError, match="not today"):
        from slow_library import two
    record.fails = False
    from slow_library import two

    assert two == 2
    assert record.runs == 2


def test_two_threads_run_the_init_once_and_both_find_the_name(library: str) -> None:
    record = importlib.import_module(f"{library}.record")
    record.takes_s = 0.2
    package = importlib.import_module(library)
    found: list[int] = []
    start = threading.Barrier(2)

    def ask() -> None:
        start.wait()
        found.append(package.two)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [2, 2]
    assert record.runs == 1


def test_a_package_that_puts_another_in_its_place_is_served_by_that(library: str, tmp_path: Path) -> None:
    (tmp_path / library / "__init__.py").write_text(
        "import sys, types\nother = types.ModuleType(__name__)\nother.__path__ = __path__\nother.two = 22\nsys.modules[__name__] = other\n"
    )
    before = importlib.import_module(library)
    assert before.two == 22
    assert importlib.import_module(library).two == 22
    assert not hasattr(before, "three")


def test_a_decorator_of_the_compiler_is_told_to_it_once_it_is_loaded(compiler: str) -> None:
    package = importlib.import_module(compiler)

    def function() -> int:
        return 1

    assert package.allow_in_graph(function) is function
    assert package.assume_constant_result(function) is function
    assert runs(compiler) == 0
    assert package.told == [("allowed", function), ("constant", function)]
    assert package.allow_in_graph(len) is len
    assert package.told[2:] == [("allowed", len)]


def test_a_function_kept_from_the_compiler_is_called_as_it_is_until_there_is_one(compiler: str) -> None:
    package = importlib.import_module(compiler)
    plain = package.disable(abs)
    chosen = package.disable(None, False, reason="why")(abs)
    assert (plain(-1), chosen(-1), runs(compiler)) == (1, 1, 0)
    assert package.told == []
    assert plain(-1) == ("disabled", True, None, 1)
    assert chosen(-1) == ("disabled", False, "why", 1)


def test_a_module_of_the_compiler_has_its_init_run_first(compiler: str) -> None:
    assert runs(compiler) == 0
    importlib.import_module(f"{compiler}.inner")
    assert runs(compiler) == 1


STARTED = """
import importlib, pkgutil, sys
from nodes.runtime.lazy_packages import COMPILER, FREE_OF_COMPILER, PUT_OFF, LazyPackage
from nodes.runtime.warm_up import warm_up

warm_up()
ran = [name for name in PUT_OFF if not isinstance(sys.modules[name], LazyPackage)]
assert not ran, f"not put off any more: {ran}"
for unused in ("torch._dynamo.utils", "torch._inductor.utils", "diffusers.models.transformers.transformer_flux"):
    assert unused not in sys.modules, unused

import torch
from diffusers.models.attention import BasicTransformerBlock

block = BasicTransformerBlock(dim=8, num_attention_heads=2, attention_head_dim=4).eval()
tokens = torch.ones(1, 3, 8)
plain = block(tokens)
assert isinstance(sys.modules[COMPILER], LazyPackage)
compiled = torch.compile(lambda tokens: block(tokens) * 2, backend="eager", fullgraph=True)
torch.testing.assert_close(compiled(tokens), plain * 2)
assert "torch._dynamo.utils" in sys.modules

from diffusers import FluxTransformer2DModel
from diffusers.models.autoencoders import AutoencoderTiny
from transformers.models import clip
from transformers.models.clip import CLIPModel

for name in sorted(PUT_OFF):
    package = importlib.import_module(name)
    modules = {module.name for module in pkgutil.iter_modules(package.__path__) if f"{name}.{module.name}" in sys.modules}
    modules &= FREE_OF_COMPILER if name == COMPILER else modules
    hidden = [module for module in modules if getattr(package, module) is not sys.modules[f"{name}.{module}"]]
    assert not hidden, f"{name} has other things under the names of its modules: {hidden}"
"""


def test_a_process_starts_without_what_it_does_not_use_and_has_it_when_asked() -> None:
    done = subprocess.run([sys.executable, "-c", STARTED], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
