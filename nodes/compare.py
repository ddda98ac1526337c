"""Decides how two pictures are compared: what differs, and how much in numbers that others report too."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from graph_engine import Range, node
from nodes.types import Image


class Comparison(NamedTuple):
    difference: Image
    psnr: float
    ssim: float
    largest: float


@node("loom.compare_images", version=1, category="image")
def compare_images(
    first: Image, second: Image, *, amplify: Annotated[float, Range(1, 255, step=1, unit="times")] = 1.0
) -> Comparison:
    """Tell how much two pictures of the same size differ.

    Of several pictures, the numbers are those of all together.

    Args:
        first: One or more pictures.
        second: The pictures to compare them with: one for all, or one for each.
        amplify: How many times stronger the picture of the difference shows it.

    Returns:
        difference: How far each value differs; black where both are the same.
        psnr: Peak signal-to-noise ratio in dB: above 40 hardly anyone sees a difference. 200 if there is none.
        ssim: Structural similarity (Wang et al. 2004), of the colours' mean: 1 is the same, 0 has nothing in common.
        largest: The largest difference of a value, from 0 to 1.

    Example:
        compare_images(before, after, amplify=8)
    """
    from nodes.imaging.fit import check_count, check_size
    from nodes.imaging.similarity import psnr, ssim

    check_size("second", second.pixels, first.pixels)
    check_count("second", "pictures", len(second.pixels), len(first.pixels))
    difference = (first.pixels - second.pixels).abs_()
    largest, ratio = float(difference.max()), psnr(difference)
    return Comparison(
        difference=Image(pixels=difference.mul_(amplify).clamp_(max=1) if amplify != 1 else difference),
        psnr=ratio,
        ssim=ssim(first.pixels, second.pixels),
        largest=largest,
    )
