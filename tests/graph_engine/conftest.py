"""An engine over plain nodes, with folders of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from graph_engine import Folders
from graph_engine.engine import Engine
from graph_engine.registry import Registry, of_functions
from tests.graph_engine import toys

settings.register_profile(
    "engine",
    deadline=None,  # no clock decides about a test
    max_examples=60,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("engine")


@pytest.fixture(scope="session")
def registry() -> Registry:
    found = of_functions(*toys.ALL)
    assert not found.faults
    return found


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    for name in ("models", "inputs"):
        (tmp_path / name).mkdir()
    return Folders(models=(tmp_path / "models",), inputs=(tmp_path / "inputs",))


@pytest.fixture
def make_engine(registry: Registry) -> Iterator[Callable[..., Engine]]:
    """``make_engine(*functions)``: an engine of these nodes, or of all toys. Each must close, which shows that nothing hangs."""
    made: list[Engine] = []

    def make(*functions: Any, **options: Any) -> Engine:
        made.append(Engine(of_functions(*functions) if functions else registry, **options))
        return made[-1]

    yield make
    closing = threading.Thread(target=lambda: [engine.close() for engine in made], daemon=True)
    closing.start()
    closing.join(toys.PATIENCE_S)
    assert not closing.is_alive(), "an engine cannot be closed: one of its nodes still runs"


@pytest.fixture
def engine(make_engine: Callable[..., Engine], folders: Folders) -> Engine:
    return make_engine(folders=folders)
