from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from nodes.sampling.guidance import batched, classifier_free, guided
from nodes.sampling.prediction import Denoise

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


def test_batched_repeats_x_for_each_conditioning_and_calls_the_network_once() -> None:
    shapes: list[torch.Size] = []

    def denoise_with(conditionings: Sequence[float]) -> Denoise:
        column = torch.tensor(conditionings).repeat_interleave(len(X)).unsqueeze(1)

        def denoise(x: Tensor, sigma: float) -> Tensor:
            shapes.append(x.shape)
            return x * sigma + column

        return denoise

    found = batched(denoise_with)(X, 0.5, [2.0, 1.0, 7.0])
    expected = Recorder()(X, 0.5, [2.0, 1.0, 7.0])
    assert shapes == [torch.Size([6, 3])]
    assert len(found) == 3
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one, other)
