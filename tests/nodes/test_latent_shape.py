from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import interpolate

from graph_engine import NodeInputError
from nodes.latent_shape import bislerp, crop_latent, flip_latent, rotate_latent, scale_latent, scale_latent_by
from nodes.types import Latent

METHODS = ["nearest", "bilinear", "bicubic", "area", "bislerp"]
SIDES = st.integers(1, 9)


def latent(height: int, width: int, *, batch: int = 2, seed: int = 1, mask: int = 0) -> Latent[Any]:
    generator = torch.Generator().manual_seed(seed)
    return Latent(
        samples=torch.randn(batch, 4, height, width, generator=generator),
        mask=torch.rand(mask, 1, height, width, generator=generator) if mask else None,
    )


@pytest.mark.parametrize("method", METHODS)
def test_a_latent_of_one_colour_stays_so_at_any_size(method: Any) -> None:
    colour = torch.tensor([1.0, -2.0, 0.5, 0.0])[None, :, None, None]
    found = scale_latent(Latent(samples=colour.expand(2, 4, 5, 3)), width=7, height=2, method=method).samples
    torch.testing.assert_close(found, colour.expand(2, 4, 2, 7).contiguous())


@pytest.mark.parametrize("method", METHODS)
def test_a_single_cell_can_be_scaled_up_and_anything_down_to_it(method: Any) -> None:
    one = latent(1, 1)
    torch.testing.assert_close(
        scale_latent(one, width=3, height=2, method=method).samples, one.samples.expand(2, 4, 2, 3).contiguous()
    )
    assert scale_latent(latent(7, 3), width=1, height=1, method=method).samples.shape == (2, 4, 1, 1)


@pytest.mark.parametrize("method", METHODS)
def test_each_of_a_batch_is_scaled_as_if_alone(method: Any) -> None:
    batch = latent(5, 7, batch=3)
    found = scale_latent(batch, width=11, height=3, method=method).samples
    alone = scale_latent(Latent(samples=batch.samples[1:2]), width=11, height=3, method=method).samples
    torch.testing.assert_close(found[1:2], alone)


@pytest.mark.parametrize("method", METHODS)
def test_a_latent_at_its_own_size_is_left_alone(method: Any) -> None:
    one = latent(5, 7)
    assert scale_latent(one, width=7, method=method) is one


def test_the_side_that_is_left_out_follows_in_proportion() -> None:
    assert scale_latent(latent(4, 6), width=9).samples.shape[2:] == (6, 9)
    assert scale_latent(latent(4, 6), height=1).samples.shape[2:] == (1, 2)
    assert scale_latent(latent(1, 9), width=2).samples.shape[2:] == (1, 2)
    with pytest.raises(NodeInputError, match="Neither width nor height is given"):
        scale_latent(latent(4, 6))
    with pytest.raises(NodeInputError, match="The other side would be 8192 cells") as caught:
        scale_latent(latent(2, 1), width=4096)
    assert caught.value.input == "width"


def test_a_factor_scales_both_sides_and_leaves_at_least_a_cell() -> None:
    assert scale_latent_by(latent(5, 7), factor=1.5).samples.shape[2:] == (8, 10)
    assert scale_latent_by(latent(5, 7), factor=0.01).samples.shape[2:] == (1, 1)
    with pytest.raises(NodeInputError, match="would be 4112 x 16 cells") as caught:
        scale_latent_by(latent(1, 257), factor=16.0)
    assert caught.value.input == "factor"


def test_what_may_change_is_scaled_along() -> None:
    found = scale_latent_by(latent(5, 7, mask=1), factor=2.0)
    assert found.mask.shape == (1, 1, 10, 14)
    assert 0 <= found.mask.min() <= found.mask.max() <= 1


def test_bislerp_keeps_the_length_of_unlike_cells_where_a_plain_mixture_loses_it() -> None:
    cells = torch.tensor([[3.0, 0.0], [0.0, 3.0]])[None, :, None, :]
    found = bislerp(cells, 1, 8)
    torch.testing.assert_close(found.norm(dim=1), torch.full((1, 1, 8), 3.0))
    assert interpolate(cells, size=(1, 8), mode="bilinear").norm(dim=1).min() < 2.3
    angles = torch.atan2(found[0, 1, 0], found[0, 0, 0])
    expected = torch.tensor([0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1]) * torch.pi / 2
    torch.testing.assert_close(angles, expected)


