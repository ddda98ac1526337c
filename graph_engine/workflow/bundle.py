"""Decides how a workflow that uses files beside it becomes one that stands alone: each file turns into a definition.

Only a plain file name in the same folder is followed: a workflow cannot make us read elsewhere.
"""

from __future__ import annotations

import re
from pathlib import Path

from graph_engine.errors import FormatError
from graph_engine.workflow.document import FILE_SUBGRAPH, SUBGRAPH, Workflow
from graph_engine.workflow.text import read

FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. -]{0,99}\.json")
MAX_FILES = 100


def bundle(workflow: Workflow, folder: Path) -> Workflow:
    """``workflow`` with every ``file:NAME.json`` node turned into ``workflow:NAME`` and the file among its definitions.

    Raises FormatError for a name that is no plain file name, a missing or unreadable file, or more than 100 of them.
    """
    names: dict[str, str] = {}
    taken = dict(workflow.definitions)
    root = _renamed(workflow, names, taken)
    files: dict[str, Workflow] = {}
    done: set[str] = set()
    while waiting := names.keys() - done:
        file = min(waiting)
        if len(names) > MAX_FILES:
            raise FormatError(f"it uses more than {MAX_FILES} other files.")
        path = folder / file
        if path.is_symlink():
            raise FormatError(f"{file} is a link; a workflow beside this one must be a file.")
        files[names[file]] = _renamed(read(path), names, taken)
        done.add(file)
    return root.model_copy(update={"definitions": {**root.definitions, **files}}) if names else workflow


def _renamed(workflow: Workflow, names: dict[str, str], taken: dict[str, Workflow]) -> Workflow:
    nodes = dict(workflow.nodes)
    for name, entry in workflow.nodes.items():
        if entry.type.startswith(FILE_SUBGRAPH):
            nodes[name] = entry.model_copy(update={"type": SUBGRAPH + _definition_name(entry.type, names, taken)})
    inner = {name: _renamed(definition, names, taken) for name, definition in workflow.definitions.items()}
    return workflow.model_copy(update={"nodes": nodes, "definitions": inner})


def _definition_name(type: str, names: dict[str, str], taken: dict[str, Workflow]) -> str:
    file = type.removeprefix(FILE_SUBGRAPH)
    if not FILE_NAME.fullmatch(file):
        raise FormatError(f"{type!r} is no file beside the workflow: write file:NAME.json, without a folder.")
    if file not in names:
        wanted = re.sub(r"[^A-Za-z0-9_-]", "_", f"file_{file.removesuffix('.json')}")
        while wanted in taken or wanted in names.values():
            wanted += "_"
        names[file] = wanted
    return names[file]
