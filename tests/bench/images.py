"""Prints what picture nodes cost beside the plain torch, OpenCV or Pillow call that they stand on, for a batch of 4 megapixels.

    python tests/bench/images.py [--pictures N] [--side PX] [--seconds S] [--fresh] [WORD …]

WORDs choose the rows whose name holds one of them. How both are timed is said in ``side_by_side.py``. Before, their results are
compared: a row whose results differ by more than 1e-5 compares two different things, and says so. Nothing is asserted on the times;
what lies above 1.1 is marked, as "not known" where that is within two standard errors. Columns: least milliseconds of both; the median
of the rounds' ratios with its standard error; the ratio of the least times; that of the processor's time.
"""

from __future__ import annotations

import argparse
import io
import math
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image as Pillow
from torch import Tensor

from graph_engine import Context, File, Folders
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

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.bench.side_by_side import Call, fresh_memory, keep_memory, timed

LIMIT = 1.1
SAME = 1e-5
LUMA = torch.tensor([0.2126, 0.7152, 0.0722])


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
    new_mean, new_spread = cv2.meanStdDev(cv2.cvtColor(reference[0].numpy(), cv2.COLOR_RGB2Lab))

    def one(picture: np.ndarray) -> np.ndarray:
        own = cv2.cvtColor(picture, cv2.COLOR_RGB2Lab)
        mean, spread = cv2.meanStdDev(own)
        gain = new_spread / spread
        moved = cv2.transform(own, np.hstack([np.diag(gain[:, 0]), new_mean - gain * mean]))
        return cv2.cvtColor(moved, cv2.COLOR_Lab2RGB).clip(0, 1)

    return each(batch, one)


def grained(batch: Tensor) -> Tensor:
    _, height, width, _ = batch.shape
    grain = [torch.randn(height, width, 1, generator=torch.Generator().manual_seed(seed)) for seed in range(len(batch))]
    return (batch + 0.05 * torch.stack(grain)).clamp(0, 1)


def similar(first: Tensor, second: Tensor) -> tuple[Tensor, float, float, float]:
    """The difference, PSNR, SSIM with its five windowed means, and the largest difference."""
    difference = (first - second).abs()
    error, largest = difference.square().mean(dtype=torch.float64).item(), difference.max().item()
    likeness = []
    for one, other in zip(first, second, strict=True):
        x, y = one.numpy().astype(np.float64), other.numpy().astype(np.float64)
        a, b, c, d, e = (cv2.GaussianBlur(values, (11, 11), 1.5) for values in (x, y, x * x, y * y, x * y))
        shares = (2 * a * b + 1e-4) / (a * a + b * b + 1e-4) * (2 * (e - a * b) + 9e-4) / (c + d - a * a - b * b + 9e-4)
        likeness.append(shares.mean())
    return difference, -10 * math.log10(error), sum(likeness) / len(likeness), largest


def rows(count: int, side: int, folder: Path) -> dict[str, tuple[Call, Call]]:
    """The node and what it stands on, by name."""
    pixels, other = (torch.rand(count, side, side, 3, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2))
    image, second, mask = Image(pixels=pixels), Image(pixels=other), Mask(values=other[..., 0].contiguous())
    half, context = side // 2, Context(folders=Folders(inputs=(folder,)))
    (folder / "picture.png").write_bytes(saved(pixels[:1], "PNG")[0])
    (folder / "picture.jpg").write_bytes(saved(pixels[:1], "JPEG")[0])
    warm = torch.tensor([1.09, 1, 0.91])
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
            pixels @ LUMA[:, None], pixels, 1.3).clamp(0, 1)),
        "hue": (lambda: adjust_colour(image, hue=30), lambda: each(pixels, turned)),
        "temperature": (lambda: adjust_colour(image, temperature=0.3), lambda: (pixels * (warm / (warm @ LUMA))).clamp(0, 1)),
        "match": (lambda: match_colour(image, Image(pixels=other[:1])), lambda: matched(pixels, other[:1])),
        "blur 4": (lambda: blur_image(image), lambda: each(pixels, lambda one: cv2.GaussianBlur(one, (33, 33), 4))),
        "sharpen": (lambda: sharpen_image(image), lambda: sharpened(pixels)),
        "grain": (lambda: add_grain(image), lambda: grained(pixels)),
        "compare": (lambda: compare_images(image, second), lambda: similar(pixels, other)),
        "canny": (lambda: canny_edges(image, blur=0), lambda: each(pixels, drawn)),
        "soft edges": (lambda: soft_edges(image, blur=0), lambda: each(pixels, sloped)),
        "grid": (lambda: image_grid(image, columns=count), lambda: torch.cat(list(pixels), dim=1)[None]),
        "batch": (lambda: batch_images([image, second]), lambda: torch.cat([pixels, other])),
        "mask from image": (lambda: mask_from_image(image), lambda: pixels @ LUMA),
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
    edges = cv2.Canny((cv2.transform(picture, LUMA[None].numpy()) * 255).round().astype(np.uint8), 102, 204, L2gradient=True)
    return cv2.cvtColor(edges, cv2.COLOR_GRAY2RGB).astype(np.float32) / 255


