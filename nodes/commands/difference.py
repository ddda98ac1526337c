"""Decides how far two pictures are apart, and what counts as the same one: by their values, never by the bytes of their files."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from graph_engine import FormatError

if TYPE_CHECKING:
    from PIL import Image as Pillow

Verdict = Literal["identical", "within tolerance", "differs"]

DEFAULT_TOLERANCE = 2
"""The largest difference of a value, in steps of 1/255, that another machine may make of the same computation: twice what was measured.

``python -m tests.bench.verify_tolerance``, 12 pictures of loom-tiny (3 samplers, 20 steps, torch 2.13 on a CPU with AVX-512): run again
with 2 threads all are identical; with 1 thread, as on a CPU with AVX2 or SSE4.1 only, and without oneDNN, the largest difference is 1 and
at most 0.004% of the values differ. Other dtypes are no matter of tolerance: bfloat16 differs from float32 by up to 172, float16 by 42.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Of two pictures of one size: ``largest`` and ``mean`` of the differences in units of 1/``scale``, ``share`` of values that differ.

    ``unlike``: why they cannot be compared at all, such as another size; empty if they can.
    """

    largest: int = 0
    mean: float = 0.0
    share: float = 0.0
    scale: int = 255
    unlike: str = ""

    def verdict(self, tolerance: float) -> Verdict:
        if self.unlike or self.largest > tolerance:
            return "differs"
        return "within tolerance" if self.largest else "identical"

    def __str__(self) -> str:
        if self.unlike:
            return self.unlike
        share = f"{self.share:.2%}" if self.share >= 0.0001 else "under 0.01%"
        return f"largest difference {self.largest}/{self.scale}, mean {self.mean:.2g}/{self.scale}, {share} of the values differ"


def difference(then: Path, now: Path) -> Difference:
    """How ``now`` differs from ``then``. Raises FormatError when one is no picture that can be read."""
    import numpy as np

    one, other = _opened(then), _opened(now)
    if one.size != other.size:
        return Difference(unlike=f"it is {_sides(one)}, and a run gives {_sides(other)}")
    if one.mode != other.mode:
        return Difference(unlike=f"its values are {one.mode}, and a run gives {other.mode}")
    before, after = np.asarray(one), np.asarray(other)
    apart = np.abs(before.astype(np.int32) - after.astype(np.int32))
    return Difference(
        largest=int(apart.max()),
        mean=float(apart.mean()),
        share=float(np.count_nonzero(apart) / apart.size),
        scale=255 if before.dtype.itemsize == 1 else 65535,
    )


def _opened(path: Path) -> Pillow.Image:
    from PIL import Image as Pillow

    problem: Any
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Pillow.DecompressionBombWarning)
            with Pillow.open(path, formats=("PNG",)) as picture:
                picture.load()
                return picture
    except Pillow.DecompressionBombError:
        problem = "it is too large to be compared"
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        problem = error
    raise FormatError(f"{path.name} cannot be read as a picture: {problem}. Use the original file.")


def _sides(picture: Pillow.Image) -> str:
    return f"{picture.width} x {picture.height} pixels"
