from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graph_engine import NodeInputError
from nodes.conditioning import (
    average_conditionings,
    combine_conditionings,
    concatenate_conditionings,
    limit_to_area,
    limit_to_mask,
    limit_to_steps,
    zero_conditioning,
)
from nodes.latent import empty_latent
from nodes.noise import noise
from nodes.sample import sample
from nodes.text import encode_text
from nodes.types import Conditioning, Entry, Mask
from tests.nodes.tiny import Models

SHARES = st.floats(0, 1)


def text(
    seed: int, *, tokens: int = 77, width: int = 8, count: int = 1, pooled: int | None = 4, **options: Any
) -> Conditioning[Any]:
    generator = torch.Generator().manual_seed(seed)
    entry = Entry(
        embedding=torch.randn(count, tokens, width, generator=generator),
        pooled=None if pooled is None else torch.randn(count, pooled, generator=generator),
        **options,
    )
    return Conditioning(entries=(entry,))


def only(conditioning: Conditioning[Any]) -> Entry:
    (entry,) = conditioning.entries
    return entry


def test_a_combination_holds_every_text_of_its_texts_by_strength() -> None:
    one, two, three = text(1), text(2, strength=2.0), text(3)
    pair = combine_conditionings([one, two])
    assert [entry.strength for entry in pair.entries] == [1.0, 2.0]
    assert pair.entries[0] is not one.entries[0]
    assert pair.entries[0].embedding is one.entries[0].embedding
    nested = combine_conditionings([pair, three], strengths=[0.5, 0.0])
    assert [entry.strength for entry in nested.entries] == [0.5, 1.0, 0.0]


def test_a_combination_of_nothing_and_strengths_that_do_not_fit_are_refused() -> None:
    with pytest.raises(NodeInputError, match="There is no text"):
        combine_conditionings([])
    with pytest.raises(NodeInputError, match="1 strengths are given for 2 texts") as caught:
        combine_conditionings([text(1), text(2)], strengths=[1.0])
    assert caught.value.input == "strengths"


def test_concatenated_texts_are_read_one_after_the_other_with_the_pooled_text_of_the_first() -> None:
    one, two = text(1, strength=0.5), combine_conditionings([text(2, tokens=154), text(3)])
    found = only(concatenate_conditionings(one, two))
    assert torch.equal(found.embedding, torch.cat([only(one).embedding, two.entries[0].embedding], dim=1))
    assert torch.equal(found.pooled, only(one).pooled)
    assert found.strength == 0.5


def test_every_text_of_a_combination_gets_the_second_text() -> None:
    pair = combine_conditionings([text(1), text(2)])
    assert [entry.embedding.shape[1] for entry in concatenate_conditionings(pair, text(3)).entries] == [154, 154]


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_an_average_lies_between_the_texts_token_by_token(share: float) -> None:
    one, two = text(1), text(2)
    found = only(average_conditionings(one, two, share=share))
    torch.testing.assert_close(found.embedding, only(one).embedding * (1 - share) + only(two).embedding * share)
    torch.testing.assert_close(found.pooled, only(one).pooled * (1 - share) + only(two).pooled * share)


def test_the_second_text_of_an_average_is_cut_or_filled_with_zeros() -> None:
    short, long = text(1), text(2, tokens=154)
    cut = only(average_conditionings(short, long, share=1.0)).embedding
    assert torch.equal(cut, only(long).embedding[:, :77])
    filled = only(average_conditionings(long, short, share=1.0)).embedding
    assert torch.equal(filled[:, :77], only(short).embedding)
    assert filled.shape[1] == 154
    assert not filled[:, 77:].any()


