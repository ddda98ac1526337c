from __future__ import annotations

import math
from typing import get_args

import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor

from nodes.sampling.noise import step_noise
from nodes.sampling.prediction import Network, NoiseTable, denoiser
from nodes.sampling.schedules import SCHEDULES
from nodes.sampling.solvers import SOLVERS, SamplerName, Step, euler, euler_ancestral

NOISE = step_noise([5, 6], (1, 4, 4))

every_solver = pytest.mark.parametrize("name", get_args(SamplerName))


def through_a_file(step: Step) -> Step:
    tensors = load(save({"x": step.x, "x0": step.x0}))
    assert step.memory == ()
    return Step(x=tensors["x"], x0=tensors["x0"], sigma=float(repr(step.sigma)), index=step.index)


@every_solver
@pytest.mark.parametrize("schedule", ["karras", "simple"])
def test_resuming_from_any_step_equals_the_uninterrupted_run_bit_for_bit(
    name: SamplerName, schedule: str, table: NoiseTable, network: Network, start: Tensor
) -> None:
    sigmas = SCHEDULES["karras" if schedule == "karras" else "simple"](table, 8)
    denoise, x = denoiser(network, table, "v"), start.float() * 14.6
    whole = list(SOLVERS[name](denoise, x, sigmas, noise=NOISE))
    for done, step in enumerate(whole, start=1):
        rest = list(SOLVERS[name](denoise, x, sigmas, noise=NOISE, resume=through_a_file(step)))
        assert [later.index for later in rest] == list(range(done, 8))
        for later, expected in zip(rest, whole[done:], strict=True):
            assert later.sigma == expected.sigma
            assert torch.equal(later.x, expected.x)
            assert torch.equal(later.x0, expected.x0)


@every_solver
@pytest.mark.parametrize("sigmas", [(), (3.0,)])
def test_sigmas_without_an_interval_make_no_step(name: SamplerName, sigmas: tuple[float, ...], start: Tensor) -> None:
    assert list(SOLVERS[name](lambda x, sigma: x, start, sigmas, noise=NOISE)) == []


@every_solver
@pytest.mark.parametrize(
    ("sigmas", "where"),
    [((1.0, 0.0, 0.5), 1), ((math.inf, 1.0), 0), ((2.0, math.nan, 0.0), 1), ((2.0, -1.0), 1), ((0.0, 0.0), 0)],
)
def test_sigmas_that_no_solver_can_follow_are_refused(
    name: SamplerName, sigmas: tuple[float, ...], where: int, start: Tensor
) -> None:
    with pytest.raises(ValueError, match=rf"^sigmas\[{where}\] is .*, but every sigma must be finite and .*; use the sigmas"):
        next(SOLVERS[name](lambda x, sigma: x, start, sigmas, noise=NOISE))


@every_solver
@pytest.mark.parametrize(("index", "sigma"), [(0, 1.5), (2, 0.0), (-1, 2.0), (9, 1.0)])
def test_a_step_of_another_run_is_refused(name: SamplerName, index: int, sigma: float, start: Tensor) -> None:
    resume = Step(x=start, x0=start, sigma=sigma, index=index)
    with pytest.raises(ValueError, match=rf"^cannot resume after step {index} at sigma {sigma}: .*; resume with the sigmas"):
        next(SOLVERS[name](lambda x, sigma: x, start, (2.0, 1.0, 0.0), noise=NOISE, resume=resume))


def test_an_ancestral_solver_without_noise_is_refused(start: Tensor) -> None:
    with pytest.raises(ValueError, match=r"^euler_ancestral adds noise at each step, but has none; pass noise=step_noise"):
        next(euler_ancestral(lambda x, sigma: x, start, (2.0, 1.0)))


def test_an_ancestral_solver_refuses_to_go_up(start: Tensor) -> None:
    with pytest.raises(ValueError, match=r"^an ancestral step goes from sigma 1.0 up to 2.0, but can only go down; use desc"):
        next(euler_ancestral(lambda x, sigma: x, start, (1.0, 2.0), noise=NOISE))


def test_a_run_can_be_left_after_any_step(start: Tensor) -> None:
    seen: list[float] = []

    def denoise(x: Tensor, sigma: float) -> Tensor:
        seen.append(sigma)
        return x

    next(euler(denoise, start, (3.0, 2.0, 1.0, 0.0)))
    assert seen == [3.0]
