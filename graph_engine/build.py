"""Decides how calling nodes in Python becomes a workflow: inside ``with building()`` a node call adds a node and returns references.

with building(title="Text to image") as graph:
    model, encoder, vae = load_model(name="loom-tiny")
    positive = encode_text(encoder, text=graph.input("prompt", "a red circle"))
    …
    graph.output("image", image)
save(graph.workflow, Path("text_to_image.json"))
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from graph_engine.declare import being_built
from graph_engine.errors import DeclarationError
from graph_engine.workflow.document import InputPort, NodeEntry, OutputPort, Workflow

if TYPE_CHECKING:
    from graph_engine.spec import NodeSpec


class Reference(NamedTuple):
    """An output of a node that is being wired."""

    node: str
    output: str

    def __str__(self) -> str:
        return f"{self.node}.{self.output}"


class _Input(NamedTuple):
    """A declared input, where it is used as a value."""

    name: str
    default: Any


class _References:
    """The outputs of a node with several, by name; unpacks in their order."""

    def __init__(self, references: Mapping[str, Reference]) -> None:
        self.__dict__.update(references)
        self._in_order = tuple(references.values())

    def __iter__(self) -> Iterator[Reference]:
        return iter(self._in_order)


class GraphBuilder:
    """Collects nodes, inputs and outputs; ``workflow`` is the document."""

    def __init__(self, title: str, description: str) -> None:
        self._workflow = Workflow(title=title, description=description)
        self._nodes: dict[str, NodeEntry] = {}
        self._targets: dict[str, list[str]] = {}
        self._help: dict[str, str] = {}
        self._outputs: dict[str, OutputPort] = {}

    @property
    def workflow(self) -> Workflow:
        inputs = {name: InputPort(to=to, help=self._help[name]) for name, to in self._targets.items() if to}
        return self._workflow.model_copy(update={"nodes": dict(self._nodes), "inputs": inputs, "outputs": dict(self._outputs)})

    def input(self, name: str, default: Any, help: str = "") -> Any:
        """A declared input to pass where a node takes a value; the same name may be passed to several."""
        self._targets.setdefault(name, [])
        self._help.setdefault(name, help)
        return _Input(name, default)

    def output(self, name: str, source: Any) -> None:
        """Declare ``source``, what a node call gave, as an output of the workflow."""
        self._outputs[name] = OutputPort.model_validate({"from": str(_reference(source, f"output {name!r}"))})

    def add(self, spec: NodeSpec, arguments: Mapping[str, Any]) -> Any:
        """Add a node; called by the node functions themselves. Raises DeclarationError for an argument that is no value."""
        node = self._free_name(spec.type.rpartition(".")[2])
        values: dict[str, Any] = {}
        links: dict[str, Any] = {}
        for name, argument in arguments.items():
            if isinstance(argument, Reference | _References):
                links[name] = str(_reference(argument, f"{spec.type}.{name}"))
            elif isinstance(argument, list) and argument and all(isinstance(item, Reference) for item in argument):
                links[name] = [str(item) for item in argument]
            elif isinstance(argument, _Input):
                self._targets[argument.name].append(f"{node}.{name}")
                values[name] = argument.default
            else:
                values[name] = argument
        self._nodes[node] = NodeEntry(type=spec.type, version=spec.version, values=values, links=links)
        references = {name: Reference(node, name) for name in spec.outputs}
        return _References(references) if spec.many_outputs else next(iter(references.values()), None)

    def _free_name(self, wanted: str) -> str:
        number, name = 1, wanted
        while name in self._nodes:
            number += 1
            name = f"{wanted}_{number}"
        return name


@contextmanager
def building(title: str = "", description: str = "") -> Iterator[GraphBuilder]:
    """Node calls inside add nodes to the graph that this gives, and return references to pass on."""
    graph = GraphBuilder(title, description)
    token = being_built.set(graph)
    try:
        yield graph
    finally:
        being_built.reset(token)


def _reference(source: Any, where: str) -> Reference:
    if isinstance(source, Reference):
        return source
    raise DeclarationError(f"{where} is linked to {type(source).__name__}: pass one output of a node call, such as .image.")
