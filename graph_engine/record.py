"""Decides what a result remembers of the run that made it: inputs, keys, fingerprints and versions; never a path of this machine."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from functools import cache
from typing import Any

from graph_engine.digest import Key

RECORD_FORMAT = "latent-loom-run/1"
DISTRIBUTIONS = ("latent-loom", "torch", "diffusers", "transformers", "safetensors", "numpy", "pillow")


def run_record(
    *,
    inputs: Mapping[str, Any],
    node: str,
    keys: Mapping[str, Key],
    fingerprints: Mapping[str, str],
    packs: Mapping[str, str],
    options: Mapping[str, str],
) -> str:
    """The JSON text embedded in a file that ``node`` made. ``inputs`` are the workflow's declared inputs as they were used."""
    return json.dumps(
        {
            "format": RECORD_FORMAT,
            "inputs": dict(inputs),
            "node": node,
            "keys": {path: key.hex() for path, key in keys.items()},
            "fingerprints": dict(fingerprints),
            "packs": dict(packs),
            "options": dict(options),
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
