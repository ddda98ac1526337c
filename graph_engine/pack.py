"""Decides what a node pack is: a name and the package whose modules declare nodes; every top-level module in it is one theme."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """What an entry point in the group ``loom.packs`` gives.

    ``package``: import name; its modules (not its sub-packages, not names with a leading underscore) are searched for nodes.
    ``codecs``: qualified class name -> ``module:Class`` of a graph_engine.values.Codec.
    ``warm_up``: ``module:function`` that a process which is to run many jobs calls before the first: it imports what nodes need, and
    returns the names of the devices that they can compute on.
    ``compiled_ahead``: packages of libraries which that imports and which take long to compile, as ``bytecode.compile_ahead`` takes
    them: the first start after an install does that in a process of its own.
    """

    name: str
    version: str
    package: str
    codecs: Mapping[str, str] = field(default_factory=dict)
    warm_up: str = ""
    compiled_ahead: tuple[str, ...] = ()
