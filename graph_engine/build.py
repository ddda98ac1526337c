"""Decides how calling nodes in Python becomes a workflow: inside ``with building()`` a node call adds a node and returns references."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

_current: ContextVar[Any] = ContextVar("loom_graph_being_built", default=None)


def current() -> Any:
    """The graph being built in this context, or None when node calls simply run."""
    return _current.get()
