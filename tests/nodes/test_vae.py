from __future__ import annotations

import pytest
import torch
from diffusers import AutoencoderKL
from torch import Tensor

from graph_engine import NodeInputError
from nodes.types import Image, Latent
from nodes.vae import decode_latent, encode_image
from tests.nodes.tiny import Models


def pixels(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(4))


@pytest.mark.parametrize("name", ["sd1", "sdxl"])
def test_decoding_is_what_diffusers_does(models: Models, name: str) -> None:
    latent = torch.randn(2, 4, 5, 9, generator=torch.Generator().manual_seed(3))
    found = decode_latent(Latent(samples=latent), models.load(name).vae, context=models.context).pixels
    vae = AutoencoderKL.from_pretrained(models.root / name, subfolder="vae", local_files_only=True)
    with torch.inference_mode():
        expected = (vae.decode(latent / vae.config.scaling_factor).sample / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1)
    assert found.shape == (2, 40, 72, 3)
    assert found.is_contiguous()
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_encoding_is_the_mode_of_what_diffusers_gives(models: Models) -> None:
    picture = pixels(2, 40, 72, 3)
    found = encode_image(Image(pixels=picture), models.load("sd1").vae, context=models.context).samples
    vae = AutoencoderKL.from_pretrained(models.root / "sd1", subfolder="vae", local_files_only=True)
    with torch.inference_mode():
        expected = vae.encode(picture.permute(0, 3, 1, 2) * 2 - 1).latent_dist.mode() * vae.config.scaling_factor
    assert found.shape == (2, 4, 5, 9)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_items_of_a_batch_are_exactly_those_alone(models: Models) -> None:
    vae, context = models.load("sd1").vae, models.context
    picture = pixels(3, 24, 16, 3)
    latents = encode_image(Image(pixels=picture), vae, context=context)
    alone = [encode_image(Image(pixels=picture[i : i + 1]), vae, context=context).samples for i in range(3)]
    assert torch.equal(latents.samples, torch.cat(alone))
    decoded = decode_latent(latents, vae, context=context).pixels
    alone = [decode_latent(Latent(samples=latents.samples[i : i + 1]), vae, context=context).pixels for i in range(3)]
    assert torch.equal(decoded, torch.cat(alone))


def test_odd_sizes_are_cropped_around_the_centre(models: Models) -> None:
    vae, picture = models.load("sd1").vae, pixels(1, 37, 21, 3)
    found = encode_image(Image(pixels=picture), vae, context=models.context).samples
    assert found.shape == (1, 4, 4, 2)
    centre = encode_image(Image(pixels=picture[:, 2:34, 2:18]), vae, context=models.context).samples
    assert torch.equal(found, centre)


def test_a_picture_smaller_than_a_latent_cell_is_refused(models: Models) -> None:
    with pytest.raises(NodeInputError, match="The picture is 7 x 30 px, and the VAE needs 8 x 8") as caught:
        encode_image(Image(pixels=pixels(1, 30, 7, 3)), models.load("sd1").vae, context=models.context)
    assert caught.value.input == "image"


def test_a_latent_with_other_channels_is_refused(models: Models) -> None:
    with pytest.raises(NodeInputError, match=r"\[batch, 4, height, width\] is needed"):
        decode_latent(Latent(samples=torch.zeros(1, 16, 4, 4)), models.load("sd1").vae, context=models.context)
