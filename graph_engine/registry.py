"""Decides which node types there are: an immutable table built from packs and passed in; a broken module does not stop the rest."""

from __future__ import annotations

import builtins
import importlib.util
import pkgutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass, replace
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from graph_engine.errors import LoomError
from graph_engine.pack import Pack
from graph_engine.repeat import ENGINE_SPECS
from graph_engine.spec import NodeSpec

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINT_GROUP = "loom.packs"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackFault:
    """A pack, or one module of it, that could not be used, and why."""

    pack: str
    module: str
    cause: str

    def __str__(self) -> str:
        return f"pack {self.pack}: {self.module} was left out: {self.cause}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Registry:
    """Node specs by type, codecs by class name, versions by pack, and what went wrong while loading."""

    specs: Mapping[str, NodeSpec] = field(default_factory=dict)
    codecs: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    warm_ups: tuple[str, ...] = ()
    packages: frozenset[str] = frozenset()
    faults: tuple[PackFault, ...] = ()

    def similar(self, type: str) -> list[str]:
        """Up to three known types whose names come close to an unknown one. To share the pack alone does not make them close."""
        names = {known.rpartition(".")[2] for known in self.specs}
        near = get_close_matches(type.rpartition(".")[2], names, n=3, cutoff=0.6)
        return [known for name in near for known in sorted(self.specs) if known.rpartition(".")[2] == name][:3]

    def find_class(self, name: str) -> builtins.type | None:
        """The frozen dataclass ``module.Class`` of one of the packs, for a value that is read back; None for anything else."""
        module, _, attribute = name.rpartition(".")
        if module.partition(".")[0] not in self.packages | {"graph_engine"}:
            return None
        try:
            found = getattr(import_module(module), attribute, None)
        except (Exception, SystemExit):  # the module is the pack's, and may fail in any way
            return None
        frozen = isinstance(found, builtins.type) and is_dataclass(found) and found.__dataclass_params__.frozen  # type: ignore[attr-defined]
        return found if frozen else None


def compiled_ahead() -> tuple[str, ...]:
    """What the installed packs want to be compiled ahead. Loads no node; a pack that cannot be loaded is told of by ``discover``."""
    builder, found = _Builder(), list[str]()
    for entry in _installed():
        with builder.guard(entry.name, entry.value):
            found += entry.load().compiled_ahead
    return tuple(found)


def discover(pack_folders: Iterable[Path] = ()) -> Registry:
    """All packs installed (entry points ``loom.packs``) and all in the folders: each ``x.py`` or ``x/`` below one is a pack."""
    builder = _Builder()
    for entry in _installed():
        with builder.guard(entry.name, entry.value):
            pack: Pack = entry.load()
            builder.add(pack, _installed_modules(pack, builder))
    for folder in pack_folders:
        if not folder.is_dir():
            builder.fault(str(folder), str(folder), "it is no folder")
            continue
        for path in sorted(folder.iterdir()):
            if path.name.startswith((".", "_")) or not (path.suffix == ".py" or (path / "__init__.py").is_file()):
                continue
            with builder.guard(path.stem, path.name):
                builder.add_folder_pack(path)
    return builder.registry()


def _installed() -> list[EntryPoint]:
    from importlib.metadata import entry_points  # it brings mail and archive modules with it

    return sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda entry: entry.name)


def of_functions(*functions: object, pack: Pack | None = None) -> Registry:
    """A registry of these decorated functions alone: for tests and for programs that bring their own nodes."""
    builder = _Builder()
    module = ModuleType("functions")
    module.__dict__.update({f"function_{index}": function for index, function in enumerate(functions)})
    builder.add(pack or Pack(name="own", version="0", package="functions"), [module])
    builder.own(getattr(function, "__module__", "") for function in functions)
    return builder.registry()


def join(*registries: Registry) -> Registry:
    """One table from several; a type that two of them declare comes from the first."""
    specs: dict[str, NodeSpec] = {}
    codecs: dict[str, str] = {}
    versions: dict[str, str] = {}
    for registry in reversed(registries):
        specs.update(registry.specs)
        codecs.update(registry.codecs)
        versions.update(registry.versions)
    faults = tuple(fault for registry in registries for fault in registry.faults)
    packages: frozenset[str] = frozenset().union(*(registry.packages for registry in registries))
    return Registry(specs=specs, codecs=codecs, versions=versions, packages=packages, faults=faults)


