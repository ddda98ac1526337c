"""Decides which packages of the large libraries run their ``__init__`` only when a name in it is asked for.

``diffusers.models.transformers`` imports a hundred networks where one is wanted, and for three decorators diffusers and transformers
import the whole compiler of torch, though nothing here is compiled. Without these a process starts in three quarters of the time, and
takes 120 MB less. A package that is put off is there as ever: its modules can be imported, and the first name that is none of them
runs its ``__init__``. Where a version of a library has no such package, nothing changes.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial, wraps
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

COMPILER = "torch._dynamo"
PUT_OFF = frozenset(
    {
        "diffusers.hooks",
        "diffusers.models.autoencoders",
        "diffusers.models.transformers",
        "diffusers.models.unets",
        "transformers.models",
        COMPILER,
    }
)
FREE_OF_COMPILER = frozenset({"_trace_wrapped_higher_order_op"})
"""The modules of the compiler that do without its ``__init__``. The others import each other through it, and in its order."""

importing = threading.RLock()
"""Held by whoever imports a large library: a part that two threads ask for at once is found half made."""
_under_way: set[str] = set()


def put_off() -> None:
    """Have the packages that are not imported yet put off, from now on."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class LazyPackage(ModuleType):
    """A package before its ``__init__`` ran. That makes it an ordinary one."""

    def __getattr__(self, name: str) -> Any:
        if self.__name__ == COMPILER and name in _STAND_INS:
            return _STAND_INS[name]
        if _does_without_init(self.__name__, name) and PathFinder.find_spec(f"{self.__name__}.{name}", self.__path__):
            return import_module(f"{self.__name__}.{name}")
        package = _loaded(self)
        if isinstance(package, LazyPackage):
            raise AttributeError(f"package {self.__name__!r}, whose __init__ still runs, has no attribute {name!r}")
        return getattr(package, name)


class _Finder(MetaPathFinder):
    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        package, _, module = name.rpartition(".")
        if not _does_without_init(package, module):
            _loaded(sys.modules[COMPILER])
        spec = PathFinder.find_spec(name, path, target) if name in PUT_OFF else None
        if spec is not None and spec.loader is not None:
            spec.loader = _LazyLoader(spec.loader)
        return spec


class _LazyLoader(Loader):
    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> None:
        """An ordinary module will do."""

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__loader__ = module.__spec__.loader = self._loader
        module.__class__ = LazyPackage


def _does_without_init(package: str, module: str) -> bool:
    return package != COMPILER or module in FREE_OF_COMPILER


def _loaded(package: ModuleType) -> ModuleType:
    """The package after its ``__init__`` ran, which another may have put in its place. Raises what that raises, and then tries again.

    Within that ``__init__`` it is the package as far as it is made; another thread waits.
    """
    name = package.__name__
    if not isinstance(package, LazyPackage):  # without the lock, which another that imports may hold for long
        return sys.modules[name]
    with importing:
        if isinstance(package, LazyPackage) and name not in _under_way:
            _under_way.add(name)
            try:
                package.__loader__.exec_module(package)  # type: ignore[union-attr]
            finally:
                _under_way.remove(name)
            package.__class__ = ModuleType  # type: ignore[assignment]
            if (other := sys.modules[name]) is not package:
                vars(package)["__getattr__"] = partial(getattr, other)
            if name == COMPILER:
                _tell(package)
        return sys.modules[name]


# The compiler's decorators: they tell it about a function, which without it is called as it is.

_noted: list[tuple[str, Any]] = []


def _note(decorator: str, function: Any) -> Any:
    _noted.append((decorator, function))
    return function


def _disable(function: Callable[..., Any] | None = None, *positional: Any, **named: Any) -> Any:
    if function is None:
        return lambda function: _disable(function, *positional, **named)

    @wraps(function)
    def called(*arguments: Any, **options: Any) -> Any:
        compiler = sys.modules[COMPILER]
        chosen = function if isinstance(compiler, LazyPackage) else compiler.disable(function, *positional, **named)
        return chosen(*arguments, **options)

    return called


def _tell(compiler: ModuleType) -> None:
    while _noted:
        decorator, function = _noted.pop(0)
        getattr(compiler, decorator)(function)


_STAND_INS = {
    "allow_in_graph": partial(_note, "allow_in_graph"),
    "assume_constant_result": partial(_note, "assume_constant_result"),
    "disable": _disable,
}
