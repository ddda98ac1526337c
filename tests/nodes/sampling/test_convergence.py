"""What a solver is for: its order and limit against exact solutions, and what holds for every solver alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import get_args

import pytest
import torch
from torch import Tensor

from nodes.sampling.ancestral import euler_ancestral
from nodes.sampling.brownian import path_noise
from nodes.sampling.noise import step_noise
from nodes.sampling.prediction import FlowTable, Network, NoiseTable, denoiser
from nodes.sampling.schedules import SCHEDULES, ScheduleName
from nodes.sampling.solvers import SOLVERS, SamplerName, Step, options_of
from nodes.sampling.step import Run
from tests.nodes.sampling import exact as known
from tests.nodes.sampling.exact import (
    DEVIATION,
    MEAN,
    NAMES,
    STOCHASTIC,
    TWICE,
    Sides,
    deterministic,
    exact_flow,
    final_variance,
    gaussian_denoise,
    gaussian_flow_denoise,
    last_x,
    log_spaced,
    run,
)  # fmt: skip

every_solver = pytest.mark.parametrize("name", NAMES)

ORDERS: dict[SamplerName, float] = {
    "euler": 1, "euler_ancestral": 1, "heun": 2, "dpm_2": 2, "dpm_2_ancestral": 2, "dpmpp_2s_ancestral": 2, "dpmpp_sde": 2,
    "dpmpp_2m": 2, "dpmpp_2m_sde": 2, "dpmpp_2m_sde_heun": 2, "ddim": 1, "res_multistep": 2, "gradient_estimation": 1,
    "euler_cfg_pp": 1, "euler_ancestral_cfg_pp": 1, "dpmpp_2s_ancestral_cfg_pp": 2, "dpmpp_2m_cfg_pp": 2,
    "res_multistep_cfg_pp": 2, "gradient_estimation_cfg_pp": 1,
}  # fmt: skip
"""Of those that start at their order, once their noise is taken out."""


def orders(error: Callable[[int], float], counts: Sequence[int]) -> list[float]:
    return [math.log2(coarse / fine) for coarse, fine in pairwise(map(error, counts))]


@pytest.mark.parametrize(("name", "order"), ORDERS.items())
def test_halving_the_step_divides_the_error_by_two_to_the_order(name: SamplerName, order: float, start: Tensor) -> None:
    x = start * 10

    def error(steps: int) -> float:
        found = last_x(name, run(gaussian_denoise, x, log_spaced(steps, 0.1)), **deterministic(name))
        return float((found - known.exact(x, 10.0, 0.1)).abs().max())

    found = orders(error, (80, 160, 320))
    assert found == pytest.approx([order] * 2, abs=0.12)
    assert found[-1] == pytest.approx(order, abs=0.05)


def slope(x: Tensor, sigma: float) -> Tensor:
    return (x - gaussian_denoise(x, sigma)) / sigma


@pytest.mark.parametrize(
    ("name", "order", "remembers", "begins"),
    [
        ("lms", 4, slope, False),
        ("deis", 3, slope, False),
        ("dpmpp_3m_sde", 2, gaussian_denoise, False),
        ("uni_pc", 4, gaussian_denoise, True),
        ("uni_pc_bh2", 4, gaussian_denoise, True),
        ("sa_solver", 4, gaussian_denoise, True),
    ],
)
def test_a_multistep_solver_has_its_order_once_it_has_a_history(
    name: SamplerName, order: int, remembers: Callable[[Tensor, float], Tensor], begins: bool, start: Tensor
) -> None:
    """It starts at order 1, so here it goes on from a history on the exact solution; a few steps follow, since the last may be lower."""
    x = start * 10

    def at(sigma: float) -> Tensor:
        return known.exact(x, 10.0, sigma)

    def error(steps: int) -> float:
        sigmas = log_spaced(steps, 0.1)
        sigmas = (*sigmas, 0.09, 0.08, 0.07)
        before = sigmas[2::-1]
        memory = [item for sigma in before for item in (sigma, remembers(at(sigma), sigma))]
        begun = [at(sigmas[2])] if begins else []
        resume = Step(x=at(sigmas[3]), x0=x, sigma=sigmas[3], index=2, memory=(*begun, *memory))
        steps_made = SOLVERS[name](run(gaussian_denoise, x, sigmas, resume=resume), **deterministic(name))
        [found] = [step.x for step in steps_made if step.index == steps - 1]
        return float((found - at(0.1)).abs().max())

    assert orders(error, (40, 80, 160))[-1] == pytest.approx(order, abs=0.2)


def test_ipndm_has_order_four_on_evenly_spaced_sigmas(start: Tensor) -> None:
    def error(steps: int) -> float:
        sigmas = [3.0 - 2.5 * i / steps for i in range(steps + 1)]
        at = [known.exact(start, 3.0, sigma) for sigma in sigmas[:4]]
        memory = tuple(item for x, sigma in zip(at[2::-1], sigmas[2::-1], strict=True) for item in (sigma, slope(x, sigma)))
        resume = Step(x=at[3], x0=start, sigma=sigmas[3], index=2, memory=memory)
        return float(
            (last_x("ipndm", run(gaussian_denoise, start, sigmas, resume=resume)) - known.exact(start, 3.0, 0.5)).abs().max()
        )

    assert orders(error, (40, 80, 160))[-1] == pytest.approx(4, abs=0.15)


@pytest.mark.parametrize("name", sorted({*NAMES} - {"ddpm", "lcm", "er_sde"}))
def test_without_its_noise_every_solver_follows_a_flow_too(name: SamplerName, start: Tensor) -> None:
    def error(steps: int) -> float:
        found = last_x(name, run(gaussian_flow_denoise, start, log_spaced(steps, 0.1, 0.99), flow=True), **deterministic(name))
        return float((found - exact_flow(start, 0.99, 0.1)).abs().max())

    assert error(80) < max(0.6 * error(40), 1e-5)
    assert error(160) < 0.012


@pytest.mark.parametrize("schedule", sorted({*get_args(ScheduleName)} - {"linear_quadratic"}))  # takes long last steps
@pytest.mark.parametrize("name", sorted({*NAMES} - STOCHASTIC))
def test_many_steps_reach_the_exact_solution(name: SamplerName, schedule: ScheduleName, table: NoiseTable, start: Tensor) -> None:
    sigmas = SCHEDULES[schedule](table, 400)
    x = start * sigmas[0]
    found = last_x(name, run(gaussian_denoise, x, sigmas))
    torch.testing.assert_close(found, known.exact(x, sigmas[0], 0.0), rtol=0.01, atol=0.01)


@pytest.mark.parametrize("eta", [1.0, 0.5])
@pytest.mark.parametrize("flow", [False, True])
@pytest.mark.parametrize("name", sorted(STOCHASTIC - {"lcm"}))
def test_a_stochastic_solver_keeps_the_marginal_variance(name: SamplerName, flow: bool, eta: float) -> None:
    expected = (0.9**2 if flow else 1.0) * DEVIATION**2 + 0.1**2
    first = 0.95 if flow else 10.0
    options = {"eta": eta} if "eta" in options_of(name) else {}

    def error(steps: int) -> float:
        return abs(final_variance(name, log_spaced(steps, 0.1, first), flow=flow, **options) - expected)

    assert all(order > 0.95 for order in orders(error, (50, 100, 200)))
    assert error(200) < 0.025 * expected


@pytest.mark.parametrize("flow", [False, True])
def test_lcm_keeps_the_marginals_of_a_model_that_jumps_to_the_end(flow: bool, start: Tensor) -> None:
    """For a model that knows where the flow ends, its x0 has the data's variance, and noise of its own is added to that."""
    sigmas = (0.9, 0.5, 0.2, 0.0) if flow else (10.0, 3.0, 0.5, 0.0)
    jump = exact_flow if flow else known.exact
    steps = list(SOLVERS["lcm"](run(lambda x, sigma: jump(x, sigma, 0.0), start, sigmas, flow=flow)))
    for step, sigma in zip(steps, sigmas[1:], strict=True):
        signal = 1 - sigma if flow else 1.0
        torch.testing.assert_close(step.x, step.x0 * signal + known.NOISE(step.index) * sigma)
    torch.testing.assert_close(steps[0].x0, jump(start, sigmas[0], 0.0))


