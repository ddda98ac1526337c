"""Decides how an older file is brought to the newest format: one function a step, in order; each has an old file as its test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

Migration: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]

MIGRATIONS: tuple[Migration, ...] = ()
"""``MIGRATIONS[n - 1]`` turns format n into format n + 1. Format 1 is the first, so there is none yet."""
