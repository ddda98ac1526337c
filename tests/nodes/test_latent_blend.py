from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graph_engine import NodeInputError
from nodes.latent_blend import blend_latents, composite_latents, join_latents, mask_latent, pick_latents, repeat_latent
from nodes.types import Latent, Mask


def flat(value: float, height: int, width: int, *, batch: int = 1) -> Latent[Any]:
    return Latent(samples=torch.full((batch, 4, height, width), float(value)))


def numbered(batch: int, *, mask: int = 0) -> Latent[Any]:
    samples = torch.arange(batch, dtype=torch.float32)[:, None, None, None].expand(batch, 4, 2, 3).clone()
    return Latent(
        samples=samples, mask=torch.arange(mask, dtype=torch.float32)[:, None, None, None].expand(mask, 1, 2, 3) if mask else None
    )


def rows(of: Latent[Any]) -> list[list[float]]:
    return of.samples[0, 0].tolist()


def test_a_latent_covers_what_it_is_laid_on_and_nothing_else() -> None:
    assert rows(composite_latents(flat(0, 3, 4), flat(1, 2, 2), left=1, top=1)) == [[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0]]


@pytest.mark.parametrize(
    ("left", "top", "expected"),
    [
        (-1, 0, [[1, 0, 0], [1, 0, 0]]),
        (2, 1, [[0, 0, 0], [0, 0, 1]]),
        (0, -1, [[1, 1, 0], [0, 0, 0]]),
        (3, 0, [[0, 0, 0], [0, 0, 0]]),
        (-2, 0, [[0, 0, 0], [0, 0, 0]]),
        (-4096, 4096, [[0, 0, 0], [0, 0, 0]]),
    ],
)
def test_what_sticks_out_is_cut_off(left: int, top: int, expected: list[list[float]]) -> None:
    assert rows(composite_latents(flat(0, 2, 3), flat(1, 2, 2), left=left, top=top)) == expected


def test_edges_fade_where_they_lie_within_the_other_and_not_at_its_border() -> None:
    found = composite_latents(flat(0, 1, 7), flat(1, 1, 5), left=0, feather=1).samples[0, 0, 0]
    assert found.tolist() == [1, 1, 1, 1, 0.5, 0, 0]
    found = composite_latents(flat(0, 1, 7), flat(1, 1, 5), left=1, feather=3).samples[0, 0, 0]
    assert found.tolist() == [0, 0.25, 0.5, 0.75, 0.5, 0.25, 0]


@settings(deadline=None)
@given(st.integers(-6, 6), st.integers(-6, 6), st.integers(0, 9), st.integers(1, 5), st.integers(1, 5))
def test_a_composite_lies_between_both_wherever_it_is_laid(left: int, top: int, feather: int, height: int, width: int) -> None:
    below = flat(0, 4, 5)
    found = composite_latents(below, flat(1, height, width), left=left, top=top, feather=feather).samples
    assert found.shape == below.samples.shape
    assert 0 <= found.min() <= found.max() <= 1
    assert not below.samples.any(), "the input was changed"
    again = composite_latents(flat(0, 4, 5), flat(0, height, width), left=left, top=top, feather=feather).samples
    assert not again.any()


def test_one_latent_is_laid_on_all_and_a_batch_one_by_one() -> None:
    below = flat(0, 1, 2, batch=3)
    assert composite_latents(below, flat(1, 1, 1)).samples[:, 0, 0].tolist() == [[1, 0]] * 3
    assert composite_latents(below, Latent(samples=numbered(3).samples[:, :, :1, :1])).samples[:, 0, 0, 0].tolist() == [0, 1, 2]
    with pytest.raises(NodeInputError, match="It holds 2 latents, and the other 3") as caught:
        composite_latents(below, flat(1, 1, 1, batch=2))
    assert caught.value.input == "above"


