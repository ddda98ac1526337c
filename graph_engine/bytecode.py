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
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

NICENESS = 4
"""How far it steps back where processors are few: a little, since what it does not get done is left to those it steps back for."""


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
        threading.Thread(target=_run_aside, args=(command,), name="compile-ahead", daemon=True).start()


def _run_aside(command: Sequence[str]) -> None:
    """Run it silently, behind what somebody waits for."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        if sys.platform != "win32":
            with suppress(OSError):  # a container may forbid it, and it has no need of it
                os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)


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
