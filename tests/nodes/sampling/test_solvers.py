"""Each solver number by number against the diffusers scheduler that implements it, on the same sigmas and the same noise."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib import import_module
from itertools import pairwise
from types import ModuleType, SimpleNamespace
from typing import Any, get_args

import numpy as np
import pytest
import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
from diffusers.schedulers.scheduling_euler_ancestral_discrete import EulerAncestralDiscreteScheduler
from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from diffusers.schedulers.scheduling_flow_match_heun_discrete import FlowMatchHeunDiscreteScheduler
from diffusers.schedulers.scheduling_heun_discrete import HeunDiscreteScheduler
from diffusers.schedulers.scheduling_k_dpm_2_ancestral_discrete import KDPM2AncestralDiscreteScheduler
from diffusers.schedulers.scheduling_k_dpm_2_discrete import KDPM2DiscreteScheduler
from diffusers.schedulers.scheduling_lcm import LCMScheduler
from diffusers.schedulers.scheduling_ltx_euler_ancestral_rf import LTXEulerAncestralRFScheduler
from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler
from torch import Tensor

from nodes.sampling.noise import step_noise
from nodes.sampling.prediction import FlowTable, Network, NoiseTable, Prediction, denoiser
from nodes.sampling.schedules import SCHEDULES, Sigmas, ddim_uniform
from nodes.sampling.solvers import SOLVERS, SamplerName, Step
from tests.nodes.sampling.exact import NOISE, path, run

PREDICTION_TYPE = {"epsilon": "epsilon", "v": "v_prediction"}
BETAS = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}

both_predictions = pytest.mark.parametrize("prediction", ["epsilon", "v"])
both_schedules = pytest.mark.parametrize("schedule", ["karras", "simple"])
short_and_long = pytest.mark.parametrize("steps", [1, 2, 12, 20])
# diffusers hands numpy tensors in ways that numpy 2 deprecates
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:__array_wrap__ must accept context:DeprecationWarning"),
]


def test_every_sampler_name_has_a_solver() -> None:
    assert tuple(SOLVERS) == get_args(SamplerName)


class Reference:
    """A diffusers scheduler made to follow our sigmas: `ask` is the network as it sees x at a sigma."""

    def __init__(self, scheduler: Any, network: Network, sigmas: Sequence[float]) -> None:
        betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64).square()
        alphas_cumprod = (1 - betas).cumprod(0)
        self._log_sigmas = ((1 - alphas_cumprod) / alphas_cumprod).sqrt().log().numpy()
        self.scheduler, self._network = scheduler, network
        self.sigmas = list(sigmas)
        scheduler.set_timesteps(len(sigmas) - 1)
        scheduler.set_begin_index(0)
        scheduler.is_scale_input_called = True  # what the network sees is scaled here

    def levels(self, kind: str) -> Tensor:
        """Our sigmas in the order that two-stage schedulers keep them in."""
        sigmas = torch.tensor(self.sigmas, dtype=torch.float64)
        last = sigmas[1:-1] if kind == "heun" else sigmas[1:]
        return torch.cat([sigmas[:1], last.repeat_interleave(2), sigmas[-1:]])

    def ask(self, x: Tensor, sigma: float) -> Tensor:
        fractional = float(np.interp(math.log(sigma), self._log_sigmas, np.arange(1000)))
        return self._network(x / math.sqrt(1 + sigma**2), fractional)

    def step(self, output: Tensor, place: int, x: Tensor, **extra: Any) -> Tensor:
        timesteps = self.scheduler.timesteps
        stepped: Tensor = self.scheduler.step(output, timesteps[min(place, len(timesteps) - 1)], x, **extra).prev_sample
        return stepped

    def one_stage(self, x: Tensor, *, scaled: bool = False, noise: bool = False) -> Iterator[Tensor]:
        """Each x. `scaled`: the scheduler keeps x / sqrt(1 + sigma^2) instead, as DPMSolverMultistep does."""
        self.scheduler.sigmas = torch.tensor(self.sigmas, dtype=torch.float64)
        x = x / math.sqrt(1 + self.sigmas[0] ** 2) if scaled else x
        for place, (sigma, sigma_next) in enumerate(pairwise(self.sigmas)):
            extra = {"variance_noise": NOISE(place)} if noise else {}
            seen = x * math.sqrt(1 + sigma**2) if scaled else x
            x = self.step(self.ask(seen, sigma), place, x, **extra)
            yield x * math.sqrt(1 + sigma_next**2) if scaled else x

    def two_stage(self, x: Tensor, middles: Sequence[float]) -> Iterator[Tensor]:
        """Each x; the second stage asks at one of `middles`. The step to 0 has no second stage."""
        place = 0
        for (sigma, sigma_next), middle in zip(pairwise(self.sigmas), middles, strict=True):
            x = self.step(self.ask(x, sigma), place, x)
            place += 1
            if sigma_next > 0:
                x = self.step(self.ask(x, middle), place, x)
                place += 1
            yield x


def assert_same_trajectory(steps: Sequence[Step], expected: Sequence[Tensor], sigmas: Sigmas, tolerance: float = 2e-6) -> None:
    assert [step.index for step in steps] == list(range(len(expected)))
    assert [step.sigma for step in steps] == list(sigmas[1:])
    for step, x in zip(steps, expected, strict=True):
        # diffusers rounds each x to float32, whatever it is given
        torch.testing.assert_close(step.x.double(), x.double(), rtol=tolerance, atol=tolerance * max(1.0, float(x.abs().max())))


def config(prediction: Prediction) -> dict[str, Any]:
    return {**BETAS, "prediction_type": PREDICTION_TYPE[prediction]}


def draw_ours(monkeypatch: pytest.MonkeyPatch, scheduler: Any) -> None:
    """Let a scheduler's own noise be ours, step by step."""
    draws = iter(range(1000))
    module = sys.modules[type(scheduler).__module__]
    monkeypatch.setattr(
        module, "randn_tensor", lambda *args, **keywords: NOISE(next(draws)).to(keywords.get("dtype") or torch.float32)
    )


