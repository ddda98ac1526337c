"""Decides what is known without running anything: which nodes there are, what is wrong with a workflow, what a run would do.

It runs in the server's own process, so no node is ever called here, and nothing that a node stands on is imported.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from graph_engine import Engine, Request
from graph_engine.errors import FormatError, WorkflowError
from graph_engine.graph import Graph
from graph_engine.interface import declared_inputs
from graph_engine.registry import discover, sorted_specs
from graph_engine.spec import InputSpec, NodeSpec
from graph_engine.workflow.document import Workflow
from graph_engine.workflow.text import MAX_DEPTH, canonical, parse
from web_ui import describe, schema
from web_ui.problems import RequestError
from web_ui.sentences import say
from web_ui.settings import Settings

JSON_TYPES: Mapping[str, str] = {"bool": "boolean", "int": "integer", "float": "number", "text": "string"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A request that can run."""

    workflow: Workflow
    text: str
    plan: schema.Plan
    models: Sequence[str]
    nodes: int


class Catalogue:
    """Made when the server starts: packs that are installed later are found at the next start."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.registry = discover(settings.packs)
        self._engine = Engine(
            self.registry,
            folders=settings.folders,
            options={"device": (settings.devices or ["auto"])[0], "dtype": settings.dtype},
            cache_folder=settings.cache,
        )

    def close(self) -> None:
        self._engine.close()

    # nodes

    @cached_property
    def nodes(self) -> list[schema.NodeInfo]:
        return [describe.node(spec) for spec in sorted_specs(self.registry)]

    @cached_property
    def etag(self) -> str:
        """Changes when a node does."""
        text = "\n".join(node.model_dump_json() for node in self.nodes)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def find(self, search: str, category: str) -> list[schema.NodeInfo]:
        """Nodes in which every word of ``search`` stands, those with it in their title first."""
        words = search.lower().split()
        found = [node for node in self.nodes if (not category or node.category == category) and _holds(node, words)]
        return sorted(found, key=lambda node: not all(word in node.title.lower() for word in words)) if words else found

    def spec(self, type: str) -> NodeSpec:
        if type not in self.registry.specs:
            near = self.registry.similar(type)
            raise RequestError(
                404, "No such node", say("unknown_node_type", type=type[:200]), f"Did you mean {near[0]}?" if near else ""
            )
        return self.registry.specs[type]

    def choices(self, type: str, input: str) -> list[str]:
        """What a field offers now. Raises RequestError where it is no choice."""
        field = self._choice(type, input)
        return list(field.choices or ()) if field.choice is None else list(field.choice.options(self._settings.folders))

    def names_model(self, type: str, input: str) -> bool:
        return _names_model(self._choice(type, input))

    def picture(self, type: str, input: str, name: str) -> Path | None:
        """The file that shows what one of the options is, if there is one. ``name`` must be an option."""
        choice = self._choice(type, input).choice
        return None if choice is None or choice.picture is None else choice.picture(name, self._settings.folders)

    def _choice(self, type: str, input: str) -> InputSpec:
        field = self.spec(type).inputs.get(input)
        if field is None or (field.choice is None and field.choices is None):
            raise RequestError(404, "No such choice", f"{type} has no input {input[:100]!r} with a choice.")
        return field

    # workflows

    def check(self, wanted: schema.CheckRequest) -> schema.CheckReply:
        workflow = document(wanted.workflow)
        graph = self._graph(workflow, wanted.inputs, wanted.targets)
        return schema.CheckReply(
            problems=[describe.problem(one) for one in graph.problems],
            warnings=[describe.problem(one) for one in graph.warnings],
            inputs=[describe.declared(one) for one in declared_inputs(workflow, graph)],
            types={node.path: {name: describe.socket_type(of) for name, of in node.types.items()} for node in graph.nodes},
        )

    def prepare(self, workflow: Workflow, inputs: Mapping[str, Any], targets: Sequence[str] | None, origin: str) -> Prepared:
        """What is needed to queue it. Raises WorkflowError with every problem."""
        graph = self._graph(workflow, inputs, targets)
        if graph.problems:
            raise WorkflowError(graph.problems)
        if graph.unsized:  # how often a map runs is known once its list is computed, which is a worker's to do
            plan = schema.Plan(known=False)
        else:
            plan = describe.plan(self._engine.plan(Request(workflow=workflow, given=inputs, targets=targets, origin=origin)))
        return Prepared(workflow=workflow, text=canonical(workflow), plan=plan, models=_models(graph), nodes=len(graph.nodes))

    def interface(self, workflow: Workflow) -> dict[str, Any]:
        """A JSON Schema of the values that a workflow's declared inputs take."""
        graph = self._graph(workflow, {}, None)
        declared = [describe.declared(one) for one in declared_inputs(workflow, graph)]
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": workflow.title,
            "description": workflow.description,
            "type": "object",
            "additionalProperties": False,
            "properties": {one.name: _field_schema(one) for one in declared},
            "required": [one.name for one in declared if one.required],
        }

    def _graph(self, workflow: Workflow, inputs: Mapping[str, Any], targets: Sequence[str] | None) -> Graph:
        return self._engine.check(Request(workflow=workflow, given=inputs, targets=targets))


def document(data: Mapping[str, Any]) -> Workflow:
    """A workflow that came as JSON. Raises FormatError."""
    import json

    try:
        return parse(json.dumps(data, allow_nan=False))
    except (ValueError, RecursionError):
        raise FormatError(f"it holds a number that JSON does not have, or is nested more than {MAX_DEPTH} levels deep.") from None


def _holds(node: schema.NodeInfo, words: Sequence[str]) -> bool:
    text = f"{node.type} {node.title} {node.category} {node.summary} {node.description}".lower()
    return all(word in text for word in words)


def _models(graph: Graph) -> list[str]:
    """The models that the workflow names, so that a worker that holds them can be preferred."""
    found = {
        value
        for node in graph.nodes
        for name, value in node.constants.items()
        if (field := node.spec.inputs.get(name)) is not None and _names_model(field)
    }
    return sorted(value for value in found if isinstance(value, str))


def _names_model(field: InputSpec) -> bool:
    return field.choice is not None and "model" in field.choice.what


def _field_schema(one: schema.DeclaredInputInfo) -> dict[str, Any]:
    found = _type_schema(one.field.type)
    facts: dict[str, Any] = {"title": one.title or one.name, "description": one.help}
    if not one.required:
        facts["default"] = one.default
    item = found["items"] if found.get("type") == "array" else found
    if one.field.choices is not None:
        item["enum"] = one.field.choices
    if (bounds := one.field.range) is not None:
        if bounds.minimum is not None:
            item["exclusiveMinimum" if bounds.exclude_minimum else "minimum"] = bounds.minimum
        if bounds.maximum is not None:
            item["maximum"] = bounds.maximum
    return {**({"anyOf": [found, {"type": "null"}]} if one.field.optional else found), **facts}


def _type_schema(of: schema.SocketTypeInfo) -> dict[str, Any]:
    if of.kind == "list" and of.item is not None:
        return {"type": "array", "items": _type_schema(of.item)}
    if of.kind == "union":
        return {"anyOf": list(map(_type_schema, of.options))}
    return {"type": JSON_TYPES[of.name]} if of.name in JSON_TYPES else {}
