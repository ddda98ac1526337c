from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from graph_engine import NodeInputError
from nodes.mask_edit import combine_masks, feather_mask, fill_holes, grow_mask, invert_mask, remove_specks
from nodes.types import Mask
from tests.nodes.pictures import mask_of, some_mask


def point(height: int = 61, width: int = 65, *, value: float = 1.0) -> Mask:
    values = torch.zeros(1, height, width)
    values[0, height // 2, width // 2] = value
    return Mask(values=values)


def distance(height: int = 61, width: int = 65) -> Tensor:
    return torch.hypot(torch.arange(height)[:, None] - height // 2.0, torch.arange(width) - width // 2.0)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("add", [0.9, 1.0]),
        ("subtract", [0.0, 0.2]),
        ("multiply", [0.18, 0.48]),
        ("intersect", [0.3, 0.6]),
        ("unite", [0.6, 0.8]),
        ("difference", [0.3, 0.2]),
    ],
)
def test_two_masks_become_one(mode: Any, expected: Any) -> None:
    found = combine_masks(mask_of([0.3, 0.8]), mask_of([0.6, 0.6]), mode=mode)
    torch.testing.assert_close(found.values, torch.tensor([[expected]]))


def test_the_second_mask_is_scaled_and_serves_a_whole_batch() -> None:
    found = combine_masks(Mask(values=torch.zeros(3, 4, 6)), mask_of([1.0, 1.0, 0.0], [1.0, 1.0, 0.0]), mode="add")
    assert found.values.shape == (3, 4, 6)
    assert found.values[2, 0].tolist() == [1, 1, 1, 0.75, 0.25, 0]
    with pytest.raises(NodeInputError, match="It holds 2 masks for 3 masks"):
        combine_masks(some_mask(3), some_mask(2))


def test_inverting_twice_is_nothing() -> None:
    mask = mask_of([0.0, 0.25, 1.0])
    assert invert_mask(mask).values.tolist() == [[[1, 0.75, 0]]]
    assert torch.equal(invert_mask(invert_mask(mask)).values, mask.values)


@pytest.mark.parametrize("radius", [1, 3, 8, 13, 29])
def test_a_point_grows_to_a_disc_and_back(radius: int) -> None:
    found = grow_mask(point(value=0.7), pixels=radius).values[0]
    assert sorted(set(found.flatten().tolist())) == pytest.approx([0, 0.7])
    assert found[distance() <= radius * 0.93].min() > 0
    assert found[distance() > radius + 0.01].max() == 0
    back = grow_mask(grow_mask(point(), pixels=radius), pixels=-radius)
    assert torch.equal(back.values, point().values)


@given(st.integers(0, 30), st.integers(1, 20), st.integers(1, 20))
def test_a_square_grows_as_far_along_both_sides(radius: int, height: int, width: int) -> None:
    found = grow_mask(point(height, width), pixels=radius, shape="square").values[0]
    rows, columns = torch.arange(height) - height // 2, torch.arange(width) - width // 2
    assert torch.equal(found > 0, (rows[:, None].abs() <= radius) & (columns.abs() <= radius))


@given(st.integers(0, 20), st.sampled_from(["round", "square"]))
def test_shrinking_is_growing_what_is_not_selected(pixels: int, shape: Any) -> None:
    mask = some_mask(2)
    shrunk = grow_mask(mask, pixels=-pixels, shape=shape)
    torch.testing.assert_close(shrunk.values, invert_mask(grow_mask(invert_mask(mask), pixels=pixels, shape=shape)).values)
    assert bool((shrunk.values <= mask.values).all())


def test_a_mask_at_the_edge_does_not_shrink_away_from_it() -> None:
    mask = Mask(values=torch.ones(1, 5, 7))
    assert grow_mask(mask, pixels=-1024).values.min() == 1


def disc(radius: float = 15) -> Mask:
    return Mask(values=(distance() <= radius).float()[None])


@pytest.mark.parametrize("radius", [4.0, 6.0, 10.0])
def test_feathering_fades_on_the_side_that_is_asked(radius: float) -> None:
    mask, far = disc().values[0], distance()
    both = feather_mask(disc(), radius=radius).values[0]
    assert 0.3 < float(both[(far - 15).abs() < 0.6].mean()) < 0.6
    assert both[far < 15 - radius - 1].min() > 0.93
    assert both[far > 15 + radius + 1].max() < 0.07
    inside = feather_mask(disc(), radius=radius, side="inside").values[0]
    assert bool((inside <= mask).all())
    assert inside[far < 15 - radius - 1].min() > 0.9
    assert inside[(far > 13.5) & (far <= 15)].max() < 0.45
    outside = feather_mask(disc(), radius=radius, side="outside").values[0]
    assert bool((outside >= mask).all())
    assert outside[far > 15 + radius + 1].max() < 0.1
    assert outside[(far > 15) & (far < 16.5)].min() > 0.6


@pytest.mark.parametrize("side", ["both", "inside", "outside"])
def test_no_radius_leaves_a_mask_as_it_is(side: Any) -> None:
    mask = some_mask(2)
    assert torch.equal(feather_mask(mask, radius=0.0, side=side).values, mask.values)


RING = [
    [0, 0, 0, 0, 0, 0, 0],
    [0, 1, 1, 1, 0, 0, 1],
    [0, 1, 0, 1, 0, 1, 0],
    [0, 1, 1, 0.8, 1, 1, 1],
    [0, 0, 1, 0.2, 0.1, 1, 0],
    [0, 0, 1, 1, 1, 1, 0],
]


def test_holes_are_filled_and_bays_are_not() -> None:
    found = fill_holes(mask_of(*RING)).values[0]
    assert found[2, 2] == 1
    assert found[4, 3:5].tolist() == [1, 1]
    changed = found != mask_of(*RING).values[0]
    assert int(changed.sum()) == 3
    small = fill_holes(mask_of(*RING), smaller_than=2).values[0]
    assert small[2, 2] == 1
    assert small[4, 3].item() == pytest.approx(0.2)


def test_an_empty_and_a_full_mask_have_no_holes() -> None:
    for value in (0.0, 1.0):
        mask = Mask(values=torch.full((2, 1, 1), value))
        assert torch.equal(fill_holes(mask).values, mask.values)


def test_small_parts_are_removed_and_soft_edges_of_others_kept() -> None:
    mask = mask_of([1, 0, 0, 0, 0, 0], [0, 0, 0.4, 1, 0, 0], [0, 0, 0.6, 1, 0, 0], [0, 0, 0, 0, 1, 0], [1, 1, 0, 0, 0, 0])
    found = remove_specks(mask, smaller_than=3).values
    assert found[0, 0, 0] == 0
    assert found[0, 4].tolist() == [0, 0, 0, 0, 0, 0]
    assert torch.equal(found[:, 1:4], mask.values[:, 1:4])
    assert torch.equal(remove_specks(mask, smaller_than=1).values, mask.values)


def test_inputs_are_left_alone() -> None:
    mask = some_mask()
    before = mask.values.clone()
    for change in (lambda m: grow_mask(m, pixels=0), lambda m: grow_mask(m, pixels=3), fill_holes, remove_specks, invert_mask):
        change(mask).values.zero_()
    assert torch.equal(mask.values, before)
