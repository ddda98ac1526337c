from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from graph_engine import Folders, NodeInputError
from graph_engine.folders import OutsideFolderError
from nodes.models.catalogue import describe, locate, model_names, reopen
from nodes.types import Source
from tests.nodes.tiny import Models


def test_every_diffusers_folder_is_found_by_its_path_below_the_root(models: Models) -> None:
    names = [name for name in model_names(models.context.folders) if name != "loom-tiny"]
    assert names == ["family/sd1-v", "sd1", "sdxl"]


def test_hidden_folders_and_the_inside_of_models_are_not_searched(models: Models, tmp_path: Path) -> None:
    shutil.copytree(models.root / "sd1", tmp_path / ".hidden")
    shutil.copytree(models.root / "sd1", tmp_path / "outer")
    shutil.copytree(models.root / "sd1", tmp_path / "outer" / "inner")
    assert [name for name in model_names(Folders(models=(tmp_path,))) if name != "loom-tiny"] == ["outer"]


def test_a_missing_model_is_refused_by_name(models: Models) -> None:
    with pytest.raises(NodeInputError) as caught:
        locate("no-such", models.context.folders)
    assert caught.value.input == "name"
    assert str(caught.value).startswith("There is no model 'no-such'. Check the name, or put a folder")


def test_a_name_cannot_lead_out_of_the_folders(models: Models) -> None:
    with pytest.raises(OutsideFolderError):
        locate("../elsewhere", models.context.folders)


def test_a_model_of_pickles_is_refused_before_anything_is_opened(models: Models, tmp_path: Path) -> None:
    path = shutil.copytree(models.root / "sd1", tmp_path / "old")
    file = path / "unet/diffusion_pytorch_model.safetensors"
    file.rename(file.with_suffix(".bin"))
    with pytest.raises(NodeInputError, match=r"The model 'old' cannot be used: the weights of unet are a pickle") as caught:
        describe("old", Folders(models=(tmp_path,)))
    assert str(tmp_path) not in str(caught.value)


def test_a_handle_of_files_that_changed_is_refused(models: Models) -> None:
    source = Source(name="sd1", fingerprint="other", family="sd1")
    with pytest.raises(NodeInputError, match=r"The files of the model 'sd1' have changed meanwhile\. Run again\.") as caught:
        reopen(source, models.context.folders, input="model")
    assert caught.value.input == "model"
