"""Training: a shortened run of every stage, from nothing to a folder that diffusers loads and draws with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from nodes.builtin import train
from nodes.builtin.autoencoder import draw_pool
from nodes.builtin.evaluate import generate
from nodes.builtin.export import load_model


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("training")


@pytest.fixture(scope="module")
def folder(work: Path) -> Path:
    """A model from a few steps of every stage; the card stands for one that is there already."""
    exported = work / "model"
    exported.mkdir()
    (exported / "README.md").write_text("The card.", encoding="utf-8")
    assert train.main([str(work / "run"), "--to", str(exported), "--smoke"]) == 0
    return exported


def test_a_shortened_run_exports_a_model_that_draws(folder: Path) -> None:
    images = generate(load_model(folder), ["a red circle"], first_seed=1, steps=2)
    assert images.shape == (1, 3, 128, 128)
    assert images.min() >= 0
    assert images.max() <= 1
    assert images.std() > 0


def test_an_export_keeps_the_card_and_names_no_folder_of_this_machine(folder: Path, work: Path) -> None:
    assert (folder / "README.md").read_text(encoding="utf-8") == "The card."
    for file in folder.rglob("*.json"):
        assert str(work) not in file.read_text(encoding="utf-8")
        assert "_name_or_path" not in json.loads(file.read_text(encoding="utf-8"))


def test_a_killed_run_goes_on_from_its_checkpoint(folder: Path, work: Path, caplog: pytest.LogCaptureFixture) -> None:
    checkpoint = work / "run" / "denoiser.pt"
    saved = torch.load(checkpoint, weights_only=True)
    assert saved["step"] == train.SMOKE.denoiser.steps
    torch.save(saved | {"step": saved["step"] - 1}, checkpoint)
    with caplog.at_level("INFO"):
        train.main([str(work / "run"), "--to", str(folder), "--smoke", "--stages", "denoise"])
    steps = [record.message for record in caplog.records if record.message.startswith("denoiser step")]
    assert [message.split(",")[0] for message in steps] == ["denoiser step 4 of 4"]


def test_trained_latents_are_standardised(folder: Path) -> None:
    torch.manual_seed(0)
    pipeline = load_model(folder)
    with torch.no_grad():
        pictures = draw_pool(24, train.SMOKE.autoencoder.seed + 1).float() / 127.5 - 1
        latents = pipeline.vae.encode(pictures).latent_dist.mean * pipeline.vae.config.scaling_factor
    assert latents.mean((0, 2, 3)).abs().max() < 0.05
    assert (latents.std((0, 2, 3)) - 1).abs().max() < 0.05


def test_an_exported_model_can_be_trained_further(folder: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    assert train.main([str(tmp_path / "run"), "--to", str(again), "--smoke", "--start", str(folder)]) == 0
    before, after = load_model(folder), load_model(again)
    assert torch.equal(before.vae.decoder.conv_in.weight, after.vae.decoder.conv_in.weight)
    moved = (before.unet.conv_in.weight - after.unet.conv_in.weight).abs().mean()
    assert 0 < moved < before.unet.conv_in.weight.abs().mean()


def test_a_run_that_began_is_not_begun_again(folder: Path, work: Path) -> None:
    with pytest.raises(FileExistsError, match="leave out --start"):
        train.start_from(folder, work / "run")
