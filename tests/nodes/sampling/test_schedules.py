from __future__ import annotations

from itertools import pairwise
from typing import Any, get_args

import numpy as np
import pytest
from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.sampling.prediction import NoiseTable
from nodes.sampling.schedules import SCHEDULES, ScheduleName, karras, normal, simple, trim_for_denoise

TABLE = NoiseTable.from_betas()

NAMES = st.sampled_from(get_args(ScheduleName))


# diffusers hands numpy a tensor in a way that numpy 2 deprecates
old_numpy_call = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


def test_every_schedule_name_has_a_schedule() -> None:
    assert tuple(SCHEDULES) == get_args(ScheduleName)


@settings(deadline=None)
@given(NAMES, st.integers(1, 1000))
def test_a_schedule_starts_at_sigma_max_descends_and_ends_in_zero(name: ScheduleName, steps: int) -> None:
    sigmas = SCHEDULES[name](TABLE, steps)
    assert len(sigmas) == steps + 1
    assert sigmas[0] == pytest.approx(TABLE.sigma_max, rel=1e-12)
    assert sigmas[-1] == 0
    assert all(high > low for high, low in pairwise(sigmas))


@settings(deadline=None)
@given(st.sampled_from(["normal", "karras"]), st.integers(2, 1000))
def test_normal_and_karras_take_their_last_step_from_sigma_min(name: ScheduleName, steps: int) -> None:
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
    assert len(sigmas) == steps + 1
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
