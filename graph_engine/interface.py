"""Decides what a workflow looks like from outside: a function with typed inputs, defaults and outputs."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from graph_engine import check
from graph_engine.errors import Problem, WorkflowError
from graph_engine.folders import Folders
from graph_engine.graph import Graph
from graph_engine.spec import REQUIRED, InputSpec
from graph_engine.types import ANY, BOOL, FLOAT, INT, TEXT, ListOf, SocketType, Union
from graph_engine.workflow.document import Workflow


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredInput:
    """One input of a workflow: what its first target takes, and the value that it has there."""

    name: str
    title: str
    help: str
    field: InputSpec
    default: Any

    @property
    def required(self) -> bool:
        return self.default is REQUIRED

    def as_json(self) -> dict[str, Any]:
        facts: dict[str, Any] = {"name": self.name, "type": str(self.field.type), "title": self.title, "help": self.help}
        facts["required"] = self.required
        if not self.required:
            facts["default"] = self.default
        if self.field.range is not None:
            facts["range"] = str(self.field.range)
        if self.field.choices is not None:
            facts["choices"] = list(self.field.choices)
        return facts


def declared_inputs(workflow: Workflow, graph: Graph) -> list[DeclaredInput]:
    """The inputs in the order that ``view.inputs`` lists, then the rest by name.

    One whose targets do not exist is left out: ``check`` reports it.
    """
    listed = workflow.view.get("inputs")
    order = [name for name in listed if name in workflow.inputs] if isinstance(listed, list) else []
    found = []
    for name in dict.fromkeys([*order, *sorted(workflow.inputs)]):
        port = workflow.inputs[name]
        for path, field_name in graph.inputs.get(name, ()):
            node = graph.by_path.get(path)
            if node is not None and field_name in node.spec.inputs:
                field = node.spec.inputs[field_name]
                default = node.constants.get(field_name, REQUIRED)
                if name in graph.lists:  # a map goes over it: the field is that of one item
                    field = replace(field, type=ListOf(field.type), default=REQUIRED)
                    default = REQUIRED if graph.lists[name] is None else graph.lists[name]
                found.append(
                    DeclaredInput(name=name, title=port.title, help=port.help or field.help, field=field, default=default)
                )
                break
    return found


def used_inputs(graph: Graph) -> dict[str, Any]:
    """The value of each declared input as the run uses it, where it is a plain value."""
    return {
        name: node.constants[field]
        for name, targets in graph.inputs.items()
        for path, field in targets[:1]
        if (node := graph.by_path.get(path)) is not None and field in node.constants
    }


def from_text(field: InputSpec, text: str, where: str) -> Any:
    """A value typed by a person, as ``field`` takes it. Raises WorkflowError that says what was expected."""
    value = _parsed(text, field.type)
    if value is not check.CANNOT_CONVERT:
        value, problem = check.value(where, field, value, Folders()) if field.choice is None else (value, None)
        if problem is None:
            return value
    else:
        _, problem = check.value(where, field, text, Folders())
    assert problem is not None
    raise WorkflowError([Problem(code=problem.code, node=None, input=where, cause=problem.cause, action=problem.action)])


def _parsed(text: str, want: SocketType) -> Any:
    if want in (TEXT, ANY):
        return text
    if want == BOOL:
        return {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}.get(
            text.strip().lower(), check.CANNOT_CONVERT
        )
    if want in (INT, FLOAT):
        try:
            number = int(text) if want == INT else float(text)
        except ValueError:
            return check.CANNOT_CONVERT
        return number if want == INT or math.isfinite(number) else check.CANNOT_CONVERT
    if isinstance(want, ListOf):
        items = [_parsed(part.strip(), want.item) for part in text.split(",")]
        return check.CANNOT_CONVERT if any(item is check.CANNOT_CONVERT for item in items) else items
    if isinstance(want, Union):
        return next(
            (one for option in want.options if (one := _parsed(text, option)) is not check.CANNOT_CONVERT), check.CANNOT_CONVERT
        )
    return check.CANNOT_CONVERT
