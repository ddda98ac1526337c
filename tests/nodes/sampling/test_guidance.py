from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import rescale_noise_cfg
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from nodes.sampling.guidance import ALWAYS, Guided, Part, Perturbed, Predict, classifier_free, rescaled
from nodes.sampling.prediction import velocity, x0_of

X = torch.arange(6.0).reshape(2, 3)


class Recorder:
    """A model whose x0 is x plus the conditioning, which is a number here; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[float]] = []

    def __call__(self, x: Tensor, sigma: float, conditionings: Sequence[float]) -> Sequence[Tensor]:
        self.asked.append(list(conditionings))
        return [x * sigma + conditioning for conditioning in conditionings]


def test_scale_one_is_the_positive_and_scale_zero_the_negative() -> None:
    positive, negative = torch.tensor([3.0, 4.0]), torch.tensor([1.0, 8.0])
    assert torch.equal(classifier_free(positive, negative, 1.0), positive)
    assert torch.equal(classifier_free(positive, negative, 0.0), negative)


def test_a_scale_above_one_goes_beyond_the_positive() -> None:
    assert classifier_free(torch.tensor(3.0), torch.tensor(1.0), 5.0) == torch.tensor(11.0)


@settings(deadline=None)
@given(st.floats(0, 30), st.floats(0.03, 20))
def test_guiding_x0_equals_guiding_the_noise(scale: float, sigma: float) -> None:
    x, epsilon, epsilon_negative = torch.randn(3, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    by_noise = x - sigma * (epsilon_negative + scale * (epsilon - epsilon_negative))
    by_x0 = classifier_free(x - sigma * epsilon, x - sigma * epsilon_negative, scale)
    torch.testing.assert_close(by_x0, by_noise, rtol=1e-10, atol=1e-10)


def guided(predict: Predict[float], positive: float, negative: float | None, scale: float, **options: Any) -> Guided[float]:
    sides = [[] if side is None else [Part(side)] for side in (positive, negative)]
    return Guided(predict=predict, positive=sides[0], negative=sides[1], scale=scale, **options)


def test_positive_and_negative_are_asked_for_in_one_call() -> None:
    predict = Recorder()
    x0 = guided(predict, 2.0, 1.0, 3.0)(X, 0.5)
    assert predict.asked == [[2.0, 1.0]]
    torch.testing.assert_close(x0, X * 0.5 + 4.0)


def test_at_scale_one_the_negative_is_not_evaluated() -> None:
    predict = Recorder()
    x0 = guided(predict, 2.0, 1.0, 1.0)(X, 0.5)
    assert predict.asked == [[2.0]]
    assert torch.equal(x0, X * 0.5 + 2.0)


@pytest.mark.parametrize("scale", [0.0, 1.0, 3.0])
def test_both_gives_the_negative_at_any_scale_in_one_call(scale: float) -> None:
    predict = Recorder()
    x0, negative = guided(predict, 2.0, 1.0, scale).both(X, 0.5)
    assert predict.asked == [[2.0, 1.0]]
    assert torch.equal(negative, X * 0.5 + 1.0)
    torch.testing.assert_close(x0, X * 0.5 + 1.0 + scale)


def test_a_model_without_a_negative_runs_at_scale_one() -> None:
    assert torch.equal(guided(Recorder(), 2.0, None, 1.0)(X, 0.5), X * 0.5 + 2.0)


def test_a_scale_without_a_negative_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^cfg is 5.0 but there is no negative conditioning; connect one, or set cfg to 1$"):
        guided(Recorder(), 2.0, None, 5.0)


def test_a_solver_that_needs_the_negative_is_told_that_there_is_none() -> None:
    with pytest.raises(ValueError, match=r"^this sampler needs a negative conditioning, but there is none; connect one, or"):
        guided(Recorder(), 2.0, None, 1.0).both(X, 0.5)


class Places:
    """A model whose x0 is the condition everywhere, in the size that the condition's box has; -100 when it looks away."""

    def __init__(self, boxes: dict[float, tuple[int, int]] | None = None) -> None:
        self.boxes, self.asked = boxes or {}, []

    def __call__(self, x: Tensor, sigma: float, conditions: Sequence[Any]) -> Sequence[Tensor]:
        self.asked.append(list(conditions))
        numbers = [-100.0 if isinstance(one, Perturbed) else one for one in conditions]
        return [torch.full((*x.shape[:2], *self.boxes.get(one, x.shape[2:])), one) for one in numbers]


