"""Decides where results are kept between commands: in the folder given with --cache, in that of LOOM_CACHE, or in the user's own."""

from __future__ import annotations

import os
from pathlib import Path

import click

from graph_engine.engine import Engine

VARIABLE = "LOOM_CACHE"


def cache_option() -> click.Option:
    return click.Option(
        ["--cache", "cache"],
        type=click.Path(path_type=Path, file_okay=False),
        metavar="DIR",
        help=f"Where results are kept for later runs; without it ${VARIABLE}, or a folder of the user's.",
    )


def cache_options() -> list[click.Parameter]:
    """For commands that compute or look up."""
    return [cache_option(), click.Option(["--no-cache"], is_flag=True, help="Use and keep nothing of other runs on disk.")]


def cache_folder(cache: Path | None, no_cache: bool = False) -> Path | None:
    """The folder, or None where nothing is to be kept. Raises UsageError for options that contradict each other."""
    if no_cache:
        if cache is not None:
            raise click.UsageError("--cache and --no-cache contradict each other: give one of them.")
        return None
    if cache is None and (named := os.environ.get(VARIABLE)):
        cache = Path(named).expanduser()
    if cache is None:
        from platformdirs import user_cache_path

        cache = user_cache_path("latent-loom", appauthor=False)
    return cache.absolute()


def keeps(engine: Engine) -> bool:
    """Whether what ``engine`` computed outlives this process: the folder may be off, or have failed meanwhile."""
    disk = engine.around.cache.disk
    return disk is not None and disk.index is not None