SCHEDULERS: dict[SamplerName, tuple[Any, dict[str, Any], bool, bool]] = {
    "euler": (EulerDiscreteScheduler, {}, False, False),
    "ddim": (EulerDiscreteScheduler, {}, False, False),
    "euler_ancestral": (EulerAncestralDiscreteScheduler, {}, False, False),
    "ddpm": (EulerAncestralDiscreteScheduler, {}, False, False),
    "dpmpp_2m": (DPMSolverMultistepScheduler, {"solver_type": "midpoint"}, True, False),
    "res_multistep": (DPMSolverMultistepScheduler, {"solver_type": "heun", "euler_at_final": True}, True, False),
    "dpmpp_2m_sde": (DPMSolverMultistepScheduler, {"algorithm_type": "sde-dpmsolver++"}, True, True),
    "dpmpp_2m_sde_heun": (DPMSolverMultistepScheduler, {"algorithm_type": "sde-dpmsolver++", "solver_type": "heun"}, True, True),
}


@both_schedules
@both_predictions
@short_and_long
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", SCHEDULERS)
def test_a_solver_of_one_stage_equals_the_diffusers_scheduler_step_by_step(
    monkeypatch: pytest.MonkeyPatch, table: NoiseTable, network: Network, start: Tensor,
    name: SamplerName, schedule: Any, prediction: Prediction, dtype: torch.dtype, steps: int,
) -> None:  # fmt: skip
    made, options, scaled, noise = SCHEDULERS[name]
    sigmas = SCHEDULES[schedule](table, steps)
    x = start.to(dtype) * sigmas[0]
    scheduler = made(**config(prediction), **options)
    if not noise:
        draw_ours(monkeypatch, scheduler)
    expected = list(Reference(scheduler, network, sigmas).one_stage(x, scaled=scaled, noise=noise))
    given = run(denoiser(network, table, prediction), x, sigmas)
    found = list(SOLVERS[name](_noise_by_step(given) if noise else given))
    assert_same_trajectory(found, expected, sigmas)


def _noise_by_step(given: Any) -> Any:
    """The same run whose Brownian path has the noise of a step over each interval."""
    return replace(given, path=lambda sigma, _: NOISE(list(given.sigmas).index(sigma)))


