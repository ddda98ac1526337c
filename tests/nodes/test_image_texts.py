"""Long texts in a PNG are no reason to refuse it, and what unpacks to too much is refused."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from PIL.PngImagePlugin import PngInfo

from graph_engine import Context, Folders, NodeInputError
from nodes.image import LoadedImage, load_image
from nodes.imaging.chunks import without_texts

LONG = "".join(f'"node {index}": "{index * 7919 % 1000}", ' for index in range(160_000))
SIZE = 3 * 2**20


def load(folder: Path, content: bytes) -> LoadedImage:
    (folder / "picture.png").write_bytes(content)
    return load_image(name="picture.png", context=Context(folders=Folders(inputs=(folder,))))


def png(picture: Pillow.Image, **options: Any) -> bytes:
    written = io.BytesIO()
    picture.save(written, "PNG", **options)
    return written.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def with_chunk(content: bytes, added: bytes, *, last: bool = False) -> bytes:
    at = content.index(b"IEND") - 4 if last else 33
    return content[:at] + added + content[at:]


TEXTS = {
    "compressed": chunk(b"iTXt", b"loom.workflow\0\1\0\0\0" + zlib.compress(LONG.encode())),
    "plain": chunk(b"tEXt", b"prompt\0" + LONG.encode()),
    "Latin-1": chunk(b"zTXt", b"workflow\0\0" + zlib.compress(LONG.encode())),
    "bomb": chunk(b"zTXt", b"workflow\0\0" + zlib.compress(bytes(2**28), 9)),
}
PICTURE = Pillow.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3))


@pytest.mark.parametrize("last", [False, True], ids=["before the pixels", "after them"])
@pytest.mark.parametrize("text", TEXTS)
def test_a_picture_with_a_long_text_is_read(tmp_path: Path, text: str, last: bool) -> None:
    assert len(LONG) > SIZE
    found = load(tmp_path, with_chunk(png(PICTURE), TEXTS[text], last=last))
    assert np.array_equal(found.image.pixels[0].numpy(), np.asarray(PICTURE, dtype=np.float32) / 255)


def test_so_is_one_that_moves(tmp_path: Path) -> None:
    frames = [Pillow.new("RGB", (8, 6), (shade, 0, 0)) for shade in (0, 80, 160)]
    content = png(frames[0], save_all=True, append_images=frames[1:])
    found = load(tmp_path, with_chunk(with_chunk(content, TEXTS["compressed"]), TEXTS["plain"], last=True))
    assert (found.image.pixels[:, 0, 0, 0] * 255).round().tolist() == [0, 80, 160]


def test_so_is_one_with_16_bits(tmp_path: Path) -> None:
    ramp = np.arange(20000, 20012, dtype=np.uint16).reshape(2, 2, 3)
    found = load(tmp_path, with_chunk(cv2.imencode(".png", ramp)[1].tobytes(), TEXTS["compressed"]))
    assert np.array_equal(found.image.pixels[0].numpy(), ramp[:, :, ::-1].astype(np.float32) / 65535)


def test_a_text_that_says_which_way_a_picture_lies_is_heard(tmp_path: Path) -> None:
    told = PngInfo()
    told.add_itxt("XML:com.adobe.xmp", '<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>')
    content = with_chunk(png(Pillow.new("RGB", (5, 3)), pnginfo=told), TEXTS["compressed"])
    assert load(tmp_path, content).image.pixels.shape == (1, 5, 3, 3)


@pytest.mark.parametrize(
    "bomb",
    [
        chunk(b"iCCP", b"profile\0\0" + zlib.compress(bytes(2**28), 9)),
        chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(bytes(2**28), 9)),
    ],
    ids=["profile", "EXIF"],
)
def test_what_would_unpack_to_too_much_is_refused(tmp_path: Path, bomb: bytes) -> None:
    with pytest.raises(NodeInputError, match="a text or colour profile in it unpacks to more than 1 MiB"):
        load(tmp_path, with_chunk(png(PICTURE), bomb))


def test_a_file_without_texts_is_not_read_twice(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(png(PICTURE))
    assert without_texts(path) == path


@pytest.mark.parametrize("cut", [20, 60, 200])
def test_a_file_that_is_cut_short_is_left_to_the_decoder(tmp_path: Path, cut: int) -> None:
    with pytest.raises(NodeInputError, match="cannot be read"):
        load(tmp_path, with_chunk(png(PICTURE), TEXTS["compressed"])[:cut])
