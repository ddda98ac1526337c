"""Decides how Python programs use workflows: ``load("w.json")(prompt="…", seed=7)`` gives the declared outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from graph_engine import atomic
from graph_engine.engine import Engine, Request
from graph_engine.folders import Folders
from graph_engine.interface import DeclaredInput, declared_inputs
from graph_engine.workflow.bundle import bundle
from graph_engine.workflow.document import Workflow
from graph_engine.workflow.embed import extract, is_png
from graph_engine.workflow.text import canonical, read


class Outputs(Mapping[str, Any]):
    """What a workflow gave, by name and as attributes."""

    def __init__(self, values: Mapping[str, Any], files: list[Path]) -> None:
        self._values, self.files = dict(values), files

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["_values"][name]
        except KeyError:
            raise AttributeError(f"the workflow has no output {name!r}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class Function:
    """A workflow as a function of its declared inputs. Calls share one engine, so that nothing is computed twice."""

    def __init__(self, workflow: Workflow, engine: Engine, given: Mapping[str, Any] | None = None, origin: str = "") -> None:
        self.workflow, self.engine, self._given, self._origin = workflow, engine, dict(given or {}), origin

    @property
    def inputs(self) -> list[DeclaredInput]:
        """What can be passed, with types, ranges and defaults."""
        return declared_inputs(self.workflow, self.engine.check(self._request({}, None)))

    def __call__(self, *, output_folder: Path | None = None, **given: Any) -> Outputs:
        """Run with these inputs; sinks write only if ``output_folder`` is given.

        Raises WorkflowError before anything runs, NodeError for the first node that failed.
        """
        result = self.engine.run(self._request(given, output_folder))
        result.raise_errors()
        return Outputs(result.outputs, result.files)

    def _request(self, given: Mapping[str, Any], output_folder: Path | None) -> Request:
        targets = list(self.workflow.outputs) if output_folder is None and self.workflow.outputs else None
        return Request(
            workflow=self.workflow,
            given={**self._given, **given},
            targets=targets,
            origin=self._origin,
            output_folder=output_folder,
        )


def load(path: str | Path, engine: Engine | None = None) -> Function:
    """The workflow in a JSON file, or the one that made a PNG, as a function. Raises FormatError for any other file."""
    file = Path(path)
    workflow, given = open_workflow(file)
    return Function(workflow, engine or default_engine(file.resolve().parent / "inputs"), given, origin=str(file.resolve()))


def open_workflow(path: Path) -> tuple[Workflow, dict[str, Any]]:
    """The workflow in a JSON file or picture, standing alone, and the inputs with which the picture was made."""
    if is_png(path):
        embedded = extract(path)
        given = embedded.record.get("inputs", {})
        return embedded.workflow, given if isinstance(given, dict) else {}
    workflow = read(path)
    return bundle(workflow, path.parent), {}


def save(workflow: Workflow, path: Path) -> None:
    """Write the canonical text, whole or not at all."""
    atomic.replace(path, [canonical(workflow).encode()])


@cache
def default_engine(inputs: Path) -> Engine:
    """The engine behind ``load``: one for each folder of input files, with every installed pack."""
    return Engine(folders=Folders(inputs=(inputs,)))
