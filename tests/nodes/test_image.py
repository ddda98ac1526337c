from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from torch import Tensor

from graph_engine import Context, Folders, NodeInputError
from graph_engine.declare import spec_of
from nodes.image import load_image

Load = Callable[..., Tensor]

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Save a Pillow picture (or bytes) under a name, then read it with the node."""

    def save_and_load(content: Any, name: str = "picture.png", **options: Any) -> Tensor:
        if isinstance(content, bytes):
            (tmp_path / name).write_bytes(content)
        else:
            content.save(tmp_path / name, **options)
        return load_image(name=name, context=Context(folders=Folders(inputs=(tmp_path,)))).pixels

    return save_and_load


@pytest.mark.parametrize("size", [(1, 1), (7, 3), (64, 48)])
def test_pixels_are_height_width_rgb_from_0_to_1(load: Load, size: tuple[int, int]) -> None:
    picture = Pillow.new("RGB", size, BLUE)
    picture.putpixel((0, 0), (255, 51, 0))
    pixels = load(picture)
    assert pixels.shape == (1, size[1], size[0], 3)
    assert pixels.dtype == torch.float32
    torch.testing.assert_close(pixels[0, 0, 0], torch.tensor([1.0, 0.2, 0.0]))
    if size[0] > 1:
        assert pixels[0, 0, 1].tolist() == [0, 0, 1]


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "GIF"])
def test_lossless_formats_are_read_exactly(load: Load, format: str) -> None:
    picture = Pillow.fromarray(np.arange(27, dtype=np.uint8).reshape(3, 3, 3) * 9)
    expected = torch.from_numpy(np.asarray(picture, dtype=np.float32) / 255)
    assert torch.equal(load(picture, f"picture.{format.lower()}", format=format)[0], expected)


@pytest.mark.parametrize("format", ["JPEG", "WEBP"])
def test_lossy_formats_are_read(load: Load, format: str) -> None:
    pixels = load(Pillow.new("RGB", (16, 8), (200, 100, 50)), f"picture.{format.lower()}", format=format)
    torch.testing.assert_close(pixels[0, 4, 8] * 255, torch.tensor([200.0, 100.0, 50.0]), rtol=0, atol=3)


def test_a_picture_is_turned_upright(load: Load) -> None:
    picture = Pillow.new("RGB", (3, 2), GREEN)
    picture.putpixel((0, 0), RED)
    exif = Pillow.Exif()
    exif[0x0112] = 6  # held turned to the left: turn it a quarter to the right
    pixels = load(picture, exif=exif)
    assert pixels.shape == (1, 3, 2, 3)
    assert pixels[0, 0, 1].tolist() == [1, 0, 0]


def test_transparent_parts_are_laid_over_white(load: Load) -> None:
    picture = Pillow.new("RGBA", (3, 1), (255, 0, 0, 255))
    picture.putpixel((1, 0), (255, 0, 0, 0))
    picture.putpixel((2, 0), (0, 0, 0, 51))
    pixels = load(picture)
    assert pixels[0, 0, :2].tolist() == [[1, 0, 0], [1, 1, 1]]
    torch.testing.assert_close(pixels[0, 0, 2], torch.full((3,), 0.8))


def test_a_palette_s_transparent_colour_is_white(load: Load) -> None:
    picture = Pillow.new("P", (2, 1))
    picture.putpalette([*RED, *GREEN])
    picture.putpixel((1, 0), 1)
    assert load(picture, transparency=1)[0, 0].tolist() == [[1, 0, 0], [1, 1, 1]]


def test_grey_with_16_bits_keeps_its_steps(load: Load) -> None:
    grey = np.array([[0, 1, 32768, 65535]], dtype=np.uint16)
    pixels = load(Pillow.fromarray(grey))
    assert pixels.shape == (1, 1, 4, 3)
    torch.testing.assert_close(pixels[0, 0, :, 1], torch.tensor([0, 1 / 65535, 32768 / 65535, 1]))


def png(width: int, height: int, depth: int, colour: Any, rows: bytes) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_colour_with_16_bits_is_read_with_the_right_range(load: Load) -> None:
    row = b"\0" + struct.pack(">6H", 65535, 0, 32768, 0, 65535, 256)
    pixels = load(png(2, 1, 16, 2, row))
    torch.testing.assert_close(pixels[0, 0], torch.tensor([[1, 0, 0.5], [0, 1, 0]]), rtol=0, atol=1 / 255)


@pytest.mark.parametrize(("mode", "colour"), [("1", 1), ("L", 255), ("LA", (255, 255)), ("CMYK", (0, 0, 0, 0))])
def test_other_kinds_of_white_are_white(load: Load, mode: str, colour: Any) -> None:
    name = "picture.tiff" if mode == "CMYK" else "picture.png"
    assert load(Pillow.new(mode, (2, 2), colour), name).min() == 1


def refused(load: Load, content: Any, name: str = "picture.png", **options: Any) -> NodeInputError:
    with pytest.raises(NodeInputError) as caught:
        load(content, name, **options)
    assert caught.value.input == "name"
    assert repr(name) in caught.value.cause
    return caught.value


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_file_that_is_cut_short_is_refused(load: Load, format: str) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    written = io.BytesIO()
    Pillow.fromarray(noise).save(written, format)
    for share in (0.9, 0.5, 0.01):
        whole = written.getvalue()
        assert "cannot be read" in refused(load, whole[: int(len(whole) * share)]).cause


@pytest.mark.parametrize("content", [b"", b"not a picture", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"])
def test_a_file_that_is_no_picture_is_refused(load: Load, content: Any) -> None:
    assert refused(load, content).cause.endswith("it is no picture of a known format.")


@pytest.mark.parametrize("side", [9_000, 12_000, 30_000, 2**31 - 1])
def test_a_decompression_bomb_is_refused_before_it_is_unpacked(load: Load, side: int) -> None:
    assert "at most 64 megapixels" in refused(load, png(side, side, 8, 2, b"\0" * 100)).cause


def test_pixels_without_a_range_are_refused(load: Load) -> None:
    assert "unknown range" in refused(load, Pillow.new("F", (2, 2), 0.5), "picture.tiff").cause


def test_a_missing_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NodeInputError, match=r"There is no picture 'none\.png'\. Put the picture into your input folder"):
        load_image(name="none.png", context=Context(folders=Folders(inputs=(tmp_path,))))


def test_the_pictures_to_choose_from_are_those_in_the_folder_and_those_named_by_the_user(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpg", "notes.txt"):
        (tmp_path / name).touch()
    folders = Folders(inputs=(tmp_path,), given={"mine.webp": tmp_path / "elsewhere" / "mine.webp"})
    assert spec_of(load_image).inputs["name"].choice.options(folders) == ["a.jpg", "b.PNG", "mine.webp"]


def test_the_fingerprint_is_that_of_the_content(tmp_path: Path) -> None:
    fingerprint, folders = spec_of(load_image).fingerprint, Folders(inputs=(tmp_path,))
    (tmp_path / "a.png").write_bytes(b"one")
    (tmp_path / "b.png").write_bytes(b"one")
    before = fingerprint({"name": "a.png"}, folders)
    assert fingerprint({"name": "b.png"}, folders) == before
    (tmp_path / "a.png").write_bytes(b"two")
    assert fingerprint({"name": "a.png"}, folders) != before
    with pytest.raises(NodeInputError, match=r"There is no picture 'c\.png'"):
        fingerprint({"name": "c.png"}, folders)
