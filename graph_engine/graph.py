"""Decides what runs: a document checked against a registry becomes a graph of nodes by index, in topological order.

Everything wrong is collected as problems. A problem in a node that no target needs is a warning: it keeps nothing from running.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from graph_engine import check, collector
from graph_engine.errors import Problem
from graph_engine.flatten import Flat, FlatNode, Linked, flatten
from graph_engine.folders import Folders
from graph_engine.registry import Registry
from graph_engine.repeat import Output
from graph_engine.schedule import Unit
from graph_engine.spec import REQUIRED, NodeSpec
from graph_engine.types import Bindings, ListOf, SocketType, refusal, substitute
from graph_engine.workflow.document import NodeEntry, Workflow

MANY_PROBLEMS = 50  # from here on no similar names are looked for, which takes longer the more names there are


class Link(NamedTuple):
    """The output of a node by the node's index."""

    node: int
    output: str


@dataclass(slots=True, eq=False)
class Node:
    """A node ready to run: constants are complete (defaults filled in, numbers coerced), links point to indices."""

    index: int
    path: str
    spec: NodeSpec
    constants: dict[str, Any]
    links: dict[str, Link | tuple[Link, ...]]
    types: Mapping[str, SocketType] = field(default_factory=dict)
    eager: tuple[str, ...] = ()
    lazy: tuple[str, ...] = ()
    bounded: tuple[str, ...] = ()  # linked inputs whose values must meet the bounds that typed ones meet

    def settle(self) -> None:
        """Fix which inputs are linked, sorted by name: the order in which they enter a key."""
        if not self.links:
            return
        linked, inputs = sorted(self.links), self.spec.inputs
        self.bounded = tuple([name for name in linked if inputs[name].bounded])
        if self.spec.needs is None:
            self.eager = tuple(linked)
        else:
            self.eager = tuple(name for name in linked if not inputs[name].lazy)
            self.lazy = tuple(name for name in linked if inputs[name].lazy)

    def reads(self, needs: frozenset[str] | None) -> tuple[str, ...]:
        """The linked inputs that enter the key: the eager ones, and the lazy ones that are needed."""
        return tuple(sorted((*self.eager, *(name for name in self.lazy if name in needs)))) if needs else self.eager

    def sources(self, inputs: Iterable[str]) -> tuple[Link, ...]:
        """The links behind these inputs, in order, lists spread out."""
        found: list[Link] = []
        for name in inputs:
            link = self.links.get(name)
            if link is not None:
                found.extend((link,) if isinstance(link, Link) else link)
        return tuple(found)


@dataclass(slots=True, kw_only=True)
class Graph:
    """What a run needs. ``skipped`` are nodes left out because something they need is muted.

    ``unsized`` are the lists whose length must be found out before a run (see ``flatten``); ``lists`` the declared inputs that a map
    goes over, with their defaults.
    """

    nodes: tuple[Node, ...]
    units: tuple[Unit, ...]
    targets: tuple[int, ...]
    outputs: dict[str, Link]
    inputs: dict[str, tuple[tuple[str, str], ...]]
    skipped: frozenset[str]
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    by_path: dict[str, Node]
    unsized: dict[str, Output] = field(default_factory=dict)
    lists: dict[str, Any] = field(default_factory=dict)

    @property
    def depends_on_files(self) -> bool:
        """Whether laying it out again could give another graph, because a node asks the folders what there is."""
        specs = {node.spec.type: node.spec for node in self.nodes}.values()
        return any(
            spec.resolve_types is not None or any(field.choice is not None for field in spec.inputs.values()) for spec in specs
        )


def compile(
    workflow: Workflow,
    registry: Registry,
    *,
    folders: Folders | None = None,
    given: Mapping[str, Any] | None = None,
    targets: Sequence[str] | None = None,
    lengths: Mapping[str, int] | None = None,
) -> Graph:
    """Check ``workflow`` and lay it out for running. Never raises for what the file says; see ``Graph.problems``.

    ``given`` sets declared inputs; ``targets`` names node paths or declared outputs (all sinks and outputs when None); ``lengths`` are
    those of lists that an earlier call found ``unsized``.
    """
    with collector.resting():
        return _Compiler(registry, folders or Folders()).run(workflow, given or {}, targets, lengths or {})


