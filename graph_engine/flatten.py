"""Decides what a document means once subgraphs are written out, muted nodes left out and bypassed ones passed through.

The result is flat: nodes by path (``outer/inner``), links as (path, output). Everything is iterative, and bounded in depth and count,
so that a file of nested definitions cannot multiply without end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from graph_engine.errors import Problem
from graph_engine.workflow.document import SUBGRAPH, NodeEntry, Workflow

MAX_NODES = 250_000
MAX_NESTING = 16


class Output(NamedTuple):
    """One output of one node."""

    path: str
    name: str


Linked: TypeAlias = Output | tuple[Output, ...]


@dataclass(frozen=True, slots=True)
class Constant:
    """A value bound to an input from outside."""

    value: Any


@dataclass(slots=True)
class FlatNode:
    """A node with the links that it has after everything around it was written out."""

    path: str
    entry: NodeEntry
    values: dict[str, Any]
    links: dict[str, Linked]


@dataclass(slots=True, kw_only=True)
class Flat:
    """A document without subgraphs. ``inputs`` maps each declared input to the node inputs that it sets."""

    nodes: dict[str, FlatNode] = field(default_factory=dict)
    inputs: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    outputs: dict[str, Output] = field(default_factory=dict)
    muted: frozenset[str] = frozenset()
    problems: list[Problem] = field(default_factory=list)


Binding: TypeAlias = Constant | Output | tuple[Output, ...]
Bypass: TypeAlias = Callable[[NodeEntry, str, Mapping[str, Linked]], str | None]
"""Which of the linked inputs a bypassed node passes on as an output of this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scope:
    """One workflow at one place: its path prefix and what is bound to its node inputs.

    ``outer`` are the workflows around its text, where names of definitions are looked up; ``users`` those that led to it.
    """

    prefix: str
    workflow: Workflow
    bound: Mapping[str, Binding]
    outer: tuple[Workflow, ...] = ()
    users: tuple[Workflow, ...] = ()


def flatten(workflow: Workflow, given: Mapping[str, Any], bypass: Bypass) -> Flat:
    """Write out ``workflow`` with its declared inputs set to ``given``. Problems are collected, never raised."""
    return _Flattener(bypass).run(workflow, given)


