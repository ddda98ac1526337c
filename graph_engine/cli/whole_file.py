"""Decides how a file that the user named is written: whole or not at all, over what was there; and refused before anything is computed."""

from __future__ import annotations

import os
from pathlib import Path

from graph_engine import atomic
from graph_engine.errors import DeliveryError


def refuse_unwritable(path: Path, option: str) -> None:
    """Raises DeliveryError for a file that could not be written later."""
    folder = path.absolute().parent
    if path.is_dir():
        cause = f"{path} is a folder"
    elif not folder.is_dir():
        cause = f"{folder} is no folder"
    elif not os.access(folder, os.W_OK | os.X_OK):
        cause = f"{folder} cannot be written"
    else:
        return
    raise DeliveryError(f"{cause}. Name another file with {option}.")


def write_whole(path: Path, data: bytes) -> None:
    """Raises DeliveryError that says what to do."""
    try:
        atomic.replace(path.absolute(), [data])
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DeliveryError(f"{path} could not be written: {reason}. Choose another place, or make room.") from error