class _Compiler:
    def __init__(self, registry: Registry, folders: Folders) -> None:
        self.registry, self.folders = registry, folders
        self.problems: list[Problem] = []
        self.nodes: dict[str, Node] = {}
        self.skipped: set[str] = set()

    def run(
        self, workflow: Workflow, given: Mapping[str, Any], targets: Sequence[str] | None, lengths: Mapping[str, int]
    ) -> Graph:
        flat = flatten(workflow, given, self._bypass, lengths)
        self.problems += flat.problems
        for flat_node in flat.nodes.values():
            self._add(flat_node)
        for node in self.nodes.values():
            self._link(node, flat)
        order = self._order(list(self.nodes.values()))
        for node in order:
            self._leave_out(node, order)
            self._check_types(node, order)
        by_path = {node.path: node for node in order}
        outputs = self._outputs(flat, by_path)
        wanted = self._targets(flat, targets)
        problems, warnings = self._split(flat, wanted)
        return Graph(
            nodes=tuple(order),
            units=tuple(map(_unit, order)),
            targets=tuple(by_path[path].index for path in wanted if path in by_path and path not in self.skipped),
            outputs=outputs,
            inputs=flat.inputs,
            skipped=frozenset(self.skipped | flat.muted),
            problems=problems,
            warnings=warnings,
            by_path=by_path,
            unsized=flat.unsized,
            lists=flat.lists,
        )

    def _bypass(self, entry: NodeEntry, output: str, links: Mapping[str, Linked]) -> str | None:
        spec = self.registry.specs.get(entry.type)
        if spec is None or output not in spec.outputs:
            return output if output in links else min(links, default=None)
        want = spec.outputs[output].type
        return next(
            (name for name, field in spec.inputs.items() if name in links and refusal(field.type, want, {}) is None), None
        )

    def _add(self, flat: FlatNode) -> None:
        spec = self.registry.specs.get(flat.entry.type)
        if spec is None:
            known = self.registry if len(self.problems) < MANY_PROBLEMS else Registry()
            self.problems.append(check.unknown_node(flat.path, flat.entry.type, known))
            return
        values, problem = check.migrated(flat.path, spec, flat.entry.version, flat.values)
        if problem is not None:
            self.problems.append(problem)
            return
        links = flat.links
        constants: dict[str, Any] = {}
        for name, field_spec in spec.inputs.items():
            link = links.get(name)
            if link:
                continue
            if link is None and name in values:
                value, problem = check.value(flat.path, field_spec, values[name], self.folders)
                if problem is None:
                    constants[name] = value
                else:
                    self.problems.append(problem)
            elif field_spec.default is not REQUIRED:
                constants[name] = field_spec.default
            elif link is not None:  # all that it is linked to is muted
                self.skipped.add(flat.path)
            elif not field_spec.lazy:
                self.problems.append(check.missing_input(flat.path, field_spec))
        if not spec.inputs.keys() >= links.keys() or not spec.inputs.keys() >= values.keys():
            self.problems += check.unknown_inputs(flat.path, spec, {**values, **links})
        self.nodes[flat.path] = Node(len(self.nodes), flat.path, spec, constants, {})  # by place, until all are put in order

    def _link(self, node: Node, flat: Flat) -> None:
        """Link a node to what the file says, by place; links to what does not exist become problems.

        Nodes are looked up by name here and nowhere after: the names are spread over all memory once there are many.
        """
        for name, link in flat.nodes[node.path].links.items():
            if name not in node.spec.inputs:
                continue
            sources = (link,) if isinstance(link, Output) else link
            found = tuple([end for source in sources if (end := self._end(flat, node.path, name, source)) is not None])
            if found:
                node.links[name] = found[0] if isinstance(link, Output) else found

    def _end(self, flat: Flat, path: str, name: str, source: Output) -> Link | None:
        known = self.nodes.get(source.path)
        if known is not None and source.name in known.spec.outputs:
            return Link(known.index, source.name)
        if known is not None or source.path not in flat.nodes:  # else that node's own problem is reported already
            near = self.nodes if len(self.problems) < MANY_PROBLEMS else ()
            self.problems.append(check.bad_link(path, name, source, known.spec if known else None, near))
        return None

    def _order(self, nodes: list[Node]) -> list[Node]:
        """The nodes in topological order, the file's own where it is one, numbered anew; what lies on or behind a cycle is left out,
        and the cycle's path reported.
        """
        order = _depth_first([[link.node for link in node.sources(node.links)] for node in nodes])
        if len(order) < len(nodes):
            placed = set(order)
            left = {node.path: node for node in nodes if node.index not in placed}
            reads = {path: [nodes[link.node].path for link in node.sources(node.links)] for path, node in left.items()}
            self.problems += check.cycles({path: [one for one in sources if one in left] for path, sources in reads.items()})
        ordered = [nodes[place] for place in order]
        if ordered != nodes:
            _renumber(ordered, order)
        return ordered

    def _leave_out(self, node: Node, order: list[Node]) -> None:
        """Take away the links to nodes that are left out."""
        if self.skipped:
            for name in list(node.links):
                if any(order[link.node].path in self.skipped for link in node.sources([name])):
                    del node.links[name]
                    self._without(node, name)

    def _without(self, node: Node, name: str) -> None:
        """A link whose source is left out: the default takes its place, or the node is left out too."""
        spec = node.spec.inputs[name]
        if spec.required:
            self.skipped.add(node.path)
        else:
            node.constants[name] = spec.default

    def _check_types(self, node: Node, order: list[Node]) -> None:
        bindings: Bindings = {}
        for name in node.spec.inputs:  # in this order, whatever the file's is
            if name in node.links:
                self._check_link(node, name, node.links[name], order, bindings)
        if node.spec.resolve_types is not None:
            found, problem = check.resolved_types(node.path, node.spec, node.constants, self.folders)
            bindings.update(found)
            self.problems += [problem] if problem else []
        node.types = node.spec.output_types
        if bindings:
            node.types = {name: substitute(type, bindings) for name, type in node.types.items()}
        node.settle()

    def _check_link(self, node: Node, name: str, link: Link | tuple[Link, ...], order: list[Node], bindings: Bindings) -> None:
        """Refuse what does not fit. A single value for a list input becomes a list of one; several for a single input are refused."""
        want = node.spec.inputs[name].type
        sources = (link,) if isinstance(link, Link) else link
        if isinstance(want, ListOf) and not isinstance(order[sources[0].node].types[sources[0].output], ListOf):
            node.links[name] = sources
            want = want.item
        elif not isinstance(link, Link):
            if len(sources) > 1:
                self.problems.append(check.too_many_links(node.path, name, len(sources)))
                return
            node.links[name] = sources[0]
        for source in sources:
            got = order[source.node].types[source.output]
            reason = refusal(got, want, bindings)
            if reason is not None:
                origin = f"{order[source.node].path}.{source.output}"
                self.problems.append(check.type_mismatch(node.path, name, origin, got, want, reason, self.registry))

    def _outputs(self, flat: Flat, by_path: dict[str, Node]) -> dict[str, Link]:
        outputs: dict[str, Link] = {}
        for name, source in flat.outputs.items():
            node = by_path.get(source.path)
            if node is not None and source.name in node.spec.outputs:
                outputs[name] = Link(node.index, source.name)
            elif source.path not in flat.nodes or node is not None:
                self.problems.append(check.bad_output(name, source, node.spec if node else None))
        return outputs

    def _targets(self, flat: Flat, names: Sequence[str] | None) -> dict[str, None]:
        """Paths of the nodes to run for, in order: those named, or every declared output and every sink."""
        if names is None:
            sinks = [path for path, node in self.nodes.items() if node.spec.sink]
            found = dict.fromkeys([*sinks, *(source.path for source in flat.outputs.values())])
            if not found and not flat.muted:
                self.problems.append(check.nothing_to_run(bool(flat.nodes)))
            return found
        found = {}
        for name in names:
            path = name if name in flat.nodes else flat.outputs[name].path if name in flat.outputs else None
            if path in self.skipped or name in flat.muted or name in flat.muted_outputs:
                self.problems.append(check.muted_target(name))
            elif path is None:
                self.problems.append(check.unknown_target(name, [*flat.nodes, *flat.outputs]))
            else:
                found[path] = None
        return found

    def _split(self, flat: Flat, targets: Iterable[str]) -> tuple[tuple[Problem, ...], tuple[Problem, ...]]:
        """Problems that stop the run, and those in nodes that no target reads, however indirectly."""
        waiting, needed = list(targets), set[str]()
        if not self.problems or not waiting:
            return tuple(self.problems), ()
        while waiting:
            path = waiting.pop()
            if path not in needed and path in flat.nodes:
                needed.add(path)
                for link in flat.nodes[path].links.values():
                    waiting += [one.path for one in ((link,) if isinstance(link, Output) else link)]
        idle = flat.nodes.keys() - needed
        return tuple(p for p in self.problems if p.node not in idle), tuple(p for p in self.problems if p.node in idle)


