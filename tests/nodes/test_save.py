from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from graph_engine import Cancelled, Context, File, NodeInputError
from nodes.save import save_image
from nodes.types import Image, Mask


def read(file: File) -> Any:
    picture = Pillow.open(io.BytesIO(file.data))
    assert picture.mode == "RGB"
    return np.asarray(picture)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 3), (64, 72)])
def test_each_picture_becomes_a_png_of_its_pixels(height: int, width: int) -> None:
    pixels = torch.rand(3, height, width, 3, generator=torch.Generator().manual_seed(1))
    files = save_image(Image(pixels=pixels), name="cat", context=Context())
    assert [(file.stem, file.suffix, file.media_type) for file in files] == [("cat", ".png", "image/png")] * 3
    for item, file in zip(pixels, files, strict=True):
        assert np.abs(read(file) / 255 - item.numpy()).max() <= 0.5 / 255 + 1e-6


def test_values_are_rounded_and_held_in_range() -> None:
    pixels = torch.tensor([0.0, 0.4, 0.6, 254.5, 255.0, 300.0, -20.0, 99.6, 1.0]).reshape(1, 1, 3, 3) / 255
    (file,) = save_image(Image(pixels=pixels), context=Context())
    assert read(file).ravel().tolist() == [0, 0, 1, 254, 255, 255, 0, 100, 1]


@pytest.mark.parametrize("format", ["png", "png_16_bit"])
def test_what_is_no_colour_at_all_becomes_black_or_white(format: Any) -> None:
    pixels = torch.tensor([float("nan"), float("inf"), -float("inf"), 1e30, -1e30, 0.0]).reshape(1, 1, 2, 3)
    (file,) = save_image(Image(pixels=pixels), format=format, context=Context())
    assert read(file).ravel().tolist() == [0, 255, 0, 255, 0, 0]


def test_a_picture_that_was_saved_and_loaded_is_saved_the_same() -> None:
    eight_bit = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16, 1).repeat(1, 1, 1, 3)
    (file,) = save_image(Image(pixels=eight_bit.float() / 255), context=Context())
    assert np.array_equal(read(file), eight_bit[0].numpy())


def test_pictures_of_any_layout_can_be_saved() -> None:
    pixels = torch.rand(1, 3, 8, 4).permute(0, 2, 3, 1)
    (file,) = save_image(Image(pixels=pixels), context=Context())
    assert read(file).shape == (8, 4, 3)


def test_cancelling_stops_between_pictures() -> None:
    with pytest.raises(Cancelled):
        save_image(Image(pixels=torch.zeros(2, 4, 4, 3)), context=replace(Context(), cancelled=lambda: True))


def noise(count: int = 1, height: int = 32, width: int = 48) -> Image:
    return Image(pixels=torch.rand(count, height, width, 3, generator=torch.Generator().manual_seed(1)))


def smooth() -> Image:
    rows, columns = torch.meshgrid(torch.linspace(0, 1, 32), torch.linspace(0, 1, 48), indexing="ij")
    return Image(pixels=torch.stack([rows, columns, 1 - rows * columns], dim=-1)[None])


@pytest.mark.parametrize(("format", "kind"), [("jpeg", "JPEG"), ("webp", "WEBP"), ("avif", "AVIF")])
def test_the_other_formats_come_close_and_quality_decides_how_close(format: Any, kind: str) -> None:
    image, errors, sizes = smooth(), [], []
    for quality in (20, 95):
        (file,) = save_image(image, format=format, quality=quality, context=Context())
        assert Pillow.open(io.BytesIO(file.data)).format == kind
        assert file.media_type == f"image/{format}"
        errors.append(np.abs(read(file) / 255 - image.pixels[0].numpy()).mean())
        sizes.append(len(file.data))
    assert errors[1] < errors[0] < 0.05
    assert errors[1] < 0.01
    assert sizes[0] < sizes[1]