@pytest.mark.parametrize("mix", [concatenate_conditionings, average_conditionings])
def test_one_text_goes_with_a_batch_of_texts_and_other_numbers_are_refused(mix: Any) -> None:
    batch = text(1, count=3)
    assert only(mix(batch, text(2))).embedding.shape[0] == only(mix(text(2), batch)).embedding.shape[0] == 3
    assert torch.equal(
        only(mix(batch, text(2))).embedding[1:2], only(mix(Conditioning.of(only(batch).embedding[1:2]), text(2))).embedding
    )
    with pytest.raises(NodeInputError, match="It holds 2 texts, and the first 3") as caught:
        mix(batch, text(2, count=2))
    assert caught.value.input == "second"


@pytest.mark.parametrize("mix", [concatenate_conditionings, average_conditionings])
def test_texts_of_different_encoders_are_refused(mix: Any) -> None:
    with pytest.raises(NodeInputError, match="6 numbers wide, and those of the first text 8"):
        mix(text(1), text(2, width=6))


def test_an_average_works_without_pooled_texts() -> None:
    assert only(average_conditionings(text(1, pooled=None), text(2))).pooled is None


def test_zeros_keep_shape_and_place_and_lose_every_number() -> None:
    mask = torch.rand(1, 5, 7)
    found = only(zero_conditioning(text(1, count=2, mask=mask, start=0.5)))
    assert found.embedding.shape == (2, 77, 8)
    assert not found.embedding.any()
    assert not found.pooled.any()
    assert found.mask is mask
    assert found.start == 0.5


def test_an_area_and_its_strength_are_kept_with_the_text() -> None:
    found = only(limit_to_area(text(1, strength=2.0), left=0.5, top=0.25, width=0.5, height=0.1, strength=3.0))
    assert found.area == pytest.approx((0.5, 0.25, 0.5, 0.1))
    assert found.strength == 6.0


def test_an_area_within_an_area_is_what_both_share() -> None:
    half = limit_to_area(text(1), left=0.0, width=0.5)
    assert only(limit_to_area(half, left=0.25, top=0.5, width=0.75, height=0.5)).area == pytest.approx((0.25, 0.5, 0.25, 0.5))
    with pytest.raises(NodeInputError, match=r"from 0 to 0\.5 already, which has nothing in common with 0\.5 to 1") as caught:
        limit_to_area(half, left=0.5, width=0.5)
    assert caught.value.input == "left"


@given(SHARES, SHARES, SHARES, SHARES)
def test_an_area_lies_within_the_picture_and_the_picture_s_own_changes_nothing(
    x: float, y: float, width: float, height: float
) -> None:
    if not (width > 0 and height > 0 and x + width <= 1 and y + height <= 1 and x + width > x and y + height > y):
        return
    found = only(limit_to_area(text(1), left=x, top=y, width=width, height=height))
    assert found.area == pytest.approx((x, y, width, height), abs=1e-9)
    again = only(limit_to_area(Conditioning(entries=(found,))))
    assert again.area == pytest.approx(found.area, abs=1e-9)


@pytest.mark.parametrize(("side", "place"), [("width", "left"), ("height", "top")])
def test_an_area_beyond_the_picture_is_refused(side: str, place: str) -> None:
    with pytest.raises(NodeInputError, match=r"ends at 1\.1 and the picture at 1\. Use at most 0\.4") as caught:
        limit_to_area(text(1), **{place: 0.6, side: 0.5})
    assert caught.value.input == side


def test_a_mask_limits_a_text_and_a_second_mask_multiplies() -> None:
    one, two = torch.tensor([[[1.0, 0.5], [0.0, 1.0]]]), torch.tensor([[[0.5, 0.5], [1.0, 0.0]]])
    found = limit_to_mask(text(1), Mask(values=one), strength=2.0)
    assert only(found).mask is one
    assert only(found).strength == 2.0
    assert only(limit_to_mask(found, Mask(values=two))).mask.tolist() == [[[0.5, 0.25], [0.0, 0.0]]]


