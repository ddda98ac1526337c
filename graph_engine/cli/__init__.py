"""Decides how the command ``loom`` ends: with an exit code and a sentence, and without a traceback for a user's mistake.

The rest of this package: ``root`` (which commands there are), ``command`` and ``workflow_command`` (what arguments they take),
``source``, ``typed``, ``request`` (what is to run), ``watch``, ``progress``, ``display``, ``summary`` (what is seen of a run),
``remote`` (a run on a server), ``output`` (what goes to which stream).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

CANCELLED = 130


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave the process with its exit code."""
    sys.exit(outcome(sys.argv[1:] if arguments is None else arguments))


def outcome(arguments: Sequence[str]) -> int:
    """Run one command to its end; returns the exit code."""
    import click

    from graph_engine.cli import output
    from graph_engine.cli.root import loom

    output.prepare()
    try:
        code = loom.main(list(arguments), prog_name="loom", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        output.tell("cancelled.")
        return CANCELLED
    except (output.ReaderLeftError, BrokenPipeError):
        return _reader_left()
    except Exception as error:
        return output.fault(error, verbose="--verbose" in arguments)


def _reader_left() -> int:
    """Whoever read our output (``| head``) has enough: keep the interpreter from complaining when it flushes at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    return CANCELLED
