"""Decides which pictures of outlines can be worked out from a picture, for a network that is guided by them, or for their own sake."""

from __future__ import annotations

from typing import Annotated, Any

from graph_engine import NodeInputError, Range, node
from nodes.types import Image

SIGMA = Range(0, 50, step=0.5, unit="px")
SHARE = Range(0, 1, step=0.02)


@node("loom.canny_edges", version=1, category="image")
def canny_edges(
    image: Image,
    *,
    low: Annotated[float, SHARE] = 0.1,
    high: Annotated[float, SHARE] = 0.2,
    blur: Annotated[float, SIGMA] = 1.0,
) -> Image:
    """Find the edges of what a picture shows, as white lines of one pixel (Canny).

    Args:
        image: One or more pictures.
        low: How steep an edge must be where it goes on from a clear one; 1 is as steep as black beside white.
        high: How steep an edge must be to begin.
        blur: Smooths the picture first, so that grain makes no edges: the standard deviation of the blur.

    Returns:
        image: White lines on black.

    Example:
        canny_edges(picture, low=0.05, high=0.15)
    """
    import cv2

    from nodes.imaging.colour import brightness, grey
    from nodes.imaging.opencv import Array, each
    from nodes.imaging.smooth import gaussian

    if low > high:
        raise NodeInputError("low", f"Low is {low:g} and high {high:g}.", "Set low to at most high.")
    shades = gaussian(brightness(image.pixels), blur)
    steepest = 255.0 * 4  # the slope that Sobel finds at a step from 0 to 255

    def find(source: Array, _target: Array) -> Any:
        eight_bit = (source * 255).round().astype("uint8")
        return cv2.Canny(eight_bit, low * steepest, high * steepest, L2gradient=True) / 255

    return Image(pixels=grey(each(shades, find)))


@node("loom.soft_edges", version=1, category="image")
def soft_edges(
    image: Image,
    *,
    strength: Annotated[float, Range(0, 20, step=0.25, unit="times")] = 1.0,
    blur: Annotated[float, SIGMA] = 0.5,
) -> Image:
    """Show how steeply brightness changes at each point (Sobel): strong edges bright, weak ones dark.

    Args:
        image: One or more pictures.
        strength: How bright edges become; at 1, black beside white becomes white.
        blur: Smooths the picture first: the standard deviation of the blur.

    Returns:
        image: Bright edges on black.

    Example:
        soft_edges(picture, strength=2.0)
    """
    import cv2
    import numpy as np

    from nodes.imaging.colour import brightness
    from nodes.imaging.opencv import Array, each
    from nodes.imaging.smooth import gaussian

    shades = gaussian(brightness(image.pixels), blur)

    def slope(source: Array, target: Array) -> Any:
        across: Array = cv2.Sobel(source, cv2.CV_32F, 1, 0, borderType=cv2.BORDER_REFLECT_101)
        down: Array = cv2.Sobel(source, cv2.CV_32F, 0, 1, borderType=cv2.BORDER_REFLECT_101)
        across *= across
        down *= down
        across += down
        np.sqrt(across, out=across)  # not by OpenCV, whose last digits depend on where the picture lies
        across *= np.float32(strength / 4)
        return cv2.cvtColor(np.minimum(across, 1, out=across), cv2.COLOR_GRAY2RGB, dst=target)

    return Image(pixels=each(shades, slope, channels=(3,)))


@node("loom.line_art", version=1, category="image")
def line_art(
    image: Image,
    *,
    width: Annotated[float, Range(0.3, 20, step=0.1, unit="px")] = 1.0,
    threshold: Annotated[float, Range(0, 0.5, step=0.005)] = 0.02,
    softness: Annotated[float, Range(0, 0.5, step=0.005)] = 0.02,
    white_on_black: bool = True,
) -> Image:
    """Draw a picture with a pen: lines where it is darker than around (difference of two Gaussians).

    Args:
        image: One or more pictures.
        width: How broad the lines are, as the standard deviation of the narrower Gaussian.
        threshold: How much darker than its surroundings a point must be to be drawn; more leaves fewer lines.
        softness: Over how much more of a difference a line gains its full strength; 0 draws without shades.
        white_on_black: As networks that are guided by lines expect them. Otherwise black on white.

    Returns:
        image: The drawing.

    Example:
        line_art(picture, width=1.5, white_on_black=False)
    """
    import torch

    from nodes.imaging.colour import brightness, grey
    from nodes.imaging.smooth import gaussian

    shades = brightness(image.pixels)
    darker = gaussian(shades, width * 1.6) - gaussian(shades, width)
    lines = ((darker - threshold) / softness).clamp_(0, 1) if softness else (darker > threshold).to(torch.float32)
    return Image(pixels=grey(lines if white_on_black else 1 - lines))
