"""Decides which picture shows what a model draws: one that lies where people keep it, inside of the model's folder or beside the model.

The names are those that downloads and other programs leave there.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from graph_engine import Folders
from graph_engine.folders import OutsideFolderError
from nodes.models.catalogue import BUILT_IN

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
INSIDE = ("preview", "thumbnail")


def model_picture(name: str, folders: Folders) -> Path | None:
    """The picture of a model, a folder or a single file, by the model's name. None where there is none."""
    try:
        path = BUILT_IN.get(name) or folders.model(name)
    except OutsideFolderError:
        return None
    if path is None:
        return None
    return next((found for found in _possible(path) if found.is_file() and _stays(found)), None)


def _possible(path: Path) -> Iterator[Path]:
    if path.is_dir():
        stems = [path / stem for stem in INSIDE] + [path.with_name(f"{path.name}.preview"), path]
    else:
        stems = [path.with_name(f"{path.stem}.preview"), path.with_name(path.stem)]
    for stem in stems:
        for suffix in SUFFIXES:
            yield stem.with_name(f"{stem.name}{suffix}")


def _stays(found: Path) -> bool:
    """Whether it lies where its name says: a link could show any picture of the disk to whoever may see models."""
    return found.resolve().parent == found.parent.resolve()