PICTURE = torch.zeros(2, 1, 2, 4)


def side(*parts: Part[float], **options: Any) -> Tensor:
    return Guided(predict=Places({7.0: (2, 2)}), positive=parts, **options)(PICTURE, 1.0)


def test_several_parts_are_averaged_by_weight() -> None:
    assert torch.equal(side(Part(1.0, 3.0), Part(5.0, 1.0)), torch.full_like(PICTURE, 2.0))


def test_the_strength_of_a_single_part_says_nothing() -> None:
    assert torch.equal(side(Part(4.0, 0.3)), torch.full_like(PICTURE, 4.0))


def test_a_mask_divides_the_picture_and_each_item_has_its_own() -> None:
    mask = torch.zeros(2, 1, 2, 4)
    mask[0, ..., :2], mask[1, ..., 2:] = 1.0, 1.0
    found = side(Part(1.0, mask), Part(5.0, 1 - mask))
    assert found[0, 0].tolist() == [[1.0, 1.0, 5.0, 5.0]] * 2
    assert found[1, 0].tolist() == [[5.0, 5.0, 1.0, 1.0]] * 2


def test_a_box_counts_inside_of_it_alone() -> None:
    found = side(Part(1.0), Part(7.0, 3.0, box=(0, 2, 1, 3)))
    assert found[0, 0].tolist() == [[1.0, 5.5, 5.5, 1.0]] * 2


def test_where_nothing_has_weight_x0_is_zero() -> None:
    assert side(Part(7.0, box=(0, 2, 1, 3)))[0, 0].tolist() == [[0.0, 7.0, 7.0, 0.0]] * 2
    assert torch.equal(side(Part(3.0, torch.zeros(1, 1, 2, 4)), Part(1.0, torch.zeros(1, 1, 2, 4))), PICTURE * 0)


def test_all_parts_of_both_sides_are_asked_for_at_once_and_guided_as_two() -> None:
    predict = Places()
    guide = Guided(predict=predict, positive=[Part(2.0), Part(4.0)], negative=[Part(1.0), Part(0.0)], scale=3.0)
    assert torch.equal(guide(PICTURE, 1.0), torch.full_like(PICTURE, 0.5 + 3 * 2.5))
    assert predict.asked == [[2.0, 4.0, 1.0, 0.0]]


@pytest.mark.parametrize(("sigma", "expected"), [(9.0, 2.0), (5.0, 3.0), (3.0, 3.0), (2.0, 3.0), (1.0, 4.0)])
def test_a_part_outside_its_window_is_not_asked(sigma: float, expected: float) -> None:
    predict = Places()
    parts = [Part(2.0, window=(math.inf, 2.0)), Part(4.0, window=(5.0, 0.0))]
    found = Guided(predict=predict, positive=parts)(PICTURE, sigma)
    assert torch.equal(found, torch.full_like(PICTURE, expected))
    assert len(predict.asked[0]) == (2 if expected == 3 else 1)


def test_a_side_without_a_part_at_a_sigma_leaves_the_word_to_the_other() -> None:
    early, late = Part(2.0, window=(math.inf, 2.0)), Part(4.0, window=(2.0, 0.0))
    for positive, negative, expected in (([Part(1.0)], [late], 1.0), ([late], [Part(3.0)], 3.0)):
        guide = Guided(predict=Places(), positive=positive, negative=negative, scale=5.0)
        assert torch.equal(guide(PICTURE, 8.0), torch.full_like(PICTURE, expected))
        assert torch.equal(guide.both(PICTURE, 8.0)[1], torch.full_like(PICTURE, expected))
    with pytest.raises(ValueError, match=r"^no conditioning holds at sigma 1; let one of them hold for the whole way$"):
        Guided(predict=Places(), positive=[early], negative=[early], scale=5.0)(PICTURE, 1.0)