@both_schedules
@both_predictions
@short_and_long
@pytest.mark.parametrize("name", ["heun", "dpm_2", "dpm_2_ancestral", "dpmpp_sde"])
def test_a_solver_of_two_stages_equals_the_diffusers_scheduler_step_by_step(
    monkeypatch: pytest.MonkeyPatch, table: NoiseTable, network: Network, start: Tensor,
    name: SamplerName, schedule: Any, prediction: Prediction, steps: int,
) -> None:  # fmt: skip
    sigmas = SCHEDULES[schedule](table, steps)
    x = start * sigmas[0]
    pairs = list(pairwise(sigmas))
    middles = [math.sqrt(high * low) for high, low in pairs]
    match name:
        case "heun":
            reference = Reference(HeunDiscreteScheduler(**config(prediction)), network, sigmas)
            reference.scheduler.sigmas = reference.levels("heun")
            middles = [low for _, low in pairs]
        case "dpm_2":
            reference = Reference(KDPM2DiscreteScheduler(**config(prediction)), network, sigmas)
            reference.scheduler.sigmas = reference.levels("dpm_2")
            between = torch.tensor([0.0, *middles, 0.0], dtype=torch.float64)
            reference.scheduler.sigmas_interpol = torch.cat([between[:1], between[1:].repeat_interleave(2), between[-1:]])
        case "dpm_2_ancestral":
            reference = Reference(KDPM2AncestralDiscreteScheduler(**config(prediction)), network, sigmas)
            downs = [low**2 / high for high, low in pairs]
            middles = [math.sqrt(high * down) for (high, _), down in zip(pairs, downs, strict=True)]
            ups = [math.sqrt(low**2 - down**2) for (_, low), down in zip(pairs, downs, strict=True)]
            reference.scheduler.sigmas = reference.levels("dpm_2")
            for field, values in (("sigmas_interpol", middles), ("sigmas_down", downs), ("sigmas_up", ups)):
                level = torch.tensor([*values, 0.0], dtype=torch.float64)
                setattr(reference.scheduler, field, torch.cat([level[:1], level[1:].repeat_interleave(2), level[-1:]]))
            draw_ours(monkeypatch, reference.scheduler)
        case _:
            reference = Reference(sde_scheduler(monkeypatch)(**config(prediction)), network, sigmas)
            reference.scheduler.sigmas = reference.levels("heun")
            reference.scheduler.noise_sampler = lambda high, low: path(_nearest(high, known), _nearest(low, known))
    known = [*sigmas, *middles]
    expected = list(reference.two_stage(x, middles))
    found = list(SOLVERS[name](run(denoiser(network, table, prediction), x, sigmas)))
    assert_same_trajectory(found, expected, sigmas, 4e-6)


def _nearest(sigma: Any, known: Sequence[float]) -> float:
    """It goes through a logarithm and back, so it is another sigma in its last digit."""
    return min(known, key=lambda one: abs(one - float(sigma)))


