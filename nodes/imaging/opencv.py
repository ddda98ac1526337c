"""Decides how OpenCV meets our tensors: one picture at a time, each result written straight into the batch.

OpenCV works on [height, width, channels] in float32, which is the layout of a picture in a batch, so nothing is copied or converted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Function = Callable[[Array, Array], Any]
"""``(source, target)``: fills ``target``, of the size wanted, and leaves ``source`` alone."""


def each(
    batch: Tensor, function: Function, size: tuple[int, int] | None = None, channels: tuple[int, ...] | None = None
) -> Tensor:
    """``function`` of every item of ``batch`` [batch, height, width, *channels], as a new batch.

    Its items are ``size`` (height, width), and have ``channels`` where those change: (3,) is a colour, () a mask.
    """
    found = torch.empty(batch.shape[0], *(size or batch.shape[1:3]), *(batch.shape[3:] if channels is None else channels))
    for source, target in zip(batch, found, strict=True):
        array = target.numpy()
        given = function(source.contiguous().numpy(), array)
        if given is not None and given is not array:  # OpenCV allocates anew where it cannot use what it is given
            np.copyto(array, given.reshape(array.shape))
    return found
