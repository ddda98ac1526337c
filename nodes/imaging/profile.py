"""Decides how colours that a file describes by an ICC profile become sRGB, and which profiles are applied.

Profiles of three primaries and curves (Display P3, Adobe RGB, ProPhoto, those of cameras and screens) and curves of grey are worked out
here in floating point, since Pillow's colour management knows 8 bits alone; it applies the tables of all others (CMYK, printers).
Colours that sRGB does not hold become its nearest by clipping, and black becomes black: relative colorimetric.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from PIL import Image as Pillow
from PIL import ImageCms

from nodes.imaging.opencv import Array

Curve = Callable[[Array], Array]
"""From what a file holds to light, both 0 to 1."""

Colours = Callable[[Array], Array]
"""[height, width, 3] in [0, 1] to the same in sRGB."""

SPACES: dict[str, Literal["RGB", "L", "CMYK"]] = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
UNCHANGED = 1.01 / 255
"""A profile that moves no colour by more than a step of 8 bits is one of sRGB."""


BAND = 256
"""Rows that are worked out at a time, so that little memory is needed beside the picture."""

MAX_TAGS = 100
BLACK = 1e-3


class ProfileError(Exception):
    """A profile that cannot be applied; says why."""


class Profile:
    """What ``data`` makes of colours. Raises ProfileError where it is damaged, or of colours that no picture holds."""

    def __init__(self, data: bytes) -> None:
        try:
            self._profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
            space = self._profile.profile.xcolor_space.strip()
            if space not in SPACES:
                raise ProfileError(f"it is of {space} colours")
            self.mode = SPACES[space]
            self._transform = ImageCms.buildTransform(
                self._profile, _srgb(), self.mode, "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC,
                ImageCms.Flags.BLACKPOINTCOMPENSATION,
            )  # fmt: skip
            self._exact = self._in_floating_point(data)
        except (ImageCms.PyCMSError, OSError, ValueError, IndexError, struct.error) as error:
            raise ProfileError(str(error) or type(error).__name__) from error

    def changes(self) -> bool:
        """False where it describes sRGB, as most profiles do: then a picture keeps each value as it is."""
        if self.mode == "CMYK":
            return True
        steps = np.linspace(0, 1, 18 if self.mode == "RGB" else 256, dtype=np.float32)
        grid = np.stack(np.meshgrid(steps, steps, steps) if self.mode == "RGB" else [steps] * 3, axis=-1).reshape(1, -1, 3)
        return bool(np.abs(self.colours(grid) - grid).max() > UNCHANGED)

    def colours(self, values: Array) -> Array:
        """[height, width, 3] in [0, 1] to the same in sRGB; for a profile of grey, all three must be equal. Not for CMYK."""
        found = np.empty(values.shape, np.float32)
        with np.errstate(all="ignore"):  # of curves that were damaged on purpose
            for top in range(0, len(values), BAND):
                found[top : top + BAND] = self._band(values[top : top + BAND])
        return found

    def _band(self, values: Array) -> Array:
        if self._exact is not None:
            return self._exact(values)
        whole = (values * 255).round().astype(np.uint8)
        return self.picture(Pillow.fromarray(whole if self.mode == "RGB" else np.ascontiguousarray(whole[:, :, 0])))

    def picture(self, picture: Pillow.Image) -> Array:
        """[height, width, 3] in [0, 1] in sRGB of a picture in the profile's mode."""
        found = ImageCms.applyTransform(picture, self._transform)
        if found is None:
            raise ValueError("its colour profile does not fit")
        return np.asarray(found, dtype=np.float32) / np.float32(255)

    def _in_floating_point(self, data: bytes) -> Colours | None:
        inner, tags = self._profile.profile, _tags(data)
        if b"A2B0" in tags:  # where there is a table, it counts
            return None
        if self.mode == "L" and (curve := _curve(data, tags.get(b"kTRC"))) is not None:
            return lambda values: encoded(curve(values[:, :, :1])).repeat(3, axis=2)
        curves = [curve for tag in (b"rTRC", b"gTRC", b"bTRC") if (curve := _curve(data, tags.get(tag))) is not None]
        if self.mode != "RGB" or not inner.is_matrix_shaper or len(curves) < 3:
            return None
        matrix = (np.linalg.inv(_colorants(_srgb().profile)) @ _colorants(inner)).astype(np.float32)

        def change(values: Array) -> Array:
            light = np.stack([curve(values[:, :, index]) for index, curve in enumerate(curves)], axis=-1)
            return encoded(light @ matrix.T)

        return change


def encoded(light: Array) -> Array:
    """The values of sRGB (IEC 61966-2-1) for linear light, clipped to 0 to 1."""
    light = np.nan_to_num(light.astype(np.float32, copy=False)).clip(0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, np.float32(1.055) * light ** np.float32(1 / 2.4) - np.float32(0.055))


def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _colorants(profile: Any) -> Array:
    """[XYZ, red green blue], relative to the white of D50."""
    return np.array([profile.red_colorant[0], profile.green_colorant[0], profile.blue_colorant[0]]).T


def _tags(data: bytes) -> dict[bytes, int]:
    """Where the parts of a profile begin, by name: ICC.1:2022, section 7.3."""
    (count,) = struct.unpack_from(">I", data, 128)
    entries = (struct.unpack_from(">4sII", data, 132 + 12 * index) for index in range(min(count, MAX_TAGS)))
    return {name: at for name, at, _size in entries}


def _curve(data: bytes, at: int | None) -> Curve | None:
    """The curve that begins ``at`` a place: ICC.1:2022, sections 10.6 (curv) and 10.18 (para).

    None where there is none, or one whose black is not black: the table of little CMS makes up for that.
    """
    read = {b"curv": _sampled, b"para": _parametric}.get(data[at : at + 4]) if at is not None else None
    if at is None or read is None:
        return None
    curve = read(data, at)
    with np.errstate(all="ignore"):
        return curve if curve(np.zeros(1, np.float32))[0] < BLACK else None


def _sampled(data: bytes, at: int) -> Curve:
    (count,) = struct.unpack_from(">I", data, at + 8)
    numbers = np.frombuffer(data, ">u2", count, at + 12).astype(np.float64)
    if count == 0:
        return lambda values: values
    if count == 1:
        return lambda values: values ** np.float32(numbers[0] / 256)
    places = np.linspace(0, 1, count)
    return lambda values: np.interp(values, places, numbers / 65535).astype(np.float32)


def _parametric(data: bytes, at: int) -> Curve:
    """(a x + b)^gamma + e from x = d on, c x + f below."""
    (kind,) = struct.unpack_from(">H", data, at + 8)
    given = [number / 65536 for number in struct.unpack_from(f">{(1, 3, 4, 5, 7)[kind]}i", data, at + 12)]
    gamma, a, b, c, d, e, f = given + [1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0][len(given) :]
    if kind in (1, 2):
        c, d, e, f = 0.0, -b / a if a else 0.0, c, c
    return lambda values: np.where(
        values >= d, np.maximum(a * values + b, 0) ** np.float32(gamma) + np.float32(e), np.float32(c) * values + np.float32(f)
    )
