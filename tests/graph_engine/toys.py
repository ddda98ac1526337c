"""Plain nodes and short ways to write workflows, shared by the tests of the engine."""

from __future__ import annotations

import json
import math
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar

from graph_engine import Context, File, Folders, Lazy, NodeInputError, Range, Seed, node, socket_type
from graph_engine.engine import Engine, Request
from graph_engine.execute import Run, RunResult
from graph_engine.fields import Choice
from graph_engine.workflow import Workflow, parse

L = TypeVar("L")
T = TypeVar("T")
PATIENCE_S = 30  # how long a test waits for what should take no time before it says that it hangs


@socket_type("Latent")
@dataclass(frozen=True)
class Latent(Generic[L]):
    numbers: tuple[float, ...] = ()


@socket_type("Vae")
@dataclass(frozen=True)
class Vae(Generic[L]):
    format: str = ""


@socket_type("Picture")
@dataclass(frozen=True)
class Picture:
    numbers: tuple[float, ...] = ()


@socket_type("Mask")
@dataclass(frozen=True)
class Mask:
    numbers: tuple[float, ...] = ()


@node("toy.number", version=1, category="numbers")
def number(value: float = 0.0) -> float:
    """Give a number."""
    return value


@node("toy.whole", version=1, category="numbers")
def whole(value: int = 0) -> int:
    """Give a whole number."""
    return value


@node("toy.text", version=1, category="texts")
def text(value: str = "") -> str:
    """Give a text."""
    return value


@node("toy.add", version=1, category="numbers")
def add(a: float, b: float = 0.0) -> float:
    """Add two numbers."""
    return a + b


@node("toy.mix", version=1, category="numbers")
def mix(a: float, b: float = 0.0, c: float = 0.0, salt: int = 0) -> float:
    """Give another number for any other input, so that a change is never lost on the way."""
    return math.fmod(a * 1.000001 + b * 3.7 + c * 17.3 + salt * 101.9 + 0.37, 1e6)


@node("toy.floor", version=1, category="numbers")
def floor(value: float) -> int:
    """Round down: many inputs, one result."""
    return math.floor(value)


@node("toy.limited", version=1, category="numbers")
def limited(value: Annotated[float, Range(0, 10)], count: Annotated[int, Range(1, 5)] = 1) -> float:
    """Take numbers within bounds."""
    return value * count


@node("toy.method", version=1, category="texts")
def method(method: Literal["nearest", "bilinear", "bicubic"] = "nearest", on: bool = False) -> str:
    """Take a choice."""
    return f"{method}{on}"


@node("toy.sum", version=1, category="numbers")
def total(numbers: list[float]) -> float:
    """Add up a list."""
    return sum(numbers)


@node("toy.spread", version=1, category="numbers")
def spread(value: float, count: int = 3) -> list[float]:
    """Give a list."""
    return [value] * count


class Parts(NamedTuple):
    whole: int
    rest: float


@node("toy.split", version=1, category="numbers")
def split(value: float) -> Parts:
    """Give two outputs."""
    return Parts(math.floor(value), value - math.floor(value))


@node("toy.fail", version=1, category="faults")
def fail(value: float = 0.0, message: str = "it broke") -> float:
    """Always fail."""
    raise RuntimeError(message)


@node("toy.refuse", version=1, category="faults")
def refuse(value: float = 0.0) -> float:
    """Say that an input is at fault."""
    raise NodeInputError("value", f"{value} is too small.", "Give more.")


def _one_branch(values: Mapping[str, Any]) -> set[str]:
    return {"yes" if values["condition"] else "no"}


@node("toy.switch", version=1, category="flow", needs=_one_branch)
def switch(condition: bool, yes: Lazy[float], no: Lazy[float]) -> float:
    """Give one of two numbers, and work out only that one."""
    chosen = yes if condition else no
    assert chosen is not None
    return chosen


@node("toy.positive", version=1, category="flow")
def positive(value: float) -> bool:
    """Tell whether a number is above zero."""
    return value > 0


@node("toy.pass", version=1, category="flow")
def pass_on(value: T) -> T:
    """Pass a value on."""
    return value


def _stamp(values: Mapping[str, Any], folders: Folders) -> str:
    path = folders.input_file(values["name"])
    return "" if path is None else path.read_text()


@node("toy.read", version=1, category="files", fingerprint=_stamp, lane="disk")
def read(name: str, context: Context) -> str:
    """Give a file's text."""
    path = context.folders.input_file(name)
    if path is None:
        raise NodeInputError("name", f"there is no file {name!r}.", "Put it into the input folder.")
    return path.read_text()


_rolled = [0]


@node("toy.dice", version=1, category="numbers", volatile=True)
def dice() -> float:
    """Give another number every time."""
    _rolled[0] += 1
    return float(_rolled[0])


