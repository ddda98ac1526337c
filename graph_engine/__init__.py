"""The engine: workflows as data, known before they run, nothing computed twice."""

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
from graph_engine.fields import Choice, Lazy, Multiline, Range, Seed
from graph_engine.folders import Folders
from graph_engine.pack import Pack
from graph_engine.values import Codec, File

__all__ = [
    "Cancelled",
    "Choice",
    "Codec",
    "Context",
    "DeclarationError",
    "DeliveryError",
    "File",
    "Folders",
    "FormatError",
    "Lazy",
    "LoomError",
    "Multiline",
    "NodeError",
    "NodeInputError",
    "Pack",
    "PackError",
    "Problem",
    "Range",
    "Seed",
    "UnsupportedValueError",
    "WorkflowError",
    "node",
    "socket_type",
]
