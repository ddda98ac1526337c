"""Decides where the example workflows are that ship with the package: in a wheel beside this module, in a checkout beside its folder."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent


def folder() -> Path:
    """The folder with the examples; it may be missing."""
    packed = _HERE / "_templates"
    return packed if packed.is_dir() else _HERE.parent / "workflows"


def inputs() -> Path:
    """The pictures that examples read."""
    return folder() / "inputs"
