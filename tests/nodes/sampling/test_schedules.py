from __future__ import annotations

from itertools import pairwise
from typing import Any, get_args

import numpy as np
import pytest
from diffusers.schedulers import AysSchedules
from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.sampling.beta import beta_quantile
from nodes.sampling.prediction import FlowTable, NoiseTable
from nodes.sampling.schedules import (
    SCHEDULES,
    ScheduleName,
    align_your_steps,
    align_your_steps_xl,
    beta,
    between_karras,
    between_polyexponential,
    ddim_uniform,
    exponential,
    karras,
    kl_optimal,
    linear_quadratic,
    normal,
    sgm_uniform,
    simple,
    trim_for_denoise,
)  # fmt: skip

TABLE = NoiseTable.from_betas()

NAMES = st.sampled_from(get_args(ScheduleName))


# diffusers hands numpy a tensor in a way that numpy 2 deprecates
old_numpy_call = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


def test_every_schedule_name_has_a_schedule() -> None:
    assert tuple(SCHEDULES) == get_args(ScheduleName)


EXACT = sorted({*get_args(ScheduleName)} - {"beta", "ddim_uniform", "align_your_steps", "align_your_steps_xl"})
"""The schedules that take as many steps as they are asked for, from sigma_max itself."""


@settings(deadline=None)
@given(NAMES, st.integers(1, 1000), st.sampled_from([TABLE, FlowTable(), FlowTable(3.0)]))
def test_a_schedule_descends_and_ends_in_zero(name: ScheduleName, steps: int, table: NoiseTable | FlowTable) -> None:
    if table.flow and name.startswith("align_your_steps"):
        return
    sigmas = SCHEDULES[name](table, steps)
    assert len(sigmas) == steps + 1 or (name == "beta" and len(sigmas) <= steps)
    assert sigmas[-1] == 0
    assert sigmas[0] <= table.sigma_max * (1 + 1e-4)
    assert all(high > low for high, low in pairwise(sigmas)) or (name == "ddim_uniform" and steps > 499)
    assert all(high >= low for high, low in pairwise(sigmas))


@settings(deadline=None)
@given(st.sampled_from(EXACT), st.integers(1, 1000))
def test_a_schedule_starts_at_sigma_max(name: ScheduleName, steps: int) -> None:
    assert SCHEDULES[name](TABLE, steps)[0] == pytest.approx(TABLE.sigma_max, rel=1e-12)


@settings(deadline=None)
@given(st.sampled_from(["normal", "karras", "exponential", "kl_optimal"]), st.integers(2, 1000))
def test_some_take_their_last_step_from_sigma_min(name: ScheduleName, steps: int) -> None:
    assert SCHEDULES[name](TABLE, steps)[-2] == pytest.approx(TABLE.sigma_min, rel=1e-12)


@old_numpy_call
@pytest.mark.parametrize(
    ("name", "config", "counts", "tolerance"),
    [
        # diffusers interpolates sigma itself between two entries, not its logarithm
        ("normal", {"timestep_spacing": "linspace"}, [2, 4, 8, 20, 25, 28, 30], 5e-5),
        # its sigma_min is 1.3e-5 off, for 1 - alpha_bar cancels in float32
        ("karras", {"timestep_spacing": "linspace", "use_karras_sigmas": True}, [2, 4, 8, 20, 25, 28, 30], 2e-5),
        # diffusers rounds where simple rounds down, so the two agree only where nothing is rounded
        ("simple", {"timestep_spacing": "trailing"}, [2, 4, 8, 20, 25, 40], 1e-5),
        ("exponential", {"timestep_spacing": "linspace", "use_exponential_sigmas": True}, [2, 4, 8, 20, 28, 30], 2e-5),
        # of 28 and 30 steps, other programs take one more
        ("ddim_uniform", {"timestep_spacing": "leading", "steps_offset": 1}, [1, 2, 4, 8, 20, 25, 28, 30], 2e-5),
    ],
)
def test_a_schedule_equals_that_of_diffusers(
    name: ScheduleName, config: dict[str, Any], counts: list[int], tolerance: float
) -> None:
    scheduler = EulerDiscreteScheduler(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, **config)
    for steps in counts:
        scheduler.set_timesteps(steps)
        np.testing.assert_allclose(SCHEDULES[name](TABLE, steps), scheduler.sigmas.numpy(), rtol=tolerance)


def test_normal_interpolates_the_logarithm_of_the_table() -> None:
    timesteps = np.linspace(999, 0, 7)
    expected = np.exp(np.interp(timesteps, np.arange(1000), np.log(TABLE.sigmas)))
    np.testing.assert_allclose(normal(TABLE, 7), [*expected, 0], rtol=1e-12)


def test_karras_on_round_numbers_equals_a_sum_by_hand() -> None:
    # seventh roots 3, 2, 1 of 2187, 128, 1
    assert karras(NoiseTable(sigmas=(1.0, 2187.0)), 3) == pytest.approx((2187.0, 128.0, 1.0, 0.0), rel=1e-12)


