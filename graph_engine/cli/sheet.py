"""Decides which pictures of a sweep stand on its contact sheet, and how large: the first one of each item, as a thumbnail until the end.

The pictures are drawn by a node of the standard pack, found by its name, so that nothing here knows what a picture is.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from graph_engine.cli.grid import Grid, Item
from graph_engine.cli.whole_file import write_whole
from graph_engine.context import Context
from graph_engine.errors import LoomError, Problem, WorkflowError
from graph_engine.execute import RunResult
from graph_engine.graph import Graph
from graph_engine.registry import Registry
from graph_engine.types import Named

DRAW, ENCODE = "loom.contact_sheet", "loom.save_image"
MAX_ITEMS = 4096
LONG_ROW = 8
"""A sweep over one input with more values than this is wrapped: nobody looks at a strip."""


class Sheet:
    """Made before the sweep starts, which raises what would keep it from being drawn; fed with results; written at the end."""

    def __init__(self, path: Path, grid: Grid, graph: Graph, registry: Registry) -> None:
        self.path, self.grid, self.output = path, grid, _picture(graph)
        missing = [name for name in (DRAW, ENCODE) if name not in registry.specs]
        if missing:
            raise _refused(f"no node type {missing[0]} is installed, and it draws the sheet.", "Install or update the pack loom.")
        if len(grid) > MAX_ITEMS:
            raise _refused(f"a sheet holds {MAX_ITEMS} pictures, and this sweep has {len(grid)}.", "Sweep in several parts.")
        self._draw, self._encode = registry.specs[DRAW].function, registry.specs[ENCODE].function
        self._size = 256 if len(grid) <= 64 else 160 if len(grid) <= 512 else 96
        self._found: dict[int, tuple[Any, str]] = {}

    def add(self, item: Item, result: RunResult) -> None:
        """Keep a thumbnail of what the item gave, if it gave something."""
        picture = result.outputs.get(self.output)
        if picture is not None:
            small = self._draw(images=[picture], labels=[], columns=1, size=self._size)
            self._found[item.number] = (small, item.label)

    def write(self) -> bool:
        """Draw and write the sheet; what failed leaves its place empty. False when there is no picture. Raises DeliveryError."""
        if not self._found:
            return False
        columns = self.grid.columns
        if len(self.grid.axes) == 1 and columns > LONG_ROW:
            columns = math.ceil(math.sqrt(columns))
        numbers = sorted(self._found)
        images, labels = zip(*(self._found[number] for number in numbers), strict=True)
        places = [number - 1 for number in numbers]
        sheet = self._draw(images=list(images), labels=list(labels), columns=columns, size=self._size, places=places)
        (file,) = self._encode(image=sheet, context=Context())
        write_whole(self.path, file.data)
        return True


def _picture(graph: Graph) -> str:
    """The first declared output that is a picture. Raises WorkflowError when there is none."""
    for name, link in graph.outputs.items():
        if link.node in graph.targets and graph.nodes[link.node].spec.outputs[link.output].type == Named("Image"):
            return name
    raise _refused("--sheet shows pictures, and no declared output of this run is one.", "Declare an output of type Image.")


def _refused(cause: str, action: str) -> LoomError:
    return WorkflowError([Problem(code="nothing_to_run", cause=cause, action=action)])
