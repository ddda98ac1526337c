"""The path of the noise is one Brownian motion for each seed, whatever is asked of it and in whichever order."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from nodes.sampling.brownian import path_noise

SIGMAS = st.floats(0.01, 80.0)
WIDE = (60_000,)


def increment(sigma: float, sigma_next: float, seed: int = 3, shape: tuple[int, ...] = (16,)) -> Tensor:
    return path_noise([seed], shape)(sigma, sigma_next) * math.sqrt(abs(sigma - sigma_next))


@settings(deadline=None, max_examples=40)
@given(st.lists(SIGMAS, min_size=3, max_size=6, unique=True))
def test_increments_add_up_and_do_not_depend_on_what_was_asked_before(sigmas: list[float]) -> None:
    high, *between, low = sorted(sigmas, reverse=True)
    noise = path_noise([3], (16,))
    parts = [noise(one, other) * math.sqrt(one - other) for one, other in pairwise([high, *between, low])]
    whole = increment(high, low)
    torch.testing.assert_close(sum(parts), whole, rtol=0, atol=1e-5 * float(whole.abs().max() + high))
    again = path_noise([3], (16,))
    for one, other in reversed(list(pairwise([high, *between, low]))):
        assert torch.equal(again(one, other), noise(one, other))


@settings(deadline=None, max_examples=30)
@given(SIGMAS, SIGMAS.filter(lambda sigma: sigma > 0.1))
def test_an_item_is_a_function_of_its_own_seed(one: float, other: float) -> None:
    if one == other:
        return
    batch = path_noise([9, 4], (2, 3))(one, other)
    assert batch.shape == (2, 2, 3)
    for item, seed in enumerate((9, 4)):
        assert torch.equal(batch[item : item + 1], path_noise([seed], (2, 3))(one, other))
    assert not torch.equal(batch[0], batch[1])


def test_going_back_up_is_the_opposite_of_going_down() -> None:
    assert torch.equal(increment(4.2, 1.1), -increment(1.1, 4.2))


@pytest.mark.parametrize(
    ("high", "low"), [(14.6, 9.1), (8.0, 4.0), (4.01, 3.99), (0.2, 0.1), (700.0, 0.03), (1.5, 1.49), (2.0, 1.999)]
)
def test_every_increment_is_unit_normal_after_scaling(high: float, low: float) -> None:
    drawn = path_noise([1], WIDE)(high, low)[0]
    assert float(drawn.mean()) == pytest.approx(0, abs=0.015)
    assert float(drawn.std()) == pytest.approx(1, abs=0.015)
    assert float((drawn / drawn.std()).pow(4).mean()) == pytest.approx(3, abs=0.15)


@pytest.mark.parametrize("sigmas", [(14.6, 9.1, 5.5, 3.2), (1.9, 1.7, 1.3, 1.1), (4.1, 4.0, 3.9, 3.8), (0.3, 0.26, 0.25, 0.12)])
def test_increments_that_do_not_overlap_are_independent(sigmas: tuple[float, ...]) -> None:
    noise = path_noise([2], WIDE)
    parts = torch.stack([noise(one, other)[0] for one, other in pairwise(sigmas)])
    torch.testing.assert_close(torch.corrcoef(parts), torch.eye(3), rtol=0, atol=0.015)


def test_a_part_and_its_whole_share_their_noise() -> None:
    noise = path_noise([2], WIDE)
    part, whole = noise(4.0, 3.2)[0], noise(4.0, 1.5)[0]
    assert float((part * whole).mean()) == pytest.approx(math.sqrt(0.8 / 2.5), abs=0.015)


def test_sigmas_too_close_to_tell_apart_get_less_noise_and_never_more() -> None:
    drawn = path_noise([1], WIDE)(1.3000001, 1.3)[0]
    assert 0 < float(drawn.std()) < 1.0


@pytest.mark.parametrize(("sigma", "sigma_next"), [(1.0, 0.0), (-1.0, 2.0), (3.0, 3.0), (math.inf, 1.0), (math.nan, 1.0)])
def test_what_no_path_has_is_refused(sigma: float, sigma_next: float) -> None:
    with pytest.raises(ValueError, match=r"^a Brownian path has no increment from sigma .*; both must be above 0 and differ$"):
        path_noise([1], (2,))(sigma, sigma_next)


def test_the_path_stays_as_it_is_from_version_to_version() -> None:
    """Another value would change every picture of an SDE solver."""
    expected = torch.tensor([1.8276844024658203, -0.47868016362190247])
    torch.testing.assert_close(path_noise([7], (2,))(3.7, 1.9)[0], expected)