def test_masks_of_different_sizes_are_stretched_to_the_larger_sides() -> None:
    wide, high = Mask(values=torch.full((1, 1, 9), 0.5)), Mask(values=torch.full((1, 7, 3), 0.5))
    found = only(limit_to_mask(limit_to_mask(text(1), wide), high)).mask
    assert found.shape == (1, 7, 9)
    torch.testing.assert_close(found, torch.full((1, 7, 9), 0.25))


def test_several_masks_for_one_text_are_refused() -> None:
    with pytest.raises(NodeInputError, match="It holds 2 masks") as caught:
        limit_to_mask(text(1), Mask(values=torch.ones(2, 4, 4)))
    assert caught.value.input == "mask"


def test_steps_within_steps_are_those_that_both_share() -> None:
    late = limit_to_steps(text(1), start=0.4, end=1.0)
    found = only(limit_to_steps(late, start=0.0, end=0.6))
    assert (found.start, found.end) == (0.4, 0.6)
    with pytest.raises(NodeInputError, match=r"from 0\.4 to 1 already, which has nothing in common with 0 to 0\.4"):
        limit_to_steps(late, end=0.4)


@pytest.mark.parametrize(("start", "end"), [(0.5, 0.5), (0.7, 0.2)])
def test_steps_that_end_before_they_start_are_refused(start: float, end: float) -> None:
    with pytest.raises(NodeInputError, match="Choose an end after the start") as caught:
        limit_to_steps(text(1), start=start, end=end)
    assert caught.value.input == "end"


def test_limits_reach_every_text_of_a_combination_and_leave_the_input_alone() -> None:
    pair = combine_conditionings([text(1), text(2)])
    before = [replace(entry) for entry in pair.entries]
    found = limit_to_steps(limit_to_mask(limit_to_area(pair, width=0.5), Mask(values=torch.ones(1, 2, 2))), end=0.5)
    assert [(entry.area, entry.end, entry.mask is not None) for entry in found.entries] == [((0, 0, 0.5, 1), 0.5, True)] * 2
    assert [(entry.area, entry.end, entry.mask) for entry in pair.entries] == [(one.area, one.end, one.mask) for one in before]


def test_prompts_of_different_length_are_sampled_together(models: Models) -> None:
    """A long prompt has more chunks than a short one; a chunk that is repeated says nothing new."""
    loaded = models.load("sd1")
    short, negative = (encode_text(loaded.text_encoder, text=text, context=models.context) for text in ("a cat", "a dog"))
    latent = empty_latent(loaded.model, context=models.context)

    def run(positive: Conditioning[Any]) -> torch.Tensor:
        return sample(loaded.model, positive, negative, latent, noise(seed=1), steps=3, context=models.context).samples

    torch.testing.assert_close(run(concatenate_conditionings(short, short)), run(short), atol=1e-4, rtol=1e-4)
    long = encode_text(loaded.text_encoder, text="a cat " * 40, context=models.context)
    assert only(long).embedding.shape[1] == 3 * 77
    assert not torch.allclose(run(long), run(short), atol=1e-3)


def test_an_empty_share_of_an_average_and_a_text_alone_in_a_combination_change_no_picture(models: Models) -> None:
    loaded = models.load("sdxl")
    one, other = (encode_text(loaded.text_encoder, text=text, context=models.context) for text in ("a cat", "a dog"))
    latent = empty_latent(loaded.model, context=models.context)

    def run(positive: Conditioning[Any]) -> torch.Tensor:
        return sample(loaded.model, positive, other, latent, noise(seed=1), steps=3, context=models.context).samples

    expected = run(one)
    assert torch.equal(run(average_conditionings(one, other, share=0.0)), expected)
    torch.testing.assert_close(run(combine_conditionings([one, one], strengths=[3.0, 1.0])), expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(run(combine_conditionings([one, other], strengths=[1.0, 0.0])), expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(run(limit_to_mask(one, Mask(values=torch.ones(1, 1, 1)))), expected, atol=1e-4, rtol=1e-4)
