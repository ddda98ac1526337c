"""Decides what a workflow file may say: the document model, frozen, with unknown fields kept.

Links live in ``links`` and values in ``values``, so that a text can never be mistaken for a link. A node is named by its key;
``view`` (layout, frames, notes) never reaches the engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

FORMAT = 1
FORMAT_NAME = "latent-loom"

NodeId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,99}$")]
Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,99}\.[A-Za-z_][A-Za-z0-9_]{0,99}$")]
"""``node.output`` or ``node.input``."""

SUBGRAPH = "workflow:"
FILE_SUBGRAPH = "file:"


class Document(BaseModel):
    """Frozen, and keeps what it does not know."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False, strict=True)


class NodeEntry(Document):
    """One node: its type and version, values and links by input name. A linked input's value is kept but not used.

    A node of type ``workflow:NAME`` is the definition of that name; ``map:NAME`` repeats it for each item of the lists given to the
    inputs in ``over``; ``fold:NAME`` repeats it ``times`` times (or over lists) and hands outputs on to inputs as ``state`` says.
    """

    type: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    version: Annotated[int, Field(ge=1)] = 1
    values: dict[str, JsonValue] = {}
    links: dict[str, Reference | list[Reference]] = {}
    mode: Literal["on", "muted", "bypassed"] = "on"
    title: str = ""
    over: list[str] = []
    state: dict[str, str] = {}


class InputPort(Document):
    """A named input of the workflow: the node inputs that it sets. Its default is the value that the first of them has."""

    to: Annotated[list[Reference], Field(min_length=1)]
    title: str = ""
    help: str = ""


class OutputPort(Document):
    """A named output of the workflow: the node output that it gives."""

    source: Annotated[Reference, Field(alias="from")]
    title: str = ""
    help: str = ""


class Workflow(Document):
    """A workflow: a function with named inputs and outputs, written as a graph of nodes."""

    format: str = f"{FORMAT_NAME}/{FORMAT}"
    title: str = ""
    description: str = ""
    inputs: dict[NodeId, InputPort] = {}
    outputs: dict[NodeId, OutputPort] = {}
    nodes: dict[NodeId, NodeEntry] = {}
    definitions: dict[NodeId, Workflow] = {}
    requires: dict[str, JsonValue] = {}
    view: dict[str, JsonValue] = {}

    def with_values(self, values: Mapping[str, Any]) -> Workflow:
        """A copy in which ``node.input`` has another value (and no link). Raises KeyError for a node that is not there."""
        nodes = dict(self.nodes)
        for address, value in values.items():
            name, _, field = address.partition(".")
            entry = nodes[name]
            links = {key: link for key, link in entry.links.items() if key != field}
            nodes[name] = entry.model_copy(update={"values": {**entry.values, field: value}, "links": links})
        return self.model_copy(update={"nodes": nodes})