def _installed_modules(pack: Pack, builder: _Builder) -> Iterator[ModuleType]:
    package = import_module(pack.package)
    for info in pkgutil.iter_modules(package.__path__):
        if not info.ispkg and not info.name.startswith("_"):
            with builder.guard(pack.name, f"{pack.package}.{info.name}"):
                yield import_module(f"{pack.package}.{info.name}")


class _Builder:
    def __init__(self) -> None:
        self._specs: dict[str, NodeSpec] = {}
        self._classes: dict[str, type] = {}
        self._codecs: dict[str, str] = {}
        self._versions: dict[str, str] = {}
        self._warm_ups: tuple[str, ...] = ()
        self._packages: set[str] = set()
        self._faults: list[PackFault] = []
        self._folder_packs: set[str] = set()

    def fault(self, pack: str, module: str, cause: str) -> None:
        self._faults.append(PackFault(pack=pack, module=module, cause=cause))

    def guard(self, pack: str, module: str) -> _Guard:
        return _Guard(self, pack, module)

    def add(self, pack: Pack, modules: Iterable[ModuleType]) -> None:
        self._versions[pack.name] = pack.version
        self._warm_ups += (pack.warm_up,) if pack.warm_up else ()
        self._codecs.update(pack.codecs)
        for module in modules:
            self._packages.add(module.__name__.partition(".")[0])
            for item in list(vars(module).values()):
                spec = getattr(item, "__node_spec__", None)
                if isinstance(spec, NodeSpec):
                    self._add_spec(pack, module, spec)

    def own(self, modules: Iterable[str]) -> None:
        """Values of classes from the packages of these modules may be read back."""
        self._packages |= {module.partition(".")[0] for module in modules}

    def add_folder_pack(self, path: Path) -> None:
        name = f"loom_pack_{path.stem}"
        if path.stem in self._folder_packs:
            self.fault(path.stem, str(path), f"another pack is called {path.stem} too; rename one")
            return
        self._folder_packs.add(path.stem)
        for known in [known for known in sys.modules if known == name or known.startswith(f"{name}.")]:
            del sys.modules[known]  # of a pack of this name in another folder, discovered earlier in this process
        source = path if path.is_file() else path / "__init__.py"
        search = [str(path)] if path.is_dir() else None
        found = importlib.util.spec_from_file_location(name, source, submodule_search_locations=search)
        assert found is not None
        assert found.loader is not None
        module = importlib.util.module_from_spec(found)
        sys.modules[name] = module
        try:
            found.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
        given = getattr(module, "PACK", None)
        pack = given if isinstance(given, Pack) else Pack(name=path.stem, version="0", package=name)
        inner = _installed_modules(replace(pack, package=name), self) if path.is_dir() else ()
        self.add(pack, [module, *inner])

    def _add_spec(self, pack: Pack, module: ModuleType, spec: NodeSpec) -> None:
        known = self._specs.get(spec.type)
        if known is not None:
            if known.function is not spec.function:
                self.fault(pack.name, module.__name__, f"it declares {spec.type}, which the pack {known.pack} already has")
            return
        for name, cls in spec.classes.items():
            if self._classes.setdefault(name, cls) is not cls:
                self.fault(pack.name, module.__name__, f"{spec.type} uses another class for the socket type {name}; rename it")
                return
        self._specs[spec.type] = replace(spec, pack=pack.name)

    def registry(self) -> Registry:
        return Registry(
            specs={**ENGINE_SPECS, **self._specs},
            codecs=self._codecs,
            versions=self._versions,
            warm_ups=self._warm_ups,
            packages=frozenset(self._packages),
            faults=tuple(self._faults),
        )


@dataclass(slots=True)
class _Guard:
    """Turns whatever an import raises into a fault record: foreign code may fail in any way."""

    builder: _Builder
    pack: str
    module: str

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if error is None or not isinstance(error, Exception | SystemExit):
            return False
        cause = str(error) if isinstance(error, LoomError) else f"{type(error).__name__}: {error}"
        self.builder.fault(self.pack, self.module, cause)
        return True


def sorted_specs(registry: Registry) -> Sequence[NodeSpec]:
    """The specs of all packs, by category and type."""
    specs = [spec for spec in registry.specs.values() if spec.type not in ENGINE_SPECS]
    return sorted(specs, key=lambda spec: (spec.category, spec.type))
