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
from nodes.image import LoadedImage, load_image

Load = Callable[..., Tensor]

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


@pytest.fixture
def load_both(tmp_path: Path) -> Callable[..., LoadedImage]:
    """Save a Pillow picture (or bytes) under a name, then read it with the node."""

    def save_and_load(content: Any, name: str = "picture.png", values: Any = None, **options: Any) -> LoadedImage:
        if isinstance(content, bytes):
            (tmp_path / name).write_bytes(content)
        else:
            content.save(tmp_path / name, **options)
        return load_image(name=name, **(values or {}), context=Context(folders=Folders(inputs=(tmp_path,))))

    return save_and_load


@pytest.fixture
def load(load_both: Callable[..., LoadedImage]) -> Load:
    return lambda *args, **options: load_both(*args, **options).image.pixels


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


@pytest.mark.parametrize("format", ["JPEG", "WEBP", "AVIF"])
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


def test_the_mask_says_where_it_is_transparent(load_both: Callable[..., LoadedImage]) -> None:
    picture = Pillow.new("RGBA", (3, 1), (255, 0, 0, 255))
    picture.putpixel((1, 0), (0, 255, 0, 0))
    picture.putpixel((2, 0), (0, 0, 0, 51))
    torch.testing.assert_close(load_both(picture).mask.values, torch.tensor([[[0, 1, 0.8]]]))
    kept = load_both(picture, values={"background": "kept"}).image.pixels
    assert kept[0, 0].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 0]]
    black = load_both(picture, values={"background": "black"}).image.pixels
    assert black[0, 0].tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 0]]
    opaque = load_both(picture.convert("RGB")).mask.values
    assert (opaque.shape, float(opaque.max())) == ((1, 1, 3), 0)


def moving(count: int, mode: str = "RGB") -> list[Pillow.Image]:
    return [Pillow.new(mode, (8, 6), (index * 40, 200 - index * 40, 0, 255)[: len(mode)]) for index in range(count)]


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "TIFF"])
def test_each_frame_of_an_animation_is_a_picture_of_the_batch(load: Load, format: str) -> None:
    first, *rest = moving(4)
    options = {"lossless": True} if format == "WEBP" else {}
    pixels = load(first, f"moving.{format.lower()}", format=format, save_all=True, append_images=rest, **options)
    assert pixels.shape == (4, 6, 8, 3)
    assert (pixels[:, 3, 4] * 255).round().tolist() == [[index * 40, 200 - index * 40, 0] for index in range(4)]


def test_a_node_of_version_1_still_reads_the_first_frame_alone() -> None:
    migrate = spec_of(load_image).migrations[1]
    assert migrate({"name": "moving.gif"}) == {"name": "moving.gif", "frames": 1}


def test_fewer_frames_are_read_if_asked(load: Load) -> None:
    first, *rest = moving(4)
    pixels = load(first, "moving.gif", values={"frames": 2}, format="GIF", save_all=True, append_images=rest)
    assert (pixels[:, 0, 0, 0] * 255).round().tolist() == [0, 40]


def test_a_frame_that_stands_in_for_an_animation_is_left_out(load: Load) -> None:
    still, *rest = moving(3)
    pixels = load(still, "moving.png", format="PNG", save_all=True, append_images=rest, default_image=True)
    assert (pixels[:, 0, 0, 0] * 255).round().tolist() == [40, 80]


def test_pages_of_another_size_are_left_out(load: Load) -> None:
    first, second = moving(2)
    pages = [first.resize((2, 2)), second]
    pixels = load(first, "pages.tiff", format="TIFF", save_all=True, append_images=pages)
    assert (pixels[:, 0, 0, 0] * 255).round().tolist() == [0, 40]


def test_an_animation_of_too_many_pixels_is_refused_before_it_is_unpacked(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nodes.image.MAX_BATCH_PIXELS", 100)
    first, *rest = moving(3)
    with pytest.raises(NodeInputError, match="Read 2 or fewer") as caught:
        load(first, "moving.gif", format="GIF", save_all=True, append_images=rest)
    assert caught.value.input == "frames"


def test_a_frame_s_transparency_is_its_own(load_both: Callable[..., LoadedImage]) -> None:
    first, second = moving(2, "RGBA")
    second.putalpha(0)
    mask = load_both(first, "moving.webp", format="WEBP", save_all=True, append_images=[second], lossless=True).mask.values
    assert mask.mean(dim=(1, 2)).tolist() == [0, 1]


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


def deep(depth: int = 3) -> np.ndarray[Any, Any]:
    return np.random.default_rng(2).integers(0, 65536, (3, 5, depth), dtype=np.uint16)


@pytest.mark.parametrize("depth", [3, 4])
def test_colour_with_16_bits_keeps_its_steps(load_both: Callable[..., LoadedImage], depth: int) -> None:
    values = deep(depth)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    image, mask = load_both(png(5, 3, 16, 2 if depth == 3 else 6, rows), values={"background": "kept"})
    expected = torch.from_numpy(values.astype(np.float32)) / 65535
    assert torch.equal(image.pixels[0], expected[:, :, :3])
    assert torch.equal(mask.values[0], 1 - expected[:, :, 3] if depth == 4 else torch.zeros(3, 5))


def test_grey_with_alpha_and_16_bits_keeps_its_steps(load_both: Callable[..., LoadedImage]) -> None:
    values = deep(2)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    image, mask = load_both(png(5, 3, 16, 4, rows), values={"background": "kept"})
    expected = torch.from_numpy(values.astype(np.float32)) / 65535
    assert torch.equal(image.pixels[0], expected[:, :, :1].expand(-1, -1, 3))
    assert torch.equal(mask.values[0], 1 - expected[:, :, 1])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_colour_with_16_bits_is_turned_upright_like_any_other(load: Load, orientation: int) -> None:
    import cv2

    values = deep()
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    written = io.BytesIO()
    eight_bit = Pillow.fromarray((values >> 8).astype(np.uint8))
    eight_bit.save(written, "PNG", exif=exif)
    expected = load(written.getvalue())
    _, sixteen = cv2.imencode(".png", values[:, :, ::-1])
    data = written.getvalue()
    at = data.index(b"eXIf") - 4
    chunk = data[at : at + 12 + int.from_bytes(data[at : at + 4], "big")]
    whole = sixteen.tobytes()
    pixels = load(whole[:33] + chunk + whole[33:])
    assert pixels.shape == expected.shape
    torch.testing.assert_close(pixels, expected, rtol=0, atol=1 / 255)
    assert (pixels * 65535).round().unique().numel() > 30


def test_colour_with_16_bits_in_a_tiff_keeps_its_steps(load: Load) -> None:
    import cv2

    values = deep()
    _, written = cv2.imencode(".tiff", values[:, :, ::-1])
    assert torch.equal(load(written.tobytes(), "deep.tiff")[0], torch.from_numpy(values.astype(np.float32)) / 65535)


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


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "AVIF"])
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
