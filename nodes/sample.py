"""Decides how noise becomes a latent in one node: the sampler, schedule and guidance that most pictures need."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from graph_engine import Context, Range, node
from nodes.sampling.schedules import ScheduleName
from nodes.sampling.solvers import SamplerName
from nodes.sigmas import scheduled
from nodes.types import C, Conditioning, Guidance, L, Latent, Model, Noise, Sigmas, Solver

if TYPE_CHECKING:
    from nodes.sampling.prediction import Levels


@node("loom.sample", version=1, category="sampling", lane="device")
def sample(
    model: Model[C, L],
    positive: Conditioning[C],
    negative: Conditioning[C],
    latent: Latent[L],
    noise: Noise,
    *,
    sampler: SamplerName = "dpmpp_2m",
    schedule: ScheduleName = "karras",
    steps: Annotated[int, Range(1, 1000, step=1, unit="steps")] = 20,
    cfg: Annotated[float, Range(0, 30, step=0.5)] = 5.0,
    denoise: Annotated[float, Range(0, 1, step=0.05)] = 1.0,
    context: Context,
) -> Latent[L]:
    """Turn noise into a latent that fits the prompt.

    Args:
        model: The model that does the denoising.
        positive: What the picture should show.
        negative: What it should not show; an empty prompt will do.
        latent: Where to start: an empty latent, or an encoded picture with denoise below 1. If it has a mask, only what that
            covers is changed.
        noise: Which noise to start from.
        sampler: How a step is taken. dpmpp_2m needs the fewest steps; euler is the plainest. Those with ancestral or sde in
            their names add noise at every step, so they vary more; heun, dpm_2, dpmpp_sde and the 2s ones ask the network twice
            a step; those that end in cfg_pp want a cfg of 1 to 2, and lcm a model made for it.
        schedule: At which noise levels the steps are taken. karras spends more of them on details, simple and sgm_uniform follow
            the training, beta is dense at both ends, and align_your_steps is made for 10 steps.
        steps: How often a step is taken. More is finer and slower; beyond 30 little changes.
        cfg: How strictly to follow the prompt. 1 ignores the negative prompt and takes half the time; above 10 colours
            burn.
        denoise: How much of the latent to replace: 1 all of it, 0.5 keeps its layout, 0 returns it unchanged.

    Returns:
        latent: The finished latent, ready for the VAE.

    Example:
        sample(model, positive, negative, latent, noise, sampler="euler_ancestral", schedule="simple", steps=30, cfg=6.5)
    """
    from nodes.models.run import sampled

    if denoise == 0:
        return latent

    def sigmas(table: Levels) -> Sigmas:
        return scheduled(schedule, table, steps, denoise)

    guidance = Guidance(positive=positive, negative=negative, cfg=cfg)
    found = sampled(model, guidance, sigmas, Solver(name=sampler), noise, latent, context)
    return replace(latent, samples=found.latent)
