"""Decides what the engine knows of a node: frozen records, read from a function by ``declare`` and never changed after."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from graph_engine.fields import Choice, Range
from graph_engine.folders import Folders
from graph_engine.types import PRIMITIVES, PYTHON_TYPES, ListOf, Named, SocketType

Lane = Literal["cpu", "disk", "device"]
"""Where a node runs: ``cpu`` (several at once), ``disk`` (waits for files), ``device`` (one at a time on the accelerator)."""

Values = Mapping[str, Any]
Fingerprint = Callable[[Values, Folders], str]
TypeResolver = Callable[[Values, Folders], Mapping[str, str]]
Needs = Callable[[Values], frozenset[str] | set[str]]
ValueMigration = Callable[[dict[str, Any]], dict[str, Any]]

REQUIRED: Any = type("Required", (), {"__repr__": lambda _self: "REQUIRED"})()


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSpec:
    """One input: its type, whether it must be given, and what a field for it offers."""

    name: str
    type: SocketType
    default: Any = REQUIRED
    lazy: bool = False
    range: Range | None = None
    choices: tuple[Any, ...] | None = None
    choice: Choice | None = None
    multiline: bool = False
    colour: bool = False
    strokes: bool = False
    seed: bool = False
    help: str = ""
    python_type: builtins.type | None = field(init=False)  # of a primitive; asked for often, so worked out once
    free: bool = field(init=False)  # whether every value of its type will do
    bounded: bool = field(init=False)  # whether a linked value has to be looked at

    def __post_init__(self) -> None:
        item = self.type.item if isinstance(self.type, ListOf) else self.type
        object.__setattr__(self, "python_type", PYTHON_TYPES.get(self.type))
        object.__setattr__(self, "free", self.range is None and self.choices is None and self.choice is None)
        object.__setattr__(self, "bounded", item in PRIMITIVES)

    @property
    def required(self) -> bool:
        return self.default is REQUIRED


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSpec:
    name: str
    type: SocketType
    help: str = ""
    python_type: builtins.type | None = field(init=False)  # as for an input

    def __post_init__(self) -> None:
        object.__setattr__(self, "python_type", PYTHON_TYPES.get(self.type))


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSpec:
    """A node type. ``sink``: run even if nothing reads it. ``volatile``: never served from cache. ``overlaps``: whether others of its
    lane may go on beside it (say no for what takes all memory, or all cores).

    ``fingerprint`` gives a text for what the node depends on beyond its inputs (a file's content); ``resolve_types`` binds the type
    variables of the outputs from values, reading file headers only; ``needs`` names the lazy inputs that these eager values call for;
    ``conversion`` marks a node that ``check`` may suggest between two types; ``migrations`` maps an old version to the change of values;
    ``example`` is a call in Python.
    """

    type: str
    version: int
    title: str
    category: str
    summary: str
    description: str
    inputs: Mapping[str, InputSpec]
    outputs: Mapping[str, OutputSpec]
    function: Callable[..., Any]
    lane: Lane = "cpu"
    overlaps: bool = True
    sink: bool = False
    volatile: bool = False
    conversion: bool = False
    asynchronous: bool = False
    example: str = ""
    many_outputs: bool = False
    context_parameter: str | None = None
    fingerprint: Fingerprint | None = None
    resolve_types: TypeResolver | None = None
    needs: Needs | None = None
    migrations: Mapping[int, ValueMigration] = field(default_factory=dict)
    classes: Mapping[str, builtins.type] = field(default_factory=dict)
    pack: str = ""
    output_types: Mapping[str, SocketType] = field(init=False)  # as declared: variables are open
    on_disk: bool = field(init=False)  # whether a cache on disk may keep what it gives
    writes: bool = field(init=False)  # whether what it gives is delivered as files

    def __post_init__(self) -> None:
        given = {name: output.type for name, output in self.outputs.items()}
        classes = [self.classes[of.name] for of in given.values() if isinstance(of, Named) and of.name in self.classes]
        handles = any(not getattr(cls, "__socket_on_disk__", True) for cls in classes)
        object.__setattr__(self, "output_types", given)
        object.__setattr__(self, "on_disk", not self.volatile and not handles)
        object.__setattr__(self, "writes", self.sink and any(map(_holds_files, given.values())))


def _holds_files(of: SocketType) -> bool:
    return _holds_files(of.item) if isinstance(of, ListOf) else isinstance(of, Named) and of.name == "File"
