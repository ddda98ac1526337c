"""Where a finished file goes: a new name, whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from graph_engine import DeliveryError
from graph_engine.deliver import write_new
from graph_engine.engine import Engine
from tests.graph_engine.toys import entry, run, workflow


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_files_are_numbered_and_never_overwritten(tmp_path: Path) -> None:
    for number in range(3):
        assert write_new(tmp_path, "a", ".txt", str(number).encode()).name == f"a_{number + 1:04d}.txt"
    assert [(tmp_path / name).read_text() for name in files(tmp_path)] == ["0", "1", "2"]


def test_the_number_after_the_highest_is_taken_even_where_some_were_deleted(tmp_path: Path) -> None:
    (tmp_path / "a_0007.txt").write_text("seven")
    (tmp_path / "a_12345.png").write_text("of another kind")
    (tmp_path / "ab_0100.txt").write_text("of another name")
    assert write_new(tmp_path, "a", ".txt", b"").name == "a_0008.txt"
    (tmp_path / "a_9999.txt").write_text("")
    assert write_new(tmp_path, "a", ".txt", b"").name == "a_10000.txt"


def test_folders_are_made_as_needed(tmp_path: Path) -> None:
    path = write_new(tmp_path / "new" / "er", "deep/name", ".txt", b"x")
    assert path == tmp_path / "new" / "er" / "deep" / "name_0001.txt"
    assert path.read_bytes() == b"x"


@pytest.mark.parametrize("stem", ["../up", "/etc/x", "a/../../x", "C:x", "a\\b", "", "a\0b"])
def test_a_name_that_leads_out_of_the_folder_is_refused(stem: str, tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match="is not a name inside the folder"):
        write_new(tmp_path / "out", stem, ".txt", b"x")
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ('a<b>:"c|d?e*f', "a_b___c_d_e_f_0001.txt"),
        ("con", "con__0001.txt"),
        ("LPT1.x", "LPT1.x__0001.txt"),
        ("..", None),
        ("dots...", "dots_0001.txt"),
        (" space ", "space_0001.txt"),
        ("...", "__0001.txt"),
        ("Käse 🧵", "Käse 🧵_0001.txt"),
    ],
)
def test_a_name_is_made_safe_for_every_system(stem: str, name: str | None, tmp_path: Path) -> None:
    if name is None:
        with pytest.raises(DeliveryError):
            write_new(tmp_path, stem, ".txt", b"")
    else:
        assert write_new(tmp_path, stem, ".txt", b"").name == name


@pytest.mark.parametrize("letter", ["x", "é", "漢", "🧵"])
def test_a_name_that_is_too_long_is_cut(letter: str, tmp_path: Path) -> None:
    path = write_new(tmp_path, letter * 400, ".txt", b"x")
    assert path.read_bytes() == b"x"
    assert path.name.startswith(letter * 20)


def test_the_file_is_readable_as_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        path = write_new(tmp_path, "a", ".txt", b"x")
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
    finally:
        os.umask(before)


def test_many_threads_never_share_a_name_and_leave_the_umask_alone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    os.umask(0o022)
    start = threading.Barrier(6)

    def write(name: int) -> None:
        start.wait()
        for _ in range(15):
            write_new(tmp_path, "a", ".txt", str(name).encode())

    try:
        threads = [threading.Thread(target=write, args=(name,)) for name in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert files(tmp_path) == [f"a_{number:04d}.txt" for number in range(1, 91)]
        assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in files(tmp_path)} == {0o644}
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)


def test_a_folder_that_is_a_file_is_a_delivery_error_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(DeliveryError, match=r"a\.txt could not be written to .*out: (Not a d|File e)\w+.*\. Choose another"):
        write_new(tmp_path / "out", "a", ".txt", b"x")
    assert files(tmp_path) == ["out"]


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DeliveryError, match=r"No space left on device\. Choose another folder with --output, or make room\."):
        write_new(tmp_path, "a", ".txt", b"x" * 1000)
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_without_hard_links_is_served_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_arguments: Any, **_options: Any) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    (tmp_path / "a_0001.txt").write_text("mine")
    assert write_new(tmp_path, "a", ".txt", b"x").name == "a_0002.txt"
    assert write_new(tmp_path, "a", ".txt", b"y").name == "a_0003.txt"
    assert [(tmp_path / name).read_text() for name in files(tmp_path)] == ["mine", "x", "y"]


# in a run


def test_a_sink_delivers_on_every_run_even_when_it_is_served(engine: Engine, tmp_path: Path) -> None:
    of = workflow({"n": entry("number", value=2.5), "s": entry("note", {"value": "n.value"}, name="sub/x")})
    first, second = run(engine, of, folder=tmp_path / "out"), run(engine, of, folder=tmp_path / "out")
    assert files(tmp_path / "out") == ["sub/x_0001.txt", "sub/x_0002.txt"]
    assert [path.read_text() for path in first.files + second.files] == ["2.5", "2.5"]
    assert second.ran == {}


def test_without_an_output_folder_nothing_is_written(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = files(tmp_path)
    result = run(engine, workflow({"n": entry("number"), "s": entry("note", {"value": "n.value"})}))
    assert (result.status, result.files, files(tmp_path)) == ("succeeded", [], before)


def test_an_output_folder_that_cannot_be_written_fails_the_run_but_loses_nothing(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    of = workflow({"n": entry("number", value=2.0), "s": entry("note", {"value": "n.value"})}, "n.value")
    result = run(engine, of, folder=tmp_path / "out")
    assert result.status == "failed"
    assert result.outputs == {"n": 2.0}
    (error,) = result.errors
    assert isinstance(error, DeliveryError)
    assert error.exit_code == 4
    assert run(engine, of, folder=tmp_path / "fine").ran == {}


def test_a_name_in_a_workflow_cannot_write_outside_of_the_folder(engine: Engine, tmp_path: Path) -> None:
    of = workflow({"n": entry("number"), "s": entry("note", {"value": "n.value"}, name="../../evil")})
    result = run(engine, of, folder=tmp_path / "a" / "out")
    assert [type(error) for error in result.errors] == [DeliveryError]
    assert not [name for name in files(tmp_path) if "evil" in name]
