"""Decides that a picture may be looked at without being saved."""

from __future__ import annotations

from graph_engine import node
from nodes.types import Image


@node("loom.preview_image", version=1, category="image", sink=True)
def preview_image(image: Image) -> Image:
    """Look at pictures in the middle of a workflow; nothing is saved.

    What leads here is worked out even if nothing else needs it.

    Args:
        image: One or more pictures.

    Returns:
        image: The same pictures.

    Example:
        preview_image(picture)
    """
    return image
