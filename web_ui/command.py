"""Decides what ``loom serve`` takes, says and opens, and how it ends."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graph_engine.cli import output
from graph_engine.cli.command import LoomCommand, models_option, packs_option, verbose_option
from graph_engine.errors import LoomError
from web_ui.settings import KEPT_JOBS, KEPT_THUMBNAILS

if TYPE_CHECKING:
    from web_ui.settings import Settings

STATE_VARIABLE, TOKEN_VARIABLE = "LOOM_STATE", "LOOM_TOKEN"
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class ServeError(LoomError):
    """The server cannot start; the message says why and what to do."""

    exit_code = 2


def serve(
    host: str, port: int, token: str | None, tls_cert: Path | None, tls_key: Path | None, state: Path | None,
    models: tuple[Path, ...], packs: tuple[Path, ...], device: tuple[str, ...], dtype: str, allow_host: tuple[str, ...],
    webhook_to: tuple[str, ...], no_browser: bool, no_warm_up: bool, keep_jobs: int, keep_thumbnails: int, **_common: Any,
) -> None:  # fmt: skip
    """Serve the editor and the API, and run what is asked for.

    On this machine alone no token is needed. With --host 0.0.0.0 others can reach it, and then a token is: give one, or take the
    one that is shown. It also takes $LOOM_TOKEN.

    Ctrl-C, or SIGTERM, ends the step that runs and keeps it; the next start goes on from there.
    """
    from graph_engine.bytecode import compile_ahead
    from graph_engine.registry import compiled_ahead

    compile_ahead(compiled_ahead())  # before all else, since it goes on beside all else

    import asyncio

    from web_ui.running import run
    from web_ui.settings import Settings, is_loopback, new_token

    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key belong together: give both.")
    token = token or os.environ.get(TOKEN_VARIABLE) or None
    made = token is None and not is_loopback(host)
    settings = Settings(
        state=_state(state),
        host=host,
        port=port,
        token=new_token() if made else token,
        tls_certificate=tls_cert,
        tls_key=tls_key,
        models=_models(models),
        packs=packs,
        devices=device,
        dtype=dtype,
        hosts=frozenset(name.lower() for name in allow_host),
        webhook_origins=frozenset(webhook_to),
        warm_up=not no_warm_up,
        keep_jobs=keep_jobs,
        keep_thumbnails=keep_thumbnails,
    )
    if tls_cert is None and not is_loopback(host):
        output.tell("warning: without --tls-cert the token and all pictures travel unencrypted.", fg="yellow")
    asyncio.run(run(settings, browser=not no_browser, show_token=made, said=_said(settings)))


def _said(settings: Settings) -> Any:
    def say(url: str, faults: list[str]) -> None:
        for fault in faults:
            output.tell(f"warning: {fault}", fg="yellow")
        output.say(f"Latent Loom is at {url}")
        output.tell(f"State is kept in {settings.state}. Ctrl-C stops.")

    return say


def _state(given: Path | None) -> Path:
    from platformdirs import user_data_path

    named = os.environ.get(STATE_VARIABLE)
    found = given or (Path(named).expanduser() if named else user_data_path("latent-loom", appauthor=False) / "server")
    try:
        found.mkdir(parents=True, exist_ok=True)
        if not os.access(found, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as error:
        raise ServeError(f"{found} cannot be used: {error.strerror}. Choose another folder with --state.") from error
    return found.absolute()


def _models(given: tuple[Path, ...]) -> tuple[Path, ...]:
    from graph_engine.cli.source import folders_for

    return tuple(folders_for(None, given).models)


command = LoomCommand(
    "serve",
    callback=serve,
    short_help="Serve the editor and the API on this machine.",
    help=serve.__doc__,
    params=[
        click.Option(["--host"], default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Where to listen."),
        click.Option(["--port"], type=click.IntRange(0, 65535), default=8288, show_default=True, help="0 takes a free one."),
        click.Option(["--token"], metavar="TEXT", help="What callers must show. Needed where others can reach the server."),
        click.Option(["--tls-cert"], type=FILE, metavar="FILE", help="Certificate chain in PEM."),
        click.Option(["--tls-key"], type=FILE, metavar="FILE", help="Its private key in PEM."),
        click.Option(
            ["--state"], type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
            help="Jobs, cache, outputs, workflows. Without it $LOOM_STATE, or a folder of the user's.",
        ),
        models_option(),
        packs_option(),
        click.Option(["--device"], multiple=True, metavar="NAME", help="Where to compute; may be repeated. Without it all there are."),
        click.Option(["--dtype"], default="auto", show_default=True, help="auto, float32, float16 or bfloat16."),
        click.Option(["--allow-host"], multiple=True, metavar="NAME", help="A further name under which it is reached."),
        click.Option(["--webhook-to"], multiple=True, metavar="ORIGIN", help="An origin that may be told of a job's end."),
        click.Option(
            ["--keep-jobs"], type=click.IntRange(1), default=KEPT_JOBS, show_default=True, metavar="N",
            help="How many finished jobs to remember. What they made stays in any case.",
        ),
        click.Option(
            ["--keep-thumbnails"], type=click.IntRange(1), default=KEPT_THUMBNAILS, show_default=True, metavar="N",
            help="How many small pictures to keep, some 10 kB each. One that is missing is made again.",
        ),
        click.Option(["--no-warm-up"], is_flag=True, help="Import nothing before the first job, which then takes longer to begin."),
        click.Option(["--no-browser"], is_flag=True, help="Do not open the page."),
        verbose_option(),
    ],
)  # fmt: skip
