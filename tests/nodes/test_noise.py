from __future__ import annotations

from typing import Any

import pytest

from nodes.noise import noise
from nodes.types import Noise


def test_a_batch_counts_up_from_the_seed() -> None:
    assert noise(seed=7).for_batch(3) == [7, 8, 9]


def test_seeds_wrap_around_at_the_end() -> None:
    assert noise(seed=2**64 - 1).for_batch(3) == [2**64 - 1, 0, 1]


@pytest.mark.parametrize(("count", "expected"), [(1, [5]), (2, [5, 1]), (4, [5, 1, 2, 3])])
def test_listed_seeds_are_used_first(count: int, expected: Any) -> None:
    assert Noise(seeds=(5, 1)).for_batch(count) == expected
