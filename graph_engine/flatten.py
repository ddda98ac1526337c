"""Decides what a document means once subgraphs are written out, muted nodes left out and bypassed ones passed through.

The result is flat: nodes by path (``outer/inner``), links as (path, output). Everything is iterative, and bounded in depth and count,
so that a file of nested definitions cannot multiply without end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from graph_engine.errors import Problem
from graph_engine.repeat import (
    FOLD,
    MAP,
    Binding,
    Constant,
    Output,
    Repeat,
    RepeatError,
    bindings,
    check_names,
    count,
    is_repeat,
)
from graph_engine.sentences import Sentence, listed, say
from graph_engine.workflow.document import SUBGRAPH, NodeEntry, Workflow

MAX_NODES = 250_000
MAX_NESTING = 16


Linked: TypeAlias = Output | tuple[Output, ...]


@dataclass(slots=True)
class FlatNode:
    """A node with the links that it has after everything around it was written out."""

    path: str
    entry: NodeEntry
    values: dict[str, Any]
    links: dict[str, Linked]


@dataclass(slots=True, kw_only=True)
class Flat:
    """A document without subgraphs. ``inputs`` maps each declared input to the node inputs that it sets.

    ``unsized`` are the lists that a map or fold goes over and whose length only a run can tell, by ``path.input``: until then, one copy
    stands for all. ``lists`` are the declared inputs that such a list is given to, with their defaults.
    """

    nodes: dict[str, FlatNode] = field(default_factory=dict)
    inputs: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    outputs: dict[str, Output] = field(default_factory=dict)
    muted: frozenset[str] = frozenset()
    muted_outputs: set[str] = field(default_factory=set)
    unsized: dict[str, Output] = field(default_factory=dict)
    lists: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


Bypass: TypeAlias = Callable[[NodeEntry, str, Mapping[str, Linked]], str | None]
"""Which of the linked inputs a bypassed node passes on as an output of this name."""


class _Deferred(NamedTuple):
    """A use of a definition that is still to be written out."""

    path: str
    entry: NodeEntry
    inner: Workflow
    given: dict[str, Binding]
    outer: tuple[Workflow, ...]
    users: tuple[Workflow, ...]


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


def flatten(workflow: Workflow, given: Mapping[str, Any], bypass: Bypass, lengths: Mapping[str, int] | None = None) -> Flat:
    """Write out ``workflow`` with its declared inputs set to ``given``. Problems are collected, never raised.

    ``lengths`` are those of lists that an earlier call found ``unsized``.
    """
    return _Flattener(bypass, lengths or {}).run(workflow, given)


class _Flattener:
    def __init__(self, bypass: Bypass, lengths: Mapping[str, int]) -> None:
        self.flat = Flat()
        self.instances: dict[str, Workflow] = {}
        self.repeats: dict[str, Repeat] = {}
        self.deferred: list[_Deferred] = []
        self.bypass, self.lengths = bypass, lengths

    def run(self, workflow: Workflow, given: Mapping[str, Any]) -> Flat:
        bound = self._bind(workflow, {name: Constant(value) for name, value in given.items()}, where="")
        waiting = [_Scope(prefix="", workflow=workflow, bound=bound)]
        while waiting or self.deferred:
            waiting.extend(self._open(waiting.pop()) if waiting else self._repeat(self._next_deferred()))
            if len(self.flat.nodes) + len(self.instances) + len(self.flat.problems) > MAX_NODES:
                self.flat.problems.clear()
                self._problem("too_large", say("too_many_nodes", most=MAX_NODES), say("split_workflow"))
                self.flat.nodes.clear()
                self.instances.clear()
                self.repeats.clear()
                workflow = Workflow()
                break
        self.flat.inputs = {name: tuple(self._targets(workflow, name)) for name in workflow.inputs}
        self._resolve_links()
        for name, port in workflow.outputs.items():
            sources = self._resolve(_output("", port.source))
            if sources is None:
                self.flat.muted_outputs.add(name)
            else:
                self.flat.outputs[name] = sources[0] if isinstance(sources, list) else self._collected(name, sources)
        for path in [path for path, node in self.flat.nodes.items() if node.entry.mode != "on"]:
            del self.flat.nodes[path]
        return self.flat

    def _problem(self, code: Any, cause: Sentence, action: Sentence, node: str | None = None, input: str | None = None) -> None:
        self.flat.problems.append(Problem(code=code, cause=cause, action=action, node=node, input=input))

    def _bind(self, workflow: Workflow, given: Mapping[str, Binding], where: str) -> dict[str, Binding]:
        """What ``given`` inputs of ``workflow`` mean for the node inputs inside it."""
        bound: dict[str, Binding] = {}
        for name, value in given.items():
            port = workflow.inputs.get(name)
            if port is None:
                cause = say("no_declared_input", name=name)
                action = say("declared_inputs_are", names=listed(sorted(workflow.inputs)))
                self._problem("unknown_input", cause, action, where or None, name)
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
            cause = say("input_sets_nothing", node=node)
            self._problem("unknown_target", cause, say("correct_to"), scope.prefix.rstrip("/") or None, node)
        for name, entry in scope.workflow.nodes.items():
            path = scope.prefix + name
            values = entry.values
            links: dict[str, Linked] = {key: _linked(scope.prefix, link) for key, link in entry.links.items() if link}
            for key, value in by_node.get(name, {}).items():
                if isinstance(value, Constant):
                    values = {**values, key: value.value}
                    links.pop(key, None)
                else:
                    links[key] = value
            if entry.type.startswith((SUBGRAPH, MAP, FOLD)) and entry.mode == "on":
                found = self._definition(scope, path, entry)
                if found is not None:
                    inner, outer = found
                    given: dict[str, Binding] = {key: Constant(value) for key, value in values.items()} | links
                    use = _Deferred(path, entry, inner, given, outer, (*scope.users, scope.workflow))
                    if is_repeat(entry):
                        self.deferred.append(use)
                    else:
                        yield self._instance(path, use, given)
                continue
            self.flat.nodes[path] = FlatNode(path, entry, values, links)

    def _definition(self, scope: _Scope, path: str, entry: NodeEntry) -> tuple[Workflow, tuple[Workflow, ...]] | None:
        """The definition that ``entry`` means, and the workflows around its text."""
        around, users = (*scope.outer, scope.workflow), (*scope.users, scope.workflow)
        name = entry.type.partition(":")[2]
        depth = next((depth for depth in range(len(around), 0, -1) if name in around[depth - 1].definitions), None)
        if depth is None:
            self._problem("unknown_node", say("no_definition", name=name), say("add_definition"), path)
            return None
        found = around[depth - 1].definitions[name]
        if any(found is one for one in users) or len(users) > MAX_NESTING:
            self._problem("recursion", say("contains_itself", name=name), say("no_self_repeat"), path)
            return None
        return found, around[:depth]

    def _instance(self, path: str, use: _Deferred, given: Mapping[str, Binding]) -> _Scope:
        self.instances[path] = use.inner
        bound = self._bind(use.inner, given, where=path)
        return _Scope(prefix=path + "/", workflow=use.inner, bound=bound, outer=use.outer, users=use.users)

    def _next_deferred(self) -> _Deferred:
        """A map or fold whose lists do not come from another one that is still to be written out; else the first."""
        open_paths = {use.path for use in self.deferred}
        for position, use in enumerate(self.deferred):
            sources = [use.given[name] for name in use.entry.over if isinstance(use.given.get(name), Output)]
            if not any(isinstance(one, Output) and self._ends_in(one, open_paths) for one in sources):
                return self.deferred.pop(position)
        return self.deferred.pop(0)

    def _ends_in(self, source: Output, paths: set[str]) -> bool:
        found = self._resolve(source)
        return found is not None and any(one.path in paths for one in found)

    def _repeat(self, use: _Deferred) -> Iterator[_Scope]:
        """Write out the copies of a map or fold."""
        try:
            check_names(use.entry, use.inner)
            items = {name: self._items(use, name) for name in use.entry.over}
            fold = use.entry.type.startswith(FOLD)
            number = count({name: len(found) for name, found in items.items()}, use.given)
        except RepeatError as error:
            self._problem("bad_value", error.cause, error.action, use.path, error.input)
            self.repeats[use.path] = Repeat(path=use.path, count=0, fold=False, initial={})  # so that what reads it is not blamed
            return
        initial = {output: use.given[name] for name, output in use.entry.state.items() if name in use.given}
        repeat = self.repeats[use.path] = Repeat(path=use.path, count=number, fold=fold, initial=initial)
        for index, given in reversed(list(enumerate(bindings(repeat, use.entry, use.given, items)))):
            yield self._instance(repeat.copy(index), use, given)

    def _items(self, use: _Deferred, name: str) -> list[Binding]:
        """The items of the list that an input goes over. Raises RepeatError for what is no list."""
        given = use.given.get(name)
        if isinstance(given, Constant):
            if not isinstance(given.value, list):
                raise RepeatError(name, say("no_list"), say("give_list"))
            return [Constant(value) for value in given.value]
        if given is None:
            raise RepeatError(name, say("nothing_given"), say("link_list"))
        sources = self._resolve(given) if isinstance(given, Output) else given
        if sources is None:
            raise RepeatError(name, say("list_muted"), say("unmute_list"))
        if not isinstance(sources, list):
            return list(sources)
        address = f"{use.path}.{name}"
        self.flat.unsized.update({} if address in self.lengths else {address: sources[0]})
        found: list[Binding] = []
        for index in range(self.lengths.get(address, 1)):
            entry = NodeEntry(type="engine.item", version=1, values={"index": index})
            path = f"{address}[{index}]"
            self.flat.nodes[path] = FlatNode(path, entry, {"index": index}, {"items": sources[0]})
            found.append(Output(path, "value"))
        return found

    def _collected(self, name: str, sources: tuple[Output, ...]) -> Output:
        """A list of what several copies gave, as one output."""
        entry = NodeEntry(type="engine.collect", version=1)
        path = f"{name}[]"
        self.flat.nodes[path] = FlatNode(path, entry, {} if sources else {"items": []}, {"items": sources} if sources else {})
        return Output(path, "values")

    def _targets(self, workflow: Workflow, name: str) -> Iterator[tuple[str, str]]:
        """The node inputs that a declared input sets; inside a map, those of its first copy stand for all."""
        waiting = [("", workflow, name)]
        for at, inside, port in waiting:  # it grows meanwhile
            for target in dict.fromkeys(inside.inputs[port].to):
                node, _, key = target.partition(".")
                path = at + node
                if repeat := self.repeats.get(path):
                    if key in inside.nodes[node].over:
                        self.flat.lists.setdefault(name, inside.nodes[node].values.get(key))
                    path = repeat.copy(0)
                inner = self.instances.get(path)
                if inner is None:
                    yield path, key
                elif key in inner.inputs:
                    waiting.append((f"{path}/", inner, key))

    def _resolve_links(self) -> None:
        passive = {path: node.entry.mode for path, node in self.flat.nodes.items() if node.entry.mode != "on"}
        muted = {path for path, mode in passive.items() if mode == "muted"}
        self.flat.muted = frozenset(muted)
        if not (passive or self.instances or self.repeats):
            return  # every link names what it comes from
        for path, node in self.flat.nodes.items():
            if path not in passive:
                for key, link in list(node.links.items()):
                    self._resolve_link(node, key, link)

    def _resolve_link(self, node: FlatNode, key: str, link: Linked) -> None:
        """Replace a link by what stands behind it: one output, several, or () where all of them are muted."""
        single = isinstance(link, Output)
        found: list[Output] = []
        for one in (link,) if isinstance(link, Output) else link:
            sources = self._resolve(one)
            single = single and isinstance(sources, list)
            found += sources or []
            if isinstance(sources, tuple) and not sources:  # a map over nothing
                del node.links[key]
                node.values = {**node.values, key: []}
                return
        node.links[key] = found[0] if single and found else tuple(found)

    def _resolve(self, source: Output) -> list[Output] | tuple[Output, ...] | None:
        """Follow a link through subgraphs, maps and bypassed nodes: a list of the one output it ends in, a tuple of those of the
        copies of a map, None when a muted node stands there."""
        seen: set[Output] = set()
        while source not in seen:
            seen.add(source)
            if repeat := self.repeats.get(source.path):
                behind = repeat.spread(source.name)
                if repeat.fold and isinstance(behind, tuple) and len(behind) == 1 and not isinstance(behind, Output):
                    source = behind[0]
                    continue
                return self._resolve_copies(behind)
            if inner := self.instances.get(source.path):
                port = inner.outputs.get(source.name)
                if port is None:
                    return [source]  # check reports it: the subgraph has no such output
                source = _output(source.path + "/", port.source)
                continue
            node = self.flat.nodes.get(source.path)
            if node is None or node.entry.mode == "on":
                return [source]
            if node.entry.mode == "muted":
                return None
            passed = node.links.get(self.bypass(node.entry, source.name, node.links) or "")
            if passed is None or passed == ():
                return None
            source = passed if isinstance(passed, Output) else passed[0]
        return [source]

    def _resolve_copies(self, behind: Binding) -> list[Output] | tuple[Output, ...] | None:
        if isinstance(behind, Constant):
            return None  # a fold of none that began with a plain value: there is no node to link to
        if isinstance(behind, Output):
            return self._resolve(behind)
        found: list[Output] = []
        for one in behind:
            found += self._resolve(one) or []
        return tuple(found)


def _output(prefix: str, reference: str) -> Output:
    node, _, name = reference.partition(".")
    return Output(prefix + node, name)


def _linked(prefix: str, link: str | list[str]) -> Linked:
    return _output(prefix, link) if isinstance(link, str) else tuple(_output(prefix, one) for one in link)
