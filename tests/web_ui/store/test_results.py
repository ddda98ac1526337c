"""The index of results: what it knows of a file, how it is searched, and that nothing is lost with it."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_engine.workflow import Workflow
from graph_engine.workflow.embed import embed
from tests.graph_engine.toys import workflow
from tests.web_ui.store.pictures import claiming, lying, picture
from tests.web_ui.store.test_described import sampling
from web_ui.schema import Result
from web_ui.store.errors import NotThere, NotWritten
from web_ui.store.results import ResultIndex

JOB, OTHER_JOB = "1" * 32, "2" * 32


def of(**facts: Any) -> Workflow:
    return workflow(
        sampling(**facts), title="Landscapes", inputs={"prompt": {"to": ["positive.text"]}, "seed": {"to": ["noise.seed"]}}
    )


def made(of: Workflow, node: str = "save", data: bytes = b"", **inputs: Any) -> bytes:
    """A picture as the engine delivers it."""
    record = {"format": "latent-loom-run/1", "inputs": inputs, "node": node, "item": 0, "versions": {"torch": "2.9"}}
    return embed(data or picture(), of, json.dumps(record))


class Place:
    def __init__(self, folder: Path) -> None:
        self.outputs, self.database = folder / "outputs", folder / "results.sqlite"
        self.outputs.mkdir()
        self.opened: list[ResultIndex] = []
        self.clock = 1_700_000_000

    def open(self) -> ResultIndex:
        self.opened.append(ResultIndex(self.outputs, self.database))
        return self.opened[-1]

    def write(self, name: str, data: bytes = b"") -> Path:
        """A file that is a second newer than the one before."""
        path = self.outputs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data or made(of()))
        self.clock += 1
        os.utime(path, (self.clock, self.clock))
        return path

    def files(self) -> list[str]:
        return sorted(path.relative_to(self.outputs).as_posix() for path in self.outputs.rglob("*") if path.is_file())


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    found = Place(tmp_path)
    yield found
    for index in found.opened:
        index.close()


@pytest.fixture
def index(place: Place) -> ResultIndex:
    return place.open()


def names(index: ResultIndex, search: str = "", **options: Any) -> list[str]:
    return [one.file for one in index.page(search, **options).results]


# what is known


def test_a_picture_is_known_by_what_it_carries(index: ResultIndex, place: Place) -> None:
    data = made(of(), prompt="a lake", seed=2**64 - 1, data=picture(size=(40, 30)))
    found = index.add(place.write("deep/image_0001.png", data), job=JOB)
    assert found == Result(
        id=found.id, file="deep/image_0001.png", media_type="image/png", size_bytes=len(data), width=40, height=30,
        created_at=place.clock, job=JOB, node="save", title="Landscapes", prompt="a lake", seed=2**64 - 1, model="m",
    )  # fmt: skip
    detail = index.get(found.id)
    assert Result(**{name: getattr(detail, name) for name in Result.model_fields}) == found
    assert detail.inputs == {"prompt": "a lake", "seed": 2**64 - 1}
    assert detail.record["versions"] == {"torch": "2.9"}
    assert index.workflow(found.id) == (of(), {"prompt": "a lake", "seed": 2**64 - 1})
    assert index.file(found.id) == place.outputs / "deep/image_0001.png"


def test_a_file_that_carries_nothing_is_known_by_what_its_job_knows(index: ResultIndex, place: Place) -> None:
    path = place.write("photo.jpg", lying(6, (8, 4)))
    found = index.add(path, job=JOB, node="save", title="Mine", inputs={"seed": 3}, workflow=of())
    assert (found.media_type, found.width, found.height) == ("image/jpeg", 4, 8)
    assert (found.title, found.prompt, found.seed, found.model, found.node) == ("Mine", "a hill", 3, "m", "save")
    assert index.workflow(found.id) == (of(), {"seed": 3})
    assert index.get(found.id).record == {}


def test_a_file_of_which_nobody_knows_anything_is_listed_all_the_same(index: ResultIndex, place: Place) -> None:
    found = index.add(place.write("note.txt", b"hello"))
    assert (found.media_type, found.width, found.prompt, found.seed, found.job) == ("text/plain", None, "", None, None)
    with pytest.raises(NotThere, match="It is not known which workflow made this file"):
        index.workflow(found.id)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.webp", "image/webp"), ("a.AVIF", "image/avif"), ("a.mp4", "video/mp4"), ("a.json", "application/json"),
        ("a.svg", "application/octet-stream"), ("a.html", "application/octet-stream"), ("a.js", "application/octet-stream"),
        ("a.xml", "application/octet-stream"), ("a.safetensors", "application/octet-stream"), ("a", "application/octet-stream"),
    ],
)  # fmt: skip
def test_a_file_in_which_a_script_can_hide_is_bytes(index: ResultIndex, place: Place, name: str, kind: str) -> None:
    assert index.add(place.write(name, b"x")).media_type == kind


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n", picture()[:40], claiming(60_000, 60_000), b"x"])
def test_a_damaged_picture_is_listed_without_what_cannot_be_read(index: ResultIndex, place: Place, data: bytes) -> None:
    found = index.add(place.write("a.png", data), job=JOB, workflow=of(), node="save")
    assert (found.width, found.height, found.prompt) == (None, None, "a hill")


def test_a_record_that_is_of_the_wrong_kind_throughout_does_no_harm(index: ResultIndex, place: Place) -> None:
    data = embed(picture(), of(), json.dumps({"inputs": [1], "node": {"a": 1}, "item": "x"}))
    found = index.add(place.write("a.png", data), node="save")
    assert (found.prompt, found.node) == ("a hill", "save")
    assert index.get(found.id).inputs == {}


def test_adding_a_file_again_changes_nothing_and_a_job_adds_what_it_knows(index: ResultIndex, place: Place) -> None:
    path = place.write("a.png")
    first = index.add(path)
    index.set_favourite(first.id, True)
    assert index.add(path).id == first.id
    told = index.add(path, job=JOB, title="Told")
    assert (told.id, told.job, told.title, told.favourite) == (first.id, JOB, "Told", True)
    assert index.add(path) == told
    assert names(index, "told") == ["a.png"]
    assert index.page().total == 1


def test_a_name_that_was_overwritten_is_another_result(index: ResultIndex, place: Place) -> None:
    first = index.add(place.write("a.png"), job=JOB)
    second = index.add(place.write("a.png", made(of(), prompt="new")), job=JOB)
    assert first.id != second.id
    assert [one.id for one in index.page().results] == [second.id]


def test_very_long_texts_are_cut(index: ResultIndex, place: Place) -> None:
    found = index.add(place.write("a.png", made(of(), prompt="x" * 50_000)))
    assert len(found.prompt) == 10_000


# lists


def test_the_newest_come_first_a_page_at_a_time(index: ResultIndex, place: Place) -> None:
    for number in range(5):
        index.add(place.write(f"{number}.png"), job=JOB if number % 2 else OTHER_JOB)
    assert names(index) == ["4.png", "3.png", "2.png", "1.png", "0.png"]
    page = index.page(offset=1, limit=2)
    assert ([one.file for one in page.results], page.total) == (["3.png", "2.png"], 5)
    assert names(index, offset=9) == []
    assert names(index, job=JOB) == ["3.png", "1.png"]
    assert index.page("hill", job=JOB, limit=1).total == 2


def test_the_newest_picture_of_a_model_is_found_among_those_that_are_kept(index: ResultIndex, place: Place) -> None:
    first, second, _other = (index.add(place.write(f"{name}.png", made(of(model=name[0])))) for name in ("a1", "a2", "b1"))
    index.add(place.write("note.txt", b"a"), node="save", workflow=of(model="a"))
    assert index.newest_of("a") == second.id
    index.delete(second.id)
    assert index.newest_of("a") == first.id
    assert index.newest_of("A") is index.newest_of("") is None


def test_favourites_are_kept_and_listed_alone(index: ResultIndex, place: Place) -> None:
    ids = [index.add(place.write(f"{number}.png")).id for number in range(3)]
    assert index.set_favourite(ids[1], True).favourite
    assert names(index, favourite=True) == ["1.png"]
    assert names(index, favourite=False) == ["2.png", "0.png"]
    assert not index.set_favourite(ids[1], False).favourite
    assert names(index, favourite=True) == []


PROMPTS = {
    "a.png": "A red circle, on a table",
    "b.png": "Ein Käsebrot auf einem roten Tisch",
    "c.png": '"quoted" OR (grouped) AND near-by: title:x NOT* ^start {a} [b] \\ %_ ; --',
    "d.png": "cat 🐈 and family 👨‍👩‍👧 I ❤️ yarn🧵",
    "e.png": "赤い丸とテーブル",
    "f.png": "красный круг, ΣΊΣΥΦΟΣ",
}


@pytest.fixture
def many(index: ResultIndex, place: Place) -> ResultIndex:
    for name, prompt in PROMPTS.items():
        index.add(place.write(name, made(of(model=f"model-{name[0]}x"), prompt=prompt)))
    return index


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("red circle", "a"), ("circle RED", "a"), ('"red circle"', "a"), ('"circle red"', ""), ("circ", "a"), ("rot", "b"),
        ("kasebrot", "b"), ("KÄSE", "b"), ("Ka\u0308se", "b"), ("red circle nothing", ""), ("", "fedcba"), ("   ", "fedcba"),
        ('"', "fedcba"), ('""', "fedcba"), ("quoted", "c"), ('"quoted" OR', "c"), ("OR", "c"), ("AND", "fedcba"),
        ('"grouped) AND"', "c"), ("near-by:", "c"), ("title:x", "c"), ("title:a", ""), ("NOT*", "c"), ("cir*", ""), ("^start", "c"),
        ("{a}", "c"), ("\\", "c"), ("%_", "c"), ("%", "c"), ("--", "c"), ("';--", ""), ("(", "c"), ("NEAR(a b)", ""),
        ('"unbalanced', ""), ('red "circle', "a"), ("🐈", "d"), ("🧵", "d"), ("yarn🧵", "d"), ("❤", "d"), ("❤️", "d"), ("👨‍👩‍👧", "d"),
        ("🦄", ""), ("赤い", "e"), ("丸", "e"), ("テーブル", "e"), ("круг", "f"), ("КРАСНЫЙ", "f"), ("σίσυφος", "f"), ("model-bx", "b"),
        ("landscapes", "fedcba"), ("b.png", "b"), ("png", "fedcba"), ("red\0circle", "a"), ("\ud800", "fedcba"), ("a" * 5000, ""),
        ("x" + " red" * 500, "a"),
    ],
)  # fmt: skip
def test_a_search_finds_words_and_parts_of_words_in_any_script_and_knows_no_operators(
    many: ResultIndex, search: str, found: str
) -> None:
    assert "".join(name[0] for name in names(many, search)) == found
    assert many.page(search).total == len(found)


@given(st.text(max_size=40), st.text(max_size=8))
def test_any_part_of_a_prompt_finds_it_and_no_search_is_an_error(tmp_path_factory: Any, prompt: str, other: str) -> None:
    place = Place(tmp_path_factory.mktemp("search"))
    index = place.open()
    try:
        index.add(place.write("x.txt", b"x"), inputs={"prompt": prompt}, workflow=of(), node="save")
        index.page(other)
        for word in prompt.replace('"', " ").split():
            assert names(index, word) == ["x.txt"]
    finally:
        index.close()


# the trash


def test_what_is_thrown_away_moves_to_the_trash_and_comes_back_as_it_was(index: ResultIndex, place: Place) -> None:
    data = made(of(), prompt="a lake")
    found = index.add(place.write("deep/a.png", data), job=JOB)
    index.set_favourite(found.id, True)
    index.delete(found.id)
    assert place.files() == [f".trash/{found.id}/deep/a.png"]
    assert names(index) == names(index, "lake") == names(index, favourite=True) == []
    (thrown,) = index.page("lake", trashed=True).results
    assert thrown.trashed_at is not None
    assert not thrown.gone
    assert index.file(found.id).read_bytes() == data
    assert index.get(found.id).record["node"] == "save"
    back = index.restore(found.id)
    assert (back.trashed_at, back.favourite, back.file) == (None, True, "deep/a.png")
    assert place.files() == ["deep/a.png"]
    assert (place.outputs / "deep/a.png").read_bytes() == data
    assert names(index, "lake") == ["deep/a.png"]
    assert list((place.outputs / ".trash").iterdir()) == []


def test_an_emptied_trash_is_gone_for_good_and_nothing_else_is(index: ResultIndex, place: Place) -> None:
    kept = index.add(place.write("deep/kept.png", made(of(), prompt="kept")))
    thrown = [index.add(place.write(f"deep/{name}.png", made(of(text=name)))) for name in ("a", "b")]
    index.set_favourite(kept.id, True)
    for one in thrown:
        index.delete(one.id)
    unknown = place.outputs / ".trash" / ("f" * 32) / "older.png"
    unknown.parent.mkdir()
    unknown.write_bytes(b"of an index that was lost")
    assert sorted(index.empty_trash()) == sorted(one.id for one in thrown)
    assert place.files() == ["deep/kept.png"]
    assert list((place.outputs / ".trash").iterdir()) == []
    assert index.page(trashed=True).total == index.page("a hill", trashed=True).total == 0
    assert index.get(kept.id).favourite
    assert index.workflow(kept.id)[0] == of()
    for one in thrown:
        with pytest.raises(NotThere):
            index.restore(one.id)
    with sqlite3.connect(place.database) as database:
        assert database.execute("select count(*) from workflows").fetchone() == (1,)
    database.close()
    assert index.empty_trash() == []
    assert index.rescan() == 0


def test_a_file_on_its_way_back_when_the_process_died_outlives_an_emptied_trash(index: ResultIndex, place: Place) -> None:
    found = index.add(place.write("a.png"))
    index.delete(found.id)
    with sqlite3.connect(place.database) as database:
        database.execute("update results set trashed_at = null")
    database.close()
    assert index.empty_trash() == []
    assert place.files() == [f".trash/{found.id}/a.png"]
    assert index.restore(found.id).file == "a.png"


def test_a_link_in_the_trash_is_not_followed(index: ResultIndex, place: Place, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    index.delete(index.add(place.write("a.png")).id)
    (place.outputs / ".trash" / ("e" * 32)).symlink_to(tmp_path / "mine")
    index.empty_trash()
    assert (tmp_path / "mine" / "letter.txt").read_text() == "dear"


def test_throwing_away_and_bringing_back_twice_is_no_error(index: ResultIndex, place: Place) -> None:
    id = index.add(place.write("a.png")).id
    index.delete(id)
    when = index.get(id).trashed_at
    index.delete(id)
    assert index.get(id).trashed_at == when
    index.restore(id)
    assert index.restore(id).trashed_at is None
    assert place.files() == ["a.png"]


def test_nothing_is_replaced_by_what_comes_back(index: ResultIndex, place: Place) -> None:
    old = index.add(place.write("a.png", made(of(), prompt="old")))
    index.delete(old.id)
    new = index.add(place.write("a.png", made(of(), prompt="new")))
    place.write("a (2).png", b"in the way")
    back = index.restore(old.id)
    assert back.file == "a (3).png"
    assert index.get(old.id).prompt == "old"
    assert index.get(new.id).prompt == "new"
    assert names(index, '"a (3)"') == ["a (3).png"]
    assert place.files() == ["a (2).png", "a (3).png", "a.png"]


def test_a_picture_that_was_thrown_away_and_is_made_again_is_there_again(index: ResultIndex, place: Place) -> None:
    first = index.add(place.write("a.png"), job=JOB)
    index.delete(first.id)
    again = index.add(place.write("a.png"), job=OTHER_JOB)
    assert (again.id, again.trashed_at, again.job) == (first.id, None, OTHER_JOB)
    assert names(index) == ["a.png"]
    index.delete(first.id)
    assert place.files() == [f".trash/{first.id}/a.png"]


@pytest.mark.parametrize("links", [True, False])
def test_a_disk_that_refuses_leaves_the_file_and_the_index_as_they_were(
    index: ResultIndex, place: Place, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    id = index.add(place.write("a.png")).id

    def refuse(*_: Any) -> None:
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as patched:
        patched.setattr("os.replace", refuse)
        with pytest.raises(NotWritten, match=r"The file could not be moved to the trash: Read-only file system\."):
            index.delete(id)
    assert names(index) == place.files() == ["a.png"]
    index.delete(id)
    with monkeypatch.context() as patched:
        patched.setattr("os.replace", refuse)
        patched.setattr("os.link", refuse)
        with pytest.raises(NotWritten, match="The file could not be brought back from the trash"):
            index.restore(id)
    assert names(index, trashed=True) == ["a.png"]
    assert place.files() == [f".trash/{id}/a.png"]
    with monkeypatch.context() as patched:
        if not links:
            patched.setattr("os.link", refuse)
        index.restore(id)
    assert names(index) == place.files() == ["a.png"]


def test_a_process_that_died_between_the_file_and_the_index_left_nothing_astray(index: ResultIndex, place: Place) -> None:
    id = index.add(place.write("a.png")).id
    (place.outputs / ".trash" / id).mkdir(parents=True)
    (place.outputs / "a.png").rename(place.outputs / ".trash" / id / "a.png")
    assert not index.page().results[0].gone
    index.delete(id)
    assert index.restore(id).file == "a.png"
    assert place.files() == ["a.png"]


# files that others move


def test_a_file_that_vanished_is_shown_as_gone(index: ResultIndex, place: Place) -> None:
    path = place.write("a.png", made(of(), prompt="a lake"))
    found = index.add(path, job=JOB)
    path.unlink()
    (shown,) = index.page("lake").results
    assert shown.gone
    assert (index.get(found.id).gone, index.get(found.id).record) == (True, {})
    assert index.workflow(found.id)[1] == {"prompt": "a lake"}
    with pytest.raises(NotThere, match="The file of this result is not there any more"):
        index.file(found.id)
    index.delete(found.id)
    with pytest.raises(NotThere, match="is not in the trash any more"):
        index.restore(found.id)
    assert names(index, trashed=True) == ["a.png"]


def test_only_files_inside_the_folder_are_taken(index: ResultIndex, place: Place) -> None:
    outside = place.outputs.parent / "secret.png"
    outside.write_bytes(picture())
    (place.outputs / "link.png").symlink_to(outside)
    (place.outputs / "linked").symlink_to(outside.parent)
    (place.outputs / "folder").mkdir()
    place.write(".hidden/a.png")
    paths = [outside, place.outputs / "../secret.png", place.outputs / "link.png", place.outputs / "linked/secret.png"]
    for path in [*paths, place.outputs / "folder", place.outputs, place.outputs / "missing.png", place.outputs / ".hidden/a.png"]:
        with pytest.raises(NotThere, match="is no file in the folder with results"):
            index.add(path)
    index.rescan()
    assert names(index) == []


def test_a_name_that_is_no_text_is_left_out_and_a_title_that_is_none_is_mended(index: ResultIndex, place: Place) -> None:
    path = place.write(os.fsdecode(b"latin\xe4.png"))
    with pytest.raises(NotThere):
        index.add(path)
    assert index.rescan() == 0
    assert index.add(place.write("a.png"), title="half \ud83d").title == "half ?"


@pytest.mark.parametrize("file", ["../secret.png", "/etc/passwd", "a/../../secret.png", "link/secret.png", "", "a\0", "C:x"])
def test_an_index_that_was_tampered_with_leads_nowhere_else(index: ResultIndex, place: Place, file: str) -> None:
    (place.outputs.parent / "secret.png").write_bytes(picture())
    (place.outputs / "link").symlink_to(place.outputs.parent)
    id = index.add(place.write("a.png")).id
    with sqlite3.connect(place.database) as other:
        other.execute("update results set file = ?", (file,))
    other.close()
    assert index.get(id).gone
    with pytest.raises(NotThere):
        index.file(id)
    index.delete(id)
    with pytest.raises(NotThere):
        index.restore(id)
    assert (place.outputs.parent / "secret.png").exists()


@pytest.mark.parametrize("id", ["", "x", "0" * 32, "../..", "' or 1=1 --", "\0", "\ud800"])
def test_an_id_that_is_none_is_told(index: ResultIndex, place: Place, id: str) -> None:
    index.add(place.write("a.png"))
    for call in (index.get, index.file, index.workflow, index.delete, index.restore):
        with pytest.raises(NotThere, match="There is no such result"):
            call(id)
    with pytest.raises(NotThere):
        index.set_favourite(id, True)


# the index lost, and made again


def test_a_lost_index_is_made_again_from_the_folder_and_its_trash(index: ResultIndex, place: Place) -> None:
    assert index.missing
    assert index.rescan() == 0
    kept = [index.add(place.write(f"deep/{number}.png", made(of(), prompt=f"lake {number}")), job=JOB) for number in range(3)]
    index.delete(kept[1].id)
    index.close()
    for path in place.database.parent.glob("results.sqlite*"):
        path.unlink()
    place.write("Thumbs.db", b"x")
    place.write(".loom-abc.part", b"x")
    again = place.open()
    assert again.missing
    assert again.rescan() == 3
    assert not again.missing
    assert again.rescan() == 0
    assert [one.id for one in again.page().results] == [kept[2].id, kept[0].id]
    assert again.page().results[0].prompt == "lake 2"
    assert again.page().results[0].created_at == kept[2].created_at
    assert [one.id for one in again.page(trashed=True).results] == [kept[1].id]
    assert again.restore(kept[1].id).file == "deep/1.png"


def test_a_damaged_index_is_put_aside_and_made_again(index: ResultIndex, place: Place) -> None:
    found = index.add(place.write("a.png"))
    index.close()
    place.database.write_bytes(b"\xff" * 20_000)
    again = place.open()
    assert again.missing
    (aside,) = again.put_aside
    assert aside.read_bytes() == b"\xff" * 20_000
    assert again.rescan() == 1
    assert again.page().results[0].id == found.id


def test_an_index_that_breaks_while_it_is_used_is_empty_and_says_so(index: ResultIndex, place: Place) -> None:
    for number in range(40):
        index.add(place.write(f"{number}.png", made(of(), prompt=f"{number} " * 400)))
    index.rescan()
    index.close()
    index = place.open()
    content = bytearray(place.database.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    place.database.write_bytes(content)
    assert not index.missing
    assert index.page("39").total == 0
    assert index.missing
    assert index.rescan() == 40
    assert index.page("39").total > 0


def test_what_can_be_read_in_a_damaged_index_is_taken_over(index: ResultIndex, place: Place) -> None:
    kept = [index.add(place.write(f"{number}.txt", b"x"), job=JOB, title=f"title {number}") for number in range(3)]
    index.set_favourite(kept[0].id, True)
    index.delete(kept[1].id)
    (place.outputs / "2.txt").unlink()
    before = [index.get(one.id) for one in kept]
    index.close()
    with sqlite3.connect(place.database) as other:
        (root,) = other.execute("select rootpage from sqlite_master where name = 'results_newest'").fetchone()
        (page_bytes,) = other.execute("pragma page_size").fetchone()
    other.close()
    content = bytearray(place.database.read_bytes())
    content[(root - 1) * page_bytes : root * page_bytes] = b"\xa5" * page_bytes
    place.database.write_bytes(content)
    again = place.open()
    assert again.page().results == []
    assert again.missing
    again.rescan()
    assert [again.get(one.id) for one in kept] == before
    assert names(again) == ["2.txt", "0.txt"]


def test_files_that_were_put_there_by_hand_are_found(index: ResultIndex, place: Place) -> None:
    index.add(place.write("known.png"), job=JOB)
    place.write("by hand.png", made(of(), prompt="by hand"))
    assert index.rescan() == 1
    assert names(index, '"by hand"') == ["by hand.png"]
    assert index.page(job=JOB).total == 1


def test_many_threads_add_search_and_throw_away_at_once(index: ResultIndex, place: Place) -> None:
    paths = [place.write(f"{number}.png", made(of(), prompt=f"number {number}")) for number in range(24)]
    faults: list[BaseException] = []

    def work(mine: list[Path]) -> None:
        try:
            for path in mine:
                found = index.add(path, job=JOB)
                assert found.file in names(index, f'"number {path.stem}"')
                if int(path.stem) % 3 == 0:
                    index.delete(found.id)
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=work, args=(paths[at::4],)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert index.page().total == 16
    assert index.page(trashed=True).total == 8


def test_two_servers_may_share_an_index(index: ResultIndex, place: Place) -> None:
    other = place.open()
    id = index.add(place.write("a.png"), job=JOB).id
    other.set_favourite(id, True)
    assert index.get(id).favourite
    other.delete(id)
    assert names(index) == []
