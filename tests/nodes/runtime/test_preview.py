import io

import pytest
import torch
from PIL import Image

from nodes.runtime.preview import preview


@pytest.mark.parametrize("latent_format", ["sd1", "sdxl", "of another kind"])
@pytest.mark.parametrize(("height", "width"), [(5, 9), (128, 64)])
def test_a_preview_is_a_picture_of_the_latent_s_shape(latent_format: str, height: int, width: int) -> None:
    picture = Image.open(io.BytesIO(preview(torch.randn(2, 4, height, width), latent_format)))
    assert picture.format == "JPEG"
    assert picture.width * height == picture.height * width
    assert max(picture.size) <= 512


def test_a_preview_follows_the_latent() -> None:
    warm, cold = torch.zeros(1, 4, 8, 8), torch.zeros(1, 4, 8, 8)
    warm[:, 3], cold[:, 3] = -1, 1  # in SD 1's fourth channel, blue falls as it rises
    blue = [Image.open(io.BytesIO(preview(latent, "sd1"))).getpixel((4, 4))[2] for latent in (warm, cold)]
    assert blue[0] > blue[1] + 50


def test_a_flat_latent_of_an_unknown_format_gives_a_flat_preview() -> None:
    picture = Image.open(io.BytesIO(preview(torch.full((1, 2, 4, 4), 3.0), "unknown")))
    assert picture.convert("L").getextrema() == (0, 0)
