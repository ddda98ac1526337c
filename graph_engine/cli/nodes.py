"""Decides how node types are listed and explained: everything from their declarations, nothing imported but packs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from graph_engine.cli import output
from graph_engine.cli.command import LoomCommand, find_nodes, json_option, models_option, packs_option
from graph_engine.cli.node_pages import LANES, bounds, write_pages
from graph_engine.cli.source import folders_for
from graph_engine.errors import LoomError
from graph_engine.folders import Folders
from graph_engine.registry import Registry, sorted_specs
from graph_engine.spec import InputSpec, NodeSpec

WIDTH = 96
SHOWN_OPTIONS = 12
DOCS = click.Path(file_okay=False, path_type=Path)


def nodes(name: str | None, packs: tuple[Path, ...], models: tuple[Path, ...], docs: Path | None, as_json: bool) -> None:
    """List the node types by category, or explain the one called NAME.

    The pack may be left out of NAME where no other pack has that name.
    """
    registry = find_nodes(packs)
    if docs is not None:
        if name is not None:
            raise click.UsageError("--docs writes the pages of all nodes: leave NAME out.")
        for path in write_pages(sorted_specs(registry), docs):
            output.json_line({"changed": str(path)}) if as_json else output.say(str(path))
        return
    if name is None:
        _list(registry, as_json)
        return
    spec = _find(registry, name)
    folders = folders_for(None, models)
    if as_json:
        output.json_line(_facts(spec, folders))
        return
    for line in _explained(spec, folders):
        output.say_styled(line)


def _find(registry: Registry, name: str) -> NodeSpec:
    if name in registry.specs:
        return registry.specs[name]
    same = [spec for spec in sorted_specs(registry) if spec.type.partition(".")[2] == name]
    if len(same) == 1:
        return same[0]
    near = [spec.type for spec in same] or registry.similar(name)
    hint = f"Did you mean {' or '.join(near)}?" if near else '"loom nodes" lists them all.'
    raise click.BadParameter(f"no node type is called {name!r}. {hint}", param_hint="NAME")


def _list(registry: Registry, as_json: bool) -> None:
    specs = sorted_specs(registry)
    wide = max((len(spec.type) for spec in specs), default=0)
    title = max((len(spec.title) for spec in specs), default=0)
    category = None
    for spec in specs:
        if as_json:
            output.json_line({name: getattr(spec, name) for name in ("type", "version", "title", "category", "summary", "pack")})
            continue
        if spec.category != category:
            output.say_styled(("" if category is None else "\n") + output.styled(spec.category, bold=True))
            category = spec.category
        heading = f"{output.styled(spec.type.ljust(wide), fg='cyan')}  {output.styled(spec.title.ljust(title))}"
        output.say_styled(f"  {heading}  {output.styled(spec.summary, dim=True)}")
    if not specs and not as_json:
        output.tell("no node types: install a pack, or name a folder with --packs.")


def _explained(spec: NodeSpec, folders: Folders) -> Iterator[str]:
    marks = [mark for mark, there in (("writes files", spec.writes), ("changes on every run", spec.volatile)) if there]
    yield f"{output.styled(spec.type, fg='cyan', bold=True)}  {output.styled(spec.title)}"
    yield output.styled(f"{spec.category} · version {spec.version} · pack {spec.pack} · {LANES[spec.lane]}", dim=True)
    if marks:
        yield output.styled(" · ".join(marks), dim=True)
    yield from ("", output.styled(spec.summary))
    if spec.description:
        yield from ("", output.styled(spec.description))
    wide = max((len(name) for name in (*spec.inputs, *spec.outputs)), default=0)
    if spec.inputs:
        yield from ("", output.styled("Inputs", bold=True))
    for field in spec.inputs.values():
        yield from _entry(field.name, wide, f"{field.type}  {_bounds(field, folders)}", field.help)
    if spec.outputs:
        yield from ("", output.styled("Outputs", bold=True))
    for given in spec.outputs.values():
        yield from _entry(given.name, wide, f"{given.type}", given.help)
    if spec.example:
        yield from ("", output.styled("Example", bold=True))
        yield from (f"  {output.styled(line)}" for line in spec.example.splitlines())


def _entry(name: str, wide: int, facts: str, help: str) -> Iterator[str]:
    indent = " " * (wide + 4)
    first, *more = textwrap.wrap(facts, WIDTH - len(indent), break_long_words=False) or [""]
    yield f"  {output.styled(name.ljust(wide), fg='cyan')}  {output.styled(first)}"
    yield from (indent + output.styled(line) for line in more)
    yield from (indent + output.styled(line, dim=True) for line in textwrap.wrap(help, WIDTH - len(indent)))


def _bounds(field: InputSpec, folders: Folders) -> str:
    """``= 20, in [1, 1000]``."""
    facts = bounds(field)
    if field.choice is not None:
        found = _options(field, folders)
        shown = ", ".join(found[:SHOWN_OPTIONS]) + (" …" if len(found) > SHOWN_OPTIONS else "")
        facts.append(f"the name of a {field.choice.what} ({shown or 'none here'})")
    return ", ".join(facts)


def _options(field: InputSpec, folders: Folders) -> list[str]:
    assert field.choice is not None
    try:
        return list(field.choice.options(folders))
    except (LoomError, OSError):
        return []


def _facts(spec: NodeSpec, folders: Folders) -> dict[str, Any]:
    plain = (
        "type",
        "version",
        "title",
        "category",
        "summary",
        "description",
        "example",
        "pack",
        "lane",
        "overlaps",
        "sink",
        "volatile",
    )
    inputs = [_input_facts(field, folders) for field in spec.inputs.values()]
    outputs = [{"name": one.name, "type": str(one.type), "help": one.help} for one in spec.outputs.values()]
    return {**{name: getattr(spec, name) for name in plain}, "inputs": inputs, "outputs": outputs}


def _input_facts(field: InputSpec, folders: Folders) -> dict[str, Any]:
    facts: dict[str, Any] = {"name": field.name, "type": str(field.type), "required": field.required, "help": field.help}
    facts |= {} if field.required else {"default": field.default}
    facts |= {"lazy": True} if field.lazy else {}
    facts |= {"range": str(field.range)} if field.range is not None else {}
    if field.choices is not None or field.choice is not None:
        facts["choices"] = list(field.choices) if field.choices is not None else _options(field, folders)
    return facts


command = LoomCommand(
    "nodes",
    callback=nodes,
    params=[
        click.Argument(["name"], required=False),
        packs_option(),
        models_option(),
        click.Option(["--docs"], type=DOCS, metavar="DIR", help="Write a page for each node and an index into DIR."),
        json_option(),
    ],
    help=nodes.__doc__,
)
