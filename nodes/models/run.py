"""Decides how a sampling run goes: what steers the network, where the noise is from; each step can be watched, stopped and gone on from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from graph_engine import Context, NodeInputError
from nodes.latent import check_fits
from nodes.models.family import ModelInfo
from nodes.models.parts import Part as Borrowed
from nodes.models.parts import borrow_unet
from nodes.models.unet import middle_attentions, predictor
from nodes.runtime.device import Device, settle
from nodes.runtime.preview import preview
from nodes.runtime.threads import threads_for
from nodes.sampling.brownian import path_noise
from nodes.sampling.checkpoint import Progress
from nodes.sampling.guidance import ALWAYS, Guided, Part
from nodes.sampling.inpaint import Masked
from nodes.sampling.noise import noised, starting_noise, step_noise
from nodes.sampling.prediction import Levels
from nodes.sampling.regions import box_of, weight_of
from nodes.sampling.solvers import solver
from nodes.sampling.step import Run, Step
from nodes.types import Conditioning, Entry, Guidance, Latent, Model, Noise, Sigmas, Solver


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sampled:
    """What a run gives: its last x, and what the model last took for the finished latent. Both on the CPU."""

    latent: Tensor
    x0: Tensor


def sampled(
    model: Model[Any, Any], guidance: Guidance[Any], sigmas: Callable[[Levels], Sigmas], solve: Solver, noise: Noise,
    latent: Latent[Any], context: Context, *, add_noise: bool = True,
) -> Sampled:  # fmt: skip
    """Follow the model from the latent down the sigmas that it is asked for with ``sigmas``; the latent itself where there is no step.

    Raises NodeInputError for what does not fit the model or the latent.
    """
    batch, *shape = latent.samples.shape
    _check_batch(guidance, latent)
    if guidance.negative is None and solve.name.endswith("_cfg_pp"):
        cause = f"{solve.name} steps along the negative's prediction, and there is no negative conditioning."
        raise NodeInputError("solver", cause, "Link one to the guidance, or choose another sampler.")
    with borrow_unet(model, context) as part, torch.inference_mode():
        info, device = part.info, part.device
        check_fits(latent, info.latent_channels, "latent")
        levels = sigmas(info.table)
        if len(levels.values) < 2:
            return Sampled(latent=latent.samples, x0=latent.samples)
        seeds = noise.for_batch(batch)
        begun, start = _start(latent, noise, levels, info.table, device, add_noise=add_noise)
        guide = _guided(part, guidance, latent)
        denoise = guide if latent.mask is None else _masked(guide, latent, start, device)
        fresh, path = step_noise(seeds, shape), path_noise(seeds, shape)
        progress = Progress(
            levels.values, tuple(begun.shape), place=f"{device.torch_device.type} {device.dtype} {torch.__version__}"
        )
        run = Run(
            denoise, begun, levels.values, flow=info.table.flow, resume=progress.resumed(context.resume(), device.send),
            noise=lambda index: device.send(fresh(levels.first + index)), path=lambda high, low: device.send(path(high, low)),
        )  # fmt: skip
        with threads_for(part.module, shape[-2] * shape[-1], device):
            last = _followed(run, solve, progress, info, context)
        x = last.x / run.alpha(levels.values[-1])  # what is left of the noise goes on at the latent's scale
    return Sampled(latent=settle(x), x0=settle(last.x0))


def _followed(run: Run, solve: Solver, progress: Progress, info: ModelInfo, context: Context) -> Step:
    """The last step of a run, each of them reported."""
    context.check_cancelled()
    last, total = run.resume, len(run.sigmas) - 1
    for step in solver(solve.name, dict(solve.options))(run):  # type: ignore[arg-type]
        last = step
        context.preview(_show(step.x0, info.latent_format))
        if step.index + 1 < total:
            context.checkpoint(_keep(progress, step))
        context.progress(step.index + 1, total)
    assert last is not None  # there is at least one interval
    return last


def _show(x0: Tensor, latent_format: str) -> Callable[[], bytes]:
    """Bound here and not in the loop, so that each preview shows the step it was offered at."""
    return lambda: preview(x0, latent_format)


def _keep(progress: Progress, step: Step) -> Callable[[], Any]:
    """Bound here for the same reason."""
    return lambda: progress.state(step)


def _start(
    latent: Latent[Any], source: Noise, levels: Sigmas, table: Levels, device: Device, *, add_noise: bool
) -> tuple[Tensor, Tensor]:
    """The x to begin at, on the device, and the noise in it, on the CPU."""
    batch, *shape = latent.samples.shape
    noise = starting_noise(source, batch, shape) if add_noise else torch.zeros_like(latent.samples)
    return device.send(noised(latent.samples, noise, levels.values[0], table)), noise


def _masked(guide: Guided[Entry], latent: Latent[Any], noise: Tensor, device: Device) -> Masked:
    assert latent.mask is not None
    mask = latent.mask.float()
    if mask.shape[-2:] != latent.samples.shape[-2:]:
        mask = interpolate(mask, latent.samples.shape[-2:], mode="bilinear", align_corners=False)
    flow = guide.flow
    return Masked(inner=guide, latent=device.send(latent.samples), noise=device.send(noise), mask=device.send(mask), flow=flow)


def _guided(part: Borrowed, guidance: Guidance[Any], latent: Latent[Any]) -> Guided[Entry]:
    info, device = part.info, part.device
    batch, _, height, width = latent.samples.shape
    if guidance.perturbed and not middle_attentions(part.module):
        cause = "This model has no self-attention in its middle, which is what is perturbed."
        raise NodeInputError("guidance", cause, "Set perturbed to 0.")
    positive = guidance.positive.entries
    negative = () if guidance.negative is None else guidance.negative.entries

    def parts(entries: Sequence[Entry], others: Sequence[Entry]) -> list[Part[Entry]]:
        return [_part(entry, info.table, height, width, device) for entry in with_areas_of(others, entries) if entry.strength > 0]

    return Guided(
        predict=predictor(
            part.module, part.family, info, device, batch, (height * info.latent_factor, width * info.latent_factor)
        ),
        positive=parts(positive, negative),
        negative=parts(negative, positive),
        scale=guidance.cfg,
        window=_window(guidance.start, guidance.end, info.table),
        rescale=guidance.rescale,
        perturbed=guidance.perturbed,
        flow=info.table.flow,
    )


def with_areas_of(others: Sequence[Entry], entries: Sequence[Entry]) -> list[Entry]:
    """The entries, and for each area that only the other side has, the first whole one again for that area.

    Without it, guidance there would compare the prediction for a part with one for the whole picture.
    """
    known = {entry.area for entry in entries}
    missing = [other for other in others if other.area is not None and other.area not in known]
    whole = [entry for entry in entries if entry.area is None]
    unique = {other.area: other for other in missing}.values()
    return [*entries, *(replace(whole[0], area=other.area, strength=other.strength) for other in unique if whole)]


def _part(entry: Entry, table: Levels, height: int, width: int, device: Device) -> Part[Entry]:
    box = None if entry.area is None else box_of(entry.area, height, width)
    weight = weight_of(entry.strength, entry.mask, box, height, width)
    sent = weight if isinstance(weight, float) else device.send(weight)
    return Part(entry, sent, box, _window(entry.start, entry.end, table))


def _window(start: float, end: float, table: Levels) -> tuple[float, float]:
    return ALWAYS if (start, end) == (0.0, 1.0) else (table.sigma_at(start), table.sigma_at(end))


def _check_batch(guidance: Guidance[Any], latent: Latent[Any]) -> None:
    batch = latent.samples.shape[0]
    sides: Mapping[str, Conditioning[Any] | None] = {"positive": guidance.positive, "negative": guidance.negative}
    for name, conditioning in sides.items():
        for entry in () if conditioning is None else conditioning.entries:
            for of, tensor in (("texts", entry.embedding), ("masks", entry.mask)):
                if tensor is not None and tensor.shape[0] not in (1, batch):
                    cause = f"It holds {tensor.shape[0]} {of} and the latent {batch} pictures."
                    raise NodeInputError(name, cause, f"Use one of the {of}, or as many as there are pictures.")
    if latent.mask is not None and latent.mask.shape[0] not in (1, batch):
        cause = f"Its mask is for {latent.mask.shape[0]} pictures and it holds {batch}."
        raise NodeInputError("latent", cause, "Use one mask, or as many as there are pictures.")