@pytest.mark.parametrize(("sigma", "asked"), [(9.0, 1), (5.0, 2), (2.0, 2), (1.0, 1)])
def test_outside_of_its_window_guidance_rests_and_costs_nothing(sigma: float, asked: int) -> None:
    predict = Recorder()
    x0 = guided(predict, 2.0, 1.0, 3.0, window=(5.0, 2.0))(X, sigma)
    assert len(predict.asked[0]) == asked
    torch.testing.assert_close(x0, X * sigma + (4.0 if asked == 2 else 2.0))


def test_perturbed_guidance_goes_away_from_what_the_perturbed_network_says_in_the_same_call() -> None:
    predict = Places()
    guide = guided(predict, 2.0, 1.0, 3.0, perturbed=0.5)
    assert torch.equal(guide(PICTURE, 1.0), torch.full_like(PICTURE, 4.0 + 0.5 * 102.0))
    assert predict.asked == [[2.0, 1.0, Perturbed(2.0)]]
    alone = guided(predict, 2.0, None, 1.0, perturbed=0.5)
    assert torch.equal(alone(PICTURE, 1.0), torch.full_like(PICTURE, 2.0 + 0.5 * 102.0))
    assert predict.asked[1:] == [[2.0, Perturbed(2.0)]]


def test_perturbed_guidance_rests_outside_of_the_window() -> None:
    predict = Places()
    assert torch.equal(
        guided(predict, 2.0, 1.0, 3.0, perturbed=0.5, window=(0.5, 0.1))(PICTURE, 1.0), torch.full_like(PICTURE, 2.0)
    )
    assert predict.asked == [[2.0]]


@pytest.mark.parametrize("flow", [False, True])
@pytest.mark.parametrize("sigma", [0.1, 0.9])
def test_rescaling_brings_the_deviation_of_the_velocity_back(flow: bool, sigma: float) -> None:
    x, positive, negative = torch.randn(3, 2, 4, 8, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    strong = classifier_free(positive, negative, 7.0)
    half, whole = (rescaled(strong, positive, x, sigma, share, flow=flow) for share in (0.5, 1.0))
    v, v_positive, v_half, v_whole = (velocity(x, x0, sigma, flow=flow) for x0 in (strong, positive, half, whole))
    torch.testing.assert_close(v_whole.std((1, 2, 3)), v_positive.std((1, 2, 3)))
    torch.testing.assert_close(v_half, (v + v_whole) / 2)


def test_rescaling_equals_that_of_diffusers_on_a_velocity() -> None:
    x, positive, negative = torch.randn(3, 2, 4, 8, 8, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    strong = classifier_free(positive, negative, 7.0)
    v, v_positive = (velocity(x, x0, 2.0, flow=False) for x0 in (strong, positive))
    expected = x0_of(x, rescale_noise_cfg(v, v_positive, guidance_rescale=0.7), 2.0, flow=False)
    torch.testing.assert_close(rescaled(strong, positive, x, 2.0, 0.7, flow=False), expected)


def test_rescaling_is_part_of_guidance_and_rests_at_scale_one() -> None:
    x = torch.randn(2, 1, 3, 3, generator=torch.Generator().manual_seed(3))

    def predict(x: Tensor, sigma: float, conditions: Sequence[float]) -> Sequence[Tensor]:
        return [x * condition for condition in conditions]

    found = guided(predict, 0.5, 0.1, 4.0, rescale=0.7)(x, 2.0)
    torch.testing.assert_close(found, rescaled(x * 1.7, x * 0.5, x, 2.0, 0.7, flow=False))
    assert torch.equal(guided(predict, 0.5, 0.1, 1.0, rescale=0.7)(x, 2.0), x * 0.5)


def test_guidance_holds_always_unless_told_otherwise() -> None:
    assert guided(Recorder(), 2.0, 1.0, 3.0).window == ALWAYS == (math.inf, 0.0)
