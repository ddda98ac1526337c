"""Decides how a picture or mask gets another size: which pixels of the old one count for one of the new, and how much.

bilinear, bicubic and lanczos widen their filter when they shrink, so that fine patterns become grey and not other patterns.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from nodes.imaging.choices import Method
from nodes.imaging.opencv import Array, each


def resize(batch: Tensor, height: int, width: int, method: Method) -> Tensor:
    """[batch, h, w] or [batch, h, w, channels] in the new size, in [0, 1]; the same tensor where the size is right already."""
    if batch.shape[1:3] == (height, width):
        return batch
    if method in ("nearest", "area"):
        return each(batch, _nearest if method == "nearest" else _area, (height, width))
    if method == "lanczos":
        return each(batch, _lanczos, (height, width)).clamp_(0, 1)
    flat = batch[..., None] if batch.ndim == 3 else batch
    planes = torch.nn.functional.interpolate(flat.permute(0, 3, 1, 2), (height, width), mode=method, antialias=True)
    planes = planes.permute(0, 2, 3, 1).reshape(batch.shape[0], height, width, *batch.shape[3:])
    return planes.clamp_(0, 1) if method == "bicubic" else planes


def _nearest(source: Array, target: Array) -> Any:
    import cv2

    return cv2.resize(source, target.shape[1::-1], dst=target, interpolation=cv2.INTER_NEAREST_EXACT)


def _area(source: Array, target: Array) -> Any:
    """Shrinks the sides that get shorter to means; what gets longer only repeats."""
    import cv2

    height, width = (min(old, new) for old, new in zip(source.shape, target.shape[:2], strict=False))
    shrunk = cv2.resize(source, (width, height), interpolation=cv2.INTER_AREA)
    return cv2.resize(shrunk, target.shape[1::-1], dst=target, interpolation=cv2.INTER_NEAREST_EXACT)


def _lanczos(source: Array, target: Array) -> None:
    """Pillow's, which works on one plane of floats at a time."""
    import cv2
    from PIL import Image as Pillow

    planes = [Pillow.fromarray(plane) for plane in cv2.split(source)]
    resized = [np.asarray(plane.resize(target.shape[1::-1], Pillow.Resampling.LANCZOS)) for plane in planes]
    cv2.merge(resized, dst=target if len(planes) > 1 else target[:, :, None])
