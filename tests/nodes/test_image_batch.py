from __future__ import annotations

from typing import Any

import pytest
import torch

from graph_engine import NodeInputError
from nodes.image_batch import batch_images, image_grid, image_size, pick_images, repeat_image
from tests.nodes.pictures import noise, plain


def test_pictures_and_batches_become_one_batch_in_order() -> None:
    found = batch_images([noise(2), noise(1, seed=2)]).pixels
    assert torch.equal(found, torch.cat([noise(2).pixels, noise(1, seed=2).pixels]))
    assert torch.equal(batch_images([noise(2)]).pixels, noise(2).pixels)
    with pytest.raises(NodeInputError, match=r"It is 9 x 6 px and the other 17 x 12 px\. Scale or crop"):
        batch_images([noise(), plain(0.0, 0.0, 0.0)])
    with pytest.raises(NodeInputError, match="There is no picture"):
        batch_images([])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, [0]),
        ({"first": 3}, [3]),
        ({"first": -1}, [4]),
        ({"first": -3, "count": 2}, [2, 3]),
        ({"first": 3, "count": 99}, [3, 4]),
    ],
)
def test_some_pictures_are_picked(values: Any, expected: list[int]) -> None:
    found = pick_images(noise(5), **values).pixels
    assert torch.equal(found, noise(5).pixels[expected])
    assert found.untyped_storage().nbytes() == found.numel() * 4


@pytest.mark.parametrize("first", [5, -6])
def test_a_picture_that_is_not_there_is_refused(first: int) -> None:
    with pytest.raises(NodeInputError, match=rf"There is no picture {first} in a batch of 5\. Use 0 to 4"):
        pick_images(noise(5), first=first)


def test_a_batch_is_repeated_as_a_whole() -> None:
    found = repeat_image(noise(2), count=2).pixels
    assert torch.equal(found, torch.cat([noise(2).pixels] * 2))


def test_a_grid_holds_every_picture_at_full_size() -> None:
    image = noise(5, 4, 6)
    found = image_grid(image, columns=3, gap=2, colour="white").pixels
    assert found.shape == (1, 10, 22, 3)
    for index, (top, left) in enumerate([(0, 0), (0, 8), (0, 16), (6, 0), (6, 8)]):
        assert torch.equal(found[0, top : top + 4, left : left + 6], image.pixels[index])
    assert found[0, 6:, 16:].min() == 1
    assert found[0, 4:6].min() == 1


@pytest.mark.parametrize(
    ("count", "columns", "shape"), [(1, None, (4, 6)), (4, None, (8, 12)), (5, None, (8, 18)), (3, 1, (12, 6)), (2, 9, (4, 12))]
)
def test_a_grid_is_about_square_unless_asked(count: int, columns: Any, shape: tuple[int, int]) -> None:
    assert image_grid(noise(count, 4, 6), columns=columns).pixels.shape == (1, *shape, 3)


def test_a_grid_that_no_machine_holds_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nodes.image_batch.MAX_GRID_PIXELS", 10)
    with pytest.raises(NodeInputError, match="The grid would be 12 x 8 px"):
        image_grid(noise(4, 4, 6))


def test_the_size_is_told() -> None:
    assert image_size(noise(3, 5, 7)) == (7, 5, 3)
