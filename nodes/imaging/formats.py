"""Decides into which formats pictures are saved, and what each of them can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

FileFormat = Literal["png", "png_16_bit", "jpeg", "webp", "avif"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """``name`` is Pillow's. ``longest_side`` in pixels is what the format can hold."""

    name: str
    suffix: str
    longest_side: int
    transparent: bool = True

    @property
    def media_type(self) -> str:
        return f"image/{self.name.lower()}"


KINDS: Mapping[FileFormat, Kind] = {
    "png": Kind(name="PNG", suffix=".png", longest_side=2**31 - 1),
    "png_16_bit": Kind(name="PNG", suffix=".png", longest_side=2**31 - 1),
    "jpeg": Kind(name="JPEG", suffix=".jpg", longest_side=65_500, transparent=False),
    "webp": Kind(name="WEBP", suffix=".webp", longest_side=16_383),
    "avif": Kind(name="AVIF", suffix=".avif", longest_side=65_536),
}
