"""A file appears whole or not at all, and what is told to be durable is."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from graph_engine import atomic


def test_a_file_takes_the_place_of_another_whole(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for content in ([b"one"], [b"tw", memoryview(b"o")], []):
        atomic.replace(path, content)
        assert path.read_bytes() == b"".join(content)
        assert list(tmp_path.iterdir()) == [path]


def test_what_stood_there_still_does_when_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    atomic.replace(path, [b"old"])

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    for step in ("os.replace", "os.fsync"):
        with monkeypatch.context() as patched:
            patched.setattr(step, refuse)
            with pytest.raises(OSError, match="No space left"):
                atomic.replace(path, [b"new"])
        assert path.read_bytes() == b"old"
        assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="a folder cannot be synchronised on Windows")
def test_content_is_on_the_disk_before_its_name_and_the_name_before_the_call_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    real_sync, real_replace = os.fsync, os.replace

    def sync(number: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(number).st_mode) else "content")
        real_sync(number)

    def replace(source: Path, target: Path) -> None:
        done.append("name")
        real_replace(source, target)

    monkeypatch.setattr("os.fsync", sync)
    monkeypatch.setattr("os.replace", replace)
    atomic.replace(tmp_path / "a", [b"x"])
    assert done == ["content", "name", "folder"]
    done.clear()
    atomic.replace(tmp_path / "a", [b"y"], durable=False)
    assert done == ["name"]


def test_a_folder_that_cannot_be_synchronised_is_no_error(tmp_path: Path) -> None:
    atomic.keep_names(tmp_path / "missing")
