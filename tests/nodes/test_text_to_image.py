"""The whole way from words to a latent, beside the diffusers pipeline with the same weights, noise, sigmas and steps."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers import EulerDiscreteScheduler, StableDiffusionPipeline, StableDiffusionXLPipeline

from nodes.latent import empty_latent
from nodes.models.catalogue import describe, locate
from nodes.noise import noise
from nodes.sample import sample
from nodes.sampling.noise import seeded_noise
from nodes.sampling.schedules import karras
from nodes.text import encode_text
from nodes.vae import decode_latent
from tests.nodes.tiny import Models

PROMPT, NEGATIVE = "a red circle on a blue background", "blurry"
WIDTH, HEIGHT, STEPS, CFG, SEED = 72, 40, 8, 4.0, 11


# diffusers' own: EulerDiscreteScheduler gives a torch tensor to numpy.array, which numpy 2 warns of.
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning")
@pytest.mark.parametrize(
    ("name", "pipeline_class"),
    [
        ("loom-tiny", StableDiffusionPipeline),
        ("sd1", StableDiffusionPipeline),
        ("family/sd1-v", StableDiffusionPipeline),
        ("sdxl", StableDiffusionXLPipeline),
    ],
)
def test_a_picture_is_the_one_that_diffusers_makes(models: Models, name: str, pipeline_class: Any) -> None:
    context = models.context
    model, text_encoder, vae = models.load(name)
    latent = sample(
        model,
        encode_text(text_encoder, text=PROMPT, context=context),
        encode_text(text_encoder, text=NEGATIVE, context=context),
        empty_latent(model, width=WIDTH, height=HEIGHT, context=context),
        noise(seed=SEED),
        sampler="euler",
        schedule="karras",
        steps=STEPS,
        cfg=CFG,
        context=context,
    )
    pixels = decode_latent(latent, vae, context=context).pixels

    options = {} if name == "sdxl" else {"safety_checker": None}
    pipeline = pipeline_class.from_pretrained(locate(name, context.folders), local_files_only=True, **options)
    # In the spacing "leading" its noise begins as ours does, at sqrt(1 + sigma_max ** 2).
    pipeline.scheduler = EulerDiscreteScheduler.from_config(pipeline.scheduler.config, timestep_spacing="leading")
    pipeline.to(dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    asked = {
        "prompt": PROMPT,
        "negative_prompt": NEGATIVE,
        "width": WIDTH,
        "height": HEIGHT,
        "guidance_scale": CFG,
        "latents": seeded_noise([SEED], latent.samples.shape[1:]),
        "sigmas": list(karras(describe(name, context.folders).table, STEPS)),
    }
    expected = pipeline(**asked, output_type="latent").images
    torch.testing.assert_close(latent.samples, expected, rtol=0, atol=1e-4)
    torch.testing.assert_close(pixels, pipeline(**asked, output_type="pt").images.permute(0, 2, 3, 1), rtol=0, atol=1e-4)
