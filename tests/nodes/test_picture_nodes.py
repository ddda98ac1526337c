"""What holds for every node that makes pictures or masks of pictures and masks alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from nodes.caption import caption_image
from nodes.colour import adjust_colour, adjust_levels, invert_image, match_colour
from nodes.compare import compare_images
from nodes.composite import blend_images, composite_images
from nodes.control import canny_edges, line_art, soft_edges
from nodes.crop import crop_image, flip_image, pad_for_outpainting, pad_image, rotate_image
from nodes.filter import blur_image, sharpen_image
from nodes.mask import mask_from_colour, mask_from_image, mask_to_image, threshold_mask
from nodes.mask_crop import stitch_image
from nodes.mask_edit import combine_masks, feather_mask, fill_holes, grow_mask, invert_mask, remove_specks
from nodes.resize import scale_image
from nodes.types import Image, Mask, Region
from tests.nodes.pictures import noise, some_mask

Make = Callable[[Image, Mask], Any]

ONE = Region(left=0, top=0, width=1, height=1)
NODES: dict[str, Make] = {
    "adjust_colour": lambda image, _: adjust_colour(image, hue=30.0, saturation=2.0, temperature=0.3, gamma=1.3, contrast=1.4),
    "adjust_levels": lambda image, _: adjust_levels(image, black=0.2, gamma=0.7),
    "blend_images": lambda image, mask: blend_images(image, invert_image(image), mask, mode="soft_light"),
    "blur_image": lambda image, mask: blur_image(image, mask),
    "canny_edges": lambda image, _: canny_edges(image),
    "caption_image": lambda image, _: caption_image(image, text="text"),
    "combine_masks": lambda _, mask: combine_masks(mask, invert_mask(mask), mode="difference"),
    "compare_images": lambda image, _: compare_images(image, invert_image(image)).difference,
    "composite_images": lambda image, mask: composite_images(image, invert_image(image), mask, x=3, y=-2, mode="overlay"),
    "crop_image": lambda image, _: crop_image(image, width=5, height=7),
    "feather_mask": lambda _, mask: feather_mask(mask, side="inside"),
    "fill_holes": lambda _, mask: fill_holes(mask),
    "flip_image": lambda image, _: flip_image(image),
    "grow_mask": lambda _, mask: grow_mask(mask, pixels=-2),
    "invert_image": lambda image, _: invert_image(image),
    "line_art": lambda image, _: line_art(image),
    "mask_from_colour": lambda image, _: mask_from_colour(image, tolerance=30.0),
    "mask_from_image": lambda image, _: mask_from_image(image),
    "mask_to_image": lambda _, mask: mask_to_image(mask),
    "match_colour": lambda image, _: match_colour(image, Image(pixels=image.pixels.flip(3))),
    "match_histogram": lambda image, _: match_colour(image, Image(pixels=image.pixels**2), method="histogram"),
    "pad_for_outpainting": lambda image, mask: pad_for_outpainting(image, mask, left=3, filling="mirror").image,
    "pad_for_outpainting, mask": lambda image, mask: pad_for_outpainting(image, mask, left=3, top=2).mask,
    "pad_image": lambda image, _: pad_image(image, top=40, filling="mirror"),
    "remove_specks": lambda _, mask: remove_specks(mask),
    "rotate_image": lambda image, _: rotate_image(image, angle=33.0).image,
    "scale_image": lambda image, _: scale_image(image, factor=1.7),
    "shrink_image": lambda image, _: scale_image(image, factor=0.4, method="area"),
    "sharpen_image": lambda image, _: sharpen_image(image, threshold=0.1),
    "soft_edges": lambda image, _: soft_edges(image),
    "stitch_image": lambda image, mask: stitch_image(image, invert_image(image), ONE, mask),
    "threshold_mask": lambda _, mask: threshold_mask(mask, softness=0.5),
}
every_node = pytest.mark.parametrize("make", NODES.values(), ids=NODES.keys())


def values(result: Image | Mask) -> Tensor:
    return result.pixels if isinstance(result, Image) else result.values


@every_node
@pytest.mark.parametrize(("height", "width"), [(13, 19), (1, 1), (1, 40), (64, 3)])
def test_a_result_is_a_new_batch_in_range_and_the_inputs_are_left_alone(make: Make, height: int, width: int) -> None:
    image, mask = noise(2, height, width), some_mask(2, height, width)
    before = image.pixels.clone(), mask.values.clone()
    found = values(make(image, mask))
    assert (found.dtype, found.device.type, len(found)) == (torch.float32, "cpu", 2)
    assert found.is_contiguous()
    assert 0 <= float(found.min()) <= float(found.max()) <= 1
    assert torch.equal(image.pixels, before[0])
    assert torch.equal(mask.values, before[1])


@every_node
def test_an_item_of_a_batch_is_exactly_the_one_alone(make: Make) -> None:
    image, mask = noise(3, 13, 19), some_mask(3, 13, 19)
    together = values(make(image, mask))
    for index in range(3):
        alone = make(Image(pixels=image.pixels[index : index + 1]), Mask(values=mask.values[index : index + 1]))
        assert torch.equal(together[index], values(alone)[0])


@every_node
def test_a_picture_of_any_layout_in_memory_gives_the_same(make: Make) -> None:
    image, mask = noise(2, 13, 19), some_mask(2, 13, 19)
    planes = Image(pixels=image.pixels.permute(0, 3, 1, 2).contiguous().permute(0, 2, 3, 1))
    turned = Mask(values=mask.values.transpose(1, 2).contiguous().transpose(1, 2))
    torch.testing.assert_close(values(make(planes, turned)), values(make(image, mask)), rtol=0, atol=1e-6)


@every_node
def test_black_and_white_are_no_special_case(make: Make) -> None:
    for shade in (0.0, 1.0):
        image, mask = Image(pixels=torch.full((1, 9, 8, 3), shade)), Mask(values=torch.full((1, 9, 8), shade))
        found = values(make(image, mask))
        assert 0 <= float(found.min()) <= float(found.max()) <= 1