def test_webp_of_quality_100_loses_nothing() -> None:
    eight_bit = (noise().pixels * 255).round()
    (file,) = save_image(Image(pixels=eight_bit / 255), format="webp", quality=100, context=Context())
    assert np.array_equal(read(file), eight_bit[0].numpy())


@pytest.mark.parametrize("masked", [False, True])
def test_a_png_of_16_bits_holds_65536_steps(masked: bool, tmp_path: Any) -> None:
    from graph_engine import Folders
    from nodes.image import load_image

    image = noise()
    mask = Mask(values=torch.rand(1, 32, 48, generator=torch.Generator().manual_seed(2))) if masked else None
    (file,) = save_image(image, mask, format="png_16_bit", context=Context())
    (tmp_path / "deep.png").write_bytes(file.data)
    loaded = load_image(name="deep.png", background="kept", context=Context(folders=Folders(inputs=(tmp_path,))))
    torch.testing.assert_close(loaded.image.pixels, image.pixels, rtol=0, atol=0.501 / 65535)
    if mask is not None:
        torch.testing.assert_close(loaded.mask.values, mask.values, rtol=0, atol=0.501 / 65535)


@pytest.mark.parametrize("format", ["png", "webp", "avif"])
def test_a_mask_makes_a_file_transparent_and_keeps_the_colours_below(format: Any) -> None:
    mask = torch.zeros(1, 16, 24)
    mask[:, :8] = 1
    files = save_image(noise(2), Mask(values=mask), format=format, quality=100, context=Context())
    for file in files:
        alpha = np.asarray(Pillow.open(io.BytesIO(file.data)).getchannel("A"))
        assert (alpha[:14].max(), alpha[18:].min()) == (0, 255)
    if format != "avif":
        assert (
            np.abs(np.asarray(Pillow.open(io.BytesIO(files[1].data)))[:, :, :3] / 255 - noise(2).pixels[1].numpy()).max() < 0.01
        )


def test_what_a_format_cannot_hold_is_refused() -> None:
    with pytest.raises(NodeInputError, match="jpeg knows no transparency"):
        save_image(noise(), Mask(values=torch.zeros(1, 32, 48)), format="jpeg", context=Context())
    with pytest.raises(NodeInputError, match="The picture is 16384 x 1 px, and webp holds 16383 px a side"):
        save_image(noise(1, 1, 16384), format="webp", context=Context())
    with pytest.raises(NodeInputError, match="It holds 3 masks for 2 pictures"):
        save_image(noise(2), Mask(values=torch.zeros(3, 32, 48)), context=Context())


def stems(image: Image, name: str, **values: Any) -> list[str]:
    return [file.stem for file in save_image(image, name=name, **values, context=Context())]


def test_holes_in_a_name_are_filled() -> None:
    assert stems(noise(2), "{title}/{seed}_{width}x{height}_{index}", title="Cats", seed=2**64 - 1) == [
        "Cats/18446744073709551615_48x32_0",
        "Cats/0_48x32_1",
    ]


def test_a_text_in_a_name_leads_nowhere_and_stays_short() -> None:
    assert stems(noise(), "{text}", text="../../a\\b\0\nc") == ["_.._a_b_c"]
    assert stems(noise(), "{text}", text="..") == ["_"]
    assert stems(noise(), "{text}", text="{seed}") == ["{seed}"]
    assert len(stems(noise(), "{text}", text="long " * 100)[0]) <= 60


@pytest.mark.parametrize(
    ("name", "input", "message"),
    [
        ("{seed}", "seed", "no seed is given"),
        ("{}", "name", "stands for nothing. Use one of {height}, {index}"),
        ("{colour}", "name", "{colour}, which stands for nothing"),
        ("../{index}", "name", "leads out of the output folder"),
        ("/tmp/{index}", "name", "leads out of the output folder"),
        ("", "name", "leads out of the output folder"),
    ],
)
def test_a_name_that_cannot_be_is_refused(name: str, input: str, message: str) -> None:
    with pytest.raises(NodeInputError) as caught:
        stems(noise(), name)
    assert caught.value.input == input
    assert message in str(caught.value)
