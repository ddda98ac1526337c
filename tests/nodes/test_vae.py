from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from graph_engine import Cancelled, Context, Folders, NodeInputError
from graph_engine.context import Services
from nodes.image import load_image
from nodes.load import LoadedModel, load_model
from nodes.models.tiles import Tiling, spans, tiled, weights
from nodes.resize import scale_image
from nodes.types import Image, Latent, Mask
from nodes.vae import decode_latent, encode_for_inpainting, encode_image
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


def builtin() -> LoadedModel:
    return load_model(name="loom-tiny", context=Context())


@pytest.fixture(scope="module")
def sheet(services: Services) -> Image:
    """Pictures that the built-in model made, on a sheet."""
    folder = Path(__file__).parents[2] / "docs" / "pictures"
    sheet = load_image(name="sheet.png", context=Context(folders=Folders(inputs=(folder,)))).image
    return scale_image(sheet, width=384, height=320)


@pytest.fixture(scope="module")
def services() -> Services:
    return Services({"device": "cpu"})


def seam(found: Tensor, whole: Tensor, axis: int) -> float:
    """How much the difference changes from one row or column to the next, as a share of how much the picture does; the worst."""
    steps, own = ((one.diff(dim=axis).abs().mean(dim=(0, 3 - axis, 3))) for one in (found - whole, whole))
    return float((steps / (own + 1 / 255)).max())


def test_tiles_decode_to_the_undivided_picture_without_a_seam(sheet: Image, services: Services) -> None:
    vae, context = builtin().vae, Context(services=services)
    latent = encode_image(sheet, vae, context=context)
    whole = decode_latent(latent, vae, context=context).pixels
    tiled = decode_latent(latent, vae, tile=256, overlap=64, context=context).pixels
    difference = tiled - whole
    assert 0 < float(difference.abs().mean()) < 1 / 255  # measured: 0.6
    assert float(difference.abs().flatten().quantile(0.999)) < 8 / 255  # measured: 4.6
    for axis in (1, 2):
        assert seam(tiled, whole, axis) < 0.3  # measured: 0.22, at the picture's own edge; tiles that only touch: 4.2


def test_tiles_encode_to_the_undivided_latent(sheet: Image, services: Services) -> None:
    vae, context = builtin().vae, Context(services=services)
    whole = encode_image(sheet, vae, context=context).samples
    tiled = encode_image(sheet, vae, tile=256, overlap=64, context=context).samples
    assert 0 < float((tiled - whole).abs().mean()) < 0.015 * float(whole.std())  # measured: 0.007


def test_a_picture_that_fits_in_a_tile_is_exactly_the_undivided_one(models: Models) -> None:
    vae, context, picture = models.load("sd1").vae, models.context, Image(pixels=pixels(2, 64, 40, 3))
    latent = encode_image(picture, vae, context=context)
    assert torch.equal(encode_image(picture, vae, tile=64, context=context).samples, latent.samples)
    whole = decode_latent(latent, vae, context=context).pixels
    assert torch.equal(decode_latent(latent, vae, tile=64, overlap=1024, context=context).pixels, whole)


def test_tiles_tell_their_progress_and_can_be_cancelled(models: Models) -> None:
    told: list[tuple[int, int]] = []
    context = replace(models.context, on_progress=lambda done, total: told.append((done, total)))
    latent = Latent(samples=torch.zeros(2, 4, 8, 12))
    decode_latent(latent, models.load("sd1").vae, tile=64, overlap=16, context=context)
    assert told == [(index, 4) for index in range(4)]
    with pytest.raises(Cancelled):
        decode_latent(latent, models.load("sd1").vae, context=replace(models.context, cancelled=lambda: True))


@given(st.integers(1, 200), st.integers(8, 64), st.floats(0, 0.5), st.sampled_from([1, 8]))
def test_tiles_cover_a_side_and_their_weights_add_up_to_one(length: int, side: int, share: float, unit: int) -> None:
    tiling = Tiling(side=side, overlap=max(2, int(side * share)))
    parts = spans(length, tiling)
    assert (parts[0].start, parts[-1].stop) == (0, length)
    assert {part.stop - part.start for part in parts} == {min(side, length)}
    assert all(before.stop - after.start >= tiling.overlap for before, after in pairwise(parts))
    found = weights(parts, length, unit, tiling)
    torch.testing.assert_close(found.sum(dim=0), torch.ones(length * unit))
    for part, row in zip(parts, found, strict=True):
        assert not row[: part.start * unit].any()
        assert not row[part.stop * unit :].any()


def test_tiles_put_together_work_that_looks_at_one_cell_exactly() -> None:
    source = pixels(1, 2, 40, 24)
    found = tiled(lambda part: part * 2, source, Tiling(side=16, overlap=4), (1, 1), lambda _done, _total: None)
    torch.testing.assert_close(found, source * 2)


def test_inpainting_hides_the_masked_part_and_keeps_the_rest(models: Models) -> None:
    vae, picture = models.load("sd1").vae, pixels(2, 48, 64, 3)
    mask = torch.zeros(1, 48, 64)
    mask[:, 10:20, 30:40] = 1
    found = encode_for_inpainting(Image(pixels=picture), Mask(values=mask), vae, grow=0, context=models.context)
    grey = picture.clone()
    grey[:, 10:20, 30:40] = 0.5
    expected = encode_image(Image(pixels=grey), vae, context=models.context).samples
    assert torch.equal(found.samples, expected)
    assert found.mask is not None
    cells = torch.zeros(1, 1, 6, 8)
    cells[:, :, 1:3, 3:5] = 1
    assert torch.equal(found.mask, cells)


def test_the_latent_s_mask_is_grown_and_may_be_soft(models: Models) -> None:
    mask = torch.zeros(2, 32, 32)
    mask[0, 15, 15] = 0.4
    mask[1, 0, 31] = 1
    for grow, width in ((0, 1), (7, 2), (8, 3)):
        found = encode_for_inpainting(
            Image(pixels=pixels(2, 32, 32, 3)), Mask(values=mask), models.load("sd1").vae, grow=grow, context=models.context
        )
        assert found.mask is not None
        assert sorted(set(found.mask[0].flatten().tolist())) == pytest.approx([0, 0.4])
        assert int((found.mask[0] > 0).any(dim=1).sum()) == width
    assert found.mask[1, 0, :2, 2:].min() == 1


def test_a_mask_and_picture_of_odd_sizes_are_cropped_alike(models: Models) -> None:
    mask = torch.zeros(1, 37, 21)
    mask[:, 2:10, 2:10] = 1  # the first cell of what stays
    found = encode_for_inpainting(
        Image(pixels=pixels(1, 37, 21, 3)), Mask(values=mask), models.load("sd1").vae, grow=0, context=models.context
    )
    assert found.mask is not None
    assert found.mask[0, 0].tolist() == [[1, 0], [0, 0], [0, 0], [0, 0]]


def test_one_picture_with_several_masks_gives_several_latents(models: Models) -> None:
    mask = Mask(values=torch.stack([torch.zeros(16, 16), torch.ones(16, 16)]))
    found = encode_for_inpainting(Image(pixels=pixels(1, 16, 16, 3)), mask, models.load("sd1").vae, context=models.context)
    assert found.samples.shape == (2, 4, 2, 2)
    assert not torch.equal(found.samples[0], found.samples[1])
