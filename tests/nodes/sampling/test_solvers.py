"""Each solver number by number against the diffusers scheduler that implements it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, get_args

import numpy as np
import pytest
import torch
from diffusers.schedulers import scheduling_euler_ancestral_discrete as ancestral_module
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
from diffusers.schedulers.scheduling_euler_ancestral_discrete import EulerAncestralDiscreteScheduler
from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
from torch import Tensor

from nodes.sampling.noise import step_noise
from nodes.sampling.prediction import Network, NoiseTable, Prediction, denoiser
from nodes.sampling.schedules import SCHEDULES, ScheduleName, Sigmas
from nodes.sampling.solvers import SOLVERS, SamplerName, Step, dpmpp_2m, euler, euler_ancestral

NOISE = step_noise([5, 6], (1, 4, 4))
PREDICTION_TYPE = {"epsilon": "epsilon", "v": "v_prediction"}

every_schedule = pytest.mark.parametrize("schedule", get_args(ScheduleName))
every_prediction = pytest.mark.parametrize("prediction", get_args(Prediction))
both_precisions = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
short_and_long = pytest.mark.parametrize("steps", [1, 2, 12, 20])
# diffusers hands numpy a tensor in a way that numpy 2 deprecates
old_numpy_call = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


def test_every_sampler_name_has_a_solver() -> None:
    assert tuple(SOLVERS) == get_args(SamplerName)


def reference(scheduler: Any, network: Network, x: Tensor, sigmas: Sequence[float], *, scaled: bool) -> list[Tensor]:
    """Each x of a run of a diffusers scheduler on these sigmas, in the variance-exploding convention.

    `scaled`: the scheduler keeps x / sqrt(1 + sigma^2) instead, as DPMSolverMultistep does.
    """
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64).square()
    alphas_cumprod = (1 - betas).cumprod(0)
    log_sigmas = ((1 - alphas_cumprod) / alphas_cumprod).sqrt().log().numpy()
    scheduler.set_timesteps(len(sigmas) - 1)
    scheduler.sigmas = torch.tensor(sigmas, dtype=torch.float64)
    scheduler.set_begin_index(0)
    sample = x / math.sqrt(1 + sigmas[0] ** 2) if scaled else x
    trajectory = []
    for sigma, sigma_next, timestep in zip(sigmas[:-1], sigmas[1:], scheduler.timesteps, strict=True):
        fractional = float(np.interp(math.log(sigma), log_sigmas, np.arange(1000)))
        output = network(scheduler.scale_model_input(sample, timestep), fractional)
        sample = scheduler.step(output, timestep, sample).prev_sample
        trajectory.append(sample * math.sqrt(1 + sigma_next**2) if scaled else sample)
    return trajectory


def assert_same_trajectory(steps: list[Step], expected: list[Tensor], sigmas: Sigmas) -> None:
    assert [step.index for step in steps] == list(range(len(expected)))
    assert [step.sigma for step in steps] == list(sigmas[1:])
    for step, x in zip(steps, expected, strict=True):
        # diffusers rounds each x to float32, whatever it is given
        torch.testing.assert_close(step.x.double(), x.double(), rtol=2e-6, atol=2e-6 * float(x.abs().max()))


def config(prediction: Prediction) -> dict[str, Any]:
    return {
        "beta_schedule": "scaled_linear",
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "prediction_type": PREDICTION_TYPE[prediction],
    }


@old_numpy_call
@every_schedule
@every_prediction
@both_precisions
@short_and_long
def test_euler_equals_the_diffusers_scheduler_step_by_step(
    table: NoiseTable,
    network: Network,
    start: Tensor,
    schedule: ScheduleName,
    prediction: Prediction,
    dtype: torch.dtype,
    steps: int,
) -> None:
    sigmas = SCHEDULES[schedule](table, steps)
    x = start.to(dtype) * sigmas[0]
    scheduler = EulerDiscreteScheduler(**config(prediction))
    expected = reference(scheduler, network, x, sigmas, scaled=False)
    assert_same_trajectory(list(euler(denoiser(network, table, prediction), x, sigmas)), expected, sigmas)


@old_numpy_call
@every_schedule
@every_prediction
@both_precisions
@short_and_long
def test_euler_ancestral_equals_the_diffusers_scheduler_step_by_step(
    monkeypatch: pytest.MonkeyPatch,
    table: NoiseTable,
    network: Network,
    start: Tensor,
    schedule: ScheduleName,
    prediction: Prediction,
    dtype: torch.dtype,
    steps: int,
) -> None:
    sigmas = SCHEDULES[schedule](table, steps)
    x = start.to(dtype) * sigmas[0]
    draws = iter([NOISE(index).to(dtype) for index in range(steps)])
    monkeypatch.setattr(ancestral_module, "randn_tensor", lambda *args, **keywords: next(draws))
    scheduler = EulerAncestralDiscreteScheduler(**config(prediction))
    expected = reference(scheduler, network, x, sigmas, scaled=False)
    denoise = denoiser(network, table, prediction)
    assert_same_trajectory(list(euler_ancestral(denoise, x, sigmas, noise=NOISE)), expected, sigmas)


@old_numpy_call
@every_schedule
@every_prediction
@both_precisions
@short_and_long
def test_dpmpp_2m_equals_the_diffusers_scheduler_step_by_step(
    table: NoiseTable,
    network: Network,
    start: Tensor,
    schedule: ScheduleName,
    prediction: Prediction,
    dtype: torch.dtype,
    steps: int,
) -> None:
    sigmas = SCHEDULES[schedule](table, steps)
    x = start.to(dtype) * sigmas[0]
    scheduler = DPMSolverMultistepScheduler(
        **config(prediction), algorithm_type="dpmsolver++", solver_order=2, solver_type="midpoint"
    )
    expected = reference(scheduler, network, x, sigmas, scaled=True)
    assert_same_trajectory(list(dpmpp_2m(denoiser(network, table, prediction), x, sigmas)), expected, sigmas)