def _depth_first(sources: Sequence[Sequence[int]]) -> list[int]:
    """Places in an order in which each stands behind its sources, without those that are on a cycle or read from one."""
    order, seen, placed = list[int](), bytearray(len(sources)), bytearray(len(sources))
    for first in range(len(sources)):
        waiting = [first]
        while waiting:
            place = waiting[-1]
            if not seen[place]:
                seen[place] = True
                waiting += [source for source in reversed(sources[place]) if not seen[source]]
                continue
            waiting.pop()  # what it reads was tried by now; what is not placed waits for this very node
            if not placed[place] and all(map(placed.__getitem__, sources[place])):
                placed[place] = True
                order.append(place)
    return order


def _renumber(nodes: Sequence[Node], places: Sequence[int]) -> None:
    """Number the nodes, and what they are linked to, by their position; ``places`` are the numbers that they have."""
    index_of = {place: index for index, place in enumerate(places)}
    for index, node in enumerate(nodes):
        node.index = index
        for name, link in node.links.items():
            if isinstance(link, Link):
                node.links[name] = Link(index_of[link.node], link.output)
            else:
                node.links[name] = tuple([Link(index_of[one.node], one.output) for one in link])


ALONE = Unit()


def _unit(node: Node) -> Unit:
    """The node as the scheduler sees it."""
    if not node.links and node.spec.needs is None and not node.spec.volatile:
        return ALONE
    eager = tuple(dict.fromkeys([link.node for link in node.sources(node.eager)]))
    if node.spec.needs is None:
        return Unit(eager, asks=node.spec.fingerprint is not None and bool(eager), volatile=node.spec.volatile)
    lazy = {name: tuple(dict.fromkeys(link.node for link in node.sources([name]))) for name in node.lazy}
    return Unit(eager, lazy, True, node.spec.volatile)