def test_bislerp_mixes_lengths_apart_from_directions() -> None:
    cells = torch.tensor([[1.0, 0.0], [0.0, 5.0]])[None, :, None, :]
    torch.testing.assert_close(bislerp(cells, 1, 4).norm(dim=1), torch.tensor([[[1.0, 2.0, 4.0, 5.0]]]))


@pytest.mark.parametrize("pair", [(1.0, 1.0), (1.0, -1.0), (0.0, 2.0), (0.0, 0.0), (1.0, 3.0)])
def test_bislerp_is_bilinear_where_no_arc_leads_from_cell_to_cell(pair: tuple[float, float]) -> None:
    cells = torch.tensor([pair, pair])[None, :, None, :]
    torch.testing.assert_close(bislerp(cells, 1, 5), interpolate(cells, size=(1, 5), mode="bilinear"))


@settings(deadline=None)
@given(SIDES, SIDES, SIDES, SIDES)
def test_bislerp_commutes_with_mirroring_and_stays_within_the_lengths(
    height: int, width: int, new_height: int, new_width: int
) -> None:
    one = latent(height, width).samples
    found = bislerp(one, new_height, new_width)
    torch.testing.assert_close(bislerp(one.flip(3), new_height, new_width), found.flip(3), atol=1e-4, rtol=1e-3)
    assert found.norm(dim=1).max() <= one.norm(dim=1).max() + 1e-4


def test_a_crop_is_the_rectangle_and_shares_no_memory() -> None:
    whole = latent(5, 7, mask=2)
    found = crop_latent(whole, left=2, top=1, width=5, height=3)
    assert torch.equal(found.samples, whole.samples[:, :, 1:4, 2:7])
    assert torch.equal(found.mask, whole.mask[:, :, 1:4, 2:7])
    assert found.samples.untyped_storage().nbytes() == found.samples.numel() * 4


@pytest.mark.parametrize(("side", "options"), [("width", {"left": 3, "width": 5}), ("height", {"top": 5, "width": 1})])
def test_a_crop_beyond_the_latent_is_refused(side: str, options: dict[str, int]) -> None:
    with pytest.raises(NodeInputError, match="Make it smaller, or begin earlier") as caught:
        crop_latent(latent(5, 7), **({"height": 1} | options))
    assert caught.value.input == side


@settings(deadline=None)
@given(SIDES, SIDES)
def test_flips_and_rotations_undo_each_other(height: int, width: int) -> None:
    one = latent(height, width, mask=1)

    def same(found: Latent[Any]) -> bool:
        return torch.equal(found.samples, one.samples) and torch.equal(found.mask, one.mask)

    for direction in ("horizontal", "vertical"):
        assert same(flip_latent(flip_latent(one, direction=direction), direction=direction))
    assert same(rotate_latent(rotate_latent(one, degrees="90"), degrees="270"))
    assert same(rotate_latent(rotate_latent(one, degrees="180"), degrees="180"))
    both = flip_latent(flip_latent(one, direction="vertical"), direction="horizontal")
    assert torch.equal(rotate_latent(one, degrees="180").samples, both.samples)


def test_rotation_is_clockwise() -> None:
    cells = Latent(samples=torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])[None, None])
    assert rotate_latent(cells, degrees="90").samples.tolist() == [[[[4, 1], [5, 2], [6, 3]]]]
    assert rotate_latent(cells, degrees="270").samples.tolist() == [[[[3, 6], [2, 5], [1, 4]]]]


def test_mirroring_goes_along_the_axis_that_it_names() -> None:
    cells = Latent(samples=torch.tensor([[1.0, 2.0], [3.0, 4.0]])[None, None])
    assert flip_latent(cells, direction="horizontal").samples.tolist() == [[[[2, 1], [4, 3]]]]
    assert flip_latent(cells, direction="vertical").samples.tolist() == [[[[3, 4], [1, 2]]]]
