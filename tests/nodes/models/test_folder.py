from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from nodes.models.folder import DiffusersFolder, ModelFileError, read_header, read_json
from tests.nodes.tiny import Models


@pytest.fixture
def folder(models: Models, tmp_path: Path) -> DiffusersFolder:
    """A copy of the SD 1 model that a test may change."""
    return DiffusersFolder(shutil.copytree(models.root / "sd1", tmp_path / "copy"))


def test_the_fingerprint_knows_nothing_of_the_path(models: Models, folder: DiffusersFolder) -> None:
    assert folder.fingerprint() == DiffusersFolder(models.root / "sd1").fingerprint()
    assert DiffusersFolder(models.root / "sdxl").fingerprint() != folder.fingerprint()


def change_weights(path: Path) -> None:
    tensors = {name: tensor + 1e-3 for name, tensor in load_file(path / "unet/diffusion_pytorch_model.safetensors").items()}
    save_file(tensors, path / "unet/diffusion_pytorch_model.safetensors")


def change_json(path: Path) -> None:
    config = json.loads((path / "scheduler/scheduler_config.json").read_text())
    (path / "scheduler/scheduler_config.json").write_text(json.dumps(config | {"beta_end": 0.013}))


def change_tokenizer(path: Path) -> None:
    file = path / "tokenizer/tokenizer.json"
    file.write_bytes(file.read_bytes().replace(b'"a"', b'"b"', 1))


@pytest.mark.parametrize("change", [change_weights, change_json, change_tokenizer])
def test_the_fingerprint_changes_with_what_the_model_does(folder: DiffusersFolder, change: Callable[[Path], None]) -> None:
    before = folder.fingerprint()
    change(folder.path)
    assert folder.fingerprint() != before


def test_a_readme_does_not_change_the_fingerprint(folder: DiffusersFolder) -> None:
    before = folder.fingerprint()
    (folder.path / "README.md").write_text("about")
    (folder.path / "unet" / "notes.md").write_text("about")
    assert folder.fingerprint() == before


def test_full_weights_are_preferred_to_a_variant(folder: DiffusersFolder) -> None:
    unet = folder.path / "unet"
    (unet / "diffusion_pytorch_model.fp16.safetensors").write_bytes(b"")
    assert [path.name for path in folder.weights("unet")] == ["diffusion_pytorch_model.safetensors"]
    (unet / "diffusion_pytorch_model.safetensors").unlink()
    assert [path.name for path in folder.weights("unet")] == ["diffusion_pytorch_model.fp16.safetensors"]


def shard(
    folder: DiffusersFolder, names: tuple[str, str] = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
) -> Path:
    text = folder.path / "text_encoder"
    tensors = sorted(load_file(text / "model.safetensors").items())
    (text / "model.safetensors").unlink()
    halves = dict(tensors[::2]), dict(tensors[1::2])
    for name, half in zip(names, halves, strict=True):
        save_file(half, text / name)
    index = {"weight_map": {tensor: name for name, half in zip(names, halves, strict=True) for tensor in half}}
    (text / "model.safetensors.index.json").write_text(json.dumps(index))
    return text


def test_sharded_weights_are_found_by_their_index(folder: DiffusersFolder) -> None:
    text = shard(folder)
    assert [path.name for path in folder.weights("text_encoder")] == sorted(path.name for path in text.glob("model-*"))


def test_a_missing_shard_is_named(folder: DiffusersFolder) -> None:
    (shard(folder) / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(ModelFileError, match=r"text_encoder/model-00002-of-00002\.safetensors is missing"):
        folder.weights("text_encoder")


def test_an_index_cannot_lead_out_of_its_folder(folder: DiffusersFolder) -> None:
    text = shard(folder)
    (text / "model.safetensors.index.json").write_text('{"weight_map": {"x": "../../secret.safetensors"}}')
    with pytest.raises(ModelFileError, match="names no usable files"):
        folder.weights("text_encoder")


def test_pickles_are_refused_with_the_reason(folder: DiffusersFolder) -> None:
    unet = folder.path / "unet"
    (unet / "diffusion_pytorch_model.safetensors").unlink()
    torch.save({}, unet / "diffusion_pytorch_model.bin")
    with pytest.raises(ModelFileError, match=r"are a pickle \(diffusion_pytorch_model.bin\), which could run any program"):
        folder.weights("unet")


def test_missing_weights_are_named(folder: DiffusersFolder) -> None:
    (folder.path / "vae/diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(ModelFileError, match=r"there are no weights of vae: copy its \.safetensors file into vae/"):
        folder.fingerprint()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cut short or no safetensors file"),
        (b"\xff" * 64, "cut short or no safetensors file"),
        ((5).to_bytes(8, "little") + b"{]]]]" + b"\0" * 9, "damaged header"),
        ((20).to_bytes(8, "little") + b'{"a":{"dtype":"F32"}}'[:20] + b"\0" * 9, "damaged header"),
        ((28).to_bytes(8, "little") + b'{"a":{"data_offsets":[0,8]}}' + b"\0" * 7, "is cut short: download it again"),
        ((2).to_bytes(8, "little") + b"[]", "damaged header"),
    ],
)
def test_a_damaged_weights_file_is_refused_by_its_header(tmp_path: Path, content: Any, message: str) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=message):
        read_header(path)


@pytest.mark.parametrize("content", [b"", b"[1]", b"{", b"\xff\xfe", b"[" * 100_000])
def test_a_damaged_description_is_refused(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="download the model again"):
        read_json(path)
