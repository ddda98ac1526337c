"""Decides where a finished file goes: into the output folder, under a new name, whole or not at all."""

from __future__ import annotations

import os
import re
from pathlib import Path

from graph_engine.atomic import written_beside
from graph_engine.errors import DeliveryError
from graph_engine.folders import OutsideFolderError, confined
from graph_engine.sentences import say

UNSAFE = re.compile(r'[<>:"|?*\x00-\x1f]')
RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
MAX_NAME_BYTES = 120


def write_new(folder: Path, stem: str, suffix: str, data: bytes) -> Path:
    """Write ``data`` as ``stem_0001suffix`` or the next free number; returns the path.

    The bytes go to a temporary file first and are linked into place, so that no reader sees half a file and no file is replaced.
    Raises DeliveryError that names the folder and what to do.
    """
    target = folder / _safe(stem)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with written_beside(target, [data]) as temporary:
            return _link_free(temporary, target, suffix)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DeliveryError(say("not_written", file=f"{target.name}{suffix}", folder=str(folder), error=reason)) from error


def _link_free(temporary: Path, target: Path, suffix: str) -> Path:
    number = _highest(target, suffix) + 1
    while True:
        path = target.with_name(f"{target.name}_{number:04d}{suffix}")
        try:
            os.link(temporary, path)
            return path
        except FileExistsError:
            number += 1
        except OSError:  # a file system without hard links: claim the name, then move over our own claim
            try:
                path.open("xb").close()
            except FileExistsError:
                number += 1
                continue
            return temporary.replace(path)


def _highest(target: Path, suffix: str) -> int:
    pattern = re.compile(rf"{re.escape(target.name)}_(\d+){re.escape(suffix)}")
    numbers = (pattern.fullmatch(name) for name in (path.name for path in target.parent.iterdir()))
    return max((int(match[1]) for match in numbers if match), default=0)


def _safe(stem: str) -> str:
    """A relative name without what any of the three systems forbids. Raises DeliveryError for one that leads elsewhere."""
    try:
        parts = [_cut(UNSAFE.sub("_", part).strip(". ")) or "_" for part in confined(stem).parts]
    except OutsideFolderError as error:
        raise DeliveryError(f"{error}") from error
    return "/".join(f"{part}_" if RESERVED.fullmatch(part) else part for part in parts)


def _cut(name: str) -> str:
    return name.encode()[:MAX_NAME_BYTES].decode(errors="ignore")