def test_simple_counts_entries_from_the_end_of_the_table_and_rounds_down() -> None:
    table = NoiseTable(sigmas=tuple(float(n) for n in range(1, 11)))
    assert simple(table, 4) == (10.0, 8.0, 5.0, 3.0, 0.0)
    assert simple(table, 10) == (10.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0, 0.0)


def test_simple_with_more_steps_than_entries_repeats_them() -> None:
    assert simple(NoiseTable(sigmas=(1.0, 2.0)), 4) == (2.0, 2.0, 1.0, 1.0, 0.0)


@settings(deadline=None)
@given(NAMES, st.integers(1, 60))
def test_denoise_of_one_is_the_whole_schedule(name: ScheduleName, steps: int) -> None:
    assert trim_for_denoise(SCHEDULES[name], TABLE, steps, 1.0) == SCHEDULES[name](TABLE, steps)


@settings(deadline=None)
@given(NAMES, st.integers(1, 60), st.floats(0.01, 1.0))
def test_a_trimmed_schedule_is_the_end_of_a_longer_one_and_keeps_its_steps(
    name: ScheduleName, steps: int, denoise: float
) -> None:
    sigmas = trim_for_denoise(SCHEDULES[name], TABLE, steps, denoise)
    assert len(sigmas) == steps + 1 or name == "beta"
    assert sigmas == SCHEDULES[name](TABLE, int(steps / denoise))[-steps - 1 :]


def test_denoise_of_a_half_starts_halfway_down_the_timesteps() -> None:
    sigmas = trim_for_denoise(simple, TABLE, 20, 0.5)
    assert sigmas[0] == TABLE.sigmas[1000 - 1 - 500]
    assert sigmas == simple(TABLE, 40)[20:]


def test_denoise_rounds_the_length_of_the_schedule_down() -> None:
    assert trim_for_denoise(karras, TABLE, 20, 0.55) == karras(TABLE, 36)[-21:]


@pytest.mark.parametrize("name", get_args(ScheduleName))
@pytest.mark.parametrize("steps", [0, -1, 1_000_001])
def test_steps_out_of_range_are_refused(name: ScheduleName, steps: int) -> None:
    message = rf"^steps is {steps}, but must be from 1 to 1000000; choose a number of steps in that range$"
    with pytest.raises(ValueError, match=message):
        SCHEDULES[name](TABLE, steps)
    with pytest.raises(ValueError, match=message):
        trim_for_denoise(SCHEDULES[name], TABLE, steps, 1.0)


@pytest.mark.parametrize("denoise", [0.0, -0.5, 1.0001, float("nan")])
def test_denoise_outside_its_range_is_refused(denoise: float) -> None:
    with pytest.raises(ValueError, match=rf"^denoise is {denoise}, but must be above 0 and at most 1; to leave the latent"):
        trim_for_denoise(normal, TABLE, 20, denoise)


@pytest.mark.parametrize("denoise", [1e-9, 5e-324])
def test_a_denoise_that_asks_for_an_endless_schedule_is_refused(denoise: float) -> None:
    with pytest.raises(ValueError, match=rf"^denoise {denoise} with 20 steps needs .* 1000000 steps; raise denoise$"):
        trim_for_denoise(normal, TABLE, 20, denoise)


FLOW = FlowTable(3.0)


def test_normal_of_a_flow_equals_that_of_diffusers_which_shifts_its_ends_twice() -> None:
    for steps in (2, 8, 28):
        scheduler = FlowMatchEulerDiscreteScheduler(shift=3.0)
        scheduler.set_timesteps(steps)
        np.testing.assert_allclose(normal(FLOW, steps), scheduler.sigmas.numpy(), rtol=1e-5)


def test_simple_of_a_flow_equals_diffusers_with_evenly_spaced_sigmas() -> None:
    for steps in (1, 4, 20):
        scheduler = FlowMatchEulerDiscreteScheduler(shift=3.0)
        scheduler.set_timesteps(sigmas=np.linspace(1, 1 / steps, steps).tolist())
        np.testing.assert_allclose(simple(FLOW, steps), scheduler.sigmas.numpy(), rtol=1e-5)


def test_sgm_uniform_leaves_the_last_of_one_timestep_more_out() -> None:
    timesteps = np.linspace(999, 0, 6)[:-1]
    expected = np.exp(np.interp(timesteps, np.arange(1000), np.log(TABLE.sigmas)))
    np.testing.assert_allclose(sgm_uniform(TABLE, 5), [*expected, 0], rtol=1e-12)


def test_exponential_falls_by_the_same_factor_each_step() -> None:
    assert exponential(NoiseTable(sigmas=(1.0, 27.0)), 4) == pytest.approx((27.0, 9.0, 3.0, 1.0, 0.0))