@node("toy.seeded", version=1, category="numbers")
def seeded(seed: Annotated[int, Seed()] = 0) -> int:
    """Take a seed."""
    return seed


@node("toy.letters", version=1, category="texts")
def letters(value: str) -> int:
    """Count letters."""
    return len(value)


def _latent_format(values: Mapping[str, Any], folders: Folders) -> dict[str, str]:
    path = folders.model(values["name"])
    if path is None:
        raise NodeInputError("name", f"there is no model {values['name']!r}.", "Put it into the model folder.")
    return {"L": path.read_text().strip()}


class Loaded(NamedTuple, Generic[L]):
    vae: Vae[L]
    latent: Latent[L]


def _model_names(folders: Folders) -> list[str]:
    return sorted(path.name for root in folders.models for path in root.iterdir())


@node("toy.load", version=1, category="models", resolve_types=_latent_format)
def load(
    name: Annotated[str, Choice(_model_names, "model", "Put a model into the model folder.")], context: Context
) -> Loaded[L]:
    """Load a model whose header says which latents it takes."""
    path = context.folders.model(name)
    assert path is not None
    return Loaded(Vae(path.read_text().strip()), Latent((1.0, 2.0)))


@node("toy.decode", version=1, category="models")
def decode(vae: Vae[L], latent: Latent[L]) -> Picture:
    """Turn a latent into a picture."""
    return Picture(latent.numbers)


@node("toy.scale", version=1, category="models")
def scale(latent: Latent[L], by: float = 1.0) -> Latent[L]:
    """Scale a latent."""
    return Latent(tuple(number * by for number in latent.numbers))


@node("toy.blend", version=1, category="pictures")
def blend(below: Picture, above: Picture, mask: Mask | None = None) -> Picture:
    """Lay a picture over another."""
    return Picture(below.numbers + above.numbers)


@node("toy.picture", version=1, category="pictures")
def picture(value: float = 0.0) -> Picture:
    """Give a picture."""
    return Picture((value,))


@node("toy.to_mask", version=1, category="pictures", conversion=True, title="Picture to mask")
def to_mask(picture: Picture) -> Mask:
    """Take a picture as a mask."""
    return Mask(picture.numbers)


def png(payload: bytes = b"\0\0\0\0") -> bytes:
    """The smallest real PNG: one grey pixel, and a chunk of our own with ``payload``."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"teSt", payload) + chunk(b"IDAT", zlib.compress(b"\0\x80")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@node("toy.save", version=1, category="pictures", sink=True, lane="disk")
def save(picture: Picture, name: str = "picture") -> File:
    """Make a PNG file."""
    return File(data=png(repr(picture.numbers).encode()), stem=name, suffix=".png", media_type="image/png")


@node("toy.note", version=1, category="texts", sink=True)
def note(value: float, name: str = "note") -> File:
    """Make a text file."""
    return File(data=str(value).encode(), stem=name, suffix=".txt", media_type="text/plain")


ALL = (
    number, whole, text, add, mix, floor, limited, method, total, spread, split, fail, refuse, switch, positive, pass_on, read,
    dice, seeded, letters, load, decode, scale, blend, picture, to_mask, save, note,
)  # fmt: skip


def entry(type: str, links: Mapping[str, Any] | None = None, /, **values: Any) -> dict[str, Any]:
    """A node of a file: ``entry("add", {"a": "x.value"}, b=2.0)``."""
    name = type if ":" in type or "." in type else f"toy.{type}"
    return {"type": name, "version": 1, "values": values, "links": dict(links or {})}


def document(nodes: Mapping[str, Any], *outputs: str, **rest: Any) -> dict[str, Any]:
    """A file as data. ``outputs`` are references such as ``sum.value``; each becomes a declared output named after its node."""
    declared = {reference.partition(".")[0]: {"from": reference} for reference in outputs}
    return {"format": "latent-loom/1", "nodes": dict(nodes), "outputs": declared, **rest}


def workflow(nodes: Mapping[str, Any], *outputs: str, **rest: Any) -> Workflow:
    return parse(json.dumps(document(nodes, *outputs, **rest)))


def run(engine: Engine, of: Workflow, *, folder: Path | None = None, listener: Any = None, **given: Any) -> RunResult:
    """Run to the end, with patience instead of hanging; failures of nodes stay in the result."""
    return finished(engine.start(Request(workflow=of, given=given, output_folder=folder), listener))


def finished(run: Run) -> RunResult:
    result = run.wait(PATIENCE_S)
    assert result is not None, "the run hangs"
    return result


def chain(length: int, first: float = 1.0) -> Workflow:
    """``n0 -> n1 -> …``: each adds one."""
    nodes = {"n0": entry("number", value=first)}
    nodes |= {f"n{i}": entry("add", {"a": f"n{i - 1}.value"}, b=1.0) for i in range(1, length)}
    return workflow(nodes, f"n{length - 1}.value")
