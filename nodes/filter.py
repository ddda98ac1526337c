"""Decides how a picture is made softer, sharper or grainier."""

from __future__ import annotations

from typing import Annotated

from graph_engine import Range, Seed, node
from nodes.types import Image, Mask, Noise

RADIUS = Range(0, 200, step=0.5, unit="px")


@node("loom.blur_image", version=1, category="image")
def blur_image(image: Image, mask: Mask | None = None, *, radius: Annotated[float, RADIUS] = 4.0) -> Image:
    """Make pictures softer with a Gaussian blur.

    Args:
        image: One or more pictures.
        mask: Where to blur. A mask of another size is scaled to the picture. Left out: everywhere.
        radius: The standard deviation of the blur: about how far each point is spread.

    Returns:
        image: The blurred pictures.

    Example:
        blur_image(picture, radius=8)
    """
    import torch

    from nodes.imaging.fit import mask_for
    from nodes.imaging.smooth import gaussian

    blurred = gaussian(image.pixels, radius)
    if mask is None:
        return Image(pixels=blurred)
    return Image(pixels=torch.lerp(image.pixels, blurred, mask_for(mask.values, image.pixels)[..., None]))


@node("loom.sharpen_image", version=1, category="image")
def sharpen_image(
    image: Image,
    *,
    radius: Annotated[float, RADIUS] = 1.5,
    amount: Annotated[float, Range(0, 10, step=0.1, unit="times")] = 0.8,
    threshold: Annotated[float, Range(0, 1, step=0.01)] = 0.0,
) -> Image:
    """Make pictures sharper by an unsharp mask: what a blur would take away is added.

    Args:
        image: One or more pictures.
        radius: How large the details are that become stronger, as the standard deviation of the blur.
        amount: How much stronger they become.
        threshold: Leaves differences up to this as they are, so that noise in plain parts does not grow.

    Returns:
        image: The sharper pictures.

    Example:
        sharpen_image(picture, radius=1.0, amount=1.2)
    """
    import torch

    from nodes.imaging.smooth import gaussian, sharpened

    if threshold == 0:
        return Image(pixels=sharpened(image.pixels, radius, amount).clamp_(0, 1))
    detail = torch.nn.functional.softshrink(image.pixels - gaussian(image.pixels, radius), threshold)
    return Image(pixels=detail.mul_(amount).add_(image.pixels).clamp_(0, 1))


@node("loom.add_grain", version=1, category="image")
def add_grain(
    image: Image,
    *,
    seed: Annotated[int, Seed()] = 0,
    strength: Annotated[float, Range(0, 1, step=0.01)] = 0.05,
    size: Annotated[float, Range(0, 16, step=0.25, unit="px")] = 0.0,
    coloured: bool = False,
) -> Image:
    """Add grain like that of film.

    Args:
        image: One or more pictures.
        seed: Which grain: the same seed gives the same one. Along a batch it counts up.
        strength: The standard deviation of the grain.
        size: How coarse it is, as the standard deviation of a blur; 0 changes every pixel by itself.
        coloured: Grain of its own for red, green and blue.

    Returns:
        image: The pictures with grain.

    Example:
        add_grain(picture, seed=7, strength=0.04, size=0.75)
    """
    from nodes.imaging.smooth import gaussian
    from nodes.sampling.noise import seeded_noise

    count, height, width, channels = image.pixels.shape
    grain = seeded_noise(Noise(seeds=(seed,)).for_batch(count), (height, width, channels if coloured else 1))
    if size:
        grain = gaussian(grain, size)
        grain /= grain.std(dim=(1, 2, 3), keepdim=True, correction=0).clamp_(min=1e-6)
    return Image(pixels=grain.mul_(strength).add(image.pixels).clamp_(0, 1))
