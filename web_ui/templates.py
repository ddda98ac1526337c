"""Decides where the example workflows are that ship with the package, and their pictures: in a wheel beside this module, in a checkout
beside its folder."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent


def folder() -> Path:
    """The folder with the examples; it may be missing."""
    return _packed_or("_templates", "workflows")


def inputs() -> Path:
    """The pictures that examples read."""
    return folder() / "inputs"


def picture(name: str) -> Path:
    """What the built-in model made of an example with this name, which must have been checked; it may be missing."""
    return _packed_or("_pictures", "docs/workflows") / f"{name}.png"


def _packed_or(packed: str, beside: str) -> Path:
    found = _HERE / packed
    return found if found.is_dir() else _HERE.parent / beside
