from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
import torch
from PIL import Image

from graph_engine import Cancelled, Context, NodeInputError
from nodes.latent import empty_latent
from nodes.noise import noise, vary_noise
from nodes.sample import sample
from nodes.types import Conditioning, Latent
from tests.nodes.tiny import Models

SAMPLERS = ["euler", "euler_ancestral", "dpmpp_2m", "dpmpp_2m_sde", "lms", "sa_solver", "uni_pc", "dpmpp_2m_cfg_pp"]


def conditioning(width: int, *, seed: int, count: int = 1, pooled: int | None = None) -> Conditioning[Any]:
    generator = torch.Generator().manual_seed(seed)
    return Conditioning.of(
        embedding=torch.randn(count, 77, width, generator=generator),
        pooled=None if pooled is None else torch.randn(count, pooled, generator=generator),
    )


def run(
    models: Models,
    *,
    name: str = "sd1",
    seed: int = 3,
    batch: int = 1,
    width: int = 72,
    height: int = 40,
    context: Context = None,
    **options: Any,
) -> Latent[Any]:
    model = models.load(name).model
    texts = {"width": 32} if name == "sd1" else {"width": 80, "pooled": 24}
    inputs = {
        "positive": conditioning(seed=1, **texts),
        "negative": conditioning(seed=2, **texts),
        "latent": empty_latent(model, width=width, height=height, batch=batch, context=models.context),
        "noise": noise(seed=seed),
        "steps": 4,
        "context": context or models.context,
    }
    return sample(model, **(inputs | options))


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("name", ["sd1", "sdxl"])
def test_a_picture_of_a_batch_is_exactly_the_one_of_its_own_seed(models: Models, name: str, sampler: Any) -> None:
    batch = run(models, name=name, sampler=sampler, batch=3).samples
    alone = [run(models, name=name, sampler=sampler, seed=3 + item).samples for item in range(3)]
    assert torch.equal(batch, torch.cat(alone))
    assert not torch.equal(batch[0], batch[1])


def test_a_batch_of_texts_gives_each_picture_its_own(models: Models) -> None:
    texts = conditioning(32, seed=1, count=2)
    (entry,) = texts.entries
    batch = run(models, positive=texts, batch=2).samples
    alone = [run(models, positive=Conditioning.of(entry.embedding[i : i + 1]), seed=3 + i).samples for i in (0, 1)]
    assert torch.equal(batch, torch.cat(alone))


def test_varied_noise_leads_from_one_picture_to_another(models: Models) -> None:
    first, second = (run(models, noise=noise(seed=seed)).samples for seed in (3, 8))
    found = [run(models, noise=vary_noise(noise(seed=3), noise(seed=8), share=share)).samples for share in (0, 0.05, 0.5, 1)]
    assert torch.equal(found[0], first)
    assert torch.equal(found[3], second)
    assert (found[1] - first).norm() < (found[2] - first).norm()


def test_pictures_of_a_batch_can_share_one_noise(models: Models) -> None:
    batch = run(models, noise=noise(seed=3, same_for_all=True), sampler="euler_ancestral", batch=2).samples
    assert torch.equal(batch[0], batch[1])


def test_texts_that_fit_no_batch_are_refused(models: Models) -> None:
    with pytest.raises(NodeInputError, match="It holds 2 texts and the latent 3 pictures") as caught:
        run(models, negative=conditioning(32, seed=1, count=2), batch=3)
    assert caught.value.input == "negative"


def test_the_same_inputs_give_the_same_latent_and_leave_the_inputs_alone(models: Models) -> None:
    latent = Latent(samples=torch.randn(1, 4, 5, 9, generator=torch.Generator().manual_seed(1)))
    before = latent.samples.clone()
    first, second = (run(models, latent=latent, denoise=0.5).samples for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(latent.samples, before)
    assert first.dtype == torch.float32
    assert not first.is_inference()


def test_a_little_denoise_keeps_most_of_the_latent(models: Models) -> None:
    latent = Latent(samples=torch.randn(1, 4, 5, 9, generator=torch.Generator().manual_seed(1)))
    changes = [
        (run(models, latent=latent, denoise=denoise, sampler="euler").samples - latent.samples).std()
        for denoise in (0.05, 0.4, 1.0)
    ]
    assert changes == sorted(changes)
    assert changes[0] < 0.2 * changes[2]
    assert run(models, latent=latent, denoise=0.0) is latent


def test_without_guidance_the_negative_has_no_say(models: Models) -> None:
    one, other = (run(models, cfg=1.0, negative=conditioning(32, seed=seed)).samples for seed in (5, 6))
    assert torch.equal(one, other)
    assert not torch.equal(one, run(models, cfg=2.0).samples)


def test_progress_counts_the_steps(models: Models) -> None:
    seen = []
    run(models, context=replace(models.context, on_progress=lambda done, total: seen.append((done, total))))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize("after", [0, 2])
def test_cancelling_stops_at_the_next_step(models: Models, after: int) -> None:
    seen = []
    context = replace(models.context, on_progress=lambda done, total: seen.append(done), cancelled=lambda: len(seen) >= after)
    with pytest.raises(Cancelled):
        run(models, steps=50, context=context)
    assert len(seen) == after


def test_each_step_offers_a_preview_of_its_own_that_is_drawn_only_when_asked_for(models: Models) -> None:
    offered = []
    run(models, context=replace(models.context, on_preview=offered.append))
    pictures = [render() for render in offered]
    assert len(set(pictures)) == 4
    assert Image.open(io.BytesIO(pictures[0])).size == (72, 40)


def test_a_latent_of_another_model_is_refused(models: Models) -> None:
    with pytest.raises(NodeInputError, match=r"The latent is \[1, 16, 5, 9\]") as caught:
        run(models, latent=Latent(samples=torch.zeros(1, 16, 5, 9)))
    assert caught.value.input == "latent"
