"""Decides what a text typed for an input means: a value of the input's type, or a file that the user names.

A file's path stays here: the workflow, its record and its events see the base name, and ``Folders.given`` knows the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from graph_engine.check import CANNOT_CONVERT, converted
from graph_engine.cli.source import Source
from graph_engine.cli.sweep import Value, read_values
from graph_engine.errors import FormatError, Problem, WorkflowError
from graph_engine.graph import Graph
from graph_engine.interface import from_text
from graph_engine.registry import Registry
from graph_engine.spec import InputSpec
from graph_engine.workflow.document import SUBGRAPH, InputPort, Workflow
from graph_engine.workflow.text import load_json

ADDRESS = re.compile(r"([^.=]+)\.([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)


def with_probes(workflow: Workflow, settings: Iterable[str]) -> Workflow:
    """``workflow`` with an input for each ``--set`` address, so that compiling it finds their fields, in subgraphs too."""
    addresses = [f"{match[1]}.{match[2]}" for text in settings if (match := ADDRESS.fullmatch(text))]
    probes = {address: InputPort.model_construct(to=[address]) for address in addresses}
    return workflow.model_copy(update={"inputs": {**workflow.inputs, **probes}})


@dataclass(slots=True, kw_only=True)
class Typed:
    """What was typed: ``given`` by declared input, ``settings`` by ``node.input``, ``files`` by name, and what is wrong.

    ``swept`` holds all values of those that have several, by the same names; then ``given`` and ``settings`` hold the first one.
    ``bad_lines`` tells what was left out of files with values.
    """

    source: Source
    graph: Graph
    registry: Registry
    given: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    swept: dict[str, Sequence[Value]] = field(default_factory=dict)
    bad_lines: list[str] = field(default_factory=list)

    def add_input(self, name: str, typed: Sequence[str] | bool) -> None:
        """Values for a declared input, as they were typed. ``typed`` is bool where a flag said it."""
        workflow = self.source.workflow
        if name not in workflow.inputs:
            action = _nearest(name, workflow.inputs, "Declared inputs")
            self._problem("unknown_input", f"there is no input {name!r}.", action, name)
            return
        spec = self.field_at(name, workflow.inputs[name].to[0])
        try:
            self.given[name] = typed if isinstance(typed, bool) else self._first(name, spec, typed, json_first=False)
        except WorkflowError as error:
            self.problems += [replace(problem, node=None, input=name) for problem in error.problems]

    def add_settings(self, texts: Sequence[str]) -> None:
        """``node.input=value``: changes the workflow itself. An address that comes several times has several values."""
        typed: dict[tuple[str, str], list[str]] = {}
        for text in texts:
            match = ADDRESS.fullmatch(text)
            if match is None:
                action = "Write --set node.input=value, such as --set sample.steps=30."
                self._problem("bad_value", f"{text[:60]!r} sets nothing.", action, "--set")
                continue
            typed.setdefault((match[1], match[2]), []).append(match[3])
        for (node, name), values in typed.items():
            if not self._exists(node, name):
                continue
            address = f"{node}.{name}"
            try:
                self.settings[address] = self._first(address, self.field_at(address, address), values, json_first=True)
            except WorkflowError as error:
                self.problems += [replace(problem, node=node, input=name) for problem in error.problems]

    def one(self, inputs: Mapping[str, Any], settings: Mapping[str, Any]) -> Typed:
        """The same with these values in place of the swept ones."""
        return replace(self, given={**self.given, **inputs}, settings={**self.settings, **settings})

    def field_at(self, port: str, address: str) -> InputSpec | None:
        """What a declared input (or probe) sets. None when its node is unknown: the check will say so."""
        for path, name in self.graph.inputs.get(port, ()):
            node = self.graph.by_path.get(path)
            if node is not None and name in node.spec.inputs:
                return node.spec.inputs[name]
        node_id, _, name = address.partition(".")  # a muted node, say, is not in the graph
        entry = self.source.workflow.nodes.get(node_id)
        spec = self.registry.specs.get(entry.type) if entry is not None else None
        return None if spec is None else spec.inputs.get(name)

    def changed_workflow(self) -> Workflow:
        """The document with every ``--set`` in it. What a picture's record says of the same input is written out first."""
        workflow, early = self.source.workflow, {}
        for name, value in self.recorded().items():
            targets = workflow.inputs[name].to
            if any(target in self.settings for target in targets):
                early.update(dict.fromkeys(targets, value))
        return workflow.with_values({**early, **self.settings}) if self.settings else workflow

    def recorded(self) -> Mapping[str, Any]:
        """The inputs that a picture was made with, where nothing else was typed."""
        return {name: value for name, value in self.source.recorded.items() if name not in self.given}

    def all_given(self) -> dict[str, Any]:
        """Values of declared inputs: what was typed, and what the record says where no ``--set`` reaches the same place."""
        inputs = self.source.workflow.inputs
        kept = {
            name: value
            for name, value in self.recorded().items()
            if not any(target in self.settings for target in inputs[name].to)
        }
        return {**kept, **self.given}

    def _exists(self, node: str, name: str) -> bool:
        workflow = self.source.workflow
        entry = workflow.nodes.get(node)
        if entry is None:
            action = _nearest(node, workflow.nodes, "Nodes")
            self._problem("unknown_target", f"there is no node {node!r}.", action, name, node)
            return False
        known: Iterable[str] | None = None
        if entry.type in self.registry.specs:
            known = self.registry.specs[entry.type].inputs
        elif entry.type.removeprefix(SUBGRAPH) in workflow.definitions:
            known = workflow.definitions[entry.type.removeprefix(SUBGRAPH)].inputs
        if known is not None and name not in known:
            self._problem("unknown_input", f"it has no input {name!r}.", _nearest(name, known, "Its inputs"), name, node)
            return False
        return True

    def _first(self, name: str, spec: InputSpec | None, typed: Sequence[str], *, json_first: bool) -> Any:
        """The value, or the first of several, which are kept in ``swept``. Raises WorkflowError."""
        values = read_values(spec, typed, lambda text: self._value(spec, text, json_first=json_first))
        self.bad_lines += values.bad
        if values.swept:
            self.swept[name] = values.found
        return values.found[0].value

    def _value(self, spec: InputSpec | None, typed: str, *, json_first: bool) -> Any:
        """Raises WorkflowError for a text that is no value of the field."""
        if typed.encode("utf-8", "ignore").decode() != typed:
            cause = "the text is not valid UTF-8."
            raise WorkflowError([Problem(code="bad_value", cause=cause, action="Check the terminal's encoding.")])
        value = _json_value(spec, typed) if json_first else CANNOT_CONVERT
        if value is CANNOT_CONVERT:
            value = typed if spec is None else from_text(spec, typed, "")
        named = spec is not None and spec.choice is not None and isinstance(value, str)
        return self._file(value) if named else value

    def _file(self, typed: str) -> str:
        """The name under which the workflow sees ``typed``: for a path to a file its base name, else the text itself."""
        path = _existing_file(typed)
        if path is None:
            return typed
        name, number = path.name, 2
        while self.files.get(name, path) != path:
            name, number = f"{path.stem}_{number}{path.suffix}", number + 1
        self.files[name] = path
        return name

    def _problem(self, code: Any, cause: str, action: str, input: str, node: str | None = None) -> None:
        self.problems.append(Problem(code=code, cause=cause, action=action, node=node, input=input))


def _json_value(spec: InputSpec | None, typed: str) -> Any:
    """``typed`` as JSON, if it is JSON and of the field's type; CANNOT_CONVERT otherwise."""
    try:
        value = load_json(typed)
    except FormatError:
        return CANNOT_CONVERT
    if spec is None or (value is None and spec.default is None):
        return value
    return converted(value, spec.type)


def _existing_file(typed: str) -> Path | None:
    try:
        path = Path(typed).expanduser() if typed.startswith("~") else Path(typed)
        return path.absolute() if path.is_file() else None
    except (OSError, RuntimeError, ValueError):
        return None


def _nearest(name: str, known: Iterable[str], what: str) -> str:
    names = list(known)
    near = get_close_matches(name, names, n=1)
    shown = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
    return f"Did you mean {near[0]!r}?" if near else f"{what}: {shown or 'none'}."
