"""ICC profiles for the tests, written by hand: three primaries with a curve, grey with a curve, CMYK with a table."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import product

DISPLAY_P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
ADOBE_RGB = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
"""XYZ of red, green and blue, seen under D50."""

SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
"""gamma, a, b, c, d of a parametric curve."""


def rgb_profile(primaries: Sequence[Sequence[float]], curve: bytes) -> bytes:
    named = {name: _xyz(*place) for name, place in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True)}
    return _profile(b"mntr", b"RGB ", b"XYZ ", {**named, **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)})


def grey_profile(curve: bytes) -> bytes:
    return _profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": curve})


def cmyk_profile() -> bytes:
    """Of an ink that is never coloured: each of the four takes its share of the light, black all of it."""
    shades = [
        max(0.0, 1 - (cyan + magenta + yellow) / 4) * (1 - black) for cyan, magenta, yellow, black in product((0, 1), repeat=4)
    ]
    table = b"".join(bytes((round(255 * shade), 128, 128)) for shade in shades)
    matrix = struct.pack(">9i", *(65536 * (index % 4 == 0) for index in range(9)))
    lut = b"mft1" + bytes(4) + bytes((4, 3, 2, 0)) + matrix + bytes(range(256)) * 4 + table + bytes(range(256)) * 3
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": lut})


def gamma_curve(gamma: float) -> bytes:
    return b"curv" + struct.pack(">IIH", 0, 1, round(gamma * 256))


def sampled_curve(values: Sequence[float]) -> bytes:
    return b"curv" + struct.pack(f">II{len(values)}H", 0, len(values), *(round(value * 65535) for value in values))


def parametric_curve(*numbers: float) -> bytes:
    """Of 1, 3, 4, 5 or 7 numbers."""
    kind = (1, 3, 4, 5, 7).index(len(numbers))
    return b"para" + struct.pack(f">IHH{len(numbers)}i", 0, kind, 0, *(round(number * 65536) for number in numbers))


def _xyz(*place: float) -> bytes:
    return b"XYZ " + struct.pack(">I3i", 0, *(round(number * 65536) for number in place))


def _profile(device: bytes, space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    """Version 4.2, perceptual, white of D50."""
    tags = {b"wtpt": _xyz(0.96420, 1.0, 0.82491), **tags}
    table, body, at = b"", b"", 132 + 12 * len(tags)
    for name, content in tags.items():
        content += bytes(-len(content) % 4)
        table += struct.pack(">4sII", name, at + len(body), len(content))
        body += content
    size = at + len(body)
    day = struct.pack(">6H", 2026, 1, 1, 0, 0, 0)
    head = struct.pack(">I4sI4s4s4s", size, bytes(4), 0x04200000, device, space, connection) + day + b"acsp"
    head = head.ljust(68, b"\0") + _xyz(0.96420, 1.0, 0.82491)[8:]
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body
