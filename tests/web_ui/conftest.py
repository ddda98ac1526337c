"""Servers for tests: one that all tests of a module share, and others made as a test needs them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.web_ui.serving import Served


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for the tests of a module."""
    served = Served(tmp_path_factory.mktemp("state"), environment={"LOOM_SECRET_TOY": "geheim123"})
    yield served
    served.stop()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Makes servers, by default in one state folder of the test's own; all end with the test."""
    made: list[Served] = []

    def start(*options: str, state: Path | None = None, **facts: Any) -> Served:
        made.append(Served(state or tmp_path / "state", *options, **facts))
        return made[-1]

    yield start
    for served in made:
        if served.process.poll() is None:
            served.stop()
