"""Decides how a mask comes from a picture: from a channel of a file or of a picture, from a colour, above a threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from graph_engine import Colour, Context, Range, node
from nodes.image import PictureName, fingerprint, read
from nodes.types import Image, Mask

if TYPE_CHECKING:
    from torch import Tensor

Channel = Literal["brightness", "red", "green", "blue"]
SHARE = Range(0, 1, step=0.05)


@node("loom.load_mask", version=1, category="mask", lane="disk", fingerprint=fingerprint)
def load_mask(
    *,
    name: PictureName,
    channel: Literal["transparency", "brightness", "red", "green", "blue"] = "brightness",
    invert: bool = False,
    context: Context,
) -> Mask:
    """Read a mask from a picture file in the input folder, such as one painted over a picture.

    Its numbers count as they are: a colour profile in the file is not applied.

    Args:
        name: The file. Of an animation the first frame is read.
        channel: What selects: brightness selects what is white, transparency what was erased, a colour where it is strong.
        invert: Select the opposite.

    Returns:
        mask: 1 where the file says so.

    Example:
        load_mask(name="photo_mask.png", channel="brightness")
    """
    import torch

    found = read(name, 1, context, convert=False)
    if channel != "transparency":
        values = _channel(found.colours, channel)
    else:
        values = torch.zeros(found.colours.shape[:3]) if found.alpha is None else 1 - found.alpha
    return Mask(values=1 - values if invert else values)


@node("loom.mask_from_image", version=1, category="mask", conversion=True)
def mask_from_image(image: Image, *, channel: Channel = "brightness") -> Mask:
    """Take a picture's brightness or one of its colours as a mask.

    Args:
        image: One or more pictures.
        channel: Which values become the mask.

    Returns:
        mask: One mask for each picture.

    Example:
        mask_from_image(picture, channel="red")
    """
    return Mask(values=_channel(image.pixels, channel))


@node("loom.mask_from_colour", version=1, category="mask")
def mask_from_colour(
    image: Image,
    *,
    colour: Annotated[str, Colour()] = "white",
    tolerance: Annotated[float, Range(0, 150, step=1, unit="ΔE")] = 10.0,
    softness: Annotated[float, Range(0, 150, step=1, unit="ΔE")] = 5.0,
) -> Mask:
    """Select what has a certain colour.

    Args:
        image: One or more pictures.
        colour: The colour to select: a name such as red, or #rrggbb.
        tolerance: How different a colour may be (CIE 1976 colour difference): 2 is just visible, black and white are 100
            apart.
        softness: Over how much more of a difference the selection fades out.

    Returns:
        mask: 1 where the picture has the colour.

    Example:
        mask_from_colour(picture, colour="#00ff00", tolerance=25)
    """
    import cv2
    import torch

    from nodes.imaging.colour import parsed
    from nodes.imaging.opencv import Array, each

    wanted = cv2.cvtColor(parsed(colour).reshape(1, 1, 3).numpy(), cv2.COLOR_RGB2Lab)[0, 0]

    def to_lab(source: Array, target: Array) -> Any:
        return cv2.cvtColor(source, cv2.COLOR_RGB2Lab, dst=target)

    found = torch.linalg.vector_norm(each(image.pixels, to_lab) - torch.from_numpy(wanted), dim=-1)
    return Mask(values=_fading(found, tolerance + softness, tolerance) if softness else (found <= tolerance).to(torch.float32))


@node("loom.threshold_mask", version=1, category="mask")
def threshold_mask(mask: Mask, *, threshold: Annotated[float, SHARE] = 0.5, softness: Annotated[float, SHARE] = 0.0) -> Mask:
    """Make a mask hard: what reaches the threshold is selected in full, all else not at all.

    Args:
        mask: One or more masks.
        threshold: From which value on a pixel is selected.
        softness: Over how wide a range of values around the threshold the selection rises instead of jumping.

    Returns:
        mask: The hard masks.

    Example:
        threshold_mask(mask, threshold=0.3)
    """
    import torch

    if softness:
        return Mask(values=_fading(mask.values, threshold - softness / 2, threshold + softness / 2))
    return Mask(values=(mask.values >= threshold).to(torch.float32))


@node("loom.mask_to_image", version=1, category="mask", conversion=True)
def mask_to_image(mask: Mask) -> Image:
    """Show a mask as a picture in black and white.

    Args:
        mask: One or more masks.

    Returns:
        image: White where the mask selects.

    Example:
        mask_to_image(mask)
    """
    from nodes.imaging.colour import grey

    return Image(pixels=grey(mask.values))


def _channel(pixels: Tensor, channel: Channel) -> Tensor:
    from nodes.imaging.colour import brightness

    if channel == "brightness":
        return brightness(pixels).clamp_(0, 1)
    return pixels[..., ("red", "green", "blue").index(channel)].contiguous()


def _fading(values: Tensor, nothing: float, everything: float) -> Tensor:
    """0 at ``nothing``, 1 at ``everything``, linear between."""
    return ((values - nothing) / (everything - nothing)).clamp_(0, 1)
