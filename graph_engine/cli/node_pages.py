"""Decides what the page of a node says, in Markdown: all of it from its declaration, nothing from the machine it is made on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from graph_engine.cli.whole_file import write_whole
from graph_engine.errors import DeliveryError
from graph_engine.spec import InputSpec, NodeSpec

INDEX = "README.md"
PIPE = "\\|"
MARK = "<!-- Made by `loom nodes --docs`. Change the node's declaration instead. -->"
LANES = {
    "cpu": "runs on the processor, several at once",
    "disk": "waits for files, beside what computes",
    "device": "runs on the accelerator, one at a time",
}


def write_pages(specs: Sequence[NodeSpec], folder: Path) -> list[Path]:
    """Write all pages, remove those that were made for nodes that are gone, and say which changed. Raises DeliveryError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        wanted = pages(specs)
        made = {path for path in folder.glob("*.md") if path.read_text(encoding="utf-8").startswith(MARK)}
        for path in (gone := sorted(made - {folder / name for name in wanted})):
            path.unlink()
        changed = [
            name for name, text in wanted.items()
            if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text
        ]  # fmt: skip
    except (OSError, UnicodeDecodeError) as error:
        raise DeliveryError(
            f"the pages in {folder} could not be replaced: {error}. Choose another folder with --docs."
        ) from error
    for name in changed:
        write_whole(folder / name, wanted[name].encode())
    return [*gone, *(folder / name for name in changed)]


def pages(specs: Sequence[NodeSpec]) -> Mapping[str, str]:
    """The text of every page by file name: an index by category, and one for each node. ``specs`` are sorted by category."""
    found = {INDEX: "\n".join(_index(specs))}
    return found | {f"{spec.type}.md": "\n".join(_page(spec)) for spec in specs}


def bounds(field: InputSpec) -> list[str]:
    """``= 20``, ``in [1, 1000]``: what a value may be, as far as the declaration alone says."""
    facts = ["required"] if field.required else ["optional"] if field.default is None else [f"= {field.default!r}"]
    facts += ["lazy"] if field.lazy else []
    facts += [f"in {field.range}"] if field.range is not None else []
    return facts + ([f"one of {', '.join(map(str, field.choices))}"] if field.choices is not None else [])


def _index(specs: Sequence[NodeSpec]) -> Iterator[str]:
    yield from (MARK, "", "# Nodes", "")
    yield '`loom nodes NAME` tells the same in the terminal. What the types and ranges mean is in "Reading a page" below.'
    for category, members in groupby(specs, key=lambda spec: spec.category):
        yield from ("", f"## {category.capitalize()}", "", "| node | what it does |", "|---|---|")
        for spec in members:
            yield f"| [{spec.title}]({spec.type}.md) | {_prose(spec.summary).replace('|', PIPE)} |"
    yield from ("", "## Reading a page", "")
    yield "Below each input stand its type, then its default after `=`, then its bounds: `[` and `]` include the end, `(` does not."
    yield "`C` and `L` stand for a kind of model: everything that is linked to a node must be of the same kind."
    yield "A lazy input is worked out only if the node needs it."
    yield ""


def _page(spec: NodeSpec) -> Iterator[str]:
    yield from (MARK, "", f"# {spec.title}", "")
    marks = [mark for mark, there in (("writes files", spec.writes), ("changes on every run", spec.volatile)) if there]
    yield " · ".join([f"`{spec.type}`", f"[{spec.category}]({INDEX})", f"version {spec.version}", LANES[spec.lane], *marks])
    yield from ("", _prose(spec.summary))
    if spec.description:
        yield from ("", _prose(spec.description))
    if spec.inputs:
        yield from ("", "## Inputs", "")
    for field in spec.inputs.values():
        yield from _entry(field.name, ", ".join([f"`{field.type}`", *_shown(field)]), field.help)
    if spec.outputs:
        yield from ("", "## Outputs", "")
    for given in spec.outputs.values():
        yield from _entry(given.name, f"`{given.type}`", given.help)
    if spec.example:
        yield from ("", "## Example", "", "```python", spec.example, "```")
    yield ""


def _shown(field: InputSpec) -> list[str]:
    facts = [f"`{fact}`" if fact.startswith(("=", "in ")) else fact for fact in bounds(field)]
    return facts + ([f"the name of a {field.choice.what}"] if field.choice is not None else [])


def _entry(name: str, facts: str, help: str) -> Iterator[str]:
    yield f"- **{name}** ({facts})" + (":" if help else "")
    yield from ([f"  {_prose(help)}"] if help else [])


def _prose(text: str) -> str:
    """Letters that Markdown would take as marks are escaped."""
    return re.sub(r"[\\*<`]", lambda match: f"\\{match[0]}", text)
