"""Decides what is asked of the engine: a file and what was typed for it, made into one request or a list of problems."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from graph_engine.cli.grid import Grid, Item
from graph_engine.cli.typed import Typed
from graph_engine.engine import Engine, Request
from graph_engine.errors import Problem, WorkflowError
from graph_engine.folders import Folders
from graph_engine.graph import Graph, Link
from graph_engine.registry import Registry
from graph_engine.types import PRIMITIVES, SocketType


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A file that was read, with what was typed for it. ``options`` names the command-line option of each declared input.

    ``grid`` is there where inputs have several values; then ``typed`` holds the first of each.
    """

    typed: Typed
    registry: Registry
    folders: Folders
    targets: Sequence[str] | None
    options: Mapping[str, str]
    grid: Grid | None = None

    def engine(self, options: Mapping[str, str] | None = None, cache: Path | None = None) -> Engine:
        """``cache``: the folder where results outlive the process."""
        folders = replace(self.folders, given=self.typed.files)
        return Engine(self.registry, folders=folders, options=options, cache_folder=cache)

    def request(self, output_folder: Path | None = None) -> Request:
        source = self.typed.source
        return Request(
            workflow=self.typed.changed_workflow(),
            given=self.typed.all_given(),
            targets=self.targets,
            origin=str(source.path.resolve()),
            output_folder=output_folder,
        )

    def lean(self, request: Request, graph: Graph, wanted: Collection[str] = ()) -> Request:
        """The same run without the values of outputs that are only handed to programs, such as pictures: a served one stays on disk.

        What nothing else needs is computed all the same. ``wanted`` names outputs whose values are needed here.
        """
        if self.targets is not None:
            return request
        plain = {name for name, link in graph.outputs.items() if _type_of(link, graph) in PRIMITIVES} | set(wanted)
        sinks = [graph.nodes[index].path for index in graph.targets if graph.nodes[index].spec.sink]
        needed = _needed([*sinks, *(graph.nodes[graph.outputs[name].node].path for name in plain & set(graph.outputs))], graph)
        kept = [name for name, link in graph.outputs.items() if name in plain or link.node not in needed]
        return replace(request, targets=[*sinks, *kept]) if len(kept) < len(graph.outputs) else request

    def item(self, item: Item) -> Opened:
        """The same for one item of the grid."""
        declared = {name: value for name, value in item.values.items() if name in self.typed.given}
        settings = {name: value for name, value in item.values.items() if name not in declared}
        return replace(self, typed=self.typed.one(declared, settings), grid=None)

    def problems(self, graph: Graph) -> list[Problem]:
        """What is wrong with what was typed and with the file, each once, in words of the command line."""
        typed = self.typed.problems
        own = {problem.input for problem in typed if problem.node is None}
        place = {target: name for name, targets in graph.inputs.items() for target in targets}
        found = list(typed)
        for problem in graph.problems:
            name = place.get((problem.node or "", problem.input or ""))
            if name is None:
                found.append(problem)
            elif name not in own:
                found.append(self._asked_for(name, problem) if problem.code == "missing_input" else problem)
                own |= {name} if problem.code == "missing_input" else set()
        return found

    def _asked_for(self, name: str, problem: Problem) -> Problem:
        option = f"{self.options[name]} …" if name in self.options else f"--input {name}=…"
        return replace(problem, node=None, input=name, action=f"Give it with {option}.")

    def checked(self, engine: Engine, request: Request) -> Graph:
        """The graph that would run. Raises WorkflowError with every problem."""
        graph = engine.check(request)
        if found := self.problems(graph):
            raise WorkflowError(found)
        return graph


def _type_of(link: Link, graph: Graph) -> SocketType:
    return graph.nodes[link.node].spec.outputs[link.output].type


def _needed(paths: Sequence[str], graph: Graph) -> set[int]:
    """The nodes at ``paths`` and all above them, by index."""
    found: set[int] = set()
    waiting = [graph.by_path[path].index for path in paths]
    while waiting:
        index = waiting.pop()
        if index not in found:
            found.add(index)
            node = graph.nodes[index]
            waiting += [link.node for link in node.sources(node.links)]
    return found