def sde_scheduler(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The scheduler asks for a library of Brownian trees when it is imported; its noise is replaced by ours, so none is needed."""
    monkeypatch.setitem(sys.modules, "torchsde", ModuleType("torchsde"))
    return import_module("diffusers.schedulers.scheduling_dpmsolver_sde").DPMSolverSDEScheduler


def lms_scheduler(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The scheduler integrates cubics with a library that is not among ours; a rule that is exact for them does the same."""

    def quad(of: Any, low: float, high: float, **_: Any) -> tuple[float, float]:
        at, weight = np.polynomial.legendre.leggauss(6)
        return sum(w * of((low + high) / 2 + (high - low) / 2 * a) for a, w in zip(at, weight, strict=True)) * (
            high - low
        ) / 2, 0.0

    module = import_module("diffusers.schedulers.scheduling_lms_discrete")
    monkeypatch.setattr(module, "integrate", SimpleNamespace(quad=quad), raising=False)
    return module.LMSDiscreteScheduler


@both_schedules
@both_predictions
@pytest.mark.parametrize("steps", [2, 12, 20])
def test_lms_equals_the_diffusers_scheduler_up_to_its_last_step_which_is_x0(
    monkeypatch: pytest.MonkeyPatch, table: NoiseTable, network: Network, start: Tensor,
    schedule: Any, prediction: Prediction, steps: int,
) -> None:  # fmt: skip
    sigmas = SCHEDULES[schedule](table, steps)
    x = start * sigmas[0]
    expected = list(Reference(lms_scheduler(monkeypatch)(**config(prediction)), network, sigmas).one_stage(x))
    found = list(SOLVERS["lms"](run(denoiser(network, table, prediction), x, sigmas)))
    assert_same_trajectory(found[:-1], expected[:-1], sigmas[:-1])
    assert torch.equal(found[-1].x, found[-1].x0)


@both_schedules
@both_predictions
@pytest.mark.parametrize("steps", [1, 2, 3, 12, 20])
@pytest.mark.parametrize(("name", "kind"), [("uni_pc", "bh1"), ("uni_pc_bh2", "bh2")])
def test_uni_pc_equals_the_diffusers_scheduler_step_by_step(
    table: NoiseTable, network: Network, start: Tensor,
    name: SamplerName, kind: str, schedule: Any, prediction: Prediction, steps: int,
) -> None:  # fmt: skip
    sigmas = (*SCHEDULES[schedule](table, steps)[:-1], 0.001)  # with a last 0, bh1 of diffusers gives no numbers
    x = start * sigmas[0]
    scheduler = UniPCMultistepScheduler(**config(prediction), solver_order=3, solver_type=kind)
    expected = list(Reference(scheduler, network, sigmas).one_stage(x, scaled=True))
    found = list(SOLVERS[name](run(denoiser(network, table, prediction), x, sigmas)))
    # its linear systems are solved in float32
    assert_same_trajectory(found, expected, sigmas, 2e-5)


@both_predictions
@pytest.mark.parametrize(("name", "eta"), [("ddim", 0.0), ("ddim", 0.6), ("ddim", 1.0), ("ddpm", 1.0)])
def test_ddim_and_ddpm_equal_the_diffusers_schedulers_of_their_names(
    monkeypatch: pytest.MonkeyPatch, table: NoiseTable, network: Network, start: Tensor,
    name: SamplerName, eta: float, prediction: Prediction,
) -> None:  # fmt: skip
    sigmas = ddim_uniform(table, 20)
    options = {**config(prediction), "clip_sample": False, "timestep_spacing": "leading", "steps_offset": 1}
    scheduler = DDIMScheduler(**options) if name == "ddim" else DDPMScheduler(**options)
    scheduler.set_timesteps(20)
    draw_ours(monkeypatch, scheduler)
    x, expected = start * sigmas[0], []
    sample = x / math.sqrt(1 + sigmas[0] ** 2)
    for timestep, sigma_next in zip(scheduler.timesteps, sigmas[1:], strict=True):
        extra = {"eta": eta} if name == "ddim" else {}
        sample = scheduler.step(network(sample, float(timestep)), timestep, sample, **extra).prev_sample
        expected.append(sample * math.sqrt(1 + sigma_next**2))
    given = run(denoiser(network, table, prediction), x, sigmas)
    found = list(SOLVERS[name](given, **({"eta": eta} if name == "ddim" else {})))
    # its alphas are products of float32 numbers
    assert_same_trajectory(found, expected, sigmas, 2e-4)


@both_predictions
def test_lcm_equals_the_diffusers_scheduler(
    monkeypatch: pytest.MonkeyPatch, table: NoiseTable, network: Network, start: Tensor, prediction: Prediction
) -> None:
    scheduler = LCMScheduler(**config(prediction), timestep_scaling=1e9)  # so that it takes x0 itself
    scheduler.set_timesteps(4)
    draw_ours(monkeypatch, scheduler)
    sigmas = (*(table.sigmas[int(timestep)] for timestep in scheduler.timesteps), 0.0)
    x, expected = start * sigmas[0], []
    sample = x / math.sqrt(1 + sigmas[0] ** 2)
    for timestep, sigma_next in zip(scheduler.timesteps, sigmas[1:], strict=True):
        sample = scheduler.step(network(sample, float(timestep)), timestep, sample).prev_sample
        expected.append(sample * math.sqrt(1 + sigma_next**2))
    found = list(SOLVERS["lcm"](run(denoiser(network, table, prediction), x, sigmas)))
    assert_same_trajectory(found, expected, sigmas, 2e-4)


def flow_run(network: Network, x: Tensor, sigmas: Sequence[float]) -> Any:
    return run(denoiser(network, FlowTable(), "flow"), x, sigmas, flow=True)


@pytest.mark.parametrize("steps", [1, 2, 12])
@pytest.mark.parametrize("name", ["euler", "heun", "euler_ancestral"])
def test_a_flow_is_followed_as_by_the_diffusers_scheduler(
    monkeypatch: pytest.MonkeyPatch, network: Network, start: Tensor, name: SamplerName, steps: int
) -> None:
    sigmas = SCHEDULES["simple"](FlowTable(3.0), steps)
    made = {
        "euler": FlowMatchEulerDiscreteScheduler, "heun": FlowMatchHeunDiscreteScheduler,
        "euler_ancestral": LTXEulerAncestralRFScheduler,
    }[name]  # fmt: skip
    scheduler = made()
    scheduler.set_timesteps(steps)
    scheduler.set_begin_index(0)
    draw_ours(monkeypatch, scheduler) if name == "euler_ancestral" else None
    levels = torch.tensor(sigmas, dtype=torch.float64)
    scheduler.sigmas = torch.cat([levels[:1], levels[1:-1].repeat_interleave(2), levels[-1:]]) if name == "heun" else levels
    scheduler.timesteps = scheduler.sigmas[:-1] * 1000
    x, expected, place = start, [], 0
    for sigma, sigma_next in pairwise(sigmas):
        for at in (sigma, sigma_next) if name == "heun" and sigma_next > 0 else (sigma,):
            x = scheduler.step(network(x, at * 1000), scheduler.timesteps[place], x).prev_sample
            place += 1
        expected.append(x)
    assert_same_trajectory(list(SOLVERS[name](flow_run(network, start, sigmas))), expected, sigmas)


@pytest.mark.parametrize("steps", [2, 12])
@pytest.mark.parametrize("kind", ["midpoint", "heun"])
def test_the_sde_of_a_flow_is_followed_as_by_the_diffusers_scheduler(
    network: Network, start: Tensor, kind: str, steps: int
) -> None:
    sigmas = (0.9999, *SCHEDULES["simple"](FlowTable(3.0), steps)[1:])
    scheduler = DPMSolverMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, algorithm_type="sde-dpmsolver++", solver_type=kind
    )
    scheduler.set_timesteps(steps)
    scheduler.set_begin_index(0)
    scheduler.sigmas = torch.tensor(sigmas, dtype=torch.float64)
    x, expected = start, []
    for place, sigma in enumerate(sigmas[:-1]):
        x = scheduler.step(network(x, sigma * 1000), scheduler.timesteps[place], x, variance_noise=NOISE(place)).prev_sample
        expected.append(x)
    given = flow_run(network, start, sigmas)
    levels = [sigma / (1 - sigma) for sigma in sigmas]
    given = replace(given, path=lambda high, _: NOISE(levels.index(_nearest(high, levels))))
    name: SamplerName = "dpmpp_2m_sde" if kind == "midpoint" else "dpmpp_2m_sde_heun"
    assert_same_trajectory(list(SOLVERS[name](given)), expected, sigmas, 2e-5)


