"""Decides how a server process lives: one per state folder, ready quickly, and gone within seconds when it is asked to."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import webbrowser
from asyncio.subprocess import Process
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from graph_engine.errors import LoomError
from web_ui.settings import Settings
from web_ui.work.pool import first_process

log = logging.getLogger(__name__)

STOP_S = 10.0
LOCK_NAME = "server.lock"


class StateInUseError(LoomError):
    """Another server has this state folder."""

    exit_code = 2


class AddressError(LoomError):
    """The address cannot be listened on."""

    exit_code = 2


async def run(settings: Settings, *, browser: bool, show_token: bool, said: Callable[[str, list[str]], None]) -> None:
    """Serve until SIGTERM or SIGINT. Raises StateInUseError and AddressError."""
    stop = asyncio.Event()
    _listen_for_signals(stop)
    with alone_with(settings.state):
        async with first_process(settings) as process:
            await _serve(settings, process, stop, browser=browser, show_token=show_token, said=said)


async def _serve(
    settings: Settings,
    first: Process,
    stop: asyncio.Event,
    *,
    browser: bool,
    show_token: bool,
    said: Callable[[str, list[str]], None],
) -> None:
    from web_ui.app import Listening  # only now, so that the worker imports what it needs beside this
    from web_ui.server import Server

    server = Server(settings, first)
    await server.start()
    listening = Listening(server)
    try:
        try:
            await listening.start()
        except OSError as error:
            where = f"{settings.host}:{settings.port}"
            raise AddressError(f"{where} cannot be used: {error.strerror or error}. Choose another --port or --host.") from error
        url = listening.url + (f"#token={settings.token}" if show_token else "")
        said(url, [str(fault) for fault in server.catalogue.registry.faults])
        if browser:
            await asyncio.to_thread(webbrowser.open, url)
        await stop.wait()
    finally:
        log.info("stopping")
        try:
            async with asyncio.timeout(STOP_S):
                await asyncio.gather(server.stop(), listening.stop())
        except TimeoutError:
            log.warning("Not all ended in time; what ran goes on after the next start.")


def _listen_for_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        if sys.platform == "win32":
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
        else:
            loop.add_signal_handler(number, stop.set)


@contextmanager
def alone_with(state: Path) -> Iterator[None]:
    """Hold the state folder for this process: two servers on one queue would each think that the other's jobs were interrupted.

    The lock is the system's, so that it ends with the process however that ends. Raises StateInUseError.
    """
    file = (state / LOCK_NAME).open("ab")
    try:
        _lock(file, state)
        yield
    finally:
        file.close()


def _lock(file: BinaryIO, state: Path) -> None:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise StateInUseError(f"another server uses {state}. Stop it, or choose another folder with --state.") from None
    os.set_inheritable(file.fileno(), False)
