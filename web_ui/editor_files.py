"""Decides where the built editor is: in the installed package, or beside its sources in a checkout."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent
PLACES = (HERE / "_editor", HERE / "editor" / "dist")


def editor_folder() -> Path | None:
    """The folder with ``index.html`` and ``assets``; None where the editor was not built (see ``hatch_build.py``)."""
    return next((place for place in PLACES if (place / "index.html").is_file()), None)