class _Flattener:
    def __init__(self, bypass: Bypass) -> None:
        self.flat = Flat()
        self.instances: dict[str, Workflow] = {}
        self.bypass = bypass

    def run(self, workflow: Workflow, given: Mapping[str, Any]) -> Flat:
        bound = self._bind(workflow, {name: Constant(value) for name, value in given.items()}, where="")
        waiting = [_Scope(prefix="", workflow=workflow, bound=bound)]
        while waiting:
            waiting.extend(self._open(waiting.pop()))
            if len(self.flat.nodes) + len(self.instances) + len(self.flat.problems) > MAX_NODES:
                self.flat.problems.clear()
                self._problem("too_large", f"it holds more than {MAX_NODES} nodes once written out.", "Split it.")
                self.flat.nodes.clear()
                self.instances.clear()
                workflow = Workflow()
                break
        self.flat.inputs = {name: tuple(self._targets(workflow, name)) for name in workflow.inputs}
        self._resolve_links()
        for name, port in workflow.outputs.items():
            if isinstance(source := self._resolve(_output("", port.source)), Output):
                self.flat.outputs[name] = source
        for path in [path for path, node in self.flat.nodes.items() if node.entry.mode != "on"]:
            del self.flat.nodes[path]
        return self.flat

    def _problem(self, code: Any, cause: str, action: str, node: str | None = None, input: str | None = None) -> None:
        self.flat.problems.append(Problem(code=code, cause=cause, action=action, node=node, input=input))

    def _bind(self, workflow: Workflow, given: Mapping[str, Binding], where: str) -> dict[str, Binding]:
        """What ``given`` inputs of ``workflow`` mean for the node inputs inside it."""
        bound: dict[str, Binding] = {}
        for name, value in given.items():
            port = workflow.inputs.get(name)
            if port is None:
                known = ", ".join(sorted(workflow.inputs)) or "none"
                cause = f"there is no input {name!r}."
                self._problem("unknown_input", cause, f"Declared inputs: {known}.", where or None, name)
                continue
            for target in port.to:
                bound[target] = value
        return bound

    def _open(self, scope: _Scope) -> Iterator[_Scope]:
        by_node: dict[str, dict[str, Binding]] = {}
        for address, value in scope.bound.items():
            node, _, name = address.partition(".")
            by_node.setdefault(node, {})[name] = value
        for node in sorted(by_node.keys() - scope.workflow.nodes.keys()):
            cause = f"a declared input sets {node!r}, which does not exist."
            self._problem("unknown_target", cause, "Correct the input's 'to'.", scope.prefix.rstrip("/") or None, node)
        for name, entry in scope.workflow.nodes.items():
            path = scope.prefix + name
            values = dict(entry.values)
            links: dict[str, Linked] = {key: _linked(scope.prefix, link) for key, link in entry.links.items() if link}
            for key, value in by_node.get(name, {}).items():
                if isinstance(value, Constant):
                    values[key] = value.value
                    links.pop(key, None)
                else:
                    links[key] = value
            if entry.type.startswith(SUBGRAPH) and entry.mode == "on":
                found = self._definition(scope, path, entry)
                if found is not None:
                    inner, outer = found
                    self.instances[path] = inner
                    given: dict[str, Binding] = {key: Constant(value) for key, value in values.items()} | links
                    bound = self._bind(inner, given, where=path)
                    users = (*scope.users, scope.workflow)
                    yield _Scope(prefix=path + "/", workflow=inner, bound=bound, outer=outer, users=users)
                continue
            self.flat.nodes[path] = FlatNode(path, entry, values, links)

    def _definition(self, scope: _Scope, path: str, entry: NodeEntry) -> tuple[Workflow, tuple[Workflow, ...]] | None:
        """The definition that ``entry`` means, and the workflows around its text."""
        around, users = (*scope.outer, scope.workflow), (*scope.users, scope.workflow)
        name = entry.type.removeprefix(SUBGRAPH)
        depth = next((depth for depth in range(len(around), 0, -1) if name in around[depth - 1].definitions), None)
        if depth is None:
            self._problem("unknown_node", f"no definition is called {name!r}.", "Add it under 'definitions'.", path)
            return None
        found = around[depth - 1].definitions[name]
        if any(found is one for one in users) or len(users) > MAX_NESTING:
            self._problem("recursion", f"{name!r} contains itself, or lies too deep.", "A subgraph cannot repeat itself.", path)
            return None
        return found, around[:depth]

    def _targets(self, workflow: Workflow, name: str, prefix: str = "") -> Iterator[tuple[str, str]]:
        waiting = [(prefix, workflow, name)]
        for at, inside, port in waiting:  # it grows meanwhile
            for target in dict.fromkeys(inside.inputs[port].to):
                node, _, key = target.partition(".")
                inner = self.instances.get(at + node)
                if inner is None:
                    yield at + node, key
                elif key in inner.inputs:
                    waiting.append((f"{at}{node}/", inner, key))

    def _resolve_links(self) -> None:
        muted = {path for path, node in self.flat.nodes.items() if node.entry.mode == "muted"}
        for path, node in self.flat.nodes.items():
            if path in muted or node.entry.mode == "bypassed":
                continue
            for key, link in list(node.links.items()):
                many = link if not isinstance(link, Output) else (link,)
                found = [source for one in many if (source := self._resolve(one)) is not None]
                if len(found) == len(many):
                    node.links[key] = found[0] if isinstance(link, Output) else tuple(found)
                elif found:
                    node.links[key] = tuple(found)
                else:
                    node.links[key] = ()
        self.flat.muted = frozenset(muted)

    def _resolve(self, source: Output) -> Output | None:
        """Follow a link through subgraph outputs and bypassed nodes to a node that runs; None when a muted one stands there."""
        seen: set[Output] = set()
        while source not in seen:
            seen.add(source)
            if inner := self.instances.get(source.path):
                port = inner.outputs.get(source.name)
                if port is None:
                    return source  # check reports it: the subgraph has no such output
                source = _output(source.path + "/", port.source)
                continue
            node = self.flat.nodes.get(source.path)
            if node is None or node.entry.mode == "on":
                return source
            if node.entry.mode == "muted":
                return None
            passed = node.links.get(self.bypass(node.entry, source.name, node.links) or "")
            if passed is None or passed == ():
                return None
            source = passed if isinstance(passed, Output) else passed[0]
        return source


def _output(prefix: str, reference: str) -> Output:
    node, _, name = reference.partition(".")
    return Output(prefix + node, name)


def _linked(prefix: str, link: str | list[str]) -> Linked:
    return _output(prefix, link) if isinstance(link, str) else tuple(_output(prefix, one) for one in link)
