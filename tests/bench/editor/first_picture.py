"""Prints how long a first start takes, from the page view to the first picture: ``python tests/bench/editor/first_picture.py --rounds 3``.

A server that has no state, a user that has no home, the template that opens, Ctrl+Enter as soon as the graph is there. Two cases take
turns: Python has compiled all libraries before, as after any ``loom run``; and it has compiled nothing, as right after an install by
uv. It asserts nothing. Run it alone: a first start keeps two cores busy.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[3]))

from playwright.sync_api import Browser, sync_playwright

from tests.web_ui.editor import browsers

ROOT = Path(__file__).parents[3]
PICTURE = "() => [...document.querySelectorAll('.node-picture button img')].some((one) => one.complete && one.naturalWidth > 0)"
TIMEOUT_MS = 120_000


class Seconds(NamedTuple):
    """``listening`` from the command on; the others from the page view on."""

    listening: float
    graph: float
    picture: float


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--python", default=sys.executable, help="of an environment with Latent Loom; some are built slower than others"
    )
    asked = parser.parse_args()
    found: dict[str, list[Seconds]] = {"compiled before": [], "just installed": []}
    with sync_playwright() as playwright:
        path, environment = browsers.find(playwright.chromium.executable_path)
        browser = playwright.chromium.launch(
            executable_path=path, env={**os.environ, **environment}, args=["--no-sandbox", "--disable-gpu"]
        )
        first(browser, asked.python, compiled=True)  # so that it is
        for _ in range(asked.rounds):
            for case, rows in found.items():
                rows.append(first(browser, asked.python, compiled=case == "compiled before"))
    print(f"{'case':<16} {'listening s':>11} {'graph s':>8} {'picture s':>9}  each picture")
    for case, rows in found.items():
        listening, graph, picture = (statistics.median(column) for column in zip(*rows, strict=True))
        each = " ".join(f"{row.picture:.1f}" for row in rows)
        print(f"{case:<16} {listening:>11.1f} {graph:>8.1f} {picture:>9.1f}  {each}")


def first(browser: Browser, python: str, *, compiled: bool) -> Seconds:
    with tempfile.TemporaryDirectory() as home, served(python, Path(home), compiled=compiled) as (url, listening):
        page = browser.new_page(viewport={"width": 1600, "height": 900})
        began = time.monotonic()
        page.goto(url)
        page.locator(".node").first.wait_for(timeout=TIMEOUT_MS)
        graph = time.monotonic() - began
        page.keyboard.press("Control+Enter")
        page.wait_for_function(PICTURE, timeout=TIMEOUT_MS)
        picture = time.monotonic() - began
        page.close()
    return Seconds(listening, graph, picture)


@contextmanager
def served(python: str, home: Path, *, compiled: bool) -> Iterator[tuple[str, float]]:
    """The address of a server of its own, and the seconds until it listened."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment |= {"HOME": str(home), "PYTHONPATH": str(ROOT), "LOOM_STATE": str(home / "state")}
    if not compiled:
        environment["PYTHONPYCACHEPREFIX"] = str(home / "bytecode")
    command = [python, "-m", "graph_engine", "serve", "--port", "0", "--no-browser"]
    began = time.monotonic()
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        line = server.stdout.readline()
        try:
            yield line.removeprefix("Latent Loom is at ").strip(), time.monotonic() - began
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
