"""Decides what a sampling run is made of, for those who choose its parts: guidance, solver, sigmas, noise, where it starts and ends."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Generic, NamedTuple, get_args

from graph_engine import Context, NodeInputError, Range, node
from nodes.sampling.solvers import SamplerName, options_of
from nodes.types import C, Conditioning, Guidance, L, Latent, Model, Noise, Sigmas, Solver

if TYPE_CHECKING:
    from nodes.sampling.prediction import Levels

SHARE = Range(0, 1, step=0.05)
STEPS = Range(0, 10000, step=1, unit="steps")


class CustomSample(NamedTuple, Generic[L]):
    latent: Latent[L]
    predicted: Latent[L]


@node("loom.guidance", version=1, category="sampling")
def guidance(
    positive: Conditioning[C],
    negative: Conditioning[C] | None = None,
    *,
    cfg: Annotated[float, Range(0, 30, step=0.5)] = 5.0,
    rescale: Annotated[float, SHARE] = 0.0,
    perturbed: Annotated[float, Range(0, 10, step=0.5)] = 0.0,
    start: Annotated[float, SHARE] = 0.0,
    end: Annotated[float, SHARE] = 1.0,
) -> Guidance[C]:
    """Say how strongly the prompts steer a model, and when.

    Args:
        positive: What the picture should show.
        negative: What it should not show. Left out: cfg must be 1.
        cfg: How strictly to follow the prompt. 1 ignores the negative prompt and takes half the time.
        rescale: How far to undo the contrast that a high cfg adds: 0 not at all, 0.7 for models of the v kind, 1 in full.
        perturbed: How far to go from what the model says when it does not look around, which firms up shapes; 3 is a good
            start. It costs a third call of the network for each step, in the same batch; 0 leaves it out.
        start: The share of the way through the noise levels where cfg and perturbed begin to count. Before, the positive
            prompt alone does, at half the time.
        end: The share of the way where they cease to count.

    Returns:
        guidance: Connect it to a custom sampler.

    Example:
        guidance(positive, negative, cfg=7.0, rescale=0.7, start=0.1, end=0.8)
    """
    if negative is None and cfg != 1:
        raise NodeInputError("cfg", f"It is {cfg:g}, and there is no negative conditioning.", "Link one, or set it to 1.")
    if start > end:
        raise NodeInputError("start", f"It is {start:g} and end is {end:g}.", "Let it begin before it ends.")
    return Guidance(positive=positive, negative=negative, cfg=cfg, rescale=rescale, perturbed=perturbed, start=start, end=end)


@node("loom.solver", version=1, category="sampling")
def solver(
    *,
    sampler: SamplerName = "dpmpp_2m",
    eta: Annotated[float | None, SHARE] = None,
    s_noise: Annotated[float | None, Range(0, 2, step=0.05)] = None,
    order: Annotated[int | None, Range(1, 4, step=1)] = None,
    gamma: Annotated[float | None, Range(-5, 5, step=0.1)] = None,
) -> Solver:
    """Choose how a step is taken, with options that the plain sampler leaves as they are.

    Args:
        sampler: The method.
        eta: How much of the noise is made anew at each step, for the ancestral and SDE samplers and ddim: 0 none, 1 all of it.
            Left out: 1, and 0 for ddim.
        s_noise: What the added noise is multiplied by. Above 1 adds texture, below 1 smooths. Left out: 1.
        order: How many earlier steps a multistep sampler looks back on, itself included, for lms, ipndm, deis and uni_pc. Left
            out: 3 or 4.
        gamma: How far gradient_estimation leans on the change of the slope; 1 is euler. Left out: 2.

    Returns:
        solver: Connect it to a custom sampler.

    Example:
        solver(sampler="dpmpp_2m_sde", eta=0.5, s_noise=1.05)
    """
    given = {"eta": eta, "s_noise": s_noise, "order": order, "gamma": gamma}
    known = options_of(sampler)
    for name, value in given.items():
        if value is not None and name not in known:
            have = ", ".join(option for option in given if option in known) or "none"
            raise NodeInputError(name, f"{sampler} has no such option; those it has: {have}.", "Leave it out.")
    if order is not None and order > known["order"]:
        raise NodeInputError("order", f"{sampler} goes up to {known['order']}.", f"Use at most {known['order']}.")
    return Solver(name=sampler, options=tuple((name, value) for name, value in given.items() if value is not None))


@node("loom.sample_custom", version=1, title="Sample in parts", category="sampling", lane="device")
def sample_custom(
    model: Model[C, L],
    guidance: Guidance[C],
    sigmas: Sigmas,
    solver: Solver,
    noise: Noise,
    latent: Latent[L],
    *,
    start_step: Annotated[int, STEPS] = 0,
    end_step: Annotated[int | None, STEPS] = None,
    add_noise: bool = True,
    finish: bool = False,
    context: Context,
) -> CustomSample[L]:
    """Follow a model down any list of noise levels, in parts if wanted.

    Two runs, of which the second has add_noise off and starts where the first ended, give exactly the picture of one run for
    samplers that remember nothing, such as euler, heun and the ancestral ones.

    Args:
        model: The model that does the denoising.
        guidance: What steers it.
        sigmas: The noise levels of the steps. An empty list or a single level returns the latent unchanged.
        solver: How a step is taken.
        noise: Which noise to start from, and to add on the way.
        latent: Where to start. If it has a mask, only what that covers is changed.
        start_step: The step to begin with, counted from 0.
        end_step: The step to end before. Left out: the last one is taken too.
        add_noise: Whether noise is added to the latent first; off for one that still has the noise of an earlier run.
        finish: Let the last step take all noise out, wherever it ends.

    Returns:
        latent: The latent where the run ended, with what noise is left there.
        predicted: What the model last took for the finished latent.

    Example:
        sample_custom(model, guidance, sigmas, solver, noise, latent, end_step=12)
    """
    from nodes.models.run import sampled

    chosen = replace(sigmas, values=sigmas.values[start_step : None if end_step is None else end_step + 1])
    chosen = replace(chosen, first=sigmas.first + start_step)
    if finish and len(chosen.values) > 1:
        chosen = replace(chosen, values=(*chosen.values[:-1], 0.0))
    _check(chosen, solver)

    def levels(table: Levels) -> Sigmas:
        top = 1.0 if table.flow else math.inf
        if chosen.values and chosen.values[0] > top:
            cause = f"They start at {chosen.values[0]:g}, and this model knows no more noise than {top:g}."
            raise NodeInputError("sigmas", cause, "Use a schedule made for it.")
        return chosen

    found = sampled(model, guidance, levels, solver, noise, latent, context, add_noise=add_noise)
    return CustomSample(
        latent=replace(latent, samples=found.latent),
        predicted=replace(latent, samples=found.x0),
    )


def _check(sigmas: Sigmas, solver: Solver) -> None:
    """Raises NodeInputError for sigmas that no sampler, or not this one, can follow."""
    if solver.name not in get_args(SamplerName):
        raise NodeInputError("solver", f"There is no sampler {solver.name!r}.", "Choose another one.")
    values = sigmas.values
    for place, sigma in enumerate(values):
        if not (0 < sigma < math.inf or (sigma == 0 and place == len(values) - 1)):
            cause = f"Number {place + 1} is {sigma:g}, and every one must be above 0, save a last 0."
            raise NodeInputError("sigmas", cause, "Change it.")
    up = next((place for place in range(len(values) - 1) if values[place + 1] > values[place]), None)
    if up is not None and {"eta", "s_noise"} & set(options_of(solver.name)):  # type: ignore[arg-type]
        cause = f"They rise from {values[up]:g} to {values[up + 1]:g}, and {solver.name} adds noise on the way down."
        raise NodeInputError("sigmas", cause, "Use euler or another sampler that adds none.")
