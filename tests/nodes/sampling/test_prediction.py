from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from nodes.sampling.prediction import FlowTable, NoiseTable, Prediction, denoiser, flux_shift, velocity, x0_of

TABLE = NoiseTable.from_betas()


@pytest.mark.parametrize(
    "config",
    [
        {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012},
        {"beta_schedule": "linear", "beta_start": 0.0001, "beta_end": 0.02},
        {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.018, "num_train_timesteps": 500},
        {"beta_schedule": "squaredcos_cap_v2"},
        {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "rescale_betas_zero_snr": True},
    ],
)
def test_the_noise_table_equals_that_of_diffusers(config: dict[str, Any]) -> None:
    reference = EulerDiscreteScheduler(**config).alphas_cumprod.double()
    sigmas = torch.tensor(NoiseTable.from_betas(**config).sigmas, dtype=torch.float64)
    # diffusers multiplies a thousand float32 numbers, and 1 - alpha_bar cancels where sigma is small
    torch.testing.assert_close(sigmas, ((1 - reference) / reference).sqrt(), rtol=2e-3, atol=0)
    torch.testing.assert_close(1 / (1 + sigmas**2), reference, rtol=2e-4, atol=1e-6)


def test_the_default_table_is_that_of_stable_diffusion() -> None:
    assert len(TABLE.sigmas) == 1000
    assert TABLE.sigma_min == pytest.approx(math.sqrt(0.00085 / (1 - 0.00085)), rel=1e-12)
    assert TABLE.sigma_max == pytest.approx(14.614647, rel=1e-6)


def test_a_rescaled_table_keeps_its_first_sigma_and_ends_in_almost_pure_noise() -> None:
    rescaled = NoiseTable.from_betas(rescale_betas_zero_snr=True)
    assert rescaled.sigma_min == pytest.approx(TABLE.sigma_min, rel=1e-9)
    assert rescaled.sigma_max == pytest.approx(4096, rel=1e-6)


@settings(deadline=None)
@given(st.floats(0, 999))
def test_a_timestep_survives_the_way_to_sigma_and_back(timestep: float) -> None:
    assert TABLE.timestep_of(TABLE.sigma_of(timestep)) == pytest.approx(timestep, abs=1e-6)


@settings(deadline=None)
@given(st.integers(0, 999))
def test_a_whole_timestep_is_an_entry_of_the_table_exactly(timestep: int) -> None:
    assert TABLE.sigma_of(timestep) == TABLE.sigmas[timestep]
    assert TABLE.timestep_of(TABLE.sigmas[timestep]) == timestep


def test_halfway_between_two_entries_lies_their_geometric_mean() -> None:
    middle = math.sqrt(TABLE.sigmas[400] * TABLE.sigmas[401])
    assert TABLE.sigma_of(400.5) == pytest.approx(middle, rel=1e-12)
    assert TABLE.timestep_of(middle) == pytest.approx(400.5, abs=1e-9)


@pytest.mark.parametrize(("sigma", "timestep"), [(0.0, 0), (1e-9, 0), (20.0, 999), (math.inf, 999)])
def test_a_sigma_outside_the_table_has_the_timestep_of_the_nearest_end(sigma: float, timestep: float) -> None:
    assert TABLE.timestep_of(sigma) == timestep


@pytest.mark.parametrize(("timestep", "index"), [(-3.0, 0), (1e6, 999)])
def test_a_timestep_outside_the_table_has_the_sigma_of_the_nearest_end(timestep: float, index: int) -> None:
    assert TABLE.sigma_of(timestep) == TABLE.sigmas[index]


