"""Decides which noise levels a custom sampling run visits: by a schedule, a curve or a list, cut and joined at will."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Annotated, Any, Literal, NamedTuple

from graph_engine import Context, NodeInputError, Range, node
from nodes.sampling.prediction import Levels
from nodes.sampling.schedules import SCHEDULES, ScheduleName, between_karras, between_polyexponential, trim_for_denoise
from nodes.types import C, L, Model, Sigmas

STEPS = Range(1, 1000, step=1, unit="steps")
LEVEL = Range(0, 100000, step=0.1)


class SplitSigmas(NamedTuple):
    high: Sigmas
    low: Sigmas


@node("loom.schedule", version=1, category="sigmas")
def schedule(
    model: Model[C, L],
    *,
    schedule: ScheduleName = "karras",
    steps: Annotated[int, STEPS] = 20,
    denoise: Annotated[float, Range(0, 1, step=0.05)] = 1.0,
    context: Context,
) -> Sigmas:
    """Choose the noise levels of a run by a schedule that fits the model.

    Args:
        model: The model that you sample with; it decides the highest and the lowest level.
        schedule: How the levels are spaced.
        steps: How many steps are taken.
        denoise: How much of a latent to replace: below 1, the steps are spread over the last part of the levels.

    Returns:
        sigmas: Connect them to a custom sampler.

    Example:
        schedule(model, schedule="beta", steps=30, denoise=0.6)
    """
    from nodes.models.catalogue import reopen

    if denoise == 0:
        return Sigmas(values=())
    _, info = reopen(model.source, context.folders, input="model")
    return scheduled(schedule, info.table, steps, denoise)


@node("loom.curve_sigmas", version=1, category="sigmas")
def curve_sigmas(
    *,
    curve: Literal["karras", "polyexponential"] = "karras",
    steps: Annotated[int, STEPS] = 20,
    highest: Annotated[float, LEVEL] = 14.614642,
    lowest: Annotated[float, LEVEL] = 0.029167,
    rho: Annotated[float, Range(0.1, 20, step=0.1)] = 7.0,
) -> Sigmas:
    """Choose the noise levels of a run by a curve between two levels of your own.

    Args:
        curve: karras is evenly spaced in the rho-th root of the level; polyexponential has the logarithm of the level fall with
            the rho-th power of what is left of the way, so that rho 1 is exponential.
        steps: How many steps are taken.
        highest: The first level. Stable Diffusion's is 14.6, that of flow models 1.
        lowest: The last level above 0.
        rho: How bent the curve is; more of it takes more steps at low noise. 7 for karras, 1 for polyexponential.

    Returns:
        sigmas: Connect them to a custom sampler.

    Example:
        curve_sigmas(curve="polyexponential", steps=25, highest=14.6, lowest=0.03, rho=1.0)
    """
    if not 0 < lowest <= highest:
        raise NodeInputError("lowest", f"It is {lowest:g} and highest is {highest:g}.", "Use one above 0 and below the highest.")
    between = between_karras if curve == "karras" else between_polyexponential
    return Sigmas(values=between(highest, lowest, steps, rho=rho))


@node("loom.list_sigmas", version=1, title="Sigmas from a list", category="sigmas")
def list_sigmas(*, levels: list[Annotated[float, LEVEL]]) -> Sigmas:
    """Write the noise levels of a run down one by one.

    Args:
        levels: The levels in the order of the steps, one more than there are steps; each at most as high as the one before it, and
            the last one mostly 0.

    Returns:
        sigmas: Connect them to a custom sampler.

    Example:
        list_sigmas(levels=[14.6, 6.5, 3.9, 2.7, 1.9, 1.4, 0.96, 0.65, 0.4, 0.15, 0.0])
    """
    for place, level in enumerate(levels):
        if not (0 < level < math.inf or (level == 0 and place == len(levels) - 1)):
            cause = f"Number {place + 1} is {level:g}, and every one must be above 0, save a last 0."
            raise NodeInputError("levels", cause, "Change it.")
    return Sigmas(values=tuple(levels))


@node("loom.split_sigmas", version=1, category="sigmas")
def split_sigmas(
    sigmas: Sigmas,
    model: Model[C, L] | None = None,
    *,
    step: Annotated[int | None, Range(0, 10000, step=1, unit="steps")] = None,
    sigma: Annotated[float | None, LEVEL] = None,
    share: Annotated[float | None, Range(0, 1, step=0.05)] = None,
    context: Context,
) -> SplitSigmas:
    """Cut a list of noise levels in two, to sample in two parts. Give one of step, sigma and share.

    Both parts hold the level at the cut.

    Args:
        sigmas: The levels to cut.
        model: The model whose levels a share is measured on; needed for share alone.
        step: Cut before this step, counted from 0; below 1 or beyond the end, one part is empty.
        sigma: Cut at the first level that is as low as this one.
        share: Cut at the first level that lies this share of the way down the model's levels.

    Returns:
        high: The levels down to the cut.
        low: The levels from the cut on.

    Example:
        split_sigmas(sigmas, step=12)
    """
    given = [name for name, value in (("step", step), ("sigma", sigma), ("share", share)) if value is not None]
    if len(given) != 1:
        cause = f"{' and '.join(given)} are given." if given else "None of step, sigma and share is given."
        raise NodeInputError(given[-1] if given else "step", cause, "Give one of them.")
    if share is not None:
        sigma = _at_share(share, model, context)
    if sigma is not None:
        step = next((place for place, level in enumerate(sigmas.values) if level <= sigma), len(sigmas.values))
    assert step is not None  # one of the three was given
    high, low = sigmas.values[: step + 1], sigmas.values[step:]
    return SplitSigmas(high=replace(sigmas, values=high), low=Sigmas(values=low, first=sigmas.first + step))


@node("loom.join_sigmas", version=1, category="sigmas")
def join_sigmas(first: Sigmas, second: Sigmas) -> Sigmas:
    """Put two lists of noise levels one behind the other.

    Args:
        first: The levels to begin with. A last level that the second list begins with is counted once.
        second: The levels to end with.

    Returns:
        sigmas: All levels.

    Example:
        join_sigmas(high, low)
    """
    meet = bool(first.values) and first.values[-1:] == second.values[:1]
    return replace(first, values=(*first.values[: -1 if meet else None], *second.values))


@node("loom.flip_sigmas", version=1, category="sigmas")
def flip_sigmas(sigmas: Sigmas) -> Sigmas:
    """Turn a list of noise levels round, to turn a picture back into the noise that it could have come from.

    Sample with cfg 1, a sampler that adds no noise, and add_noise off; then sample that with the levels as they were.

    Args:
        sigmas: The levels to turn round. A level of 0, at which no model can be asked, becomes 0.0001.

    Returns:
        sigmas: The levels from the lowest to the highest.

    Example:
        flip_sigmas(sigmas)
    """
    return Sigmas(values=tuple(max(level, 1e-4) for level in reversed(sigmas.values)))


def _at_share(share: float, model: Model[Any, Any] | None, context: Context) -> float:
    from nodes.models.catalogue import reopen

    if model is None:
        raise NodeInputError("share", "A share is measured on the levels of a model, and there is none.", "Link the model.")
    return reopen(model.source, context.folders, input="model")[1].table.sigma_at(share)


def scheduled(name: ScheduleName, table: Levels, steps: int, denoise: float) -> Sigmas:
    """The last steps of a schedule, by ``denoise``. Raises NodeInputError where there is none for that model or so little denoise."""
    try:
        return Sigmas(values=trim_for_denoise(SCHEDULES[name], table, steps, denoise))
    except ValueError as error:
        cause, _, action = str(error).partition("; ")
        input = "schedule" if table.flow and name.startswith("align") else "denoise"
        raise NodeInputError(input, f"{cause[:1].upper()}{cause[1:]}.", f"{action[:1].upper()}{action[1:]}.") from None
