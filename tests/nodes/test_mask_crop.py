from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graph_engine import Context, Engine, Folders, NodeInputError, Request, Workflow
from nodes.mask_crop import crop_to_mask, stitch_image
from nodes.resize import scale_image
from nodes.save import save_image
from nodes.types import Image, Mask, Region
from tests.nodes.pictures import noise, plain


def selecting(rows: slice, columns: slice, height: int = 40, width: int = 60, count: int = 1, value: float = 1.0) -> Mask:
    values = torch.zeros(count, height, width)
    values[-1, rows, columns] = value
    return Mask(values=values)


def test_the_part_is_the_rectangle_around_the_mask_with_its_margin() -> None:
    image, mask = noise(2, 40, 60), selecting(slice(10, 17), slice(30, 35), value=0.01)
    part, part_mask, region = crop_to_mask(image, mask, margin=4, multiple_of=1)
    assert region == Region(left=26, top=6, width=13, height=15)
    assert torch.equal(part.pixels, image.pixels[:, 6:21, 26:39])
    assert torch.equal(part_mask.values, mask.values[:, 6:21, 26:39])
    assert part.pixels.untyped_storage().nbytes() == part.pixels.numel() * 4


@given(st.integers(0, 39), st.integers(0, 59), st.integers(0, 70), st.sampled_from([1, 8, 64]))
def test_the_region_lies_in_the_picture_holds_the_mask_and_has_the_multiple(y: int, x: int, margin: int, multiple: int) -> None:
    _, _, region = crop_to_mask(
        noise(1, 40, 60), selecting(slice(y, y + 1), slice(x, x + 1)), margin=margin, multiple_of=multiple
    )
    assert 0 <= region.left <= max(0, x - margin) + multiple
    assert region.left <= x < region.left + region.width <= 60
    assert 0 <= region.top <= y < region.top + region.height <= 40
    assert region.width % multiple == 0 or region.width == 60
    assert region.height % multiple == 0 or region.height == 40


def test_a_batch_has_one_region_around_all_masks() -> None:
    values = torch.zeros(2, 40, 60)
    values[0, 5, 5] = values[1, 30, 50] = 1
    part, mask, region = crop_to_mask(noise(2, 40, 60), Mask(values=values), margin=0, multiple_of=1)
    assert region == Region(left=5, top=5, width=46, height=26)
    assert part.pixels.shape == (2, 26, 46, 3)
    assert mask.values[:, 0, 0].tolist() == [1, 0]


def test_a_mask_that_selects_nothing_is_refused() -> None:
    with pytest.raises(NodeInputError, match="The mask selects nothing"):
        crop_to_mask(noise(), Mask(values=torch.zeros(1, 3, 3)))


def test_what_was_cut_out_fits_back_exactly() -> None:
    image = noise(2, 40, 60)
    part, mask, region = crop_to_mask(image, selecting(slice(10, 17), slice(30, 35)))
    assert torch.equal(stitch_image(image, part, region).pixels, image.pixels)
    assert torch.equal(stitch_image(image, part, region, mask).pixels, image.pixels)


def test_only_what_the_mask_selects_is_replaced() -> None:
    image = noise(2, 40, 60)
    before = image.pixels.clone()
    mask = selecting(slice(10, 17), slice(30, 35))
    part, part_mask, region = crop_to_mask(image, mask)
    black = Image(pixels=torch.zeros_like(part.pixels))
    found = stitch_image(image, black, region, part_mask).pixels
    assert torch.equal(found, image.pixels * (1 - mask.values[..., None]))
    assert torch.equal(image.pixels, before)
    half = stitch_image(image, black, region, Mask(values=part_mask.values / 2)).pixels
    torch.testing.assert_close(half, image.pixels * (1 - mask.values[..., None] / 2))


def test_a_part_that_was_scaled_up_is_scaled_back() -> None:
    image = plain(0.2, 0.4, 0.6, height=40, width=60)
    part, mask, region = crop_to_mask(image, selecting(slice(10, 17), slice(30, 35)))
    large = scale_image(part, factor=3.0)
    found = stitch_image(image, large, region, mask).pixels
    torch.testing.assert_close(found, image.pixels, rtol=0, atol=1e-5)


def test_several_parts_in_one_picture_give_several_pictures() -> None:
    image = noise(1, 40, 60)
    region = Region(left=4, top=2, width=10, height=8)
    found = stitch_image(image, noise(3, 8, 10, seed=9), region).pixels
    assert torch.equal(found[:, 2:10, 4:14], noise(3, 8, 10, seed=9).pixels)
    with pytest.raises(NodeInputError, match="It holds 3 parts for 2 pictures"):
        stitch_image(noise(2, 40, 60), noise(3, 8, 10), region)


def test_a_region_of_another_picture_is_refused() -> None:
    with pytest.raises(NodeInputError, match="The region reaches to 20, 8, and the picture is 17 x 12 px"):
        stitch_image(noise(), noise(), Region(left=10, top=0, width=10, height=8))


ROUND_TRIP = {
    "nodes": {
        "load": {"type": "loom.load_image", "version": 2, "values": {"name": "picture.png"}},
        "mask": {"type": "loom.shape_mask", "values": {"x": 0.3, "shape_width": 0.2}, "links": {"image": "load.image"}},
        "crop": {"type": "loom.crop_to_mask", "values": {"margin": 2}, "links": {"image": "load.image", "mask": "mask.mask"}},
        "large": {"type": "loom.scale_image", "values": {"factor": 2.0, "method": "nearest"}, "links": {"image": "crop.image"}},
        "invert": {"type": "loom.invert_image", "links": {"image": "large.image"}},
        "stitch": {
            "type": "loom.stitch_image",
            "links": {"image": "load.image", "part": "invert.image", "region": "crop.region", "mask": "crop.mask"},
        },
    },
    "outputs": {"image": {"from": "stitch.image"}},
}


def test_a_workflow_cuts_out_changes_and_puts_back_and_a_later_process_is_served_its_region(tmp_path: Path) -> None:
    (file,) = save_image(plain(0.2, 0.4, 0.8, height=40, width=60), context=Context())
    (tmp_path / "picture.png").write_bytes(file.data)
    request = Request(workflow=Workflow.model_validate(ROUND_TRIP))
    found = []
    for _ in range(2):
        with Engine(folders=Folders(inputs=(tmp_path,)), cache_folder=tmp_path / "cache") as engine:
            found.append(engine.run(request))
            found[-1].raise_errors()
            kept = engine.run(Request(workflow=request.workflow, targets=["crop"]))
            assert "crop" in kept.served
            assert kept.ran == {}
    first, again = (result.outputs["image"].pixels for result in found)
    assert torch.equal(first, again)
    assert found[1].ran == {}
    assert first[0, 0, 59].tolist() == pytest.approx([0.2, 0.4, 0.8])
    assert first[0, 20, 18].tolist() == pytest.approx([0.8, 0.6, 0.2], abs=1e-5)
