"""Decides what a node will probably cost: what nodes like it took on this machine, the most alike first.

Alike are nodes of one type and version whose numbers and choices agree (steps, width, sampler); texts and seeds do not count, since
they change all the time and cost nothing.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from graph_engine.cache.index import Index
from graph_engine.graph import Node
from graph_engine.types import TEXT


class Cost(NamedTuple):
    """Seconds to run, and bytes of what comes out."""

    seconds: float
    size_bytes: float


def signatures(node: Node) -> tuple[str, str]:
    """What tells alike nodes: one for those that agree in every number and choice, one for the type alone."""
    inputs = node.spec.inputs
    counted = {
        name: value
        for name, value in node.constants.items()
        if not inputs[name].seed and (inputs[name].type != TEXT or inputs[name].choices or inputs[name].choice)
    }
    exact = hashlib.sha256(repr(sorted(counted.items())).encode()).hexdigest()[:16]
    kind = f"{node.spec.type}/{node.spec.version}"
    return f"{kind}/{exact}", kind


def estimate(node: Node, index: Index) -> Cost | None:
    """What ``node`` will probably cost, or None when none like it ever ran here."""
    for signature in signatures(node):
        found = index.cost(signature)
        if found is not None:
            return Cost(*found)
    return None
