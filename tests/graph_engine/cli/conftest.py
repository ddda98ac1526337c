"""A pack of trivial nodes in a folder, workflows of them, and two ways to call the command: here, and in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from graph_engine.cli import outcome

ROOT = Path(__file__).parents[3]

PACK = '''
import struct, time, zlib
from typing import Annotated, Any, Literal
from graph_engine import Choice, Context, File, NodeInputError, Range, Seed, node

TEXTS = Choice(lambda folders: folders.input_names(frozenset({".txt"})), what="text file", action="Add one.")

@node("trial.number", version=1, category="numbers", title="A number")
def number(*, value: Annotated[int, Range(0, 100)] = 3, seed: Annotated[int, Seed()] = 0, any: Any | None = None) -> int:
    """Give a number.

    Args:
        value: The number itself.
    """
    return value + seed

@node("trial.slow", version=1, category="numbers")
def slow(value: int, *, steps: int = 1000, pause: float = 0.02, context: Context) -> int:
    """Take a while."""
    for step in range(steps):
        time.sleep(pause)
        context.progress(step + 1, steps)
        context.preview(lambda: b"")
    return value

@node("trial.stubborn", version=1, category="numbers")
def stubborn(value: int, *, context: Context) -> int:
    """Report one step, then hear nothing for long."""
    context.progress(1, 2)
    time.sleep(60)
    return value

@node("trial.words", version=1, category="texts")
def words(*, text: str, scale: float = 1.0, kind: Literal["plain", "loud"] = "plain", twice: bool = False) -> str:
    """Give a text."""
    return (text.upper() if kind == "loud" else text) * (2 if twice else 1)

@node("trial.read", version=1, category="texts", lane="disk")
def read(*, name: Annotated[str, TEXTS], context: Context) -> str:
    """Read a text file."""
    return context.folders.input_file(name).read_text()

@node("trial.fail", version=1, category="numbers")
def fail(value: int) -> int:
    """Fail."""
    if value == 4:
        raise NodeInputError("value", "4 brings bad luck.", "Take another number.")
    raise ValueError("it broke")

@node("trial.picky", version=1, category="numbers")
def picky(value: int) -> int:
    """Fail for every third number."""
    if value % 3 == 0:
        raise NodeInputError("value", f"{value} can be divided by three.", "Take another number.")
    return value

@node("trial.save", version=1, category="texts", sink=True, lane="disk")
def save(text: str) -> File:
    """Save a text."""
    return File(data=text.encode(), stem="note", suffix=".txt", media_type="text/plain")

@node("trial.paint", version=1, category="pictures", sink=True, lane="disk")
def paint(text: str, number: int = 0) -> File:
    """Save a picture of one grey point."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    data = b"\\x89PNG\\r\\n\\x1a\\n" + header + chunk(b"IDAT", zlib.compress(b"\\0\\x80")) + chunk(b"IEND", b"")
    return File(data=data, stem="point", suffix=".png", media_type="image/png")
'''

WORKFLOW: dict[str, Any] = {
    "format": "latent-loom/1",
    "inputs": {
        "prompt": {"to": ["words.text"], "help": "What to say."},
        "negative_kind": {"to": ["words.kind"]},
        "twice": {"to": ["words.twice"]},
        "seed": {"to": ["number.seed"]},
        "output": {"to": ["number.value"]},
    },
    "outputs": {"count": {"from": "number.value"}, "said": {"from": "words.value"}},
    "nodes": {
        "words": {"type": "trial.words", "values": {"text": "a red circle"}},
        "number": {"type": "trial.number"},
        "save": {"type": "trial.save", "links": {"text": "words.value"}},
    },
}


class Said(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


Loom = Callable[..., Said]
"""Call the command in this process, with the pack unless ``packs=False``."""


class Place:
    """A folder to work in, with a pack and a workflow ``w.json``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "packs").mkdir()
        (folder / "packs" / "trial.py").write_text(PACK, encoding="utf-8")
        self.write("w.json", WORKFLOW)

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}

    def write(self, name: str, workflow: dict[str, Any] | str) -> str:
        text = workflow if isinstance(workflow, str) else json.dumps({"format": "latent-loom/1", **workflow})
        (self.folder / name).write_text(text, encoding="utf-8")
        return name

    def files(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "output").glob("*")) if (self.folder / "output").exists() else []

    def process(self, *arguments: str, **settings: Any) -> "subprocess.Popen[str]":
        """The command in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "graph_engine", *arguments],
            cwd=self.folder,
            env=self.environment,
            text=True,
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **settings},
        )


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOOM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("graph_engine.cli.output.prepare", lambda: None)  # pytest's streams stay as they are
    return Place(tmp_path)


@pytest.fixture
def loom(place: Place, capfd: pytest.CaptureFixture[str]) -> Loom:
    """Call the command in this process, with the pack."""

    def call(*arguments: str, packs: bool = True) -> Said:
        capfd.readouterr()
        code = outcome([*arguments, *(["--packs", "packs"] if packs else [])])
        return Said(code, *capfd.readouterr())

    return call
