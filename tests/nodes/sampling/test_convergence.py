"""What a solver is for: its order and limit against exact solutions, and what holds for every solver alike."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, get_args

import pytest
import torch
from torch import Tensor

from nodes.sampling.noise import step_noise
from nodes.sampling.prediction import Denoise, Network, NoiseTable, denoiser
from nodes.sampling.schedules import SCHEDULES, ScheduleName, Sigmas
from nodes.sampling.solvers import SOLVERS, SamplerName, Step, dpmpp_2m, euler, euler_ancestral

NOISE = step_noise([5, 6], (1, 4, 4))

every_solver = pytest.mark.parametrize("name", get_args(SamplerName))
every_schedule = pytest.mark.parametrize("schedule", get_args(ScheduleName))

# Data of a normal distribution with this mean and deviation: the best denoiser and the solution are known exactly.
MEAN, DEVIATION = 0.3, 0.7


def gaussian_denoise(x: Tensor, sigma: float) -> Tensor:
    return MEAN + (x - MEAN) * (DEVIATION**2 / (DEVIATION**2 + sigma**2))


def exact(x: Tensor, sigma: float, sigma_next: float) -> Tensor:
    """The probability flow keeps (x - mean) / sqrt(deviation^2 + sigma^2)."""
    return MEAN + (x - MEAN) * math.sqrt((DEVIATION**2 + sigma_next**2) / (DEVIATION**2 + sigma**2))


def log_spaced(steps: int, last: float) -> Sigmas:
    return tuple(10.0 * (last / 10.0) ** (i / steps) for i in range(steps + 1))


def last_x(steps: Any) -> Tensor:
    *_, last = steps
    assert isinstance(last, Step)
    return last.x


@pytest.mark.parametrize(("solve", "order"), [(euler, 1), (dpmpp_2m, 2)])
def test_halving_the_step_divides_the_error_by_two_to_the_order(solve: Any, order: int, start: Tensor) -> None:
    x, errors = start * 10, []
    for steps in (80, 160, 320, 640):
        found = last_x(solve(gaussian_denoise, x, log_spaced(steps, 0.1)))
        errors.append(float((found - exact(x, 10.0, 0.1)).abs().max()))
    orders = [math.log2(coarse / fine) for coarse, fine in pairwise(errors)]
    assert orders == pytest.approx([order] * 3, abs=0.12)
    assert orders[-1] == pytest.approx(order, abs=0.03)


@every_schedule
@pytest.mark.parametrize(("solve", "tolerance"), [(euler, 4e-3), (dpmpp_2m, 2e-3)])
def test_many_steps_reach_the_exact_solution(
    solve: Any, tolerance: float, schedule: ScheduleName, table: NoiseTable, start: Tensor
) -> None:
    x = start * table.sigma_max
    found = last_x(solve(gaussian_denoise, x, SCHEDULES[schedule](table, 1000)))
    torch.testing.assert_close(found, exact(x, table.sigma_max, 0.0), rtol=tolerance, atol=tolerance)


def ancestral_variance(steps: int) -> float:
    """The variance that euler_ancestral ends with, without sampling error.

    The run is linear in its start and its noises when the mean is 0, so the final variance is the sum of the squares of
    its answers to each of them alone: item 0 starts from 1 without noise, item 1 + i from 0 with noise at step i alone.
    """
    sigmas = log_spaced(steps, 0.1)
    x = torch.zeros(steps + 1, dtype=torch.float64)
    x[0] = math.sqrt(DEVIATION**2 + sigmas[0] ** 2)

    def only_item(index: int) -> Tensor:
        noise = torch.zeros(steps + 1, dtype=torch.float64)
        noise[1 + index] = 1
        return noise

    def denoise(x: Tensor, sigma: float) -> Tensor:
        return x * (DEVIATION**2 / (DEVIATION**2 + sigma**2))

    return float(last_x(euler_ancestral(denoise, x, sigmas, noise=only_item)).square().sum())


def test_euler_ancestral_keeps_the_marginal_variance_at_order_one() -> None:
    expected = DEVIATION**2 + 0.1**2
    errors = [abs(ancestral_variance(steps) - expected) for steps in (100, 200, 400)]
    assert errors[-1] < 0.02 * expected
    orders = [math.log2(coarse / fine) for coarse, fine in pairwise(errors)]
    assert orders == pytest.approx([1, 1], abs=0.1)


@every_solver
def test_a_model_that_always_says_the_same_is_reached_exactly(name: SamplerName, table: NoiseTable, start: Tensor) -> None:
    answer = torch.full_like(start, 0.25)
    found = last_x(SOLVERS[name](lambda x, sigma: answer, start * 14.6, SCHEDULES["karras"](table, 7), noise=NOISE))
    torch.testing.assert_close(found, answer, rtol=0, atol=1e-12)


@every_solver
def test_item_of_a_batch_equals_the_single_run_bit_for_bit(
    name: SamplerName, table: NoiseTable, network: Network, start: Tensor
) -> None:
    sigmas, x = SCHEDULES["karras"](table, 9), start.float() * 14.6
    denoise = denoiser(network, table, "epsilon")
    together = list(SOLVERS[name](denoise, x, sigmas, noise=step_noise([8, 9], (1, 4, 4))))
    for item, seed in enumerate((8, 9)):
        alone = list(SOLVERS[name](denoise, x[item : item + 1], sigmas, noise=step_noise([seed], (1, 4, 4))))
        for step, single in zip(together, alone, strict=True):
            assert torch.equal(step.x[item : item + 1], single.x)


@every_solver
def test_one_evaluation_is_made_for_each_step_and_x_is_left_alone(name: SamplerName, table: NoiseTable, start: Tensor) -> None:
    seen: list[float] = []

    def denoise(x: Tensor, sigma: float) -> Tensor:
        seen.append(sigma)
        return x * 0.1

    x, before = start * 14.6, start * 14.6
    sigmas = SCHEDULES["normal"](table, 6)
    steps = list(SOLVERS[name](denoise, x, sigmas, noise=NOISE))
    assert seen == list(sigmas[:-1])
    assert torch.equal(x, before)
    assert len({id(step.x) for step in steps} | {id(x)}) == 7


@every_solver
def test_repeated_sigmas_change_nothing_and_give_finite_numbers(
    name: SamplerName, table: NoiseTable, network: Network, start: Tensor
) -> None:
    denoise: Denoise = denoiser(network, table, "epsilon")
    steps = list(SOLVERS[name](denoise, start * 8, (8.0, 8.0, 4.0, 4.0, 4.0, 1.0, 0.0), noise=NOISE))
    assert torch.equal(steps[0].x, start * 8)
    assert torch.equal(steps[2].x, steps[1].x)
    assert torch.equal(steps[3].x, steps[1].x)
    assert all(step.x.isfinite().all() for step in steps)


@pytest.mark.parametrize("name", ["euler", "dpmpp_2m"])
def test_a_run_up_and_down_again_comes_back(name: SamplerName, start: Tensor) -> None:
    down = log_spaced(400, 0.1)
    up = tuple(reversed(down))
    high = last_x(SOLVERS[name](gaussian_denoise, start, up))
    torch.testing.assert_close(last_x(SOLVERS[name](gaussian_denoise, high, down)), start, rtol=0.05, atol=0.02)


def test_euler_ancestral_draws_no_noise_for_the_step_to_zero(table: NoiseTable, start: Tensor) -> None:
    drawn: list[int] = []

    def noise(index: int) -> Tensor:
        drawn.append(index)
        return NOISE(index)

    list(euler_ancestral(gaussian_denoise, start * 14.6, SCHEDULES["karras"](table, 4), noise=noise))
    assert drawn == [0, 1, 2]
