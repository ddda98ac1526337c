"""Decides what the editor is measured beside: a page of React Flow alone, built from ``bare`` with the editor's own packages."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.web_ui.editor import browsers

HERE = Path(__file__).parent / "bare"
MODULES = Path(__file__).parents[3] / "web_ui" / "editor" / "node_modules"


@contextmanager
def bare_page(folder: Path) -> Iterator[str]:
    """Builds it in ``folder`` and gives its address as long as it is served."""
    if not (MODULES / "vite").is_dir():
        browsers.npm("ci", folder=MODULES.parent)
    node = browsers.node()
    subprocess.run(
        [
            str(node), str(MODULES / "vite" / "bin" / "vite.js"), "build", "--config", str(HERE / "vite.config.mjs"),
            "--outDir", str(folder), "--emptyOutDir",
        ],
        env={**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"},
        check=True,
    )  # fmt: skip
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:
        pass
