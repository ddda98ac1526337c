from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from graph_engine import Folders
from nodes.models.catalogue import BUILT_IN
from nodes.models.portrait import model_picture


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    (tmp_path / "models" / "family" / "folder").mkdir(parents=True)
    (tmp_path / "models" / "single.v1.safetensors").touch()
    return Folders(models=(tmp_path / "models",))


@pytest.mark.parametrize(
    ("model", "picture"),
    [
        ("family/folder", "family/folder/preview.png"),
        ("family/folder", "family/folder/preview.jpg"),
        ("family/folder", "family/folder/thumbnail.webp"),
        ("family/folder", "family/folder.png"),
        ("family/folder", "family/folder.preview.jpeg"),
        ("single.v1.safetensors", "single.v1.png"),
        ("single.v1.safetensors", "single.v1.preview.png"),
        ("single.v1.safetensors", "single.v1.webp"),
    ],
)
def test_a_picture_is_found_where_people_keep_it(folders: Folders, model: str, picture: str) -> None:
    assert model_picture(model, folders) is None
    path = folders.models[0] / picture
    path.touch()
    assert model_picture(model, folders) == path


def test_a_picture_of_another_model_or_of_the_whole_folder_is_not_taken(folders: Folders) -> None:
    for name in ("single.png", "single.v1.safetensors.png", "single.v10.png", "preview.png", "family/preview.png"):
        (folders.models[0] / name).touch()
    assert model_picture("single.v1.safetensors", folders) is None
    assert model_picture("family/folder", folders) is None


def test_a_link_to_a_picture_elsewhere_is_not_followed(folders: Folders, tmp_path: Path) -> None:
    (tmp_path / "private.png").touch()
    (folders.models[0] / "family" / "folder" / "preview.png").symlink_to(tmp_path / "private.png")
    assert model_picture("family/folder", folders) is None


@pytest.mark.parametrize("name", ["../models/single.v1.safetensors", "/etc", "no-such", "", "family/folder/../../single"])
def test_a_name_that_is_no_model_has_none(folders: Folders, name: str) -> None:
    (folders.models[0].parent / "models.png").touch()
    assert model_picture(name, folders) is None


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_model_ships_with_a_small_picture_that_it_drew(name: str) -> None:
    path = model_picture(name, Folders())
    assert path is not None
    assert path.stat().st_size < 8_000
    with Image.open(path) as picture:
        assert picture.size == (128, 128)
