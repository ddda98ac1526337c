from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nodes.sampling.regions import box_of, weight_of

SHARES = st.floats(0, 1)


@pytest.mark.parametrize(
    ("area", "box"),
    [
        ((0.0, 0.0, 1.0, 1.0), (0, 9, 0, 13)),
        ((0.5, 0.0, 0.5, 1.0), (0, 9, 6, 13)),
        ((0.25, 0.5, 0.25, 0.25), (4, 7, 3, 6)),
        ((0.999, 0.999, 0.0, 0.0), (8, 9, 12, 13)),
        ((0.9, 0.9, 0.9, 0.9), (8, 9, 12, 13)),
    ],
)
def test_an_area_is_the_cells_that_it_covers_and_at_least_one(area: tuple[float, ...], box: tuple[int, ...]) -> None:
    assert box_of(area, 9, 13) == box  # type: ignore[arg-type]


@given(SHARES, SHARES, SHARES, SHARES, st.integers(1, 40), st.integers(1, 40))
def test_a_box_lies_inside_and_holds_a_cell(left: float, top: float, wide: float, high: float, height: int, width: int) -> None:
    first, last, before, after = box_of((left, top, wide, high), height, width)
    assert 0 <= first < last <= height
    assert 0 <= before < after <= width


def test_without_mask_and_area_the_weight_is_the_strength() -> None:
    assert weight_of(0.4, None, None, 9, 13) == 0.4


def test_a_mask_is_drawn_to_the_size_of_the_latent_and_scaled() -> None:
    mask = torch.tensor([[[0.0, 1.0]], [[1.0, 1.0]]])
    found = weight_of(2.0, mask, None, 1, 4)
    assert isinstance(found, torch.Tensor)
    torch.testing.assert_close(found[:, 0, 0], torch.tensor([[0.0, 0.5, 1.5, 2.0], [2.0, 2.0, 2.0, 2.0]]))


def test_a_mask_with_an_area_counts_where_both_are() -> None:
    mask = torch.tensor([[[0.0, 1.0, 1.0, 0.5]]])
    found = weight_of(1.0, mask, (0, 2, 1, 4), 2, 4)
    assert isinstance(found, torch.Tensor)
    torch.testing.assert_close(found[0, 0], torch.tensor([[1.0, 1.0, 0.5]] * 2))


def test_an_area_fades_towards_its_edges_inside_the_picture_alone() -> None:
    found = weight_of(2.0, None, (0, 20, 12, 32), 40, 32)
    assert isinstance(found, torch.Tensor)
    assert found.shape == (1, 1, 20, 20)
    across, down = found[0, 0, 0], found[0, 0, :, -1]
    torch.testing.assert_close(across[:9], torch.tensor([1, 2, 3, 4, 5, 6, 7, 8, 8]) / 4.0)
    assert across[9:].tolist() == [2.0] * 11
    torch.testing.assert_close(down[-9:], torch.tensor([8, 8, 7, 6, 5, 4, 3, 2, 1]) / 4.0)


def test_a_narrow_area_never_reaches_full_weight_but_keeps_some() -> None:
    found = weight_of(1.0, None, (0, 1, 5, 8), 1, 20)
    assert isinstance(found, torch.Tensor)
    torch.testing.assert_close(found[0, 0, 0], torch.tensor([1, 2, 1]) / 8.0)
