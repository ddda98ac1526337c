"""Decides what every command has in common: where packs and models are, --json, --verbose, and how an error of ours is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from graph_engine.cli import output
from graph_engine.errors import LoomError
from graph_engine.registry import Registry, discover

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


def packs_option() -> click.Option:
    return click.Option(["--packs"], type=FOLDER, multiple=True, metavar="DIR", help="A folder with node packs. May be repeated.")


def models_option() -> click.Option:
    return click.Option(["--models"], type=FOLDER, multiple=True, metavar="DIR", help="A folder with models. May be repeated.")


def json_option() -> click.Option:
    return click.Option(["--json", "as_json"], is_flag=True, help="Print JSON, one object a line.")


def verbose_option() -> click.Option:
    return click.Option(["--verbose"], is_flag=True, help="Log what happens to stderr, with tracebacks.")


class LoomCommand(click.Command):
    """A command that tells our own errors in one place: as sentences, or as JSON lines where --json was asked for."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        if "--verbose" in args:
            output.log_everything()
        with told(args):
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        flags = [flag for flag, name in (("--json", "as_json"), ("--verbose", "verbose")) if ctx.params.get(name)]
        with told(flags):
            return super().invoke(ctx)


@contextmanager
def told(args: Sequence[str]) -> Iterator[None]:
    """Tell a LoomError and leave with its exit code. ``args`` say how: they hold --json or --verbose."""
    try:
        yield
    except LoomError as error:
        output.error(error, as_json="--json" in args)
        if "--verbose" in args and error.__cause__ is not None:
            output.trace(error.__cause__)
        raise click.exceptions.Exit(error.exit_code) from error


def find_nodes(packs: Sequence[Path]) -> Registry:
    """Every node type there is. What a broken pack has to say goes to stderr, and the rest goes on."""
    registry = discover(packs)
    for fault in registry.faults:
        output.tell(f"warning: {fault}", fg="yellow")
    return registry
