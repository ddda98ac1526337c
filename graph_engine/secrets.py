"""Decides what a secret is: a name in a workflow, resolved where a node runs, and struck out of whatever is told afterwards."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Mapping

from graph_engine.errors import LoomError

PREFIX = "LOOM_SECRET_"
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
STRUCK_OUT = "•••"


class Secrets:
    """Secrets of the environment: ``hub_token`` is the variable LOOM_SECRET_HUB_TOKEN. Safe to use from several threads."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment
        self._given: set[str] = set()
        self._lock = threading.Lock()

    def get(self, name: str) -> str:
        """The secret. Raises LoomError when there is none of that name; the message tells the name alone."""
        if not NAME.fullmatch(name):
            raise LoomError("that is no name of a secret: use letters, digits and _, and never the secret itself.")
        found = self._environment.get(PREFIX + name.upper())
        if not found:
            raise LoomError(f"there is no secret called {name!r}: set the environment variable {PREFIX}{name.upper()}.")
        with self._lock:
            self._given.add(found)
        return found

    def redact(self, text: str) -> str:
        """``text`` without any secret that was given out."""
        with self._lock:
            given = sorted(self._given, key=len, reverse=True)
        for secret in given:
            text = text.replace(secret, STRUCK_OUT)
        return text
