"""Decides what is done about large libraries that were just installed: a second process compiles them while this one imports the first.

Installers such as uv leave it to Python to compile a module when it is first imported, which for torch and what comes with it takes
three times as long as the import itself.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path


def compile_ahead(packages: Iterable[str]) -> None:
    """Start to compile ``packages``, unless that was done before. Returns at once.

    A name means the modules of that package, ``name.*`` also those of all packages in it, but for tests. They are compiled in the order
    given. What is imported late is best named early: whoever imports compiles what it comes to first, from the other end. Does nothing
    where one processor is all there is, or where bytecode is not wanted or cannot be kept.
    """
    if sys.dont_write_bytecode or (os.cpu_count() or 1) == 1:
        return
    folders = [str(folder) for package in packages for folder in _new_folders(package)]
    if folders:
        command = [sys.executable, "-m", "compileall", "-qq", "-l", *folders]
        silent = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        threading.Thread(target=subprocess.call, args=(command,), kwargs=silent, name="compile-ahead", daemon=True).start()


def _new_folders(package: str) -> Iterator[Path]:
    """The folders of ``package`` that were never compiled, found without importing anything."""
    top, *below = package.removesuffix(".*").split(".")
    found = importlib.util.find_spec(top)
    if found is None or not found.submodule_search_locations:
        return
    folder = Path(found.submodule_search_locations[0], *below)
    if not _is_new(folder):
        return
    yield folder
    if package.endswith(".*"):
        yield from (
            init.parent for init in sorted(folder.glob("*/**/__init__.py")) if "tests" not in init.parts[len(folder.parts) :]
        )


def _is_new(folder: Path) -> bool:
    first = folder / "__init__.py"
    return first.is_file() and os.access(folder, os.W_OK) and not Path(importlib.util.cache_from_source(str(first))).exists()
