"""What the nodes know of the model that ships with the package."""

from __future__ import annotations

import io

import numpy as np
import torch
from PIL import Image

from nodes.latent import empty_latent
from nodes.models.catalogue import describe, model_names
from nodes.noise import noise
from nodes.runtime.preview import preview
from nodes.sample import sample
from nodes.text import encode_text
from nodes.vae import decode_latent
from tests.nodes.tiny import Models


def test_it_is_the_first_model_to_choose_and_the_default(models: Models) -> None:
    assert model_names(models.context.folders)[0] == "loom-tiny"


def test_its_header_says_what_it_is(models: Models) -> None:
    info = describe("loom-tiny", models.context.folders)
    assert (info.family, info.text_kind, info.latent_format, info.prediction) == ("sd1", "clip_128", "loom_tiny", "v")
    assert (info.default_height, info.default_width, info.latent_factor) == (128, 128, 8)


def test_its_pictures_are_what_their_previews_promised(models: Models) -> None:
    context = models.context
    model, text_encoder, vae = models.load("loom-tiny")
    prompt, negative = (encode_text(text_encoder, text=text, context=context) for text in ("a red circle on the left", ""))
    latent = sample(
        model, prompt, negative, empty_latent(model, batch=2, context=context), noise(seed=1), steps=6, context=context
    )
    pixels = decode_latent(latent, vae, context=context).pixels
    assert pixels.shape == (2, 128, 128, 3)
    for item in range(2):
        shown = Image.open(io.BytesIO(preview(latent.samples[item : item + 1], "loom_tiny")))
        coarse = torch.nn.functional.avg_pool2d(pixels[item].permute(2, 0, 1), 8).permute(1, 2, 0).numpy()
        guess = np.asarray(shown.resize((16, 16), Image.Resampling.BOX)) / 255
        assert np.abs(guess - coarse).mean() < 0.08
        assert np.corrcoef(guess.ravel(), coarse.ravel())[0, 1] > 0.9
