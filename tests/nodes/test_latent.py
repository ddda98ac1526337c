from __future__ import annotations

import pytest
import torch

from graph_engine import NodeInputError
from nodes.latent import check_fits, empty_latent
from nodes.types import Latent
from tests.nodes.tiny import Models


def test_the_default_size_is_the_model_s(models: Models) -> None:
    latent = empty_latent(models.load("sd1").model, context=models.context)
    assert latent.samples.shape == (1, 4, 8, 8)
    assert latent.samples.dtype == torch.float32
    assert not latent.samples.any()


def test_each_side_can_be_chosen(models: Models) -> None:
    model = models.load("sd1").model
    assert empty_latent(model, width=72, batch=3, context=models.context).samples.shape == (3, 4, 8, 9)
    assert empty_latent(model, height=40, context=models.context).samples.shape == (1, 4, 5, 8)


@pytest.mark.parametrize("side", ["width", "height"])
def test_a_size_between_two_latent_cells_is_refused_with_its_neighbours(models: Models, side: str) -> None:
    with pytest.raises(NodeInputError, match=r"70 px is no multiple of 8\. Use 64 or 72\.") as caught:
        empty_latent(models.load("sd1").model, **{side: 70}, context=models.context)
    assert caught.value.input == side


@pytest.mark.parametrize("shape", [(1, 4, 8), (1, 16, 8, 8), (0, 4, 8, 8), (1, 4, 0, 8)])
def test_a_latent_of_another_shape_does_not_fit(shape: tuple[int, ...]) -> None:
    with pytest.raises(NodeInputError, match=r"The latent is \[.*\], and \[batch, 4, height, width\] is needed"):
        check_fits(Latent(samples=torch.zeros(shape)), 4, "latent")
