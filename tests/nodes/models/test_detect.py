from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from nodes.models.detect import inspect
from nodes.models.folder import ModelFileError
from tests.nodes.tiny import Models


def test_an_sd1_folder_says_what_it_is(models: Models) -> None:
    info = inspect(models.root / "sd1")
    assert (info.family, info.text_kind, info.prediction) == ("sd1", "clip_32", "epsilon")
    assert (info.latent_channels, info.latent_factor) == (4, 8)
    assert (info.default_height, info.default_width) == (64, 64)
    assert info.table.sigma_max == pytest.approx(14.6146, abs=1e-4)


def test_an_sdxl_folder_and_a_v_model_are_told_apart(models: Models) -> None:
    assert inspect(models.root / "family/sd1-v").prediction == "v"
    info = inspect(models.root / "sdxl")
    assert (info.family, info.text_kind) == ("sdxl", "clip_32_48")


def edited(models: Models, tmp_path: Path, component: str, **changes: Any) -> Path:
    """The SD 1 model with a changed config; ``model_index`` changes the index."""
    path = shutil.copytree(models.root / "sd1", tmp_path / "copy")
    name = "scheduler/scheduler_config.json" if component == "scheduler" else f"{component}/config.json"
    config = json.loads((path / name).read_text())
    (path / name).write_text(json.dumps(config | changes))
    return path


@pytest.mark.parametrize(("scaling", "expected"), [(0.18215, "sd1"), (0.13025, "sdxl"), (0.5, "kl4_128_256_512_512_0.5")])
def test_known_latent_formats_are_told_by_the_vae(models: Models, tmp_path: Path, scaling: float, expected: Any) -> None:
    path = edited(models, tmp_path, "vae", block_out_channels=[128, 256, 512, 512], scaling_factor=scaling)
    assert inspect(path).latent_format == expected


def test_the_default_size_may_be_oblong(models: Models, tmp_path: Path) -> None:
    info = inspect(edited(models, tmp_path, "unet", sample_size=[12, 20]))
    assert (info.default_height, info.default_width) == (96, 160)


@pytest.mark.parametrize(
    ("component", "changes", "message"),
    [
        ("unet", {"in_channels": 9}, "reads 9 channels and its VAE gives 4: models for inpainting"),
        ("unet", {"sample_size": "big"}, "sample_size 'big', which is none"),
        ("unet", {"cross_attention_dim": 99}, "gives 32 numbers a token and its U-Net reads 99"),
        ("unet", {"class_embed_type": "projection"}, r"of no supported family \(StableDiffusionPipeline\)"),
        ("unet", {"addition_embed_type": "text_time"}, "one text encoder where SDXL has two"),
        ("unet", {"_class_name": "UNet3D"}, "its unet is a UNet3D: only UNet2DConditionModel"),
        ("vae", {"_class_name": "AutoencoderTiny"}, "its vae is a AutoencoderTiny: only AutoencoderKL"),
        ("scheduler", {"prediction_type": "sample"}, "predicts 'sample': only epsilon and v"),
        ("scheduler", {"beta_schedule": "exp"}, "gives no noise levels: beta_schedule 'exp' is unknown"),
        ("scheduler", {"beta_end": "x"}, "gives no noise levels"),
        ("scheduler", {"trained_betas": [0.1]}, "trained_betas"),
        ("text_encoder", {"hidden_size": None}, "text_encoder/config.json has no hidden_size"),
    ],
)
def test_a_model_that_cannot_be_used_says_why(models: Models, tmp_path: Path, component: str, changes: Any, message: str) -> None:
    with pytest.raises(ModelFileError, match=message):
        inspect(edited(models, tmp_path, component, **changes))


def test_a_folder_without_a_unet_is_refused(models: Models, tmp_path: Path) -> None:
    path = shutil.copytree(models.root / "sd1", tmp_path / "copy")
    shutil.rmtree(path / "unet")
    with pytest.raises(ModelFileError, match="it has no unet: only models with a U-Net and a VAE"):
        inspect(path)