@every_solver
@pytest.mark.parametrize("flow", [False, True])
def test_a_model_that_always_says_the_same_is_reached_exactly(
    name: SamplerName, flow: bool, table: NoiseTable, start: Tensor
) -> None:
    answer = torch.full_like(start, 0.25)
    sigmas = SCHEDULES["simple" if flow else "karras"](FlowTable(3.0) if flow else table, 7)
    found = last_x(name, run(lambda x, sigma: answer, start * sigmas[0], sigmas, flow=flow))
    torch.testing.assert_close(found, answer, rtol=0, atol=1e-11)


@every_solver
@pytest.mark.parametrize("flow", [False, True])
def test_item_of_a_batch_equals_the_single_run_bit_for_bit(
    name: SamplerName, flow: bool, table: NoiseTable, network: Network, start: Tensor
) -> None:
    levels = FlowTable(3.0) if flow else table
    sigmas = SCHEDULES["simple"](levels, 9)
    x, denoise = start.float() * sigmas[0], Sides(denoiser(network, levels, "flow" if flow else "epsilon"))

    def steps(x: Tensor, seeds: list[int]) -> list[Step]:
        noises = {"noise": step_noise(seeds, (1, 4, 4)), "path": path_noise(seeds, (1, 4, 4))}
        return list(SOLVERS[name](Run(denoise, x, sigmas, flow=flow, **noises)))

    together = steps(x, [8, 9])
    for item, seed in enumerate((8, 9)):
        for step, single in zip(together, steps(x[item : item + 1], [seed]), strict=True):
            assert torch.equal(step.x[item : item + 1], single.x)


