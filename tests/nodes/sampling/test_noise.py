from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.sampling.noise import noised, seeded_noise, step_noise
from nodes.sampling.prediction import FlowTable, NoiseTable

TABLE = NoiseTable(sigmas=(0.1, 14.6))

SEEDS = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=4)
SHAPES = st.sampled_from([(1,), (4, 2, 2), (3, 5), (4, 8, 8)])


@settings(deadline=None)
@given(SEEDS, SHAPES)
def test_noise_of_a_batch_item_equals_the_single_call_with_its_seed(seeds: list[int], shape: tuple[int, ...]) -> None:
    batch = seeded_noise(seeds, shape)
    assert batch.shape == (len(seeds), *shape)
    assert batch.dtype == torch.float32
    for item, seed in enumerate(seeds):
        assert torch.equal(batch[item], seeded_noise([seed], shape)[0])


def test_initial_noise_is_that_of_a_fresh_cpu_generator() -> None:
    expected = torch.randn(4, 8, 8, generator=torch.Generator().manual_seed(7))
    assert torch.equal(seeded_noise([7], (4, 8, 8))[0], expected)


def test_noise_neither_reads_nor_moves_the_global_generator() -> None:
    before = torch.get_rng_state()
    first = seeded_noise([7], (4,))
    step_noise([7], (4,))(0)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first, seeded_noise([7], (4,)))


@settings(deadline=None)
@given(SEEDS, SHAPES, st.integers(0, 2000))
def test_step_noise_of_a_batch_item_equals_the_single_run_in_any_order(
    seeds: list[int], shape: tuple[int, ...], index: int
) -> None:
    noise = step_noise(seeds, shape)
    later, now = noise(index + 1), noise(index)
    assert torch.equal(now, step_noise(seeds, shape)(index))
    assert not torch.equal(now, later)
    for item, seed in enumerate(seeds):
        assert torch.equal(now[item], step_noise([seed], shape)(index)[0])


def test_step_noise_differs_between_steps_and_from_the_initial_noise() -> None:
    shape, seeds = (8,), range(20)
    drawn = [step_noise([seed], shape)(index) for seed in seeds for index in range(20)]
    drawn += [seeded_noise([seed], shape) for seed in seeds]
    assert len({tuple(noise.flatten().tolist()) for noise in drawn}) == 20 * 20 + 20


def test_step_noise_stays_what_it_was_in_the_first_release() -> None:
    # 64 bits of blake2b("step noise 3 of seed 1"): any other way to a seed would change every stochastic picture
    assert torch.equal(step_noise([1], (4,))(3), seeded_noise([4146318915604262183], (4,)))


def test_noise_is_unit_normal() -> None:
    for noise in (seeded_noise([1, 2], (4, 64, 64)), step_noise([1, 2], (4, 64, 64))(0)):
        assert float(noise.mean()) == pytest.approx(0, abs=0.02)
        assert float(noise.std()) == pytest.approx(1, abs=0.02)


def test_a_start_below_sigma_max_adds_noise_times_sigma() -> None:
    latent, noise = torch.full((1, 2), 0.5), torch.tensor([[1.0, -1.0]])
    assert torch.equal(noised(latent, noise, 2.0, TABLE), torch.tensor([[2.5, -1.5]]))


@pytest.mark.parametrize("sigma", [14.6, 14.6 * (1 - 5e-6), 20.0])
def test_a_start_at_sigma_max_shows_the_network_unit_variance(sigma: float) -> None:
    noise = torch.tensor([[1.0, -1.0]], dtype=torch.float64)
    x = noised(torch.zeros_like(noise), noise, sigma, TABLE)
    torch.testing.assert_close(x / math.sqrt(1 + sigma**2), noise)


def test_a_flow_begins_between_the_latent_and_the_noise() -> None:
    latent, noise = torch.full((1, 2), 0.5), torch.tensor([[1.0, -1.0]])
    torch.testing.assert_close(noised(latent, noise, 0.75, FlowTable()), torch.tensor([[0.875, -0.625]]))
    assert torch.equal(noised(latent, noise, 1.0, FlowTable(3.0)), noise)


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(ValueError, match=rf"^seed {seed} is out of range; choose a seed from 0 to 18446744073709551615$"):
        seeded_noise([seed], (2,))


def test_noise_without_a_seed_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^noise needs one seed for each batch item, but got none; pass one or more seeds$"):
        seeded_noise([], (2,))
