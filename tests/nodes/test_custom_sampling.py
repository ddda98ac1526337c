"""The parts of sampling, run on a real network: joined they are the one node, and each does what it says."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, get_args

import pytest
import torch

from graph_engine import Cancelled, NodeInputError
from nodes.custom_sampling import CustomSample, guidance, sample_custom, solver
from nodes.latent import empty_latent
from nodes.models.parts import borrow_unet
from nodes.models.unet import middle_attentions, predictor
from nodes.noise import noise
from nodes.sample import sample
from nodes.sampling.guidance import Perturbed
from nodes.sampling.solvers import SamplerName
from nodes.sigmas import schedule, split_sigmas
from nodes.types import Conditioning, Entry, Guidance, Latent, Sigmas, Solver
from tests.nodes.test_sample import conditioning
from tests.nodes.tiny import Models

TEXTS = {"positive": conditioning(32, seed=1), "negative": conditioning(32, seed=2)}
STEPS = 6


def run(
    models: Models, *, batch: int = 1, context: Any = None, steering: Guidance[Any] | None = None, **options: Any
) -> CustomSample[Any]:
    model = models.load("sd1").model
    inputs = {
        "guidance": steering or guidance(**TEXTS),
        "sigmas": schedule(model, steps=STEPS, context=models.context),
        "solver": Solver(name="euler"),
        "noise": noise(seed=3),
        "latent": empty_latent(model, width=72, height=40, batch=batch, context=models.context),
        "context": context or models.context,
    }
    return sample_custom(model, **(inputs | options))


def whole(models: Models, **options: Any) -> torch.Tensor:
    model = models.load("sd1").model
    latent = empty_latent(model, width=72, height=40, batch=1, context=models.context)
    inputs = {**TEXTS, "latent": latent, "noise": noise(seed=3), "steps": STEPS, "context": models.context}
    return sample(model, **(inputs | options)).samples


@pytest.mark.parametrize("sampler", get_args(SamplerName))
def test_the_parts_joined_are_the_one_node(models: Models, sampler: SamplerName) -> None:
    found = run(models, solver=solver(sampler=sampler))
    assert torch.equal(found.latent.samples, whole(models, sampler=sampler))
    torch.testing.assert_close(found.predicted.samples, found.latent.samples, atol=5e-3, rtol=5e-3)


@pytest.mark.parametrize("sampler", ["euler", "heun", "euler_ancestral", "dpm_2_ancestral", "dpmpp_sde", "lcm"])
@pytest.mark.parametrize("by", ["steps", "sigmas"])
def test_two_runs_in_a_row_are_exactly_one(models: Models, sampler: SamplerName, by: str) -> None:
    chosen = solver(sampler=sampler)
    if by == "steps":
        first = run(models, solver=chosen, end_step=2).latent
        second = run(models, solver=chosen, latent=first, start_step=2, add_noise=False).latent
    else:
        levels = schedule(models.load("sd1").model, steps=STEPS, context=models.context)
        high, low = split_sigmas(levels, step=2, context=models.context)
        first = run(models, solver=chosen, sigmas=high).latent
        second = run(models, solver=chosen, latent=first, sigmas=low, add_noise=False).latent
    assert torch.equal(second.samples, run(models, solver=chosen).latent.samples)


def test_a_run_that_ends_early_keeps_its_noise_unless_it_finishes(models: Models) -> None:
    left, finished = (run(models, end_step=1, finish=finish) for finish in (False, True))
    assert (left.latent.samples - left.predicted.samples).std() > 1
    torch.testing.assert_close(finished.latent.samples, finished.predicted.samples, atol=1e-4, rtol=1e-4)
    assert torch.equal(finished.predicted.samples, left.predicted.samples)


@pytest.mark.parametrize("options", [{"start_step": 6}, {"start_step": 99}, {"end_step": 0}, {"sigmas": Sigmas(values=())}])
def test_a_run_without_a_step_returns_the_latent(models: Models, options: Any) -> None:
    latent = Latent(samples=torch.randn(1, 4, 5, 9, generator=torch.Generator().manual_seed(1)))
    assert torch.equal(run(models, latent=latent, **options).latent.samples, latent.samples)


def test_options_of_a_solver_have_their_effect(models: Models) -> None:
    plain = run(models).latent.samples
    assert torch.equal(run(models, solver=solver(sampler="euler_ancestral", eta=0.0)).latent.samples, plain)
    assert torch.equal(run(models, solver=solver(sampler="lms", order=1)).latent.samples[:0], plain[:0])
    loud, quiet = (run(models, solver=solver(sampler="ddpm", s_noise=share)).latent.samples for share in (1.0, 0.0))
    assert not torch.equal(loud, quiet)


@pytest.mark.parametrize(
    ("sampler", "options", "message"),
    [
        ("euler", {"eta": 0.5}, "euler has no such option; those it has: none"),
        ("lms", {"eta": 0.5}, "lms has no such option; those it has: order"),
        ("dpmpp_2m_sde", {"order": 2}, "those it has: eta, s_noise"),
        ("uni_pc", {"order": 4}, "uni_pc goes up to 3"),
    ],
)
def test_an_option_that_a_solver_lacks_is_refused(sampler: SamplerName, options: Any, message: str) -> None:
    with pytest.raises(NodeInputError, match=message) as caught:
        solver(sampler=sampler, **options)
    assert caught.value.input == next(iter(options))


def test_guidance_without_a_negative_needs_a_cfg_of_one(models: Models) -> None:
    with pytest.raises(NodeInputError, match="there is no negative conditioning") as caught:
        guidance(TEXTS["positive"], cfg=5.0)
    assert caught.value.input == "cfg"
    alone = run(models, steering=guidance(TEXTS["positive"], cfg=1.0)).latent.samples
    assert torch.equal(alone, whole(models, sampler="euler", cfg=1.0))


def test_a_cfg_pp_sampler_without_a_negative_is_refused(models: Models) -> None:
    with pytest.raises(NodeInputError, match="euler_cfg_pp steps along the negative's prediction") as caught:
        run(models, steering=guidance(TEXTS["positive"], cfg=1.0), solver=solver(sampler="euler_cfg_pp"))
    assert caught.value.input == "solver"


def test_guidance_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(NodeInputError, match="Let it begin before it ends"):
        guidance(**TEXTS, start=0.6, end=0.5)


def test_guidance_counts_between_its_shares_of_the_way_alone(models: Models) -> None:
    strong = run(models, steering=guidance(**TEXTS, cfg=6.0)).latent.samples
    off = run(models, steering=guidance(**TEXTS, cfg=1.0)).latent.samples
    assert torch.equal(run(models, steering=guidance(**TEXTS, cfg=6.0, start=0.0, end=1.0)).latent.samples, strong)
    assert torch.equal(run(models, steering=guidance(**TEXTS, cfg=6.0, start=1.0, end=1.0)).latent.samples, off)
    partly = run(models, steering=guidance(**TEXTS, cfg=6.0, start=0.3, end=0.7)).latent.samples
    assert not torch.equal(partly, strong)
    assert not torch.equal(partly, off)


@pytest.mark.parametrize("change", [{"rescale": 0.7}, {"perturbed": 3.0}])
def test_a_batch_guided_in_other_ways_is_exactly_its_single_runs(models: Models, change: Any) -> None:
    steering = guidance(**TEXTS, cfg=6.0, **change)
    batch = run(models, steering=steering, batch=2).latent.samples
    alone = [run(models, steering=steering, noise=noise(seed=seed)).latent.samples for seed in (3, 4)]
    assert torch.equal(batch, torch.cat(alone))
    assert not torch.equal(alone[0], run(models, steering=guidance(**TEXTS, cfg=6.0)).latent.samples)


def test_a_perturbed_network_sees_each_place_alone_in_one_more_row_of_the_same_call(models: Models) -> None:
    """With the middle's query and key at zero, attention would be the mean of all places; the identity is what differs."""
    x = torch.randn(1, 4, 5, 9, generator=torch.Generator().manual_seed(1))
    [entry] = TEXTS["positive"].entries
    with borrow_unet(models.load("sd1").model, models.context) as part, torch.inference_mode():
        rows: list[int] = []
        hook = part.module.register_forward_pre_hook(lambda module, inputs: rows.append(inputs[0].shape[0]))
        predict = predictor(part.module, part.family, part.info, part.device, 1, (40, 72))
        plain, perturbed = predict(x, 2.0, [entry, Perturbed(entry)])
        again = predict(x, 2.0, [entry])[0]
        hook.remove()
        [attention] = middle_attentions(part.module)
        assert not attention._forward_hooks
        with _identity(attention):
            expected = predict(x, 2.0, [entry])[0]
    assert rows == [2, 1]
    torch.testing.assert_close(plain, again, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(perturbed, expected, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(perturbed, plain, atol=1e-4)


class _identity:  # noqa: N801
    """The attention of a module with a map that is the identity, by a processor of our own."""

    def __init__(self, attention: Any) -> None:
        self._attention, self._before = attention, attention.processor

    def __enter__(self) -> None:
        self._attention.processor = lambda attention, states, **_: attention.to_out[0](attention.to_v(states))

    def __exit__(self, *_: object) -> None:
        self._attention.processor = self._before


def test_a_mask_keeps_what_it_does_not_cover(models: Models) -> None:
    samples = torch.randn(1, 4, 5, 9, generator=torch.Generator().manual_seed(1))
    mask = torch.zeros(1, 1, 5, 9)
    mask[..., 4:] = 1
    found = run(models, latent=Latent(samples=samples, mask=mask)).latent
    torch.testing.assert_close(found.samples[..., :4], samples[..., :4], rtol=0, atol=1e-5)
    assert not torch.allclose(found.samples[..., 4:], samples[..., 4:], atol=0.1)
    assert found.mask is not None
    assert torch.equal(found.mask, mask)


def test_a_mask_of_another_size_is_drawn_to_that_of_the_latent(models: Models) -> None:
    samples = torch.randn(2, 4, 5, 9, generator=torch.Generator().manual_seed(1))
    masks = torch.ones(2, 1, 10, 18)
    masks[1] = 0
    found = run(models, batch=2, latent=Latent(samples=samples, mask=masks)).latent.samples
    torch.testing.assert_close(found[1], samples[1], rtol=0, atol=1e-5)
    assert torch.equal(found[0], run(models, latent=Latent(samples=samples[:1])).latent.samples[0])


def test_a_mask_that_fits_no_batch_is_refused(models: Models) -> None:
    with pytest.raises(NodeInputError, match="Its mask is for 2 pictures and it holds 1"):
        run(models, latent=Latent(samples=torch.zeros(1, 4, 5, 9), mask=torch.ones(2, 1, 5, 9)))


@pytest.mark.parametrize(
    ("values", "chosen", "message"),
    [
        ((4.0, 0.0, 1.0), "euler", "Number 2 is 0, and every one must be above 0, save a last 0"),
        ((4.0, math.nan, 0.0), "euler", "Number 2 is nan"),
        ((1.0, 4.0), "euler_ancestral", "They rise from 1 to 4, and euler_ancestral adds noise on the way down"),
    ],
)
def test_levels_that_cannot_be_followed_are_refused(models: Models, values: Any, chosen: SamplerName, message: str) -> None:
    with pytest.raises(NodeInputError, match=message) as caught:
        run(models, sigmas=Sigmas(values=values), solver=solver(sampler=chosen))
    assert caught.value.input == "sigmas"


def test_a_picture_is_turned_into_noise_and_back(models: Models) -> None:
    samples = 0.5 * torch.randn(1, 4, 5, 9, generator=torch.Generator().manual_seed(1))
    up = Sigmas(values=tuple(0.05 * (4.0 / 0.05) ** (i / 60) for i in range(61)))
    plain = {"steering": guidance(TEXTS["positive"], cfg=1.0), "solver": solver(sampler="heun"), "add_noise": False}
    noisy = run(models, latent=Latent(samples=samples), sigmas=up, **plain).latent
    back = run(models, latent=noisy, sigmas=Sigmas(values=up.values[::-1]), **plain).latent
    assert (noisy.samples - samples).std() > 1
    torch.testing.assert_close(back.samples, samples, atol=0.02, rtol=0.02)


def test_cancelling_stops_a_custom_run_too(models: Models) -> None:
    seen: list[int] = []
    context = replace(models.context, on_progress=lambda done, total: seen.append(done), cancelled=lambda: len(seen) >= 2)
    with pytest.raises(Cancelled):
        run(models, context=context)
    assert len(seen) == 2


def text(seed: int, **change: Any) -> Entry:
    return replace(conditioning(32, seed=seed).entries[0], **change)


def steered(*entries: Entry, cfg: float = 1.0) -> Guidance[Any]:
    return guidance(Conditioning(entries=entries), TEXTS["negative"] if cfg != 1 else None, cfg=cfg)


def once(models: Models, *entries: Entry, cfg: float = 1.0, sigma: float = 3.0) -> torch.Tensor:
    """What the model takes for the finished latent at a sigma."""
    return run(models, steering=steered(*entries, cfg=cfg), sigmas=Sigmas(values=(sigma, sigma / 2))).predicted.samples


def test_texts_that_are_combined_are_averaged_by_their_strength(models: Models) -> None:
    one, other = once(models, text(1)), once(models, text(5))
    mixed = once(models, text(1, strength=3.0), text(5, strength=1.0))
    torch.testing.assert_close(mixed, (3 * one + other) / 4, atol=1e-4, rtol=1e-4)


def test_a_text_without_strength_is_not_asked(models: Models) -> None:
    assert torch.equal(once(models, text(1), text(5, strength=0.0)), once(models, text(1)))


def test_masks_give_each_text_its_part_of_the_picture(models: Models) -> None:
    left = torch.zeros(1, 40, 72)
    left[..., :40] = 1
    found = once(models, text(1, mask=left), text(5, mask=1 - left))
    torch.testing.assert_close(found[..., :5], once(models, text(1))[..., :5], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found[..., 5:], once(models, text(5))[..., 5:], atol=1e-4, rtol=1e-4)


def test_a_text_with_an_area_is_predicted_for_that_part_alone(models: Models) -> None:
    area = (4 / 9, 0.0, 5 / 9, 1.0)
    found = once(models, text(1), text(5, area=area))
    torch.testing.assert_close(found[..., :4], once(models, text(1))[..., :4], atol=1e-4, rtol=1e-4)
    x = torch.zeros(1, 4, 5, 9)
    model = models.load("sd1").model
    with borrow_unet(model, models.context) as part, torch.inference_mode():
        predict = predictor(part.module, part.family, part.info, part.device, 1, (40, 72))
        [crop] = predict(x + 1.5, 2.0, [text(5, area=area)])
        [alone] = predict(x[..., 4:] + 1.5, 2.0, [text(5)])
    assert crop.shape == (1, 4, 5, 5)
    torch.testing.assert_close(crop, alone)


def test_an_area_is_compared_with_the_negative_for_the_same_area(models: Models) -> None:
    """So that at equal texts guidance changes nothing, in the area and elsewhere."""
    area = (0.0, 0.0, 0.5, 1.0)
    same = Guidance(
        positive=Conditioning(entries=(text(1), text(1, area=area))), negative=Conditioning(entries=(text(1),)), cfg=7.0
    )
    strong = run(models, steering=same).latent.samples
    plain = run(models, steering=replace(same, cfg=1.0)).latent.samples
    torch.testing.assert_close(strong, plain, atol=2e-3, rtol=2e-3)


def test_a_text_holds_from_its_start_to_its_end(models: Models) -> None:
    early, late = text(1, end=0.5), text(5, start=0.5)
    assert torch.equal(once(models, early, late, sigma=10.0), once(models, text(1), sigma=10.0))
    assert torch.equal(once(models, early, late, sigma=0.3), once(models, text(5), sigma=0.3))


def test_texts_of_different_length_are_asked_in_calls_of_their_own(models: Models) -> None:
    long = Entry(embedding=torch.cat([text(5).embedding, text(6).embedding], dim=1))
    mixed = once(models, text(1), long)
    torch.testing.assert_close(mixed, (once(models, text(1)) + once(models, long)) / 2, atol=1e-4, rtol=1e-4)


def test_regional_texts_of_a_batch_are_exactly_its_single_runs(models: Models) -> None:
    left = torch.zeros(1, 5, 9)
    left[..., :4] = 1
    entries = (text(1), text(5, mask=left, strength=2.0), text(6, area=(0.5, 0.0, 0.5, 1.0), end=0.6))
    batch = run(models, steering=steered(*entries, cfg=5.0), batch=2).latent.samples
    alone = [run(models, steering=steered(*entries, cfg=5.0), noise=noise(seed=seed)).latent.samples for seed in (3, 4)]
    assert torch.equal(batch, torch.cat(alone))