def sloped(picture: np.ndarray) -> np.ndarray:
    grey = cv2.transform(picture, LUMA[None].numpy())
    edges = cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)) / 4
    return cv2.cvtColor(edges.clip(0, 1), cv2.COLOR_GRAY2RGB)


def tensors(result: Any) -> list[Tensor]:
    """Every number of what a node or a plain call gives."""
    match result:
        case Image():
            return [result.pixels]
        case Mask():
            return [result.values]
        case File():
            return tensors(result.data)
        case bytes():
            return [torch.frombuffer(bytearray(result), dtype=torch.uint8).float()]
        case tuple() | list():
            return [tensor for part in result for tensor in tensors(part)]
        case _:
            return [torch.as_tensor(result)]


def largest_difference(ours: Any, plain: Any) -> float:
    """Between what a plain call gives and what the node gives, which may be followed by more. Infinite where shapes differ."""
    found, wanted = tensors(ours), tensors(plain)
    pairs = list(zip(found[: len(wanted)], wanted, strict=True))
    if any(one.shape != other.shape for one, other in pairs):
        return math.inf
    return max(float((one - other).abs().max()) for one, other in pairs)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("words", nargs="*", metavar="WORD")
    parser.add_argument("--pictures", type=int, default=4)
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--seconds", type=float, default=10.0, help="at most, for each row")
    parser.add_argument("--fresh", action="store_true", help="map every large block anew instead of using freed memory again")
    given = parser.parse_args(arguments)
    (fresh_memory if given.fresh else keep_memory)()
    threads = f"torch threads {torch.get_num_threads()}, OpenCV threads {cv2.getNumThreads()}"
    print(f"{given.pictures} pictures of {given.side} x {given.side} px, {threads}\n")
    print(f"{'node':18}{'ms':>8}{'plain':>8}{'rounds':>8}{'ratio':>8}{'±':>6}{'least':>8}{'work':>8}{'differs':>9}")
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        for name, (ours, plain) in rows(given.pictures, given.side, Path(folder)).items():
            if given.words and not any(word in name for word in given.words):
                continue
            differs = largest_difference(ours(), plain())
            found = timed(ours, plain, given.seconds)
            ours_s, plain_s = found.least_s
            beyond = found.ratio - 2 * found.uncertainty > LIMIT
            marks = ["above" if beyond else "not known"] * (found.ratio > LIMIT) + ["not the same"] * (differs > SAME)
            print(
                f"{name:18}{ours_s * 1e3:8.1f}{plain_s * 1e3:8.1f}{len(found.rounds):8}{found.ratio:8.2f}{found.uncertainty:6.2f}"
                f"{found.ratio_of_least:8.2f}{found.ratio_of_processor_time:8.2f}{differs:9.0e}"
                f"{'  <-- ' if marks else ''}{', '.join(marks)}",
                flush=True,
            )


if __name__ == "__main__":
    main(sys.argv[1:])
