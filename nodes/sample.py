"""Decides how noise becomes a latent: by which sigmas, solver and guidance; every step can be watched, stopped and gone on from."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from graph_engine import Context, NodeInputError, Range, node
from nodes.sampling.schedules import SCHEDULES, ScheduleName, trim_for_denoise
from nodes.sampling.solvers import SOLVERS, SamplerName
from nodes.types import C, Conditioning, Entry, L, Latent, Model, Noise

if TYPE_CHECKING:
    from torch import Tensor

    from nodes.sampling.checkpoint import Progress
    from nodes.sampling.step import Step


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
        latent: Where to start: an empty latent, or an encoded picture with denoise below 1.
        noise: Which noise to start from.
        sampler: How a step is taken. dpmpp_2m needs the fewest steps; euler is the plainest; euler_ancestral adds noise
            at every step, so it varies more and never settles.
        schedule: At which noise levels the steps are taken. karras spends more of them on details.
        steps: How often the network is asked. More is finer and slower; beyond 30 little changes.
        cfg: How strictly to follow the prompt. 1 ignores the negative prompt and takes half the time; above 10 colours
            burn.
        denoise: How much of the latent to replace: 1 all of it, 0.5 keeps its layout, 0 returns it unchanged.

    Returns:
        latent: The finished latent, ready for the VAE.
    """
    import torch

    from nodes.latent import check_fits
    from nodes.models.parts import borrow_unet
    from nodes.models.unet import predictor
    from nodes.runtime.device import settle
    from nodes.runtime.preview import preview
    from nodes.sampling.checkpoint import Progress
    from nodes.sampling.guidance import guided
    from nodes.sampling.noise import noised, starting_noise, step_noise

    if denoise == 0:
        return latent
    batch, *shape = latent.samples.shape
    wanted, unwanted = _plain("positive", positive, batch), _plain("negative", negative, batch)
    seeds = noise.for_batch(batch)
    with borrow_unet(model, context) as part, torch.inference_mode():
        info, device = part.info, part.device
        check_fits(latent, info.latent_channels, "latent")
        size = (shape[1] * info.latent_factor, shape[2] * info.latent_factor)
        predict = predictor(part.module, part.family, info, device, batch, size)
        sigmas = trim_for_denoise(SCHEDULES[schedule], info.table, steps, denoise)
        x = device.send(noised(latent.samples, starting_noise(noise, batch, shape), sigmas[0], info.table.sigma_max))
        fresh = step_noise(seeds, shape)
        guide = guided(predict, wanted, unwanted, cfg)
        progress = Progress(sigmas, tuple(x.shape), place=f"{device.torch_device.type} {device.dtype} {torch.__version__}")
        last = progress.resumed(context.resume(), device.send)
        solve = SOLVERS[sampler](guide, x, sigmas, noise=lambda index: device.send(fresh(index)), resume=last)
        context.check_cancelled()
        for step in solve:
            x = step.x
            context.preview(_show(preview, step.x0, info.latent_format))
            if step.index + 2 < len(sigmas):
                context.checkpoint(_keep(progress, step))
            context.progress(step.index + 1, steps)
    return Latent(samples=settle(x))


def _show(preview: Any, x0: Tensor, latent_format: str) -> Any:
    """Bound here and not in the loop, so that each preview shows the step it was offered at."""
    return lambda: preview(x0, latent_format)


def _keep(progress: Progress, step: Step) -> Callable[[], Any]:
    """Bound here for the same reason."""
    return lambda: progress.state(step)


def _plain(name: str, conditioning: Conditioning[Any], batch: int) -> Entry:
    """The one entry of a conditioning for the whole picture and every step, with a text for all items or one for each."""
    entry, *more = conditioning.entries
    if more or entry.mask is not None or entry.area is not None or (entry.strength, entry.start, entry.end) != (1.0, 0.0, 1.0):
        action = "Link one encoded text directly."
        raise NodeInputError(name, "It is combined or limited, which this sampler cannot evaluate yet.", action)
    count = entry.embedding.shape[0]
    if count not in (1, batch):
        action = "Use one text, or as many as there are pictures."
        raise NodeInputError(name, f"It holds {count} texts and the latent {batch} pictures.", action)
    return entry
