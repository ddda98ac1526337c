"""Thumbnails: made once, kept by what they show, and never larger than asked."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.web_ui.store.pictures import FORMATS, claiming, foreign, lying, picture, shown
from web_ui.store import thumbnails
from web_ui.store.errors import BadPicture, NotThere, NotWritten, TooLarge
from web_ui.store.thumbnails import Thumbnails

ID = "0123456789abcdef" * 2


@pytest.fixture
def kept(tmp_path: Path) -> Thumbnails:
    return Thumbnails(tmp_path / "thumbnails")


def put(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "picture"
    path.write_bytes(data)
    return path


def made(kept: Thumbnails, tmp_path: Path, data: bytes) -> Any:
    return shown(kept.get(put(tmp_path, data), ID).read_bytes())


@pytest.mark.parametrize(
    ("size", "small"),
    [
        ((1280, 640), (320, 160)),
        ((640, 1280), (160, 320)),
        ((321, 1), (320, 1)),
        ((4000, 3), (320, 1)),
        ((7, 5), (7, 5)),
        ((1, 1), (1, 1)),
    ],
)
def test_the_longest_side_is_320_pixels_at_most_and_small_pictures_stay_as_they_are(
    kept: Thumbnails, tmp_path: Path, size: tuple[int, int], small: tuple[int, int]
) -> None:
    found = made(kept, tmp_path, picture(size=size))
    assert (found.format, found.size) == ("WEBP", small)


@pytest.mark.parametrize("format", FORMATS)
def test_each_format_that_is_taken_has_a_thumbnail(kept: Thumbnails, tmp_path: Path, format: str) -> None:
    found = made(kept, tmp_path, picture(format, (640, 400), colour=(200, 20, 20)))
    assert found.size == (320, 200)
    red, green, blue = found.convert("RGB").getpixel((310, 20))
    assert red > 180
    assert max(green, blue) < 50


def test_transparency_stays(kept: Thumbnails, tmp_path: Path) -> None:
    found = made(kept, tmp_path, picture(size=(20, 10), mode="RGBA", colour=(0, 0, 255, 0)))
    assert found.mode == "RGBA"
    assert found.getpixel((15, 2))[3] == 0


def test_sixteen_bits_of_grey_are_scaled_and_not_cut(kept: Thumbnails, tmp_path: Path) -> None:
    found = made(kept, tmp_path, picture(size=(20, 10), mode="I;16", colour=0x8000))
    assert abs(found.convert("L").getpixel((5, 5)) - 128) <= 2


@pytest.mark.parametrize("mode", ["L", "P", "1", "LA"])
def test_other_kinds_of_pixels_are_shown(kept: Thumbnails, tmp_path: Path, mode: str) -> None:
    assert made(kept, tmp_path, picture(size=(20, 10), mode=mode, colour=1)).size == (20, 10)


def test_a_picture_that_lies_on_its_side_is_turned(kept: Thumbnails, tmp_path: Path) -> None:
    assert made(kept, tmp_path, lying(6, (800, 400))).size == (160, 320)


def test_it_is_made_once_and_outlives_the_picture(kept: Thumbnails, tmp_path: Path) -> None:
    source = put(tmp_path, picture())
    first = kept.get(source, ID)
    before = first.stat().st_mtime_ns
    source.unlink()
    assert kept.get(source, ID) == first
    assert first.stat().st_mtime_ns == before
    first.unlink()
    with pytest.raises(NotThere, match="The picture is not there any more"):
        kept.get(source, ID)


def test_many_who_ask_at_once_make_it_once(kept: Thumbnails, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, real, made_ones = put(tmp_path, picture(size=(900, 900))), thumbnails._thumbnail, []
    start = threading.Barrier(12)

    def count(path: Path) -> bytes:
        made_ones.append(path)
        return real(path)

    def ask() -> None:
        start.wait()
        found.append(kept.get(source, ID))

    monkeypatch.setattr(thumbnails, "_thumbnail", count)
    found: list[Path] = []
    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 12
    assert len(made_ones) == 1
    assert kept._making == {}


def test_different_ones_are_made_a_few_at_a_time(kept: Thumbnails, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_work, most, lock, real = 0, [], threading.Lock(), thumbnails._thumbnail

    def watch(path: Path) -> bytes:
        nonlocal at_work
        with lock:
            at_work += 1
            most.append(at_work)
        try:
            return real(path)
        finally:
            with lock:
                at_work -= 1

    monkeypatch.setattr(thumbnails, "_thumbnail", watch)
    source = put(tmp_path, picture(size=(600, 600)))
    threads = [threading.Thread(target=kept.get, args=(source, f"{number:032x}")) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 10
    assert max(most) <= thumbnails.AT_ONCE


@pytest.mark.parametrize("data", foreign())
def test_what_is_no_picture_has_none(kept: Thumbnails, tmp_path: Path, data: bytes) -> None:
    with pytest.raises(BadPicture):
        kept.get(put(tmp_path, data), ID)
    assert not kept.folder.exists()
    assert kept._making == {}


def test_a_bomb_is_refused(kept: Thumbnails, tmp_path: Path) -> None:
    for size in ((9000, 9000), (60_000, 60_000)):
        with pytest.raises(TooLarge, match="at most 64 megapixels are opened"):
            kept.get(put(tmp_path, claiming(*size)), ID)


@pytest.mark.parametrize(
    "content_id", ["", "..", "../../x", "ABCDEF0123456789", "0123", "0" * 65, "0123456789abcdef/..", "0123456789abcdeg"]
)
def test_an_id_that_is_none_is_refused_before_anything_is_read(kept: Thumbnails, tmp_path: Path, content_id: str) -> None:
    with pytest.raises(NotThere):
        kept.get(put(tmp_path, picture()), content_id)
    assert not kept.folder.exists()


def test_of_more_than_are_kept_those_that_were_not_looked_at_for_longest_go(kept: Thumbnails, tmp_path: Path) -> None:
    source = put(tmp_path, picture())
    paths = [kept.get(source, f"{number:x}" * 32) for number in range(5)]
    for path, (looked_at, made_at) in zip(paths, [(50, 1), (2, 2), (1, 30), (4, 4), (5, 5)], strict=True):
        os.utime(path, (looked_at, made_at))
    assert kept.prune(5) == 0
    assert kept.prune(2) == 3
    assert [path.exists() for path in paths] == [True, False, True, False, False]
    assert kept.get(source, "1" * 32).is_file()
    kept.forget("1" * 32)
    kept.forget("1" * 32)
    assert not paths[1].exists()
    kept.forget("../picture")
    assert source.is_file()


def test_files_of_one_name_size_and_time_in_two_folders_are_two_contents(tmp_path: Path) -> None:
    paths = [tmp_path / name / "preview.png" for name in ("one", "two")]
    for path in paths:
        path.parent.mkdir()
        path.touch()
        os.utime(path, (1, 1))
    assert len({thumbnails.content_id(path) for path in paths}) == 2


def test_a_full_disk_is_told(kept: Thumbnails, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(NotWritten, match="A thumbnail could not be kept: No space left on device"):
        kept.get(put(tmp_path, picture()), ID)


FIRST = """
import sys
from pathlib import Path
from web_ui.store.thumbnails import Thumbnails

Thumbnails(Path(sys.argv[1])).get(Path(sys.argv[2]), "0" * 32)
assert "PIL.TiffImagePlugin" in sys.modules
assert "PIL.PdfImagePlugin" not in sys.modules, "all that Pillow knows was imported"
"""


def test_the_first_one_waits_for_no_format_that_is_not_opened(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FIRST, str(tmp_path / "thumbnails"), str(put(tmp_path, picture()))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
