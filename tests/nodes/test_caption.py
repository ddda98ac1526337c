from __future__ import annotations

import pytest
import torch

from graph_engine import NodeInputError
from nodes.caption import caption_image
from nodes.types import Image
from tests.nodes.pictures import noise, plain


def test_a_strip_below_or_above_leaves_the_picture_as_it_is() -> None:
    image = noise(2, 60, 200)
    below = caption_image(image, text="a red house", size=16).pixels
    above = caption_image(image, text="a red house", size=16, place="above").pixels
    assert torch.equal(below[:, :60], image.pixels)
    strip = below[:, 60:]
    assert torch.equal(above, torch.cat([strip, image.pixels], dim=1))
    assert torch.equal(strip[0], strip[1])
    assert float(strip.max()) == 1
    assert float(strip.min()) < 0.1
    assert strip[:, :5].min() == 1


def test_colours_are_those_asked_for() -> None:
    strip = caption_image(plain(0.0, 0.0, 0.0, width=300), text="MMMM", size=40, colour="#ff0000", paper="#0000ff").pixels[0, 6:]
    assert strip[0, 0].tolist() == [0, 0, 1]
    assert any(pixel == [1, 0, 0] for pixel in strip.flatten(0, 1).tolist())


def test_long_texts_are_broken_and_lines_are_kept() -> None:
    image = noise(1, 20, 120)
    heights = [caption_image(image, text=text, size=12).pixels.shape[1] - 20 for text in ("word", "word\nword", "word " * 30)]
    assert heights[0] < heights[1] < heights[2]
    line = heights[1] - heights[0]
    assert caption_image(image, text="a\n\nb", size=12).pixels.shape[1] - 20 == heights[0] + 2 * line


def test_a_text_may_stand_on_the_picture() -> None:
    image = plain(0.2, 0.4, 0.6, height=80, width=160, count=2)
    before = image.pixels.clone()
    for place, inside, outside in (("bottom", slice(50, 80), slice(0, 30)), ("top", slice(0, 30), slice(50, 80))):
        found = caption_image(image, text="text", size=16, place=place, opacity=0.5).pixels  # type: ignore[arg-type]
        assert found.shape == image.pixels.shape
        assert torch.equal(found[:, outside], before[:, outside])
        corner = found[0, inside][15, 0]
        torch.testing.assert_close(corner, torch.tensor([0.6, 0.7, 0.8]))
        assert float(found[:, inside].min()) < 0.1
    bare = caption_image(image, text="text", size=16, place="bottom", opacity=0.0, colour="white").pixels
    torch.testing.assert_close(bare[0, 79, 0], before[0, 79, 0])
    assert torch.equal(image.pixels, before)


def test_no_text_is_no_strip() -> None:
    for text in ("", "  \n "):
        image = noise()
        assert torch.equal(caption_image(image, text=text).pixels, image.pixels)


def test_a_text_without_room_is_refused_or_cut() -> None:
    with pytest.raises(NodeInputError, match=r"The text takes \d+ px, and the picture is 12 px high"):
        caption_image(noise(), text="text", size=24, place="top")
    narrow = Image(pixels=torch.zeros(1, 1, 1, 3))
    assert caption_image(narrow, text="a very long word", size=24).pixels.shape[2] == 1
