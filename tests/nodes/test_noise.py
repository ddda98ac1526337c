from __future__ import annotations

from typing import Any

import pytest
import torch

from graph_engine import NodeInputError
from nodes.noise import noise, noise_from_seeds, vary_noise
from nodes.sampling.noise import slerp, starting_noise
from nodes.types import Noise


def test_a_batch_counts_up_from_the_seed() -> None:
    assert noise(seed=7).for_batch(3) == [7, 8, 9]


def test_seeds_wrap_around_at_the_end() -> None:
    assert noise(seed=2**64 - 1).for_batch(3) == [2**64 - 1, 0, 1]


@pytest.mark.parametrize(("count", "expected"), [(1, [5]), (2, [5, 1]), (4, [5, 1, 2, 3])])
def test_listed_seeds_are_used_first(count: int, expected: Any) -> None:
    assert Noise(seeds=(5, 1)).for_batch(count) == expected


def test_a_noise_that_is_the_same_for_all_repeats_its_seed() -> None:
    assert noise(seed=7, same_for_all=True).for_batch(3) == [7, 7, 7]


def test_each_picture_can_have_a_seed_of_its_own() -> None:
    assert noise_from_seeds(seeds=[9, 2]).for_batch(4) == [9, 2, 3, 4]
    with pytest.raises(NodeInputError, match="There is no seed"):
        noise_from_seeds(seeds=[])


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_noise_at_the_ends_of_a_variation_is_exactly_one_of_both(share: float) -> None:
    one, other = noise(seed=1), noise(seed=5)
    expected = starting_noise(other if share else one, 3, (4, 5, 7))
    assert torch.equal(starting_noise(vary_noise(one, other, share=share), 3, (4, 5, 7)), expected)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_varied_noise_keeps_its_length_and_lies_between(share: float) -> None:
    one, other = noise(seed=1), noise(seed=5)
    first, second = (starting_noise(of, 1, (4, 32, 32)).flatten() for of in (one, other))
    found = starting_noise(vary_noise(one, other, share=share), 1, (4, 32, 32)).flatten()
    angle = torch.acos(torch.dot(first, second) / first.norm() / second.norm())
    torch.testing.assert_close(
        torch.acos(torch.dot(found, first) / found.norm() / first.norm()) / angle, torch.tensor(share), atol=0.02, rtol=0
    )
    assert 0.97 < found.std() < 1.03


def test_variations_follow_one_another_and_each_item_has_its_own() -> None:
    twice = vary_noise(vary_noise(noise(seed=1), noise(seed=5), share=0.3), noise(seed=9), share=0.2)
    batch = starting_noise(twice, 2, (4, 3, 5))
    alone = vary_noise(vary_noise(noise(seed=2), noise(seed=6), share=0.3), noise(seed=10), share=0.2)
    assert torch.equal(batch[1:], starting_noise(alone, 1, (4, 3, 5)))
    once = slerp(starting_noise(noise(seed=1), 2, (4, 3, 5)), starting_noise(noise(seed=5), 2, (4, 3, 5)), 0.3)
    assert torch.equal(batch, slerp(once, starting_noise(noise(seed=9), 2, (4, 3, 5)), 0.2))


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_noise_turned_towards_itself_stays_itself_even_where_it_is_one_number_or_none(share: float) -> None:
    same = noise(seed=1)
    torch.testing.assert_close(starting_noise(vary_noise(same, same, share=share), 2, (1,)), starting_noise(same, 2, (1,)))
    assert not slerp(torch.zeros(1, 4), torch.zeros(1, 4), share).any()
    opposite = slerp(torch.ones(1, 4), -torch.ones(1, 4), share)
    assert torch.equal(opposite, torch.full((1, 4), 1 - 2 * share))


def test_noise_is_never_changed_in_place() -> None:
    one = noise(seed=1)
    vary_noise(one, noise(seed=2))
    assert one == Noise(seeds=(1,))
