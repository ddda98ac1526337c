"""Decides what a result remembers of the run that made it: inputs, keys, fingerprints and versions; never a path of this machine.

What is read back may come from anyone: it is taken apart here, and nothing in it is trusted to be of the right kind.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from graph_engine.digest import Key
from graph_engine.errors import FormatError
from graph_engine.values import Digest

RECORD_FORMAT = "latent-loom-run/1"
RESULT_DIGITS = 16
"""How much of a result's digest is recorded: enough to tell that two differ by accident, and short in every picture."""
SECTIONS = ("keys", "results", "fingerprints", "packs", "options", "runtime", "versions")
DISTRIBUTIONS = ("latent-loom", "torch", "diffusers", "transformers", "safetensors", "numpy", "pillow")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A record that was read back. What an older version did not write yet is empty, ``item`` None."""

    node: str
    item: int | None
    keys: Mapping[str, str]
    results: Mapping[str, str]
    fingerprints: Mapping[str, str]
    packs: Mapping[str, str]
    options: Mapping[str, str]
    runtime: Mapping[str, str]
    versions: Mapping[str, str]


def read_record(found: Mapping[str, Any]) -> RunRecord:
    """The record as ``extract`` gives it. Raises FormatError when there is none, or none that this version can read."""
    if not found:
        raise FormatError("it carries a workflow, but no record of the run that made it.")
    if found.get("format") != RECORD_FORMAT:
        raise FormatError(f"its run record is of the format {str(found.get('format'))[:40]!r}: update latent-loom to read it.")
    node, item = found.get("node"), found.get("item")
    sections = {name: found.get(name, {}) for name in SECTIONS}
    sound = all(
        isinstance(section, dict) and all(isinstance(value, str) for value in section.values()) for section in sections.values()
    )
    if not (sound and isinstance(node, str) and (item is None or (type(item) is int and item >= 0))):
        raise FormatError("its run record is damaged: use the original file.")
    return RunRecord(node=node, item=item, **sections)


def run_record(
    *,
    inputs: Mapping[str, Any],
    node: str,
    item: int,
    keys: Mapping[str, Key],
    results: Mapping[str, Digest],
    fingerprints: Mapping[str, str],
    packs: Mapping[str, str],
    options: Mapping[str, str],
    runtime: Mapping[str, str],
) -> str:
    """The JSON text embedded in the file number ``item`` (from 0) that ``node`` made.

    ``inputs`` are the workflow's declared inputs as they were used, ``results`` what nodes gave, by ``node.output``. ``runtime`` says
    where this process computed (device, dtype …): nothing, if everything was served.
    """
    return json.dumps(
        {
            "format": RECORD_FORMAT,
            "inputs": dict(inputs),
            "node": node,
            "item": item,
            "keys": {path: key.hex() for path, key in keys.items()},
            "results": {name: digest.hex()[:RESULT_DIGITS] for name, digest in results.items()},
            "fingerprints": dict(fingerprints),
            "packs": dict(packs),
            "options": dict(options),
            "runtime": dict(runtime),
            "versions": environment(),
        },
        sort_keys=True,
        ensure_ascii=False,
    )


@cache
def environment() -> dict[str, str]:
    """Versions of what a result may depend on, read from package metadata without importing anything."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version(), "machine": f"{platform.system()} {platform.machine()}"}
    for name in DISTRIBUTIONS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
