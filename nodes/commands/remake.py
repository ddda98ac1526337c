"""Decides how a recorded picture is made again: only the node that made it and what it needs, without a cache, into a passing folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graph_engine import FormatError
from graph_engine.engine import Engine, Request
from graph_engine.graph import Graph
from graph_engine.record import RunRecord, read_record
from graph_engine.workflow.document import Workflow
from graph_engine.workflow.embed import extract, is_png

OPTIONS = ("device", "dtype")
"""Of a record's options, those that are taken over: a picture may come from anyone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A picture and how it says that it was made."""

    path: Path
    workflow: Workflow
    inputs: Mapping[str, Any]
    record: RunRecord

    def options(self, typed: Mapping[str, str | None]) -> dict[str, str]:
        """What was typed, and for the rest what the picture was made with."""
        recorded = {name: value for name, value in self.record.options.items() if name in OPTIONS}
        return recorded | {name: value for name, value in typed.items() if value is not None}

    def request(self, engine: Engine, folder: Path) -> tuple[Request, Graph]:
        """What to run. A node that only comes into being during a run is no target: then everything runs."""
        found = Request(workflow=self.workflow, given=self.inputs, output_folder=folder, origin=str(self.path))
        graph = engine.check(found)
        if self.record.node in graph.by_path:
            found = Request(
                workflow=self.workflow, given=self.inputs, targets=[self.record.node], output_folder=folder, origin=str(self.path)
            )
            graph = engine.check(found)
        return found, graph

    def again(self, files: Sequence[Path]) -> list[tuple[Path, RunRecord]]:
        """Of the files of a new run those that may be this picture: one, unless the record is too old to say which."""
        candidates = [(path, read_record(extract(path).record)) for path in files if is_png(path)]
        candidates = [(path, record) for path, record in candidates if record.node == self.record.node]
        if self.record.item is None:
            return candidates
        return [(path, record) for path, record in candidates if record.item == self.record.item]


def read_picture(path: Path, workflow: Workflow, inputs: Mapping[str, Any]) -> Made:
    """The picture with its record. Raises FormatError when it has none."""
    try:
        return Made(path=path, workflow=workflow, inputs=inputs, record=read_record(extract(path).record))
    except FormatError as error:
        sentence = str(error)
        raise error if str(path) in sentence else FormatError(f"{path}: {sentence}") from error
