"""A name in a workflow means a file below a named root, or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from graph_engine import Folders
from graph_engine.folders import OutsideFolderError

OUTSIDE = [
    "..",
    "../secret.txt",
    "a/../../secret.txt",
    "a/..",
    "/etc/passwd",
    "//server/share/x",
    "C:/Windows/x",
    "C:x",
    "c:\\x",
    "\\\\server\\share\\x",
    "a\\..\\..\\secret.txt",
    "a\\b",
    "x\0.png",
    "",
]


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_name_that_leads_elsewhere_is_refused(name: str, folders: Folders, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    for find in (folders.input_file, folders.model):
        with pytest.raises(OutsideFolderError, match=r"is not a name inside the folder: use a relative path without '\.\.'"):
            find(name)


@pytest.mark.parametrize("name", ["a.png", "deep/er/a.png", "wéird näme.png", "..hidden..png", "...", "a..b"])
def test_a_plain_name_is_found_below_the_root(name: str, folders: Folders) -> None:
    path = folders.inputs[0] / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    assert folders.input_file(name) == path
    assert folders.model(name) is None


def test_a_name_too_long_for_the_system_is_not_there(folders: Folders) -> None:
    assert folders.input_file("x" * 5000) is None


def test_a_link_that_leads_out_is_refused(folders: Folders, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    (folders.inputs[0] / "file.txt").symlink_to(tmp_path / "secret.txt")
    (folders.inputs[0] / "folder").symlink_to(tmp_path)
    for name in ("file.txt", "folder/secret.txt", "folder"):
        with pytest.raises(OutsideFolderError, match="is a link that leads out of its folder"):
            folders.input_file(name)


def test_a_link_that_stays_inside_is_followed(folders: Folders) -> None:
    (folders.inputs[0] / "real.txt").write_text("x")
    (folders.inputs[0] / "link.txt").symlink_to("real.txt")
    found = folders.input_file("link.txt")
    assert found is not None
    assert found.read_text() == "x"


def test_a_root_that_is_itself_a_link_works(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.txt").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert Folders(inputs=(tmp_path / "link",)).input_file("a.txt") is not None


def test_a_name_that_leads_out_is_refused_even_when_nothing_is_there(folders: Folders) -> None:
    with pytest.raises(OutsideFolderError):
        folders.input_file("../nothing-here")


def test_roots_are_tried_in_order(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "both").write_text(name)
    (tmp_path / "second" / "only").write_text("second")
    folders = Folders(models=(tmp_path / "first", tmp_path / "second"))
    assert folders.model("both") == tmp_path / "first" / "both"
    assert folders.model("only") == tmp_path / "second" / "only"
    assert folders.model("neither") is None


def test_a_file_that_the_user_names_is_known_by_its_short_name_only(tmp_path: Path) -> None:
    path = tmp_path / "far" / "photo.png"
    folders = Folders(given={"photo.png": path})
    assert folders.input_file("photo.png") == path
    assert folders.input_names(frozenset({".png"})) == ["photo.png"]
    with pytest.raises(OutsideFolderError):
        folders.input_file(str(path))


def test_input_names_are_listed_by_suffix_and_hidden_ones_left_out(folders: Folders) -> None:
    root = folders.inputs[0]
    (root / "sub").mkdir()
    for name in ("b.PNG", "a.png", "note.txt", ".hidden.png", "sub/c.png"):
        (root / name).write_text("")
    assert folders.input_names(frozenset({".png"})) == ["a.png", "b.PNG", "sub/c.png"]
