"""Decides which models there are by name: the built-in one, and every diffusers folder below the model folders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from graph_engine import Folders, NodeInputError
from nodes.models.detect import inspect
from nodes.models.family import ModelInfo
from nodes.models.folder import INDEX, ModelFileError
from nodes.types import Source

BUILT_IN = {"loom-tiny": Path(__file__).parent.parent / "builtin" / "loom_tiny"}
"""Models that come with the package; their names are taken even where a folder has the same one."""

DEPTH, MOST = 4, 10_000
"""How deep models are looked for below a model folder, and after how many folders the search ends."""

ADD = "put a folder in the layout of diffusers into your models folder, or choose loom-tiny, which is built in."


def model_names(folders: Folders) -> list[str]:
    """Names of all models that can be chosen now: the built-in ones first, the others sorted."""
    present = [name for name, path in BUILT_IN.items() if (path / INDEX).is_file()]
    found = {path.relative_to(root).as_posix() for root in folders.models for path in _models_below(root)}
    return present + sorted(found - BUILT_IN.keys())


def locate(name: str, folders: Folders, *, input: str = "name") -> Path:
    """The folder of a model. Raises NodeInputError for ``input`` if there is none of that name."""
    path = BUILT_IN.get(name) or folders.model(name)
    if path is None or not (path / INDEX).is_file():
        raise NodeInputError(input, f"There is no model {name!r}.", f"Check the name, or {ADD}")
    return path


def describe(name: str, folders: Folders, *, input: str = "name") -> ModelInfo:
    """What the headers of a model say. Raises NodeInputError for ``input`` if it is missing or cannot be used."""
    try:
        return inspect(locate(name, folders, input=input))
    except (ModelFileError, OSError) as error:
        raise NodeInputError(input, f"The model {name!r} cannot be used: {error}", "Or choose another.") from error


def reopen(source: Source, folders: Folders, *, input: str) -> tuple[Path, ModelInfo]:
    """The files behind a handle. Raises NodeInputError if they are no longer those that the handle was made from."""
    info = describe(source.name, folders, input=input)
    if info.fingerprint != source.fingerprint:
        raise NodeInputError(input, f"The files of the model {source.name!r} have changed meanwhile.", "Run again.")
    return locate(source.name, folders, input=input), info


def _models_below(root: Path) -> Iterator[Path]:
    """Folders with a model_index.json, not looking inside of them or of hidden ones."""
    waiting = [(root, 0)] if root.is_dir() else []
    for _ in range(MOST):
        if not waiting:
            return
        folder, depth = waiting.pop()
        try:
            inner = [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
        except OSError:
            continue  # what cannot be read offers no models
        for path in inner:
            if (path / INDEX).is_file():
                yield path
            elif depth + 1 < DEPTH and not path.is_symlink():
                waiting.append((path, depth + 1))
