"""Decides which commands there are: those of this package and those of the entry-point group ``loom.commands``.

A module is imported when its command is used. ``loom --help`` also loads contributed commands, for their one line of help:
a module that contributes one should import what is heavy inside its function. One that cannot be loaded is told in its line.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

import click

ENTRY_POINT_GROUP = "loom.commands"

BUILT_IN: Mapping[str, str] = {
    "run": "Run a workflow and write what it makes.",
    "check": "List every problem of a workflow, without running it.",
    "plan": "Show what a run would do with each node, and why.",
    "explain": "Say why a node would run, down to the value that changed.",
    "cache": "Show and tend the results that are kept on disk.",
    "nodes": "List the node types, or explain one.",
    "diff": "Compare two workflows or pictures by meaning, or merge three.",
}
"""Name and line of help; ``graph_engine.cli.NAME`` holds a click command called ``command``."""

EPILOG = """\b
Exit codes:
    0  done
    1  something differs (diff, verify), or an unexpected fault
    2  wrong usage: an unknown option or command, a file that is not there
    3  problems in the file, or in a value given for it
    4  a node failed, a result could not be written, or a server refused or did not answer
  130  cancelled (Ctrl-C, or nobody reads the output any more)
"""


class Commands(click.Group):
    """A group that knows its commands by name and loads one when it is asked for."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return [*BUILT_IN, *sorted(contributed())]

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name in BUILT_IN:
            command: click.Command = import_module(f"graph_engine.cli.{name}").command
            return command
        entry = contributed().get(name)
        return None if entry is None else _load(entry)

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        others = {name: _load(entry).get_short_help_str(limit=70) for name, entry in sorted(contributed().items())}
        with formatter.section("Commands"):
            formatter.write_dl([*BUILT_IN.items(), *others.items()])


def contributed() -> dict[str, EntryPoint]:
    """Commands of other packages by name; none takes the place of ours."""
    return {entry.name: entry for entry in entry_points(group=ENTRY_POINT_GROUP) if entry.name not in BUILT_IN}


def _load(entry: EntryPoint) -> click.Command:
    try:
        found = entry.load()
        cause = f"{entry.value} is no click command"
    except (Exception, SystemExit) as error:  # foreign code, which may fail in any way
        found, cause = None, f"{type(error).__name__}: {error}"
    return found if isinstance(found, click.Command) else _broken(entry, cause)


def _broken(entry: EntryPoint, cause: str) -> click.Command:
    """What stands in for a command that could not be loaded: it says so, and leaves the others alone."""
    package = f" of {entry.dist.name}" if entry.dist is not None else ""
    sentence = f"this command{package} could not be loaded: {cause}"

    def explain() -> None:
        raise click.ClickException(f"{entry.name}: {sentence}. Update or remove the package.")

    settings = {"ignore_unknown_options": True, "allow_extra_args": True}
    return click.Command(entry.name, callback=explain, short_help=f"({sentence})", context_settings=settings)


def _show_version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            click.echo(f"loom {version('latent-loom')}")
        except PackageNotFoundError:
            click.echo("loom (not installed: run from its source)")
        ctx.exit()


@click.group(cls=Commands, epilog=EPILOG, context_settings={"max_content_width": 110, "help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show the version.")
def loom() -> None:
    """Latent Loom runs workflows for latent diffusion: typed graphs in one JSON file, nothing computed twice.

    \b
    loom run FILE --help      what this file takes
    loom run FILE             run it
    loom run picture.png      run what made this picture
    """
