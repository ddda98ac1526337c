"""Decides how a command line is said again, in part: what was typed for a file, without the inputs that are swept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import click
from click.core import ParameterSource

from graph_engine.cli.grid import Axis, Grid
from graph_engine.cli.sweep import is_listable
from graph_engine.cli.typed import ADDRESS, Typed

ONCE = ("sheet", "trace")
"""Options that make one file of a whole sweep: what runs the rest of it leaves that file alone."""

Typing = Mapping[str, Sequence[str] | bool]
"""What was typed for each declared input: texts, or a flag."""


def grid_of(ctx: click.Context, words: Sequence[str], typed: Typed, given: Typing, spoken: Mapping[str, str]) -> Grid:
    """The runs that ``typed`` sweeps over; the axes stand as they were typed, from left to right.

    ``words`` are those after the command's name; ``spoken`` is the option of each declared input that has one.
    """
    start = ctx.command_path.split()
    axes = [_axis(name, typed, spoken) for name in _in_order(words, typed, spoken)]
    return Grid(axes=axes, words=[*start, *_without(ctx, typed, given, spoken)], whole=[*start, *words])


def _axis(name: str, typed: Typed, spoken: Mapping[str, str]) -> Axis:
    declared = name in typed.given
    address = typed.source.workflow.inputs[name].to[0] if declared else name
    option = spoken.get(name, f"--input {name}") if declared else f"--set {name}"
    listable = is_listable(typed.field_at(name, address))
    return Axis(name=name, spoken=option, values=typed.swept[name], listable=listable)


def _in_order(words: Sequence[str], typed: Typed, spoken: Mapping[str, str]) -> list[str]:
    def first(name: str) -> int:
        option = spoken.get(name)
        spellings = () if option is None else (option, option.replace("-", "_").replace("__", "--", 1))
        for index, word in enumerate(words):
            if any(word == one or word.startswith(f"{one}=") for one in spellings):
                return index
            if word.startswith((f"{name}=", f"--set={name}=", f"--input={name}=")):
                return index
        return len(words)

    return sorted(typed.swept, key=first)


def _without(ctx: click.Context, typed: Typed, given: Typing, spoken: Mapping[str, str]) -> Iterator[str]:
    yield str(ctx.params["file"])
    for name, texts in given.items():
        if isinstance(texts, bool):
            yield spoken[name] if texts else f"--no-{spoken[name][2:]}"
        elif name not in typed.swept:
            for text in texts:
                yield from (spoken[name], text) if name in spoken else ("--input", f"{name}={text}")
    for text in ctx.params["settings"]:
        match = ADDRESS.fullmatch(text)
        if match is not None and f"{match[1]}.{match[2]}" not in typed.swept:
            yield from ("--set", text)
    for param in ctx.command.params:
        name = param.name or ""
        if not isinstance(param, click.Option) or name in (*ONCE, "inputs", "settings"):
            continue
        if ctx.get_parameter_source(name) == ParameterSource.COMMANDLINE:
            value = ctx.params[name]
            for one in value if param.multiple else [value]:
                yield from [param.opts[0]] if param.is_flag else [param.opts[0], str(one)]
