"""Decides how a picture's colours are changed: inverted, brought to other levels, adjusted, matched to another picture."""

from __future__ import annotations

from typing import Annotated, Literal

from graph_engine import NodeInputError, Range, node
from nodes.imaging.choices import Match
from nodes.types import Image

SHARE = Range(0, 1, step=0.01)
GAMMA = Range(0.05, 20, step=0.05)


@node("loom.invert_image", version=1, category="image")
def invert_image(image: Image) -> Image:
    """Make a negative: white becomes black, red becomes cyan.

    Args:
        image: One or more pictures.

    Returns:
        image: The negatives.

    Example:
        invert_image(picture)
    """
    return Image(pixels=1 - image.pixels)


@node("loom.adjust_levels", version=1, category="image")
def adjust_levels(
    image: Image,
    *,
    black: Annotated[float, SHARE] = 0.0,
    white: Annotated[float, SHARE] = 1.0,
    gamma: Annotated[float, GAMMA] = 1.0,
    new_black: Annotated[float, SHARE] = 0.0,
    new_white: Annotated[float, SHARE] = 1.0,
    channel: Literal["all", "red", "green", "blue"] = "all",
) -> Image:
    """Set which values of a picture become black and white, and how bright the middle is.

    Args:
        image: One or more pictures.
        black: Values up to this become the new black.
        white: Values from this on become the new white.
        gamma: Brightens the middle tones above 1, darkens them below.
        new_black: What black becomes.
        new_white: What white becomes. Below new_black the picture turns into its negative.
        channel: Which colours are changed.

    Returns:
        image: The changed pictures.

    Example:
        adjust_levels(picture, black=0.05, white=0.9, gamma=1.2)
    """
    from nodes.imaging.colour import power

    if black >= white:
        raise NodeInputError("black", f"Black is at {black:g} and white at {white:g}.", "Set black below white.")
    chosen = ... if channel == "all" else (..., ("red", "green", "blue").index(channel))
    part = image.pixels[chosen]
    if (black, white) != (0, 1):
        part = (part - black).div_(white - black).clamp_(0, 1)
    if gamma != 1:
        part = power(part, 1 / gamma)
    if (new_black, new_white) != (0, 1):
        part = (part * (new_white - new_black)).add_(new_black)
    if channel == "all":
        return Image(pixels=part)
    pixels = image.pixels.clone()
    pixels[chosen] = part
    return Image(pixels=pixels)


@node("loom.adjust_colour", version=1, category="image")
def adjust_colour(
    image: Image,
    *,
    brightness: Annotated[float, Range(-1, 1, step=0.05)] = 0.0,
    contrast: Annotated[float, Range(0, 4, step=0.05, unit="times")] = 1.0,
    saturation: Annotated[float, Range(0, 4, step=0.05, unit="times")] = 1.0,
    hue: Annotated[float, Range(-180, 180, step=1, unit="°")] = 0.0,
    gamma: Annotated[float, GAMMA] = 1.0,
    temperature: Annotated[float, Range(-1, 1, step=0.05)] = 0.0,
) -> Image:
    """Change brightness, contrast, saturation, hue, gamma and temperature of pictures.

    They take effect in the order temperature, hue, saturation, contrast, brightness, gamma.

    Args:
        image: One or more pictures.
        brightness: What is added to every value: 1 makes all white, -1 all black.
        contrast: How far values lie from middle grey: 0 makes all grey, 2 doubles the distance.
        saturation: How far colours lie from grey of the same brightness: 0 makes the picture black and white.
        hue: How far colours turn around the colour circle: 120 makes red green.
        gamma: Brightens the middle tones above 1, darkens them below.
        temperature: Warmer (more red, less blue) above 0, colder below.

    Returns:
        image: The changed pictures.

    Example:
        adjust_colour(picture, saturation=1.2, contrast=1.1, temperature=0.1)
    """
    from nodes.imaging.colour import affine, power, turned_hue, warmed

    pixels = warmed(image.pixels, temperature) if temperature else image.pixels
    pixels = turned_hue(pixels, hue) if hue else pixels
    if saturation != 1 or contrast != 1 or brightness:
        pixels = affine(pixels, saturation, contrast, brightness)
    if gamma != 1:
        pixels = power(pixels, 1 / gamma)
    return Image(pixels=pixels)


@node("loom.match_colour", version=1, category="image")
def match_colour(
    image: Image,
    reference: Image,
    *,
    method: Match = "mean_and_spread",
    strength: Annotated[float, Range(0, 1, step=0.05)] = 1.0,
) -> Image:
    """Give pictures the colours of another picture.

    Args:
        image: One or more pictures to change.
        reference: The picture with the colours wanted: one for all, or one for each. It may have any size.
        method: mean_and_spread shifts and stretches the colours as a whole (Reinhard et al. 2001, in CIE Lab); histogram gives
            red, green and blue exactly the distribution of the reference.
        strength: How far to go: 0 leaves the picture as it is.

    Returns:
        image: The changed pictures.

    Example:
        match_colour(painted, photo, strength=0.8)
    """
    import torch

    from nodes.imaging.fit import check_count
    from nodes.imaging.match import matched

    check_count("reference", "pictures", len(reference.pixels), len(image.pixels))
    pixels = matched(image.pixels, reference.pixels, method)
    return Image(pixels=pixels if strength == 1 else torch.lerp(image.pixels, pixels, strength))
