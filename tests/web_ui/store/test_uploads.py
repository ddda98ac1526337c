"""An upload is kept if it is a picture that can be decoded whole, under a name made of its content."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from graph_engine.folders import Folders
from graph_engine.workflow.embed import embed, extract
from tests.graph_engine.toys import entry, workflow
from tests.web_ui.store.pictures import FORMATS, claiming, foreign, lying, picture
from web_ui.store import uploads
from web_ui.store.errors import BadPicture, NotThere, NotWritten, TooLarge
from web_ui.store.pictures import MAX_PIXELS
from web_ui.store.uploads import Uploads


@pytest.fixture
def inputs(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path / "inputs")


def files(inputs: Uploads) -> list[str]:
    return sorted(path.name for path in inputs.folder.iterdir())


@pytest.mark.parametrize(("format", "suffix"), FORMATS.items())
def test_a_picture_of_each_format_is_kept_byte_for_byte_under_a_name_of_ours(inputs: Uploads, format: str, suffix: str) -> None:
    data = picture(format)
    found = inputs.add(data)
    assert (found.width, found.height, found.size_bytes) == (7, 5, len(data))
    assert found.name == Path(found.name).stem + suffix
    assert len(Path(found.name).stem) == 32
    assert (inputs.folder / found.name).read_bytes() == data
    assert Folders(inputs=(inputs.folder,)).input_file(found.name) == inputs.file(found.name)


def test_a_phones_picture_with_others_behind_it_is_a_jpeg(inputs: Uploads) -> None:
    data = picture("MPO", save_all=True, append_images=[Pillow.new("RGB", (3, 3))])
    assert inputs.add(data).name.endswith(".jpg")


def test_the_same_picture_twice_is_one_file_and_another_is_another(inputs: Uploads) -> None:
    first, again, other = inputs.add(picture()), inputs.add(picture()), inputs.add(picture(colour="blue"))
    assert first == again
    assert files(inputs) == sorted([first.name, other.name])


def test_many_who_upload_the_same_at_once_get_the_same_name(inputs: Uploads) -> None:
    names: list[str] = []
    threads = [threading.Thread(target=lambda: names.append(inputs.add(picture()).name)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names) == 8
    assert files(inputs) == [names[0]] == sorted(set(names))


def test_a_file_that_was_cut_on_the_disk_is_written_again(inputs: Uploads) -> None:
    name = inputs.add(picture()).name
    (inputs.folder / name).write_bytes(b"cut")
    inputs.add(picture())
    assert (inputs.folder / name).read_bytes() == picture()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_told_is_that_of_the_upright_picture(inputs: Uploads, orientation: int) -> None:
    found = inputs.add(lying(orientation, (8, 4)))
    assert (found.width, found.height) == ((8, 4) if orientation <= 4 else (4, 8))


def test_the_workflow_in_a_picture_stays_in_it_however_long_it_is(inputs: Uploads) -> None:
    long = workflow({"a": entry("text", value="".join(chr(0x4E00 + at % 9000) for at in range(700_000)))}, "a.value")
    name = inputs.add(embed(picture(), long, "{}")).name
    assert extract(inputs.file(name)).workflow == long


@pytest.mark.parametrize("data", foreign())
def test_what_is_no_picture_of_a_known_format_is_refused(inputs: Uploads, data: bytes) -> None:
    with pytest.raises(BadPicture):
        inputs.add(data)
    assert files(inputs) == []


@pytest.mark.parametrize("format", FORMATS)
def test_a_picture_that_is_cut_off_is_refused(inputs: Uploads, format: str) -> None:
    data = picture(format, (64, 48))
    for kept in (len(data) // 2, len(data) * 9 // 10):
        with pytest.raises(BadPicture, match=r"Open it in an image editor and save it again, as PNG for example\."):
            inputs.add(data[:kept])
    assert files(inputs) == []


def test_a_picture_with_a_flipped_byte_inside_is_refused_where_its_format_can_tell(inputs: Uploads) -> None:
    data = bytearray(picture("PNG", (64, 48)))
    data[data.index(b"IDAT") + 10] ^= 0xFF
    with pytest.raises(BadPicture):
        inputs.add(bytes(data))


@pytest.mark.parametrize(
    "size", [(8200, 8200), (10_000, 10_000), (100_000, 100_000), (2**31 - 1, 2**31 - 1), (MAX_PIXELS + 1, 1)]
)
def test_a_picture_with_too_many_pixels_is_refused_before_it_is_decoded(inputs: Uploads, size: tuple[int, int]) -> None:
    with pytest.raises((TooLarge, BadPicture)) as caught:
        inputs.add(claiming(*size))
    assert "pixels" in str(caught.value)
    assert files(inputs) == []


def test_more_bytes_than_are_taken_are_refused_unread(inputs: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MAX_BYTES", len(picture()))
    inputs.add(picture())
    with pytest.raises(TooLarge, match=r"The picture has \d+ bytes, and at most \d+ are taken\. Make it smaller\."):
        inputs.add(picture() + b"\0")


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow says what is odd in a header, and goes on
@given(
    st.sampled_from(sorted(FORMATS)),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=12),
    st.integers(0, 64),
)
def test_bytes_that_were_tampered_with_are_kept_or_refused_and_nothing_else_happens(
    tmp_path_factory: Any, format: str, changes: list[tuple[int, int]], cut: int
) -> None:
    data = bytearray(picture(format, (16, 9)))
    for at, byte in changes:
        data[at % len(data)] = byte
    inputs = Uploads(tmp_path_factory.mktemp("inputs"))
    try:
        found = inputs.add(bytes(data[: len(data) - cut]))
    except (BadPicture, TooLarge):
        assert files(inputs) == []
    else:
        assert files(inputs) == [found.name]


def test_a_full_disk_is_told_and_leaves_nothing(inputs: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(NotWritten, match="The picture could not be kept: No space left on device"):
        inputs.add(picture())
    assert files(inputs) == []


@pytest.mark.parametrize(
    "name", ["", "..", "../x.png", "/etc/passwd", "C:x", "a\\b", "a\0", "missing.png", "folder", "out.png", "x" * 5000]
)
def test_only_files_inside_the_folder_are_given(inputs: Uploads, tmp_path: Path, name: str) -> None:
    (tmp_path / "x.png").write_bytes(picture())
    (inputs.folder / "folder").mkdir()
    (inputs.folder / "out.png").symlink_to(tmp_path / "x.png")
    with pytest.raises(NotThere, match="There is no such input file"):
        inputs.file(name)


def test_a_file_that_was_put_there_by_hand_is_given_too(inputs: Uploads) -> None:
    (inputs.folder / "my photo.png").write_bytes(picture())
    assert inputs.file("my photo.png").read_bytes() == picture()