def test_polyexponential_takes_more_steps_at_low_noise_the_larger_rho_is() -> None:
    assert between_polyexponential(16.0, 1.0, 3, rho=2.0) == pytest.approx((16.0, 2.0, 1.0, 0.0))
    assert between_polyexponential(27.0, 1.0, 4, rho=1.0) == pytest.approx((27.0, 9.0, 3.0, 1.0, 0.0))


def test_karras_between_two_sigmas_takes_any_rho() -> None:
    assert between_karras(9.0, 1.0, 3, rho=2.0) == pytest.approx((9.0, 4.0, 1.0, 0.0))


def test_ddim_uniform_counts_from_the_second_entry() -> None:
    table = NoiseTable(sigmas=tuple(float(n) for n in range(1, 11)))
    assert ddim_uniform(table, 3) == (8.0, 5.0, 2.0, 0.0)
    assert ddim_uniform(table, 12)[:4] == (10.0, 10.0, 10.0, 10.0)


def test_beta_is_dense_at_both_ends_and_takes_an_entry_once() -> None:
    entries = [TABLE.sigmas.index(sigma) for sigma in beta(TABLE, 10)[:-1]]
    # scipy.stats.beta.ppf(1 - i / 10, 0.6, 0.6) * 999
    assert entries == [999, 959, 876, 765, 637, 500, 362, 234, 123, 40]
    assert len(beta(TABLE, 1000)) < 900


@pytest.mark.parametrize(
    ("share", "a", "b", "expected"),
    [
        (0.3, 1.0, 1.0, 0.3),  # uniform
        (0.49, 2.0, 1.0, 0.7),  # x^2
        (0.51, 1.0, 2.0, 0.3),  # 1 - (1 - x)^2
        (0.25, 0.5, 0.5, np.sin(np.pi / 8) ** 2),  # the arcsine law
        (0.9, 0.5, 0.5, np.sin(0.45 * np.pi) ** 2),
        (0.6875, 2.0, 3.0, 0.5),  # 6 x^2 - 8 x^3 + 3 x^4
    ],
)
def test_a_quantile_of_a_beta_distribution_is_its_known_one(share: float, a: float, b: float, expected: float) -> None:
    assert beta_quantile(share, a, b) == pytest.approx(expected, rel=1e-12)


@settings(deadline=None, max_examples=30)
@given(st.floats(0.001, 0.999))
def test_a_quantile_of_the_mirrored_distribution_is_mirrored(share: float) -> None:
    assert beta_quantile(1 - share, 0.6, 0.6) == pytest.approx(1 - beta_quantile(share, 0.6, 0.6), rel=1e-9)


def test_the_ends_of_a_beta_distribution_are_zero_and_one() -> None:
    assert [beta_quantile(share, 0.6, 0.6) for share in (-1.0, 0.0, 1.0)] == [0.0, 0.0, 1.0]


def test_linear_quadratic_falls_in_a_line_then_in_a_parabola_that_meets_it() -> None:
    shares = [sigma / TABLE.sigma_max for sigma in linear_quadratic(TABLE, 40)]
    falls = np.diff(shares)
    np.testing.assert_allclose(falls[:20], -0.025 / 20, rtol=1e-9)
    np.testing.assert_allclose(np.diff(falls[20:]), np.diff(falls[20:])[0], rtol=1e-9)
    assert shares[20] == pytest.approx(0.975)
    assert linear_quadratic(TABLE, 1) == (TABLE.sigma_max, 0.0)


def test_kl_optimal_is_evenly_spaced_in_the_arc_tangent() -> None:
    angles = np.arctan(kl_optimal(TABLE, 9)[:-1])
    np.testing.assert_allclose(np.diff(angles), np.diff(angles)[0], rtol=1e-9)
    assert angles[-1] == pytest.approx(np.arctan(TABLE.sigma_min))


def test_align_your_steps_is_the_published_list_at_ten_steps() -> None:
    assert align_your_steps(TABLE, 10) == pytest.approx(AysSchedules["StableDiffusionSigmas"])
    assert align_your_steps_xl(TABLE, 10) == pytest.approx(AysSchedules["StableDiffusionXLSigmas"])


def test_align_your_steps_lies_between_its_entries_elsewhere() -> None:
    twenty = align_your_steps(TABLE, 20)
    assert twenty[:-1:2] == pytest.approx(AysSchedules["StableDiffusionSigmas"][:-1])
    assert twenty[1] == pytest.approx((14.615 * 6.475) ** 0.5)
    assert twenty[19] == pytest.approx((0.152 * 0.029) ** 0.5)


@pytest.mark.parametrize("name", ["align_your_steps", "align_your_steps_xl"])
def test_align_your_steps_refuses_a_flow(name: ScheduleName) -> None:
    with pytest.raises(
        ValueError, match=r"^align_your_steps was found for Stable Diffusion, and this is a flow model; choose an"
    ):
        SCHEDULES[name](FLOW, 10)
