from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image as Pillow
from torch import Tensor

from graph_engine import Context, Folders, NodeInputError
from nodes.image import load_image
from nodes.mask import load_mask, mask_from_colour, mask_from_image, mask_to_image, threshold_mask
from nodes.types import Image
from tests.nodes.pictures import mask_of, noise, plain, some_mask


def saved(folder: Path, mode: str, *colours: Any, **options: Any) -> Context:
    picture = Pillow.new(mode, (len(colours), 1))
    for x, colour in enumerate(colours):
        picture.putpixel((x, 0), colour)
    picture.save(folder / "mask.png", **options)
    return Context(folders=Folders(inputs=(folder,)))


@pytest.mark.parametrize(
    ("channel", "expected"),
    [("transparency", [0, 1, 0.4]), ("red", [1, 0, 0.2]), ("green", [0, 1, 0.2]), ("brightness", [0.2126, 0.7152, 0.2])],
)
def test_a_mask_is_read_from_a_channel_of_a_file(tmp_path: Path, channel: Any, expected: Any) -> None:
    context = saved(tmp_path, "RGBA", (255, 0, 0, 255), (0, 255, 0, 0), (51, 51, 51, 153))
    found = load_mask(name="mask.png", channel=channel, context=context).values
    torch.testing.assert_close(found, torch.tensor([[expected]]))
    inverted = load_mask(name="mask.png", channel=channel, invert=True, context=context).values
    torch.testing.assert_close(inverted, 1 - found)


def test_an_opaque_file_erases_nothing_and_its_mask_is_that_of_the_picture(tmp_path: Path) -> None:
    context = saved(tmp_path, "RGB", (255, 0, 0), (0, 0, 0))
    assert load_mask(name="mask.png", channel="transparency", context=context).values.tolist() == [[[0, 0]]]
    context = saved(tmp_path, "RGBA", (255, 0, 0, 7), (0, 0, 0, 90))
    found = load_mask(name="mask.png", channel="transparency", context=context).values
    assert torch.equal(found, load_image(name="mask.png", context=context).mask.values)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NodeInputError, match=r"There is no picture 'none\.png'"):
        load_mask(name="none.png", context=Context(folders=Folders(inputs=(tmp_path,))))


def test_a_channel_of_a_picture_becomes_a_mask_and_a_picture_again() -> None:
    image = noise(2)
    for index, channel in enumerate(("red", "green", "blue")):
        assert torch.equal(mask_from_image(image, channel=channel).values, image.pixels[..., index])  # type: ignore[arg-type]
    mask = some_mask(2)
    torch.testing.assert_close(mask_from_image(mask_to_image(mask)).values, mask.values)


def lab_difference(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    """By Pillow's own conversion, in 8 bits."""
    import numpy as np
    from PIL import ImageCms

    transform = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    labs = []
    for colour in (first, second):
        eight_bit = tuple(round(255 * value) for value in colour)
        lab = ImageCms.applyTransform(Pillow.new("RGB", (1, 1), eight_bit), transform)
        assert lab is not None
        lightness, a, b = np.asarray(lab)[0, 0].tolist()
        labs.append(np.array([lightness / 2.55, a - 256 * (a > 127), b - 256 * (b > 127)]))
    return float(np.linalg.norm(labs[0] - labs[1]))


@pytest.mark.parametrize("other", [(0.0, 0.0, 0.0), (0.8, 0.5, 0.4), (0.6, 0.6, 0.2), (0.82, 0.41, 0.2)])
def test_a_colour_is_selected_as_far_as_the_tolerance_reaches(other: tuple[float, ...]) -> None:
    wanted = (0.8, 0.4, 0.2)
    distance = lab_difference(wanted, other)
    image = plain(*other, height=1, width=1)
    for tolerance, expected in ((max(0.0, distance - 3), 0), (distance + 3, 1)):
        assert mask_from_colour(image, colour="#cc6633", tolerance=tolerance, softness=0.0).values.item() == expected
    half = mask_from_colour(image, colour="#cc6633", tolerance=max(0.0, distance - 20), softness=40.0).values.item()
    assert half == pytest.approx(1 - min(distance, 20) / 40, abs=0.06)


def test_the_colour_itself_is_selected_even_without_tolerance() -> None:
    image = Image(pixels=torch.cat([plain(1.0, 1.0, 1.0).pixels, plain(0.99, 1.0, 1.0).pixels]))
    assert mask_from_colour(image, tolerance=0.01, softness=0.0).values[:, 0, 0].tolist() == [1, 0]


def test_a_threshold_makes_a_mask_hard_or_steeper() -> None:
    mask = mask_of([0.0, 0.29, 0.3, 0.31, 1.0])
    assert threshold_mask(mask, threshold=0.3).values.flatten().tolist() == [0, 0, 1, 1, 1]
    soft: Tensor = threshold_mask(mask, threshold=0.3, softness=0.04).values.flatten()
    torch.testing.assert_close(soft, torch.tensor([0, 0.25, 0.5, 0.75, 1]))
    assert threshold_mask(mask, threshold=0.0).values.min() == 1


def test_each_picture_of_a_batch_is_worked_on_alone() -> None:
    image = noise(3)
    for make in (mask_from_image, lambda one: mask_from_colour(one, colour="red", tolerance=40.0, softness=30.0)):
        assert torch.equal(make(image).values[1:2], make(Image(pixels=image.pixels[1:2])).values)
