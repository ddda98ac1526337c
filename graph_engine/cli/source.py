"""Decides what a file named on the command line holds: a workflow, or a picture and the run that made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from graph_engine.errors import FormatError
from graph_engine.folders import Folders
from graph_engine.workflow.bundle import bundle
from graph_engine.workflow.document import Workflow
from graph_engine.workflow.embed import extract, is_png
from graph_engine.workflow.text import read


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A workflow that stands alone. ``recorded``: for a picture, the declared inputs that it was made with."""

    path: Path
    workflow: Workflow
    recorded: Mapping[str, Any] = field(default_factory=dict)


def open_source(path: Path) -> Source:
    """Read ``path``. Raises click.BadParameter when it is no file, FormatError when it holds no workflow."""
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise click.BadParameter(f"{str(path)!r} {what}.", param_hint="FILE")
    if not is_png(path):
        return Source(path=path, workflow=_alone(read(path), path))
    workflow, record = extract(path)
    inputs = record.get("inputs")
    recorded = {name: value for name, value in inputs.items() if name in workflow.inputs} if isinstance(inputs, dict) else {}
    return Source(path=path, workflow=_alone(workflow, path), recorded=recorded)


def _alone(workflow: Workflow, path: Path) -> Workflow:
    try:
        return bundle(workflow, path.parent)
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error


def folders_for(path: Path | None, models: Sequence[Path]) -> Folders:
    """Where names are looked up: folders given with --models first, then those of the working folder and of the user."""
    from platformdirs import user_data_path

    beside = () if path is None else (path.parent / "inputs",)
    own = user_data_path("latent-loom", appauthor=False) / "models"
    return Folders(models=(*models, Path("models"), own), inputs=(*beside, Path("input")))