@every_solver
def test_the_model_is_asked_once_or_twice_a_step_and_x_is_left_alone(name: SamplerName, table: NoiseTable, start: Tensor) -> None:
    seen: list[float] = []

    def denoise(x: Tensor, sigma: float) -> Tensor:
        seen.append(sigma)
        return x * 0.1

    x, before = start * 14.6, start * 14.6
    sigmas = SCHEDULES["normal"](table, 6)
    steps = list(SOLVERS[name](run(denoise, x, sigmas)))
    assert [sigma for sigma in seen if sigma in sigmas][:1] == [sigmas[0]]
    assert len(seen) == (11 if name in TWICE else 6)
    assert name in TWICE or seen == list(sigmas[:-1])
    assert torch.equal(x, before)
    assert len({id(step.x) for step in steps} | {id(x)}) == 7


@every_solver
@pytest.mark.parametrize("flow", [False, True])
def test_repeated_sigmas_change_nothing_and_give_finite_numbers(
    name: SamplerName, flow: bool, table: NoiseTable, network: Network, start: Tensor
) -> None:
    levels = FlowTable(3.0) if flow else table
    sigmas = (1.0, 1.0, 0.7, 0.7, 0.7, 0.2, 0.0) if flow else (8.0, 8.0, 4.0, 4.0, 4.0, 1.0, 0.0)
    denoise = denoiser(network, levels, "flow" if flow else "epsilon")
    steps = list(SOLVERS[name](run(denoise, start * sigmas[0], sigmas, flow=flow)))
    torch.testing.assert_close(steps[0].x, start * sigmas[0], rtol=1e-12, atol=0)
    for step in steps[2:4]:
        torch.testing.assert_close(step.x, steps[1].x, rtol=1e-12, atol=1e-15)
    assert all(step.x.isfinite().all() for step in steps)


@pytest.mark.parametrize("name", ["euler", "heun", "dpmpp_2m", "lms", "res_multistep"])
def test_a_run_up_and_down_again_comes_back(name: SamplerName, start: Tensor) -> None:
    down = log_spaced(400, 0.1)
    up = tuple(reversed(down))
    high = last_x(name, run(gaussian_denoise, start, up))
    torch.testing.assert_close(last_x(name, run(gaussian_denoise, high, down)), start, rtol=0.05, atol=0.02)


@pytest.mark.parametrize("name", sorted(STOCHASTIC))
def test_no_noise_is_drawn_for_the_step_to_zero(name: SamplerName, table: NoiseTable, start: Tensor) -> None:
    steps: list[int] = []
    ends: list[float] = []

    def noise(index: int) -> Tensor:
        steps.append(index)
        return known.NOISE(index)

    def path(sigma: float, sigma_next: float) -> Tensor:
        ends.append(sigma_next)
        return known.path(sigma, sigma_next)

    sigmas = SCHEDULES["karras"](table, 10)
    list(SOLVERS[name](Run(Sides(gaussian_denoise), start * 14.6, sigmas, noise=noise, path=path)))
    assert steps or ends
    assert max([0, *steps]) < 9
    assert min([1.0, *ends]) > 0


def test_the_mean_of_the_data_is_reached_from_anywhere(start: Tensor) -> None:
    x = torch.full_like(start, MEAN)
    found = [step.x for step in euler_ancestral(run(gaussian_denoise, x, log_spaced(5, 0.1)), s_noise=0.0)]
    torch.testing.assert_close(found[-1], x)
