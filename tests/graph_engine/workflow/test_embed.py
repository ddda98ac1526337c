"""A picture carries its workflow and run record."""

from __future__ import annotations

import json
import re
import struct
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_engine.errors import FormatError
from graph_engine.workflow import Workflow, canonical, parse
from graph_engine.workflow.embed import SIGNATURE, extract, is_png
from graph_engine.workflow.embed import embed as put_in
from graph_engine.workflow.text import MAX_BYTES
from tests.graph_engine.toys import entry, png, workflow

RECORD = '{"format": "latent-loom-run/1", "inputs": {"prompt": "ein rotes Käschen 🧵"}}'


@pytest.fixture(scope="module")
def of() -> Workflow:
    return workflow({"a": entry("text", value="Käse 🧵\n" * 100)}, "a.value", title="Ein Bild")


def chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Read independently of the code under test; every check sum is verified."""
    found, at = [], 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length]) == (zlib.crc32(kind + body),)
        found.append((kind, body))
        at += 12 + length
    return found


def text_chunk(keyword: bytes, body: bytes, *, compressed: bool = True, length: int | None = None) -> bytes:
    flags = b"\0\1\0\0\0" if compressed else b"\0\0\0\0\0"
    data = b"iTXt" + keyword + flags + body
    return struct.pack(">I", len(data) - 4 if length is None else length) + data + struct.pack(">I", zlib.crc32(data))


def with_chunk(chunk: bytes) -> bytes:
    plain = png()
    return plain[:33] + chunk + plain[33:]


def test_what_was_embedded_is_read_back(of: Workflow, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(put_in(png(), of, RECORD))
    found = extract(path)
    assert found.workflow == of
    assert found.record == json.loads(RECORD)


def test_the_picture_itself_is_unchanged_and_the_header_stays_first(of: Workflow) -> None:
    before, after = chunks(png(b"abc")), chunks(put_in(png(b"abc"), of, RECORD))
    assert after[0] == before[0]
    assert [chunk for chunk in after if chunk[0] != b"iTXt"] == before
    assert len(after) == len(before) + 2


def test_embedding_again_replaces_ours_and_keeps_foreign_texts(of: Workflow, tmp_path: Path) -> None:
    foreign = with_chunk(text_chunk(b"Author", b"Somebody", compressed=False))
    other = of.model_copy(update={"title": "Another"})
    twice = put_in(put_in(foreign, of, RECORD), other, "{}")
    keywords = [body.split(b"\0")[0] for kind, body in chunks(twice) if kind == b"iTXt"]
    assert sorted(keywords) == [b"Author", b"loom.run", b"loom.workflow"]
    (tmp_path / "a.png").write_bytes(twice)
    assert extract(tmp_path / "a.png").workflow == other


def test_a_picture_made_elsewhere_carries_none(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    with pytest.raises(FormatError, match=r"a\.png carries no workflow: it was made elsewhere, or its metadata was removed\."):
        extract(tmp_path / "a.png")


def test_a_file_that_is_no_png_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"GIF89a")
    (tmp_path / "b.png").write_bytes(png())
    assert not is_png(tmp_path / "a.png")
    assert is_png(tmp_path / "b.png")
    assert not is_png(tmp_path / "gone.png")
    with pytest.raises(FormatError, match=r"a\.png is damaged: it is no PNG\. Use the original file\."):
        extract(tmp_path / "a.png")
    with pytest.raises(FormatError, match=r"gone\.png cannot be read: No such file or directory\."):
        extract(tmp_path / "gone.png")


def test_a_truncated_picture_is_refused_wherever_it_ends(of: Workflow, tmp_path: Path) -> None:
    whole = put_in(png(), of, RECORD)
    path = tmp_path / "a.png"
    for end in [*range(8, len(whole), 7), len(whole) - 1]:
        path.write_bytes(whole[:end])
        with pytest.raises(FormatError, match=r"is damaged|carries no workflow"):
            extract(path)


def test_a_damaged_workflow_is_refused(of: Workflow, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    for body in (
        b"no zlib at all",
        zlib.compress(b"\xff\xfe no utf-8"),
        zlib.compress(b"{")[:-6],
        zlib.compress(b'{"format": 3}'),
    ):
        path.write_bytes(with_chunk(text_chunk(b"loom.workflow", body)))
        with pytest.raises(FormatError, match=re.escape(str(path))):
            extract(path)


def test_a_text_that_unpacks_without_end_is_stopped(tmp_path: Path) -> None:
    packer = zlib.compressobj(9)
    bomb = b"".join(packer.compress(b" " * 2**20) for _ in range(MAX_BYTES // 2**20 + 2)) + packer.flush()
    (tmp_path / "a.png").write_bytes(with_chunk(text_chunk(b"loom.workflow", bomb)))
    with pytest.raises(FormatError, match=rf"its workflow is larger than {MAX_BYTES} bytes"):
        extract(tmp_path / "a.png")


def test_a_chunk_that_claims_more_than_there_is_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(with_chunk(text_chunk(b"loom.workflow", b"", length=2**32 - 1)))
    with pytest.raises(FormatError, match="is damaged: it is cut off"):
        extract(tmp_path / "a.png")


def test_an_uncompressed_text_is_read_too(of: Workflow, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(with_chunk(text_chunk(b"loom.workflow", canonical(of).encode(), compressed=False)))
    assert extract(tmp_path / "a.png").workflow == of


def test_a_record_that_is_nested_too_deep_to_walk_is_refused(of: Workflow, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    for depth, refused in ((60, False), (80, True)):
        path.write_bytes(put_in(png(), of, f'{{"inputs": {"[" * depth}{"]" * depth}}}'))
        if refused:
            with pytest.raises(FormatError, match="it is nested more than 64 levels deep"):
                extract(path)
        else:
            assert extract(path).workflow == of


def test_a_record_that_is_no_object_is_left_out(of: Workflow, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(put_in(png(), of, "[1]"))
    assert extract(tmp_path / "a.png").record == {}


@given(where=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_any_damage_is_survived_or_refused(where: float, flip: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    whole = bytearray(put_in(png(), parse('{"format": "latent-loom/1", "title": "x"}'), RECORD))
    whole[int(where * len(whole))] ^= flip
    path = tmp_path_factory.getbasetemp() / "damaged.png"
    path.write_bytes(bytes(whole))
    with suppress(FormatError):  # and nothing else
        extract(path)


def test_the_signature_is_that_of_the_standard() -> None:
    assert bytes([137, 80, 78, 71, 13, 10, 26, 10]) == SIGNATURE