def test_cfg_pp_at_equal_sides_is_the_plain_solver(table: NoiseTable, network: Network, start: Tensor) -> None:
    sigmas = SCHEDULES["karras"](table, 9)
    for name in get_args(SamplerName):
        if name.endswith("_cfg_pp"):
            given = run(denoiser(network, table, "epsilon"), start * sigmas[0], sigmas)
            plain: Any = name.removesuffix("_cfg_pp")
            found, expected = (list(SOLVERS[one](given)) for one in (name, plain))
            for one, other in zip(found, expected, strict=True):
                torch.testing.assert_close(one.x, other.x, rtol=1e-9, atol=1e-9)


def test_cfg_pp_renoises_with_what_the_negative_sees(start: Tensor) -> None:
    class Split:
        def __call__(self, x: Tensor, sigma: float) -> Tensor:
            raise AssertionError("the negative is needed too")

        def both(self, x: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
            return torch.full_like(x, 3.0), torch.full_like(x, 1.0)

    given = replace(run(lambda x, _: x, start, (2.0, 1.0)), denoise=Split())
    [step] = SOLVERS["euler_cfg_pp"](given)
    torch.testing.assert_close(step.x, 3.0 + (start - 1.0) / 2.0)
    [step] = SOLVERS["euler_cfg_pp"](replace(given, flow=True, sigmas=(0.8, 0.4)))
    torch.testing.assert_close(step.x, 0.6 * 3.0 + (start - 0.2 * 1.0) / 0.8 * 0.4)


def test_noise_of_a_solver_is_that_of_its_step(start: Tensor) -> None:
    [step] = SOLVERS["lcm"](run(lambda x, _: torch.zeros_like(x), start, (4.0, 2.0)))
    torch.testing.assert_close(step.x, step_noise([5, 6], (1, 4, 4))(0).double() * 2.0)
