"""Decides how diffusers and transformers are imported: by one thread at a time, the parts alone that are used, and without looking for
garbage meanwhile.

Both import their parts when first asked for them, and a part that two threads ask for at once is found half made ("partially
initialized module"): nodes of several lanes, or a worker that warms up, must not meet in there. And importing makes hundreds of
thousands of objects that stay: to look through them again and again took a quarter of the time.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Literal

from graph_engine import collector
from nodes.runtime.lazy_packages import importing, put_off


def library_class(library: Literal["diffusers", "transformers"], name: str) -> Any:
    """The class of that name. Raises AttributeError or ImportError where this version has none."""
    with importing, collector.resting():
        put_off()
        return getattr(import_module(library), name)
