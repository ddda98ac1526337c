"""Pictures and masks for the tests: noise from a seed, one shade, and a gradient."""

from __future__ import annotations

import torch

from nodes.types import Image, Mask


def noise(count: int = 1, height: int = 12, width: int = 17, seed: int = 1) -> Image:
    return Image(pixels=torch.rand(count, height, width, 3, generator=torch.Generator().manual_seed(seed)))


def plain(*colour: float, count: int = 1, height: int = 6, width: int = 9) -> Image:
    return Image(pixels=torch.tensor(colour).expand(count, height, width, 3).clone())


def gradient(height: int = 16, width: int = 24) -> Image:
    """Red grows downwards, green to the right, blue shrinks along both."""
    rows, columns = torch.meshgrid(torch.linspace(0, 1, height), torch.linspace(0, 1, width), indexing="ij")
    return Image(pixels=torch.stack([rows, columns, 1 - rows * columns], dim=-1)[None])


def mask_of(*rows: list[float]) -> Mask:
    return Mask(values=torch.tensor([rows], dtype=torch.float32))


def some_mask(count: int = 1, height: int = 12, width: int = 17, seed: int = 5) -> Mask:
    return Mask(values=torch.rand(count, height, width, generator=torch.Generator().manual_seed(seed)))