@pytest.mark.parametrize("prediction", ["epsilon", "v"])
@pytest.mark.parametrize("sigma", [0.03, 1.0, 14.6])
def test_a_network_that_knows_the_answer_gives_back_the_clean_latent(prediction: Prediction, sigma: float) -> None:
    x0, noise = torch.randn(2, 2, 3, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    alpha, sigma_vp = 1 / math.sqrt(1 + sigma**2), sigma / math.sqrt(1 + sigma**2)
    seen: list[float] = []

    def network(x_scaled: Tensor, timestep: float) -> Tensor:
        torch.testing.assert_close(x_scaled, alpha * x0 + sigma_vp * noise)
        seen.append(timestep)
        answer: Tensor = noise if prediction == "epsilon" else alpha * noise - sigma_vp * x0
        return answer

    torch.testing.assert_close(denoiser(network, TABLE, prediction)(x0 + sigma * noise, sigma), x0)
    assert seen == [TABLE.timestep_of(sigma)]


def test_a_half_precision_network_does_not_overflow_at_a_large_sigma() -> None:
    x = torch.full((1, 4), 4096.0)
    x0 = denoiser(lambda x, t: torch.full_like(x, 17.0, dtype=torch.float16), TABLE, "epsilon")(x, 4096.0)
    assert x0.dtype == torch.float32
    assert torch.equal(x0, torch.full((1, 4), 4096.0 - 4096.0 * 17.0))


def test_an_unknown_prediction_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"^prediction 'sample' is unknown; use one of epsilon, v, flow$"):
        denoiser(lambda x, t: x, TABLE, "sample")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"num_train_timesteps": 1}, r"num_train_timesteps is 1, but a noise table needs 2 or more; check the model's"),
        ({"beta_schedule": "sigmoid"}, r"'sigmoid' is unknown; use one of linear, scaled_linear, squaredcos_cap_v2"),
        ({"beta_end": 1.2}, r"between 0 and 1, .* scaled_linear from 0.00085 to 1.2 leaves .*; check beta_start"),
        ({"beta_start": -0.1}, r"scaled_linear from -0.1 to 0.012 leaves that range"),
    ],
)
def test_a_configuration_without_a_sound_table_is_refused(config: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NoiseTable.from_betas(**config)


@pytest.mark.parametrize("sigmas", [(), (1.0,), (1.0, 1.0), (2.0, 1.0), (0.0, 1.0), (1.0, math.inf), (1.0, math.nan)])
def test_a_table_that_does_not_ascend_is_refused(sigmas: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match=r"two or more sigmas, .*strictly ascending, but has .*; check the beta schedule"):
        NoiseTable(sigmas=sigmas)


@pytest.mark.parametrize(("share", "sigma"), [(-1.0, math.inf), (0.0, math.inf), (1.0, 0.0), (2.0, 0.0)])
def test_the_way_of_a_noise_model_begins_above_and_ends_below_everything(share: float, sigma: float) -> None:
    assert TABLE.sigma_at(share) == sigma


def test_the_middle_of_the_way_is_the_middle_timestep() -> None:
    assert TABLE.sigma_at(0.5) == TABLE.sigma_of(499.5)
    assert TABLE.sigma_at(1e-9) == pytest.approx(TABLE.sigma_max)


@pytest.mark.parametrize("shift", [1.0, 3.0, 0.5])
def test_a_flow_table_equals_that_of_diffusers(shift: float) -> None:
    reference = FlowMatchEulerDiscreteScheduler(shift=shift).sigmas.flip(0).double()
    torch.testing.assert_close(torch.tensor(FlowTable(shift).sigmas, dtype=torch.float64), reference, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("mu", [0.5, 1.15])
def test_the_shift_of_flux_is_the_plain_one_with_the_exponential_of_mu(mu: float) -> None:
    scheduler = FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True)
    shifted = torch.tensor([scheduler.time_shift(mu, 1.0, t / 1000) for t in range(1, 1001)], dtype=torch.float64)
    torch.testing.assert_close(torch.tensor(FlowTable(math.exp(mu)).sigmas, dtype=torch.float64), shifted, rtol=1e-12, atol=0)


def test_flux_shifts_by_the_number_of_tokens() -> None:
    assert flux_shift(256) == pytest.approx(math.exp(0.5))
    assert flux_shift(4096) == pytest.approx(math.exp(1.15))


def test_the_way_of_a_flow_is_its_shifted_time() -> None:
    table = FlowTable(3.0)
    assert [table.sigma_at(share) for share in (0.0, 0.5, 1.0)] == [1.0, 0.75, 0.0]
    assert (table.sigma_min, table.sigma_max, len(table.sigmas)) == (pytest.approx(0.003 / 1.002), 1.0, 1000)
    assert (table.timestep_of(0.75), table.sigma_of(500)) == (750.0, 0.75)


@pytest.mark.parametrize(("shift", "count"), [(0.0, 1000), (-1.0, 1000), (math.inf, 10), (1.0, 1)])
def test_a_flow_table_without_levels_is_refused(shift: float, count: int) -> None:
    with pytest.raises(ValueError, match=r"is none; use a shift above 0 and 2 or more levels$"):
        FlowTable(shift, count)


@pytest.mark.parametrize("sigma", [0.01, 0.5, 1.0])
def test_a_flow_network_that_knows_the_answer_gives_back_the_clean_latent(sigma: float) -> None:
    x0, noise = torch.randn(2, 2, 3, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    x = (1 - sigma) * x0 + sigma * noise

    def network(seen: Tensor, timestep: float) -> Tensor:
        assert seen is x
        assert timestep == 1000 * sigma
        return noise - x0

    torch.testing.assert_close(denoiser(network, FlowTable(3.0), "flow")(x, sigma), x0)


@pytest.mark.parametrize(("table", "prediction"), [(TABLE, "flow"), (FlowTable(), "v"), (FlowTable(), "epsilon")])
def test_a_prediction_of_other_noise_levels_is_refused(table: Any, prediction: Prediction) -> None:
    with pytest.raises(ValueError, match=rf"^prediction '{prediction}' does not go with a .*Table; check the model's config"):
        denoiser(lambda x, t: x, table, prediction)


@settings(deadline=None)
@given(st.floats(0.01, 20), st.booleans())
def test_a_velocity_means_its_x0(sigma: float, flow: bool) -> None:
    x, x0 = torch.randn(2, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    torch.testing.assert_close(x0_of(x, velocity(x, x0, sigma, flow=flow), sigma, flow=flow), x0, rtol=1e-7, atol=1e-7)


def test_names_schedules_and_solvers_load_without_torch() -> None:
    code = "import sys, nodes.sampling.solvers, nodes.sampling.schedules; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])