def test_latents_of_different_channels_are_refused() -> None:
    other = Latent(samples=torch.zeros(1, 16, 2, 3))
    for call in (lambda: composite_latents(numbered(1), other), lambda: blend_latents(numbered(1), other)):
        with pytest.raises(NodeInputError, match=r"It is \[16, 2, 3\] \(channels, height, width\), and the first is \[4, 2, 3\]"):
            call()


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_a_blend_mixes_cell_by_cell(share: float) -> None:
    assert rows(blend_latents(flat(2, 1, 2), flat(-2, 1, 2), share=share)) == [[2 - 4 * share] * 2]


def test_a_blend_of_different_sizes_is_refused() -> None:
    with pytest.raises(NodeInputError, match="Scale or crop one of them") as caught:
        blend_latents(flat(0, 2, 3), flat(0, 3, 2))
    assert caught.value.input == "second"


def test_joined_latents_are_a_batch_in_order() -> None:
    assert join_latents([numbered(2), numbered(1), numbered(3)]).samples[:, 0, 0, 0].tolist() == [0, 1, 0, 0, 1, 2]
    with pytest.raises(NodeInputError, match="There is no latent"):
        join_latents([])
    with pytest.raises(NodeInputError, match=r"It is \[4, 1, 1\]"):
        join_latents([numbered(1), flat(0, 1, 1)])


def test_joined_latents_without_a_mask_may_change_everywhere() -> None:
    assert join_latents([numbered(2), numbered(1)]).mask is None
    mask = join_latents(
        [numbered(2), Latent(samples=numbered(2).samples, mask=torch.zeros(1, 1, 2, 3)), numbered(2, mask=2)]
    ).mask
    assert mask.shape == (6, 1, 2, 3)
    assert mask[:, 0, 0, 0].tolist() == [1, 1, 0, 0, 0, 1]


@pytest.mark.parametrize(
    ("first", "count", "expected"), [(0, 1, [0]), (1, 2, [1, 2]), (-1, 1, [3]), (-4, 4, [0, 1, 2, 3]), (3, 1, [3])]
)
def test_latents_are_picked_by_number_with_their_masks(first: int, count: int, expected: list[int]) -> None:
    found = pick_latents(numbered(4, mask=4), first=first, count=count)
    assert found.samples[:, 0, 0, 0].tolist() == expected
    assert found.mask[:, 0, 0, 0].tolist() == expected
    assert found.samples.untyped_storage().nbytes() == found.samples.numel() * 4
    assert pick_latents(numbered(4, mask=1), first=first, count=count).mask.shape[0] == 1


@pytest.mark.parametrize(("first", "count", "input"), [(4, 1, "first"), (-5, 1, "first"), (3, 2, "count")])
def test_latents_that_are_not_there_cannot_be_picked(first: int, count: int, input: str) -> None:
    with pytest.raises(NodeInputError, match=r"the batch has 4|From latent 3 on there are 1") as caught:
        pick_latents(numbered(4), first=first, count=count)
    assert caught.value.input == input


def test_a_repeated_batch_comes_again_as_a_whole() -> None:
    found = repeat_latent(numbered(2, mask=2), times=3)
    assert found.samples[:, 0, 0, 0].tolist() == found.mask[:, 0, 0, 0].tolist() == [0, 1, 0, 1, 0, 1]
    assert repeat_latent(numbered(2, mask=1), times=3).mask.shape[0] == 1


def test_a_mask_is_stretched_to_the_latent() -> None:
    found = mask_latent(numbered(2), Mask(values=torch.tensor([[[0.0, 1.0]]])))
    assert found.mask.shape == (1, 1, 2, 3)
    assert found.mask[0, 0].tolist() == [[0, 0.5, 1]] * 2
    pixels = torch.zeros(2, 16, 24)
    pixels[1, :, 12:] = 1
    assert mask_latent(numbered(2), Mask(values=pixels)).mask[1, 0].tolist() == [[0, 0.5, 1]] * 2


def test_masks_that_fit_no_batch_are_refused() -> None:
    with pytest.raises(NodeInputError, match="It holds 3 masks, and the latent 2 pictures") as caught:
        mask_latent(numbered(2), Mask(values=torch.ones(3, 8, 8)))
    assert caught.value.input == "mask"
