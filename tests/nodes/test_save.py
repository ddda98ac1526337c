from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from graph_engine import Cancelled, Context, File
from nodes.save import save_image
from nodes.types import Image


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
