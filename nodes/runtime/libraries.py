"""Decides how torch, diffusers and transformers are imported: by one thread at a time, and without looking for garbage meanwhile.

The last two import their parts when first asked for them, and a part that two threads ask for at once is found half made
("partially initialized module"): nodes of several lanes, or a worker that warms up, must not meet in there.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Literal

from nodes.runtime.lazy_packages import importing, put_off


def library_class(library: Literal["diffusers", "transformers"], name: str) -> Any:
    """The class of that name. Raises AttributeError or ImportError where this version has none."""
    with importing, garbage_left():
        put_off()
        return getattr(import_module(library), name)


@contextmanager
def garbage_left() -> Iterator[None]:
    """While this is open, Python does not look for garbage, unless another thread that had it so ends first.

    Importing makes hundreds of thousands of objects that stay, and looking through them again and again took a quarter of the time.
    """
    looked = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if looked:
            gc.enable()
