"""Decides what goes to which stream, and how: results to stdout, what is said about them to stderr, JSON one object a line.

Texts of a workflow may hold control characters, which could rewrite what a terminal shows: they are made visible here.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from io import TextIOWrapper
from typing import Any

import click

from graph_engine.errors import LoomError, NodeError, Problem, WorkflowError

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
OURS = ("graph_engine", "nodes", "web_ui")


class ReaderLeftError(Exception):
    """Nobody reads our stdout any more. It is no OSError, since click ends a process that raises such a one by itself."""


def prepare() -> None:
    """What a stream cannot encode is shown as an escape, so that a text never ends a run. Warnings that are logged are told."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    handler = _CurrentStderr()
    handler.setFormatter(_Warning())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


def clean(text: str) -> str:
    """``text`` with control characters made visible; line ends and tabs stay."""
    return CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def say(text: str) -> None:
    """A line of the result, on stdout. It is cleaned only for a terminal: a program that reads it gets what there is."""
    _write(clean(text) if sys.stdout.isatty() else text)


def styled(text: str, **style: Any) -> str:
    """``text`` cleaned, in a colour that ``say_styled`` and ``tell_styled`` leave out where there is no terminal."""
    return click.style(clean(text), **style)


def say_styled(text: str) -> None:
    """A line made with ``styled``, on stdout."""
    _write(text)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], right: Container[int] = ()) -> Iterator[str]:
    """Lines for ``say_styled``: columns as wide as their widest cell, those of ``right`` at their right side. The last may be long."""
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    last = len(headings) - 1
    for row in (headings, *rows):
        cells = [
            cell.rjust(width) if at in right else cell if at == last else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield styled("  ".join(cells).rstrip(), **({"dim": True} if row is headings else {}))


def tell(text: str, **style: Any) -> None:
    """A line about the result, on stderr."""
    click.echo(click.style(clean(text), **style) if style else clean(text), err=True, color=color())


def color() -> bool | None:
    """False where NO_COLOR (no-color.org) is set; None leaves it to the stream."""
    import os

    return False if os.environ.get("NO_COLOR") else None


def json_line(facts: Mapping[str, Any]) -> None:
    """One object on stdout, flushed, so that a reader sees it when it happens. Plain ASCII, whatever the stream's encoding."""
    _write(json.dumps(facts, allow_nan=False))


def _write(line: str) -> None:
    try:
        click.echo(line, color=color())
    except BrokenPipeError as error:
        raise ReaderLeftError from error


def problems(found: Iterable[Problem], *, as_json: bool, event: str = "problem") -> None:
    """Problems (or warnings), one a line: to stderr, or as JSON to stdout."""
    for problem in found:
        if as_json:
            json_line({"event": event, **problem.as_json()})
        else:
            tell(f"warning: {problem}" if event == "warning" else f"{problem}", fg="yellow" if event == "warning" else "red")


def error(problem: LoomError, *, as_json: bool) -> None:
    """Whatever this project raises, as a user should read it."""
    if isinstance(problem, WorkflowError):
        problems(problem.problems, as_json=as_json)
    elif as_json:
        facts = problem.as_json() if isinstance(problem, NodeError) else {"cause": str(problem)}
        json_line({"event": "error", "error": type(problem).__name__, **facts})
    else:
        first, _, rest = str(problem).partition("\n")
        tell(first, fg="red")
        if rest:
            tell(rest)


def fault(problem: Exception, *, verbose: bool) -> int:
    """An error that nobody foresaw: ours to mend, so the user is asked to report it. Returns the exit code."""
    if isinstance(problem, LoomError):
        error(problem, as_json=False)
        return problem.exit_code
    tell(f"unexpected fault: {type(problem).__name__}: {problem}", fg="red")
    if verbose:
        trace(problem)
    else:
        tell("This is a fault of Latent Loom. Run it again with --verbose and report what is shown.")
    return 1


def trace(problem: BaseException) -> None:
    """The traceback, for --verbose."""
    tell("".join(traceback.format_exception(problem)).rstrip())


def log_everything() -> None:
    """Log to stderr: our modules at DEBUG, those of others at INFO."""
    handler = _CurrentStderr()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.DEBUG)


class _CurrentStderr(logging.StreamHandler[Any]):
    """Writes to what sys.stderr is at that moment: the live display puts itself in between while it is up."""

    @property
    def stream(self) -> Any:
        return sys.stderr

    @stream.setter
    def stream(self, _value: Any) -> None:
        pass


class _Warning(logging.Formatter):
    """A logged warning or error as one plain line."""

    def format(self, record: logging.LogRecord) -> str:
        line = clean(f"{record.levelname.lower()}: {record.getMessage()}")
        return click.style(line, fg="yellow") if sys.stderr.isatty() and color() is None else line
