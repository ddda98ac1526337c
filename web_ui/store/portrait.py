"""Decides which picture carries a workflow out of the house: one that it made, or else one of its graph, drawn from its layout."""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from graph_engine.workflow.document import NodeEntry, Workflow
from graph_engine.workflow.embed import SIGNATURE, embed
from web_ui.sentences import say
from web_ui.store.errors import BadPicture
from web_ui.store.pictures import ACTION, opened

if TYPE_CHECKING:
    from PIL import ImageDraw

WIDTH, HEIGHT, EDGE, HEAD = 960, 540, 32, 72
NODE_WIDTH, NODE_HEAD, ROW = 264, 36, 28
FARTHEST = 1e6
GROUND, BOX, TOP, LINE, WIRE, TEXT = "#14161b", "#22262f", "#2a2d4d", "#4a5160", "#6f78f7", "#e7e9ef"
READABLE_PX = 7.0
LONGEST_TITLE = 80


class Box(NamedTuple):
    left: float
    top: float
    width: float
    height: float


def carrying(workflow: Workflow, picture: Path | None) -> bytes:
    """A PNG that holds ``workflow``: ``picture`` as it is where it is a PNG, else its pixels; without one, the graph drawn.

    Raises BadPicture or TooLarge for a file that cannot be used, OSError for one that cannot be read.
    """
    if picture is None:
        return embed(drawn(workflow), workflow, "{}")
    content = picture.read_bytes()
    try:
        return embed(content if content.startswith(SIGNATURE) else _as_png(picture), workflow, "{}")
    except (ValueError, struct.error, IndexError):
        raise BadPicture(say("picture_damaged"), ACTION) from None


def drawn(workflow: Workflow) -> bytes:
    """A PNG of the graph: its title, a box for each node where it lies, and the links."""
    from PIL import Image as Pillow
    from PIL import ImageDraw

    picture = Pillow.new("RGB", (WIDTH, HEIGHT), GROUND)
    pen = ImageDraw.Draw(picture)
    _write(pen, (EDGE, 24), _line(workflow.title) or "Latent Loom", 28)
    boxes = _scaled({name: _box(workflow, name, index) for index, name in enumerate(workflow.nodes)})
    for name, entry in workflow.nodes.items():
        for index, sources in enumerate(entry.links.values()):
            for source in [sources] if isinstance(sources, str) else sources:
                start = boxes.get(source.split(".", 1)[0])
                if start is not None:
                    _wire(pen, start, boxes[name], index)
    for name, entry in workflow.nodes.items():
        _draw(pen, boxes[name], entry.title or entry.type.rpartition(".")[2].rpartition(":")[2].replace("_", " "))
    return _png(picture)


def _as_png(path: Path) -> bytes:
    from PIL import ImageOps

    with opened(path) as picture:
        upright = ImageOps.exif_transpose(picture)
        return _png(upright.convert("RGBA" if upright.has_transparency_data else "RGB"))


def _png(picture: Any) -> bytes:
    content = io.BytesIO()
    picture.save(content, "PNG")
    return content.getvalue()


def _box(workflow: Workflow, name: str, index: int) -> Box:
    """Where the layout puts a node; in rows where it says nothing. Anybody may have written it, so nothing is taken for granted."""
    views = workflow.view.get("nodes")
    view = views.get(name) if isinstance(views, Mapping) else None
    x, y = (_place(view.get(axis)) if isinstance(view, Mapping) else None for axis in ("x", "y"))
    if x is None or y is None:
        x, y = index % 4 * (NODE_WIDTH + 60.0), index // 4 * 240.0
    return Box(x, y, NODE_WIDTH, _height(workflow.nodes[name]))


def _place(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -FARTHEST <= value <= FARTHEST:
        return None
    return float(value)


def _height(entry: NodeEntry) -> int:
    return NODE_HEAD + ROW * min(20, max(1, len({*entry.values, *entry.links})))


def _scaled(boxes: Mapping[str, Box]) -> dict[str, Box]:
    """All boxes in the room below the title, at most in their own size."""
    if not boxes:
        return {}
    left, top = min(box.left for box in boxes.values()), min(box.top for box in boxes.values())
    across = max(box.left + box.width for box in boxes.values()) - left
    down = max(box.top + box.height for box in boxes.values()) - top
    room, below = WIDTH - 2 * EDGE, HEIGHT - HEAD - EDGE
    scale = min(1.0, room / across, below / down)
    x, y = EDGE + (room - across * scale) / 2, HEAD + (below - down * scale) / 2
    return {
        name: Box(x + (box.left - left) * scale, y + (box.top - top) * scale, box.width * scale, box.height * scale)
        for name, box in boxes.items()
    }


def _draw(pen: ImageDraw.ImageDraw, box: Box, title: str) -> None:
    scale = box.width / NODE_WIDTH
    end = (box.left + box.width, box.top + box.height)
    radius = 8 * scale
    pen.rounded_rectangle((box.left, box.top, *end), radius, BOX, LINE)
    if (size := 15 * scale) < READABLE_PX:
        return
    pen.rounded_rectangle((box.left, box.top, end[0], box.top + NODE_HEAD * scale), radius, TOP, LINE)
    most = int((NODE_WIDTH - 24) / 8)
    _write(pen, (box.left + 12 * scale, box.top + 8 * scale), _line(title)[:most], size)


def _wire(pen: ImageDraw.ImageDraw, start: Box, end: Box, index: int) -> None:
    """A curve from the right of one box to the left of another."""
    scale = end.width / NODE_WIDTH
    from_x, from_y = start.left + start.width, start.top + (NODE_HEAD + ROW / 2) * scale
    to_x, to_y = end.left, min(end.top + (NODE_HEAD + ROW * (index + 0.5)) * scale, end.top + end.height)
    bend = max(20 * scale, abs(to_x - from_x) / 2)
    places = []
    for step in range(17):
        at = step / 16
        near, far = 3 * (1 - at) ** 2 * at, 3 * (1 - at) * at**2
        x = (1 - at) ** 3 * from_x + near * (from_x + bend) + far * (to_x - bend) + at**3 * to_x
        y = ((1 - at) ** 3 + near) * from_y + (far + at**3) * to_y
        places.append((x, y))
    pen.line(places, WIRE, max(1, math.ceil(2 * scale)))


def _write(pen: ImageDraw.ImageDraw, place: tuple[float, float], text: str, size: float) -> None:
    from PIL import ImageFont

    pen.text(place, text, TEXT, ImageFont.load_default(size))


def _line(text: str) -> str:
    """One line of it, without what no font can show."""
    return "".join(one if one.isprintable() else " " for one in text)[:LONGEST_TITLE].strip()
