"""Prints what picture nodes cost beside the plain torch, OpenCV or Pillow call that they stand on, for a batch of 4 megapixels.

    python tests/bench/images.py [PICTURES [SIDE]]        default: 4 1024

Both run in turn in this process; a ratio is that of the least times of several rounds, since the machine is shared. Nothing here is
asserted; what lies above 1.1 is marked.
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image as Pillow
from torch import Tensor

from graph_engine import Context, Folders
from nodes.colour import adjust_colour, adjust_levels, invert_image, match_colour
from nodes.compare import compare_images
from nodes.composite import blend_images, composite_images
from nodes.control import canny_edges, soft_edges
from nodes.crop import crop_image, flip_image, pad_image, rotate_image
from nodes.filter import add_grain, blur_image, sharpen_image
from nodes.image import load_image
from nodes.image_batch import batch_images, image_grid
from nodes.imaging.shape import disc
from nodes.mask import mask_from_image, threshold_mask
from nodes.mask_edit import combine_masks, feather_mask, grow_mask
from nodes.resize import scale_image
from nodes.save import save_image
from nodes.types import Image, Mask

ROUNDS = 11
LIMIT = 1.1

Call = Callable[[], Any]


def each(batch: Tensor, function: Callable[[np.ndarray], np.ndarray]) -> Tensor:
    """How one would call OpenCV without the pack."""
    return torch.stack([torch.from_numpy(function(one.numpy())) for one in batch])


def interpolated(batch: Tensor, side: int, mode: str) -> Tensor:
    found = torch.nn.functional.interpolate(batch.permute(0, 3, 1, 2), (side, side), mode=mode, antialias=True).permute(
        0, 2, 3, 1
    )
    return found.clamp_(0, 1) if mode == "bicubic" else found


def lanczos(batch: Tensor, side: int) -> Tensor:
    def one(picture: np.ndarray) -> np.ndarray:
        planes = [Pillow.fromarray(np.ascontiguousarray(picture[:, :, channel])) for channel in range(3)]
        return np.stack([np.asarray(plane.resize((side, side), Pillow.Resampling.LANCZOS)) for plane in planes], axis=2)

    return each(batch, one).clamp_(0, 1)


def saved(batch: Tensor, format: str, **options: Any) -> list[bytes]:
    found = []
    for one in batch:
        written = io.BytesIO()
        Pillow.fromarray((one * 255).round().byte().numpy()).save(written, format, **options)
        found.append(written.getvalue())
    return found


def loaded(path: Path) -> Tensor:
    return torch.from_numpy(np.asarray(Pillow.open(path).convert("RGB"), dtype=np.float32) / 255)[None]


def grown(mask: Tensor) -> Tensor:
    return each(mask, lambda one: cv2.dilate(cv2.dilate(one, disc(8)), disc(4)))


def sharpened(batch: Tensor) -> Tensor:
    return each(batch, lambda one: cv2.addWeighted(one, 1.8, cv2.GaussianBlur(one, (13, 13), 1.5), -0.8, 0).clip(0, 1))


def matched(batch: Tensor, reference: Tensor) -> Tensor:
    def one(picture: np.ndarray) -> np.ndarray:
        own, wanted = (cv2.cvtColor(each, cv2.COLOR_RGB2Lab) for each in (picture, reference[0].numpy()))
        (mean, spread), (new_mean, new_spread) = (cv2.meanStdDev(each) for each in (own, wanted))
        gain = new_spread / spread
        moved = cv2.transform(own, np.hstack([np.diag(gain[:, 0]), new_mean - gain * mean]))
        return cv2.cvtColor(moved, cv2.COLOR_Lab2RGB).clip(0, 1)

    return each(batch, one)


def similar(first: Tensor, second: Tensor) -> Tensor:
    """The five windowed means that SSIM is made of, and the difference."""
    difference = (first - second).abs()
    difference.square().mean()
    for one, other in zip(first, second, strict=True):
        x, y = one.numpy().astype(np.float64), other.numpy().astype(np.float64)
        a, b, c, d, e = (cv2.GaussianBlur(values, (11, 11), 1.5) for values in (x, y, x * x, y * y, x * y))
        ((2 * a * b + 1e-4) / (a * a + b * b + 1e-4) * (2 * (e - a * b) + 9e-4) / (c + d - a * a - b * b + 9e-4)).mean()
    return difference


def rows(count: int, side: int, folder: Path) -> dict[str, tuple[Call, Call]]:
    """The node and what it stands on, by name."""
    pixels, other = (torch.rand(count, side, side, 3, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2))
    image, second, mask = Image(pixels=pixels), Image(pixels=other), Mask(values=other[..., 0].contiguous())
    half, context = side // 2, Context(folders=Folders(inputs=(folder,)))
    (folder / "picture.png").write_bytes(saved(pixels[:1], "PNG")[0])
    (folder / "picture.jpg").write_bytes(saved(pixels[:1], "JPEG")[0])
    turn = np.hstack([cv2.getRotationMatrix2D((half - 0.5, half - 0.5), -30, 1)])
    found: dict[str, tuple[Call, Call]] = {
        "scale nearest": (lambda: scale_image(image, factor=0.5, method="nearest"),
                          lambda: each(pixels, lambda one: cv2.resize(one, (half, half), interpolation=cv2.INTER_NEAREST_EXACT))),
        "scale area": (lambda: scale_image(image, factor=0.4, method="area"),
                       lambda: each(pixels, lambda one: cv2.resize(one, (round(side * 0.4),) * 2, interpolation=cv2.INTER_AREA))),
        **{f"scale {mode}": (lambda mode=mode: scale_image(image, factor=0.5, method=mode),
                             lambda mode=mode: interpolated(pixels, half, mode)) for mode in ("bilinear", "bicubic")},
        "scale lanczos": (lambda: scale_image(image, factor=0.5), lambda: lanczos(pixels, half)),
        "scale up bicubic": (lambda: scale_image(image, factor=1.5, method="bicubic"),
                             lambda: interpolated(pixels, round(side * 1.5), "bicubic")),
        "crop": (lambda: crop_image(image, width=half, height=half),
                 lambda: pixels[:, half // 2 : -half // 2, half // 2 : -half // 2].clone()),
        "pad": (lambda: pad_image(image, left=64, top=64), lambda: torch.nn.functional.pad(pixels, (0, 0, 64, 0, 64, 0))),
        "flip": (lambda: flip_image(image), lambda: pixels.flip(2)),
        "rotate 90": (lambda: rotate_image(image, angle=90), lambda: pixels.rot90(-1, (1, 2)).contiguous()),
        "rotate 30": (lambda: rotate_image(image, angle=30, grow=False),
                      lambda: each(pixels, lambda one: cv2.warpAffine(one, turn, (side, side), flags=cv2.INTER_CUBIC).clip(0, 1))),
        "blend normal": (lambda: blend_images(image, second), lambda: torch.lerp(pixels, other, 0.5)),
        "blend soft light": (lambda: blend_images(image, second, mode="soft_light"), lambda: torch.lerp(pixels, torch.where(
            other <= 0.5, pixels - (1 - 2 * other) * pixels * (1 - pixels), pixels + (2 * other - 1) * (torch.where(
                pixels <= 0.25, ((16 * pixels - 12) * pixels + 4) * pixels, pixels.sqrt()) - pixels)), 0.5)),
        "composite": (lambda: composite_images(image, second, x=64, y=64), lambda: placed(pixels, other)),
        "composite, mask": (lambda: composite_images(image, second, mask), lambda: torch.lerp(pixels, other, mask.values[..., None])),
        "invert": (lambda: invert_image(image), lambda: 1 - pixels),
        "levels": (lambda: adjust_levels(image, black=0.1, white=0.8), lambda: ((pixels - 0.1) / 0.7).clamp(0, 1)),
        "levels gamma": (lambda: adjust_levels(image, gamma=1.5), lambda: pixels.pow(1 / 1.5)),
        "contrast": (lambda: adjust_colour(image, contrast=1.3, brightness=0.1), lambda: (pixels * 1.3 - 0.05).clamp(0, 1)),
        "saturation": (lambda: adjust_colour(image, saturation=1.3), lambda: torch.lerp(
            pixels @ torch.tensor([[0.2126], [0.7152], [0.0722]]), pixels, 1.3).clamp(0, 1)),
        "hue": (lambda: adjust_colour(image, hue=30), lambda: each(pixels, turned)),
        "temperature": (lambda: adjust_colour(image, temperature=0.3), lambda: (pixels * torch.tensor([1.1, 1, 0.9])).clamp(0, 1)),
        "match": (lambda: match_colour(image, Image(pixels=other[:1])), lambda: matched(pixels, other[:1])),
        "blur 4": (lambda: blur_image(image), lambda: each(pixels, lambda one: cv2.GaussianBlur(one, (33, 33), 4))),
        "sharpen": (lambda: sharpen_image(image), lambda: sharpened(pixels)),
        "grain": (lambda: add_grain(image), lambda: (pixels + 0.05 * torch.randn(count, side, side, 1)).clamp(0, 1)),
        "compare": (lambda: compare_images(image, second), lambda: similar(pixels, other)),
        "canny": (lambda: canny_edges(image, blur=0), lambda: each(pixels, drawn)),
        "soft edges": (lambda: soft_edges(image, blur=0), lambda: each(pixels, sloped)),
        "grid": (lambda: image_grid(image, columns=count), lambda: torch.cat(list(pixels), dim=1)),
        "batch": (lambda: batch_images([image, second]), lambda: torch.cat([pixels, other])),
        "mask from image": (lambda: mask_from_image(image), lambda: pixels @ torch.tensor([0.2126, 0.7152, 0.0722])),
        "threshold mask": (lambda: threshold_mask(mask), lambda: (mask.values >= 0.5).float()),
        "combine masks": (lambda: combine_masks(mask, mask, mode="unite"), lambda: torch.maximum(mask.values, mask.values)),
        "grow mask 12": (lambda: grow_mask(mask, pixels=12), lambda: grown(mask.values)),
        "feather mask": (lambda: feather_mask(mask), lambda: each(mask.values, lambda one: cv2.GaussianBlur(one, (33, 33), 4))),
        "save png": (lambda: save_image(Image(pixels=pixels[:1]), context=context), lambda: saved(pixels[:1], "PNG", compress_level=4)),
        "save jpeg": (lambda: save_image(image, format="jpeg", context=context), lambda: saved(pixels, "JPEG", quality=90, subsampling=0)),
        "load png": (lambda: load_image(name="picture.png", context=context), lambda: loaded(folder / "picture.png")),
        "load jpeg": (lambda: load_image(name="picture.jpg", context=context), lambda: loaded(folder / "picture.jpg")),
    }  # fmt: skip
    return found


def placed(below: Tensor, above: Tensor) -> Tensor:
    found = below.clone()
    found[:, 64:, 64:] = above[:, :-64, :-64]
    return found


def turned(picture: np.ndarray) -> np.ndarray:
    planes = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV)
    planes[:, :, 0] = (planes[:, :, 0] + 30) % 360
    return cv2.cvtColor(planes, cv2.COLOR_HSV2RGB)


def drawn(picture: np.ndarray) -> np.ndarray:
    edges = cv2.Canny((cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) * 255).round().astype(np.uint8), 102, 204, L2gradient=True)
    return cv2.cvtColor(edges, cv2.COLOR_GRAY2RGB).astype(np.float32) / 255


def sloped(picture: np.ndarray) -> np.ndarray:
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    edges = cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)) / 4
    return cv2.cvtColor(edges.clip(0, 1), cv2.COLOR_GRAY2RGB)


def seconds(call: Call) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def main(count: int, side: int) -> None:
    print(
        f"{count} pictures of {side} x {side} px, torch threads {torch.get_num_threads()}, OpenCV threads {cv2.getNumThreads()}\n"
    )
    print(f"{'node':20}{'ms':>9}{'plain ms':>10}{'ratio':>8}")
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        for name, (ours, plain) in rows(count, side, Path(folder)).items():
            ours(), plain()
            pairs = [
                (seconds(ours), seconds(plain)) if turn % 2 else (seconds(plain), seconds(ours))[::-1] for turn in range(ROUNDS)
            ]
            ours_s, plain_s = (min(column) for column in zip(*pairs, strict=True))
            ratio = ours_s / plain_s
            print(
                f"{name:20}{ours_s * 1e3:9.1f}{plain_s * 1e3:10.1f}{ratio:8.2f}{'  <-- above' if ratio > LIMIT else ''}",
                flush=True,
            )


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:] or (4, 1024)))
