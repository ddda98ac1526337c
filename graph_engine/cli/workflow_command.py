"""Decides which arguments a workflow adds to a command: its declared inputs become options with types, ranges and defaults.

The arguments are read twice: first only to find FILE among options that are not known yet, then in earnest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from graph_engine.cli.command import LoomCommand, find_nodes, json_option, models_option, packs_option
from graph_engine.cli.request import Opened
from graph_engine.cli.source import folders_for, open_source
from graph_engine.cli.spoken import grid_of
from graph_engine.cli.typed import Typed, with_probes
from graph_engine.folders import Folders
from graph_engine.graph import compile
from graph_engine.interface import DeclaredInput, declared_inputs
from graph_engine.types import BOOL
from graph_engine.workflow.document import Workflow

DYNAMIC = f"{__name__}.options"
SHOWN_CHOICES = 12


def common_options() -> list[click.Parameter]:
    """What ``run``, ``check`` and ``plan`` share."""
    return [
        click.Argument(["file"], type=click.Path(path_type=Path)),
        click.Option(["--set", "settings"], multiple=True, metavar="NODE.INPUT=VALUE", help="Set any input of any node."),
        click.Option(["--input", "inputs"], multiple=True, metavar="NAME=VALUE", help="Set a declared input by name."),
        click.Option(["--target", "targets"], multiple=True, metavar="NODE", help="Only what this node or output needs."),
        packs_option(),
        models_option(),
        json_option(),
    ]


class WorkflowCommand(LoomCommand):
    """A command on a FILE. Its callback finds an ``Opened`` as the context's object."""

    sweeps = False

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        return [*super().get_params(ctx), *ctx.meta.get(DYNAMIC, {}).values()]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        words = list(args)  # click takes them away one by one
        known, rest = self._known(ctx, args)
        file = _find_file(rest)
        if file is None:
            return super().parse_args(ctx, args)  # which says what is missing, or gives the help
        source = open_source(file)
        registry, folders = find_nodes(known.get("packs") or ()), folders_for(file, known.get("models") or ())
        probed = with_probes(source.workflow, known.get("settings") or ())
        graph = compile(probed, registry, folders=folders, given=source.recorded)
        typed = Typed(source=source, graph=graph, registry=registry)
        declared = {one.name: one for one in declared_inputs(source.workflow, graph)}
        options = _options(source.workflow, declared, folders, _option_names(self.params))
        ctx.meta[DYNAMIC] = options
        left = super().parse_args(ctx, args)
        if ctx.params["file"] != file:
            raise click.UsageError("FILE is not clear. Write it first, before the options.", ctx)
        given: dict[str, Sequence[str] | bool] = {}
        for name, option in options.items():
            value = ctx.params.pop(option.name)
            if value not in (None, ()):
                given[name] = value
        for name, texts in _named(ctx).items():
            before = given.get(name, ())
            given[name] = texts if isinstance(before, bool) else [*before, *texts]
        for name, value in given.items():
            typed.add_input(name, value)
        typed.add_settings(ctx.params["settings"])
        _refuse_twice(ctx, typed, source.workflow)
        spoken = {name: option.opts[0] for name, option in options.items()}
        if typed.swept and not self.sweeps:
            raise click.UsageError(f"{next(iter(typed.swept))!r} has several values, which are for loom run. Give one.", ctx)
        grid = grid_of(ctx, words, typed, given, spoken) if typed.swept else None
        targets = ctx.params["targets"] or None
        ctx.obj = Opened(typed=typed, registry=registry, folders=folders, targets=targets, options=spoken, grid=grid)
        return left

    def _known(self, ctx: click.Context, args: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
        """The values of the options that every file has, and what is left: inputs of the file, their values, the file."""
        options: list[click.Parameter] = [param for param in self.params if isinstance(param, click.Option)]
        settings = {"ignore_unknown_options": True, "allow_extra_args": True}
        scan = click.Command("scan", params=options, add_help_option=False, context_settings=settings)
        found = scan.make_context("scan", list(args), parent=ctx.parent, resilient_parsing=True)
        return found.params, list(found.args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        dynamic = ctx.meta.get(DYNAMIC, {})
        if dynamic:
            with formatter.section("Inputs of this file"):
                formatter.write_dl([record for option in dynamic.values() if (record := option.get_help_record(ctx))])
        options = [param for param in super().get_params(ctx) if isinstance(param, click.Option)]
        records = [record for option in options if (record := option.get_help_record(ctx))]
        with formatter.section("Options"):
            formatter.write_dl(records)


class InputOption(click.Option):
    """A declared input. The spelling with underscores is accepted, and not shown."""

    def get_help_record(self, _ctx: click.Context) -> tuple[str, str] | None:
        off = f" / {self.secondary_opts[0]}" if self.secondary_opts else ""
        metavar = "" if self.is_flag else f" {self.metavar}"
        return f"{self.opts[0]}{off}{metavar}", self.help or ""


def _options(
    workflow: Workflow, declared: Mapping[str, DeclaredInput], folders: Folders, taken: set[str]
) -> dict[str, InputOption]:
    """An option for each declared input whose name is free; the others are reached by --input."""
    found: dict[str, InputOption] = {}
    for index, name in enumerate(dict.fromkeys([*declared, *workflow.inputs])):
        spellings = list(dict.fromkeys([f"--{name.replace('_', '-').strip('-')}", f"--{name}"]))
        if spellings[0] in taken or spellings[0] == "--":
            continue
        spellings = [one for one in spellings if one not in taken]
        one = declared.get(name)
        flag = one is not None and one.field.type == BOOL
        if flag and not any(f"--no-{spelling[2:]}" in taken for spelling in spellings):
            taken.update(f"--no-{spelling[2:]}" for spelling in spellings)
            spoken = [f"{spelling}/--no-{spelling[2:]}" for spelling in spellings]
        else:
            flag, spoken = False, spellings
        taken.update(spellings)
        found[name] = InputOption(
            [f"declared_{index}", *spoken],
            is_flag=flag,
            multiple=not flag,
            type=bool if flag else str,
            default=None,
            metavar=None if flag else (str(one.field.type).upper() if one else "VALUE"),
            help=_help(one, folders) if one else workflow.inputs[name].help,
        )
    return found


def _help(one: DeclaredInput, folders: Folders) -> str:
    """What it is, what it may be, what it is if nothing is said."""
    spec = one.field
    facts = []
    if spec.range is not None:
        facts.append("a whole number from 0" if spec.seed else f"range: {spec.range}")
    choices = spec.choices if spec.choices is not None else spec.choice and spec.choice.options(folders)
    if choices:
        more = ["…"] if len(choices) > SHOWN_CHOICES else []
        facts.append(f"choices: {', '.join([*choices[:SHOWN_CHOICES], *more])}")
    if spec.choice is not None:
        facts.append("or a path to a file")
    facts.append("required" if one.required else "optional" if one.default is None else f"default: {_short(one.default)}")
    return " ".join([one.help or one.title, *(f"[{'; '.join(facts)}]",)]).strip()


def _short(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else ("yes" if value else "no") if isinstance(value, bool) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _option_names(params: Sequence[click.Parameter]) -> set[str]:
    return {"--help", "-h", *(name for param in params for name in (*param.opts, *param.secondary_opts))}


def _find_file(rest: Sequence[str]) -> Path | None:
    """FILE among what the first reading left: the first word that cannot be an option's value, else the first that is a file."""
    words = list(_words(rest))
    free = [Path(word) for word, may_be_value in words if not may_be_value]
    files = [Path(word) for word, may_be_value in words if may_be_value and Path(word).is_file()]
    return next(iter([*free, *files]), None)


def _words(rest: Sequence[str]) -> Iterator[tuple[str, bool]]:
    after_option = False
    for word in rest:
        is_option = word.startswith("-") and len(word) > 1 and not after_option
        if not is_option:
            yield word, after_option
        after_option = is_option and "=" not in word and word not in ("--help", "-h")


def _named(ctx: click.Context) -> dict[str, list[str]]:
    """What --input says, by name."""
    found: dict[str, list[str]] = {}
    for text in ctx.params["inputs"]:
        name, equals, value = text.partition("=")
        if not equals:
            raise click.UsageError(f"--input {text!r} has no value: write --input name=value.", ctx)
        found.setdefault(name, []).append(value)
    return found


def _refuse_twice(ctx: click.Context, typed: Typed, workflow: Workflow) -> None:
    """An input and a --set that reach the same place contradict each other."""
    for name in typed.given:
        for target in workflow.inputs[name].to:
            if target in typed.settings:
                raise click.UsageError(f"--set {target} and the input {name!r} set the same value: give one of them.", ctx)
