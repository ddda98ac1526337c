"""Which packs are found, and that a broken one stops no other."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from graph_engine.engine import Engine, Request
from graph_engine.pack import Pack
from graph_engine.registry import Registry, discover, join, of_functions, sorted_specs
from tests.graph_engine import toys
from tests.graph_engine.toys import entry, finished, workflow

NODE = """
from graph_engine import node

@node("{type}", version=1, category="test")
def function(value: float = 0.0) -> float:
    \"\"\"Give a number.\"\"\"
    return value + {plus}
"""


def source(type: str, plus: float = 1.0) -> str:
    return NODE.format(type=type, plus=plus)


@pytest.fixture(autouse=True)
def _forget_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def install(site: Path, name: str, modules: dict[str, str], entry_point: str | None = None) -> None:
    """A distribution as pip leaves it: a package and its entry point."""
    package = site / f"{name}_package"
    package.mkdir(parents=True)
    init = f"from graph_engine import Pack\nPACK = Pack(name={name!r}, version='1.2', package='{name}_package')\n"
    for module, text in {"__init__": init, **modules}.items():
        (package / f"{module}.py").write_text(text)
    info = site / f"{name}-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(f"[loom.packs]\n{name} = {entry_point or f'{name}_package:PACK'}\n")


def causes(registry: Registry) -> list[str]:
    return [str(fault) for fault in registry.faults]


def test_an_installed_pack_is_found_by_its_entry_point(tmp_path: Path) -> None:
    install(tmp_path / "site", "alpha", {"one": source("alpha.one"), "two": source("alpha.two"), "_private": "raise SystemExit"})
    found = discover()
    assert {"alpha.one", "alpha.two"} <= found.specs.keys()
    assert found.specs["alpha.one"].pack == "alpha"
    assert found.versions["alpha"] == "1.2"
    assert not [fault for fault in found.faults if fault.pack == "alpha"]


def test_a_broken_module_is_reported_with_its_cause_and_the_rest_of_its_pack_is_used(tmp_path: Path) -> None:
    install(
        tmp_path / "site",
        "beta",
        {
            "a_broken": "import a_library_that_is_not_there",
            "b_exits": "raise SystemExit(3)",
            "c_contradicts": source("beta.c").replace("value: float = 0.0", "value: float = 'x'"),
            "d_fine": source("beta.fine"),
        },
    )
    found = discover()
    assert "beta.fine" in found.specs
    assert [text for text in causes(found) if text.startswith("pack beta")] == [
        "pack beta: beta_package.a_broken was left out: ModuleNotFoundError: No module named 'a_library_that_is_not_there'",
        "pack beta: beta_package.b_exits was left out: SystemExit: 3",
        "pack beta: beta_package.c_contradicts was left out: beta.c: parameter 'value' has the default 'x', which is no float.",
    ]


def test_a_broken_pack_is_reported_and_the_others_are_used(tmp_path: Path) -> None:
    install(tmp_path / "site", "gamma", {}, entry_point="gamma_package:MISSPELT")
    install(tmp_path / "site", "delta", {"fine": source("delta.fine")})
    install(tmp_path / "site", "epsilon", {}, entry_point="json:loads")
    found = discover()
    assert "delta.fine" in found.specs
    assert any(text.startswith("pack gamma: gamma_package:MISSPELT was left out: AttributeError") for text in causes(found))
    assert any(text.startswith("pack epsilon: json:loads was left out: ") for text in causes(found))


def test_packs_in_a_folder_are_files_and_packages(tmp_path: Path) -> None:
    folder = tmp_path / "packs"
    (folder / "big").mkdir(parents=True)
    (folder / "small.py").write_text(source("small.one"))
    (folder / "big" / "__init__.py").write_text(
        "from graph_engine import Pack\nPACK = Pack(name='big', version='7', package='big')"
    )
    (folder / "big" / "theme.py").write_text(source("big.one"))
    (folder / "_hidden.py").write_text("raise RuntimeError('a hidden file was read')")
    (folder / "readme.txt").write_text("no pack")
    found = discover([folder])
    assert {"small.one", "big.one"} <= found.specs.keys()
    assert (found.specs["big.one"].pack, found.versions["big"]) == ("big", "7")
    assert (found.specs["small.one"].pack, found.versions["small"]) == ("small", "0")
    assert not [fault for fault in found.faults if fault.pack in ("big", "small")]


def test_a_broken_folder_pack_is_reported_with_its_cause(tmp_path: Path) -> None:
    folder = tmp_path / "packs"
    folder.mkdir()
    (folder / "bad.py").write_text("def half(:\n")
    (folder / "good.py").write_text(source("good.one"))
    found = discover([folder, tmp_path / "nowhere"])
    assert "good.one" in found.specs
    assert any(text.startswith("pack bad: bad.py was left out: SyntaxError: invalid syntax") for text in causes(found))
    assert any("nowhere was left out: it is no folder" in text for text in causes(found))
    assert "loom_pack_bad" not in sys.modules


def test_a_folder_pack_of_the_same_name_elsewhere_is_not_mistaken_for_the_first(tmp_path: Path) -> None:
    for place, plus in (("first", 1.0), ("second", 2.0)):
        (tmp_path / place / "mine").mkdir(parents=True)
        (tmp_path / place / "mine" / "__init__.py").write_text("")
        (tmp_path / place / "mine" / "theme.py").write_text(source("mine.one", plus))
    assert discover([tmp_path / "first"]).specs["mine.one"].function(0.0) == 1.0
    assert discover([tmp_path / "second"]).specs["mine.one"].function(0.0) == 2.0


def test_two_folder_packs_of_one_name_keep_the_first_and_say_so(tmp_path: Path) -> None:
    for place, plus in (("first", 1.0), ("second", 2.0)):
        (tmp_path / place).mkdir()
        (tmp_path / place / "mine.py").write_text(source("mine.one", plus))
    found = discover([tmp_path / "first", tmp_path / "second"])
    assert found.specs["mine.one"].function(0.0) == 1.0
    assert "another pack is called mine too; rename one" in "\n".join(causes(found))


def test_two_packs_that_declare_one_node_type_keep_the_first_and_say_so(tmp_path: Path) -> None:
    folder = tmp_path / "packs"
    folder.mkdir()
    (folder / "a_first.py").write_text(source("same.one", 1.0))
    (folder / "b_second.py").write_text(source("same.one", 2.0) + source("b.two").replace("def function", "def other"))
    found = discover([folder])
    assert found.specs["same.one"].function(0.0) == 1.0
    assert "b.two" in found.specs
    assert "it declares same.one, which the pack a_first already has" in "\n".join(causes(found))


def test_two_classes_for_one_socket_type_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "packs"
    folder.mkdir()
    text = dedent("""
        from dataclasses import dataclass
        from graph_engine import node, socket_type

        @socket_type("Thing")
        @dataclass(frozen=True)
        class Thing:
            name: str = ""

        @node("{0}.make", version=1, category="x")
        def make() -> Thing:
            \"\"\"Make.\"\"\"
            return Thing()
    """)
    (folder / "a.py").write_text(text.format("a"))
    (folder / "b.py").write_text(text.format("b"))
    found = discover([folder])
    assert "a.make" in found.specs
    assert "b.make" not in found.specs
    assert "b.make uses another class for the socket type Thing; rename it" in "\n".join(causes(found))


def test_a_node_of_a_folder_pack_runs(tmp_path: Path) -> None:
    folder = tmp_path / "packs"
    folder.mkdir()
    (folder / "mine.py").write_text(source("mine.plus", 5.0))
    with Engine(discover([folder])) as engine:
        result = finished(engine.start(Request(workflow=workflow({"a": entry("mine.plus", value=1.0)}, "a.value"))))
    assert result.outputs == {"a": 6.0}


def test_a_name_that_is_nearly_right_is_suggested(registry: Registry) -> None:
    assert registry.similar("toy.nummber")[0] == "toy.number"
    assert registry.similar("something.else.entirely") == []


def test_joined_registries_prefer_the_first() -> None:
    first = of_functions(toys.number, pack=Pack(name="first", version="1", package=""))
    second = of_functions(toys.number, toys.add, pack=Pack(name="second", version="2", package=""))
    both = join(first, second)
    assert both.specs["toy.number"].pack == "first"
    assert both.specs["toy.add"].pack == "second"
    assert both.versions == {"first": "1", "second": "2"}


def test_specs_are_listed_by_category_and_type(registry: Registry) -> None:
    listed = [(spec.category, spec.type) for spec in sorted_specs(registry)]
    assert listed == sorted(listed)
    assert len(listed) == len(toys.ALL)
