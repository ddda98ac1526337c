"""Decides what the index is to know of one file: what the picture itself says, else what its job knows, else nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from graph_engine.errors import FormatError
from graph_engine.workflow.document import Workflow
from graph_engine.workflow.embed import extract, is_png
from graph_engine.workflow.text import canonical
from web_ui.store.described import Described, describe
from web_ui.store.errors import BadPicture, NotThere, TooLarge
from web_ui.store.files import media_type
from web_ui.store.pictures import opened, upright_size
from web_ui.store.words import searched

ID_DIGITS = 32
MAX_TEXT = 10_000
"""Characters that are kept of a prompt or title: a foreign picture may carry millions."""


class Made(NamedTuple):
    """How a file came about, as far as it is known."""

    node: str = ""
    inputs: Mapping[str, Any] = {}
    workflow: Workflow | None = None


class Row(NamedTuple):
    """What the index knows of one result. ``seed`` is a text, since SQLite's numbers end at 2**63."""

    id: str
    file: str
    media_type: str
    size_bytes: int
    width: int | None
    height: int | None
    created_at: float
    job: str | None
    node: str
    title: str
    prompt: str
    seed: str | None
    model: str
    favourite: int
    trashed_at: float | None
    inputs: str
    workflow: str | None
    words: str


def read(file: str, path: Path, known: Made, *, job: str | None = None, title: str = "") -> tuple[Row, bytes | None]:
    """What the index is to know of a file, and its workflow as text. Raises NotThere."""
    try:
        found, digest = path.stat(), _digest(path)
    except OSError as error:
        raise NotThere(f"The file {file!r} cannot be read: {error.strerror}.", "Check that it is there.") from error
    kind = media_type(file)
    width, height = _size(path) if kind.startswith("image/") else (None, None)
    made, about, text = _made(path, known), Described(), None
    if made.workflow is not None:
        about, text = describe(made.workflow, made.inputs, made.node), canonical(made.workflow).encode()
        title = title or made.workflow.title
    title, prompt, model = _kept(title), _kept(about.prompt), _kept(about.model)
    row = Row(
        id=hashlib.sha256(f"{file}\0{digest}".encode()).hexdigest()[:ID_DIGITS],
        file=file,
        media_type=kind,
        size_bytes=found.st_size,
        width=width,
        height=height,
        created_at=found.st_mtime,
        job=job,
        node=made.node,
        title=title,
        prompt=prompt,
        seed=None if about.seed is None else str(about.seed),
        model=model,
        favourite=0,
        trashed_at=None,
        inputs=json.dumps(dict(made.inputs)),
        workflow=None if text is None else hashlib.sha256(text).hexdigest()[:ID_DIGITS],
        words=searched(prompt, title, model, file),
    )
    return row, text


def _made(path: Path, known: Made) -> Made:
    """What the picture itself says, else what the job knows."""
    if not is_png(path):
        return known
    try:
        workflow, record = extract(path)
    except FormatError:
        return known
    inputs, node = record.get("inputs"), record.get("node")
    return Made(
        node=node if isinstance(node, str) and node else known.node,
        inputs=inputs if isinstance(inputs, dict) else known.inputs,
        workflow=workflow,
    )


def _size(path: Path) -> tuple[int, int] | tuple[None, None]:
    try:
        with opened(path) as picture:
            return upright_size(picture)
    except (BadPicture, TooLarge):
        return None, None


def _kept(text: str) -> str:
    return text[:MAX_TEXT].encode(errors="replace").decode()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
