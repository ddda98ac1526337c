from __future__ import annotations

import math

import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor

from nodes.sampling.ancestral import euler_ancestral
from nodes.sampling.cfg_pp import euler_cfg_pp
from nodes.sampling.one_step import euler
from nodes.sampling.prediction import FlowTable, Network, NoiseTable, denoiser
from nodes.sampling.schedules import SCHEDULES, ScheduleName
from nodes.sampling.solvers import SOLVERS, SamplerName, Step, options_of, solver
from nodes.sampling.step import History, Run
from nodes.sampling.stochastic import dpmpp_sde
from tests.nodes.sampling.exact import NAMES, NOISE, gaussian_denoise, run

every_solver = pytest.mark.parametrize("name", NAMES)


def through_a_file(step: Step) -> Step:
    memory = {f"memory{i}": item for i, item in enumerate(step.memory) if isinstance(item, Tensor)}
    tensors = load(save({"x": step.x.clone(), "x0": step.x0.clone()} | {name: item.clone() for name, item in memory.items()}))
    items = tuple(tensors.get(f"memory{i}", item) for i, item in enumerate(step.memory))
    assert all(isinstance(item, Tensor | float) for item in items)
    return Step(x=tensors["x"], x0=tensors["x0"], sigma=float(repr(step.sigma)), index=step.index, memory=items)


@every_solver
@pytest.mark.parametrize("schedule", ["karras", "simple", "flow"])
def test_resuming_from_any_step_equals_the_uninterrupted_run_bit_for_bit(
    name: SamplerName, schedule: str, table: NoiseTable, network: Network, start: Tensor
) -> None:
    flow = schedule == "flow"
    levels = FlowTable(3.0) if flow else table
    kind: ScheduleName = "karras" if schedule == "karras" else "simple"
    sigmas = SCHEDULES[kind](levels, 8)
    denoise, x = denoiser(network, levels, "flow" if flow else "v"), start.float() * sigmas[0]
    whole = list(SOLVERS[name](run(denoise, x, sigmas, flow=flow)))
    for done, step in enumerate(whole, start=1):
        rest = list(SOLVERS[name](run(denoise, x, sigmas, flow=flow, resume=through_a_file(step))))
        assert [later.index for later in rest] == list(range(done, 8))
        for later, expected in zip(rest, whole[done:], strict=True):
            assert later.sigma == expected.sigma
            assert torch.equal(later.x, expected.x)
            assert torch.equal(later.x0, expected.x0)


@every_solver
@pytest.mark.parametrize("flow", [False, True])
@pytest.mark.parametrize("sigmas", [(), (1.0,)])
def test_sigmas_without_an_interval_make_no_step(name: SamplerName, sigmas: tuple[float, ...], flow: bool, start: Tensor) -> None:
    assert list(SOLVERS[name](run(lambda x, sigma: x, start, sigmas, flow=flow))) == []


@every_solver
@pytest.mark.parametrize("flow", [False, True])
@pytest.mark.parametrize(
    ("sigmas", "where"),
    [((1.0, 0.0, 0.5), 1), ((math.inf, 1.0), 0), ((1.0, math.nan, 0.0), 1), ((1.0, -1.0), 1), ((0.0, 0.0), 0)],
)
def test_sigmas_that_no_solver_can_follow_are_refused(
    name: SamplerName, sigmas: tuple[float, ...], where: int, flow: bool, start: Tensor
) -> None:
    with pytest.raises(ValueError, match=rf"^sigmas\[{where}\] is .*, but every sigma must be finite and .*; use the sigmas"):
        next(SOLVERS[name](run(lambda x, sigma: x, start, sigmas, flow=flow)))


@every_solver
def test_a_flow_refuses_sigmas_above_one(name: SamplerName, start: Tensor) -> None:
    with pytest.raises(ValueError, match=r"^sigmas\[0\] is 1.5, but a flow model knows none above 1; use its own schedule$"):
        next(SOLVERS[name](run(lambda x, sigma: x, start, (1.5, 0.0), flow=True)))


@every_solver
@pytest.mark.parametrize(("index", "sigma"), [(0, 1.5), (2, 0.0), (-1, 2.0), (9, 1.0)])
def test_a_step_of_another_run_is_refused(name: SamplerName, index: int, sigma: float, start: Tensor) -> None:
    resume = Step(x=start, x0=start, sigma=sigma, index=index)
    with pytest.raises(ValueError, match=rf"^cannot resume after step {index} at sigma {sigma}: .*; resume with the sigmas"):
        next(SOLVERS[name](run(lambda x, sigma: x, start, (2.0, 1.0, 0.0), resume=resume)))


def test_a_solver_without_the_noise_that_it_needs_is_refused(start: Tensor) -> None:
    with pytest.raises(ValueError, match=r"^this sampler adds noise at each step, but has none; pass noise=step_noise"):
        next(euler_ancestral(Run(lambda x, sigma: x, start, (2.0, 1.0))))
    with pytest.raises(ValueError, match=r"^this sampler follows a Brownian path, but has none; pass path=path_noise"):
        next(dpmpp_sde(Run(lambda x, sigma: x, start, (2.0, 1.0), noise=NOISE)))


def test_a_solver_that_needs_the_negative_refuses_a_model_without(start: Tensor) -> None:
    with pytest.raises(ValueError, match=r"^this sampler steps along the negative's prediction; pass a guided denoiser, or"):
        next(euler_cfg_pp(Run(gaussian_denoise, start, (2.0, 1.0))))


@pytest.mark.parametrize(
    "name", ["euler_ancestral", "dpm_2_ancestral", "dpmpp_2s_ancestral", "dpmpp_sde", "euler_ancestral_cfg_pp"]
)
def test_an_ancestral_solver_refuses_to_go_up(name: SamplerName, start: Tensor) -> None:
    with pytest.raises(ValueError, match=r"^an ancestral step goes from sigma 1.0 up to 2.0, but can only go down; use desc"):
        next(SOLVERS[name](run(lambda x, sigma: x, start, (1.0, 2.0))))


def test_a_run_can_be_left_after_any_step(start: Tensor) -> None:
    seen: list[float] = []

    def denoise(x: Tensor, sigma: float) -> Tensor:
        seen.append(sigma)
        return x

    next(euler(run(denoise, start, (3.0, 2.0, 1.0, 0.0))))
    assert seen == [3.0]


def test_a_history_keeps_the_youngest_evaluations_at_different_sigmas() -> None:
    history, values = History(2), [torch.full((1,), float(i)) for i in range(4)]
    for sigma, value in zip((4.0, 3.0, 3.0, 2.0), values, strict=True):
        history.add(sigma, value)
    assert history.sigmas == [2.0, 3.0]
    assert history.values == [values[3], values[2]]
    again = History(2, history.memory)
    assert (again.sigmas, again.values) == (history.sigmas, history.values)


def test_options_of_a_solver_are_read_from_its_signature() -> None:
    assert options_of("euler") == {}
    assert options_of("dpmpp_2m_sde") == {"eta": 1.0, "s_noise": 1.0}
    assert options_of("lms") == {"order": 4}


def test_an_option_that_a_solver_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^lms has no option eta; its options are: order$"):
        solver("lms", {"eta": 0.5})
    with pytest.raises(ValueError, match=r"^euler has no option eta; its options are: none$"):
        solver("euler", {"eta": 0.5})
