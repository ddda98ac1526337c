"""Decides how classes of diffusers and transformers are imported: one thread at a time.

Both import their parts when first asked for them, and a part that two threads ask for at once is found half made ("partially initialized
module"): nodes of several lanes, or a worker that warms up, must not meet in there.
"""

from __future__ import annotations

import threading
from importlib import import_module
from typing import Any, Literal

_lock = threading.RLock()


def library_class(library: Literal["diffusers", "transformers"], name: str) -> Any:
    """The class of that name. Raises AttributeError or ImportError where this version has none."""
    with _lock:
        return getattr(import_module(library), name)
