"""Decides which of several ways a workflow goes: only what is chosen is worked out."""

from __future__ import annotations

from typing import TypeVar

from graph_engine import Lazy, NodeInputError, node
from graph_engine.spec import Values

T = TypeVar("T")


def _chosen(values: Values) -> set[str]:
    return {"if_true" if values["condition"] else "if_false"}


@node("loom.switch", version=1, category="flow", needs=_chosen)
def switch(if_true: Lazy[T], if_false: Lazy[T], *, condition: bool = True) -> T:
    """Pass on one of two values. Only the chosen one is worked out: what leads to the other does not run.

    Args:
        if_true: What is passed on when the condition holds.
        if_false: What is passed on when it does not.
        condition: Which of the two. Link a calculation's truth to it, or a yes or no.

    Returns:
        value: The chosen value.

    Example:
        switch(large, small, condition=True)
    """
    value = if_true if condition else if_false
    if value is None:
        name = "if_true" if condition else "if_false"
        raise NodeInputError(name, "Nothing is linked to it, and it was chosen.", "Link something, or turn the condition round.")
    return value
