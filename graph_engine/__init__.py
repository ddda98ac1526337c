"""The engine: workflows as data, known before they run, nothing computed twice.

``import graph_engine as loom; loom.load("w.json")(prompt="…", seed=7)`` runs a workflow as a function.
What node packs need is here at once; what runs workflows is imported when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from graph_engine.context import Context
from graph_engine.declare import node, socket_type
from graph_engine.errors import (
    Cancelled,
    DeclarationError,
    DeliveryError,
    FormatError,
    LoomError,
    NodeError,
    NodeInputError,
    PackError,
    Problem,
    UnsupportedValueError,
    WorkflowError,
)
from graph_engine.fields import Choice, Colour, Lazy, Multiline, Range, Seed, Strokes
from graph_engine.folders import Folders
from graph_engine.pack import Pack
from graph_engine.values import Codec, File

if TYPE_CHECKING:
    from graph_engine import client
    from graph_engine.api import Function, Outputs, load, open_workflow, save
    from graph_engine.build import building
    from graph_engine.engine import Engine, Request
    from graph_engine.execute import RunResult
    from graph_engine.workflow.document import Workflow

_LATER = {
    "Engine": "engine",
    "Function": "api",
    "Outputs": "api",
    "Request": "engine",
    "RunResult": "execute",
    "Workflow": "workflow.document",
    "building": "build",
    "load": "api",
    "open_workflow": "api",
    "save": "api",
}

__all__ = [
    "Cancelled",
    "Choice",
    "Codec",
    "Colour",
    "Context",
    "DeclarationError",
    "DeliveryError",
    "Engine",
    "File",
    "Folders",
    "FormatError",
    "Function",
    "Lazy",
    "LoomError",
    "Multiline",
    "NodeError",
    "NodeInputError",
    "Outputs",
    "Pack",
    "PackError",
    "Problem",
    "Range",
    "Request",
    "RunResult",
    "Seed",
    "Strokes",
    "UnsupportedValueError",
    "Workflow",
    "WorkflowError",
    "building",
    "client",
    "load",
    "node",
    "open_workflow",
    "save",
    "socket_type",
]


def __getattr__(name: str) -> Any:
    if name == "client":
        return import_module("graph_engine.client")
    if name in _LATER:
        return getattr(import_module(f"graph_engine.{_LATER[name]}"), name)
    raise AttributeError(f"module 'graph_engine' has no attribute {name!r}")
