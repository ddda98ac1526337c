"""Workflows are files that git can follow: no save is lost, whoever else writes, and whatever breaks in between."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_engine.workflow import Workflow, canonical, parse
from tests.graph_engine.workflow.documents import WORKFLOWS
from tests.web_ui.store.test_names import HOSTILE
from web_ui.schema import StoredWorkflow
from web_ui.store.errors import AlreadyThere, BadName, Broken, NotThere, NotWritten, Stale
from web_ui.store.folder import WorkflowFolder, etag_of
from web_ui.store.workflows import WorkflowStore

ROOT = Path(__file__).parents[3]


def workflow(value: Any = 1, **rest: Any) -> Workflow:
    nodes = {"n": {"type": "toy.number", "values": {"value": value}}}
    return parse(json.dumps({"format": "latent-loom/1", "nodes": nodes, **rest}))


def value(stored: StoredWorkflow) -> Any:
    return stored.workflow["nodes"]["n"]["values"]["value"]  # type: ignore[index, call-overload]


def write(path: Path, text: str | bytes, seconds_ago: float = 0) -> None:
    """As another program does, some time ago."""
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    at = path.stat().st_mtime - seconds_ago
    os.utime(path, (at, at))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "workflows"


@pytest.fixture
def store(place: Path) -> WorkflowStore:
    return open_store(place)


def open_store(place: Path) -> WorkflowStore:
    return WorkflowStore(place, place.parent / "revisions")


def files(place: Path) -> list[str]:
    return sorted(path.name for path in place.iterdir())


def listed(store: WorkflowStore, search: str = "") -> list[str]:
    return [one.name for one in store.page(search).workflows]


def numbers(store: WorkflowStore, name: str) -> list[Any]:
    """The values of its revisions, oldest first."""
    return [value(store.revision(name, one.number)) for one in reversed(store.revisions(name).revisions)]


def trash(place: Path) -> list[str]:
    return sorted(path.read_text() for path in (place.parent / "revisions" / ".trash").glob("*"))


# one writer


def test_what_is_created_is_a_file_in_canonical_text_and_nothing_else_is_in_the_folder(store: WorkflowStore, place: Path) -> None:
    stored = store.create("Text to image", workflow(title="T"))
    assert files(place) == ["Text to image.json"]
    assert (place / "Text to image.json").read_text() == canonical(workflow(title="T"))
    assert stored.etag == etag_of(canonical(workflow(title="T")))
    assert len(stored.etag) == 16
    assert store.get("Text to image") == stored
    assert stored.saved_at == pytest.approx((place / "Text to image.json").stat().st_mtime)


def test_creating_a_second_one_of_a_name_is_refused_in_other_letters_too(store: WorkflowStore, place: Path) -> None:
    store.create("Straße", workflow(1))
    for name in ("Straße", "STRASSE", "strasse"):
        with pytest.raises(AlreadyThere, match=r"There is a workflow 'Straße' already\. Choose another name\."):
            store.create(name, workflow(2))
    assert files(place) == ["Straße.json"]
    assert value(store.get("Straße")) == 1
    with pytest.raises(NotThere, match=r"There is no workflow 'STRASSE'. Did you mean 'Straße'\?"):
        store.get("STRASSE")


def test_a_change_needs_the_etag_of_what_is_there(store: WorkflowStore) -> None:
    first = store.create("a", workflow(1))
    second = store.change("a", workflow(2), first.etag)
    assert second.etag != first.etag
    with pytest.raises(Stale, match="was changed meanwhile, in another window or on the disk") as caught:
        store.change("a", workflow(3), first.etag)
    assert caught.value.etag == second.etag
    assert value(store.get("a")) == 2
    assert value(store.change("a", workflow(3), caught.value.etag)) == 3


def test_every_save_is_a_revision_and_one_that_changes_nothing_is_none(store: WorkflowStore) -> None:
    etag = store.create("a", workflow(1)).etag
    for number in (2, 2, 3, 1):
        etag = store.change("a", workflow(number), etag).etag
    assert numbers(store, "a") == [1, 2, 3, 1]
    revisions = store.revisions("a").revisions
    assert [one.number for one in revisions] == [4, 3, 2, 1]
    assert revisions[0].etag == revisions[3].etag == etag
    assert revisions[0].size_bytes == len(canonical(workflow(1)))
    assert revisions[0].saved_at >= revisions[3].saved_at


def test_one_revision_is_read_as_it_was_and_restored_as_a_save(store: WorkflowStore) -> None:
    first = store.create("a", workflow(1))
    second = store.change("a", workflow(2), first.etag)
    assert store.revision("a", 1).workflow == first.workflow
    with pytest.raises(Stale):
        store.restore("a", 1, first.etag)
    assert value(store.restore("a", 1, second.etag)) == 1
    assert numbers(store, "a") == [1, 2, 1]
    with pytest.raises(NotThere, match="There is no revision 9 of the workflow 'a'"):
        store.revision("a", 9)


def test_a_damaged_revision_is_told_and_the_others_are_read(store: WorkflowStore, place: Path) -> None:
    etag = store.create("a", workflow(1)).etag
    store.change("a", workflow(2), etag)
    next((place.parent / "revisions" / "a").glob("000001-*")).write_text("{")
    with pytest.raises(Broken, match="Revision 1 of the workflow 'a' is damaged"):
        store.revision("a", 1)
    assert value(store.revision("a", 2)) == 2


def test_deleting_moves_the_file_to_the_trash_and_keeps_the_revisions(store: WorkflowStore, place: Path) -> None:
    stored = store.create("a", workflow(1))
    with pytest.raises(Stale):
        store.delete("a", "0" * 16)
    store.delete("a", stored.etag)
    assert files(place) == []
    assert trash(place) == [canonical(workflow(1))]
    assert numbers(store, "a") == [1]
    for call in (
        lambda: store.get("a"),
        lambda: store.delete("a", stored.etag),
        lambda: store.change("a", workflow(), stored.etag),
    ):
        with pytest.raises(NotThere, match="There is no workflow 'a'"):
            call()
    store.create("A", workflow(2))
    assert numbers(store, "A") == [1, 2]


def test_two_that_are_deleted_in_the_same_moment_are_both_in_the_trash(
    store: WorkflowStore, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time_ns", lambda: 1_700_000_000_000_000_000)
    for number in (1, 2):
        store.delete("a", store.create("a", workflow(number)).etag)
    assert trash(place) == [canonical(workflow(1)), canonical(workflow(2))]


def test_a_rename_takes_the_revisions_with_it(store: WorkflowStore, place: Path) -> None:
    store.change("old", workflow(2), store.create("old", workflow(1)).etag)
    renamed = store.rename("old", "new")
    assert (renamed.name, value(renamed)) == ("new", 2)
    assert files(place) == ["new.json"]
    assert numbers(store, "new") == [1, 2]
    with pytest.raises(NotThere):
        store.revisions("old")
    assert value(store.change("new", workflow(3), renamed.etag)) == 3
    assert numbers(store, "new") == [1, 2, 3]


def test_a_rename_never_replaces_another_workflow_and_may_change_the_case_alone(store: WorkflowStore, place: Path) -> None:
    store.create("a", workflow(1))
    store.create("b", workflow(2))
    for name in ("b", "B"):
        with pytest.raises(AlreadyThere):
            store.rename("a", name)
    assert store.rename("a", "a").name == "a"
    store.rename("a", "A")
    assert files(place) == ["A.json", "b.json"]
    assert numbers(store, "A") == [1]


def test_a_rename_to_the_name_of_a_deleted_one_keeps_what_both_had(store: WorkflowStore) -> None:
    store.delete("b", store.create("b", workflow(10)).etag)
    store.change("a", workflow(2), store.create("a", workflow(1)).etag)
    store.rename("a", "b")
    assert numbers(store, "b") == [10, 1, 2]


# names


@pytest.mark.parametrize("name", HOSTILE)
def test_no_method_touches_the_disk_for_a_name_that_leads_elsewhere(name: str, store: WorkflowStore, place: Path) -> None:
    etag = store.create("here", workflow()).etag
    outside = place.parent / "up.json"
    outside.write_text(canonical(workflow("outside")))
    before = sorted(path.relative_to(place.parent) for path in place.parent.rglob("*"))
    for call in (
        lambda: store.get(name),
        lambda: store.create(name, workflow()),
        lambda: store.change(name, workflow(), etag),
        lambda: store.delete(name, etag),
        lambda: store.rename(name, "there"),
        lambda: store.rename("here", name),
        lambda: store.revisions(name),
        lambda: store.revision(name, 1),
        lambda: store.restore(name, 1, etag),
    ):
        with pytest.raises(BadName):
            call()
    assert sorted(path.relative_to(place.parent) for path in place.parent.rglob("*")) == before


def test_a_link_is_not_followed_wherever_it_leads(store: WorkflowStore, place: Path) -> None:
    secret = place.parent / "secret.json"
    secret.write_text(canonical(workflow("secret", title="secret")))
    store.create("real", workflow(1))
    (place / "out.json").symlink_to(secret)
    (place / "in.json").symlink_to("real.json")
    (place / "nowhere.json").symlink_to("missing")
    for name in ("out", "in", "nowhere"):
        for call in (lambda name=name: store.get(name), lambda name=name: store.change(name, workflow(), "")):
            with pytest.raises(Broken, match="cannot be opened: it is a link, which is not followed"):
                call()
        with pytest.raises(Broken):
            store.delete(name, "")
        with pytest.raises(AlreadyThere):
            store.create(name, workflow())
    assert [one.problem for one in store.page().workflows] == ["it is a link, which is not followed."] * 3 + [""]
    assert listed(store, "secret") == []
    assert secret.read_text() == canonical(workflow("secret", title="secret"))


@given(st.text(min_size=1, max_size=20), WORKFLOWS)
def test_any_name_that_is_taken_brings_any_document_back(tmp_path_factory: Any, name: str, document: Workflow) -> None:
    place = tmp_path_factory.mktemp("any") / "workflows"
    store = open_store(place)
    try:
        stored = store.create(name, document)
    except BadName:
        assert files(place) == []
        return
    assert stored.name == unicodedata.normalize("NFC", name)
    assert parse(json.dumps(store.get(name).workflow)) == document
    assert listed(open_store(place)) == [stored.name]


# others who write


def test_an_edit_from_outside_is_noticed_and_becomes_a_revision(store: WorkflowStore, place: Path) -> None:
    etag = store.create("a", workflow(1)).etag
    write(place / "a.json", canonical(workflow(2)))
    with pytest.raises(Stale) as caught:
        store.change("a", workflow(3), etag)
    assert caught.value.etag == etag_of(canonical(workflow(2)))
    assert value(store.get("a")) == 2
    assert numbers(store, "a") == [1, 2]
    store.change("a", workflow(3), caught.value.etag)
    assert numbers(store, "a") == [1, 2, 3]


def test_what_git_brings_becomes_a_revision_when_the_list_is_looked_at(store: WorkflowStore, place: Path) -> None:
    etag = store.create("a", workflow(1)).etag
    store.page()
    write(place / "a.json", canonical(workflow(2)), seconds_ago=100)
    write(place / "pulled.json", canonical(workflow(7)), seconds_ago=100)
    assert listed(store) == ["a", "pulled"]
    write(place / "a.json", canonical(workflow(3)), seconds_ago=50)
    write(place / "pulled.json", canonical(workflow(8)), seconds_ago=50)
    assert numbers(store, "a") == [1, 2, 3]
    assert numbers(store, "pulled") == [7, 8]
    assert etag != store.get("a").etag


def test_what_stands_there_is_a_revision_before_a_save_replaces_it(store: WorkflowStore, place: Path) -> None:
    write(place / "a.json", canonical(workflow("by hand")))
    store.change("a", workflow("saved"), etag_of(canonical(workflow("by hand"))))
    assert numbers(store, "a") == ["by hand", "saved"]


def test_a_file_that_is_not_in_canonical_text_has_the_etag_of_its_meaning(store: WorkflowStore, place: Path) -> None:
    (place / "a.json").write_text(json.dumps(json.loads(canonical(workflow(1)))), encoding="utf-8-sig")
    assert store.get("a").etag == etag_of(canonical(workflow(1)))
    store.change("a", workflow(1), store.get("a").etag)
    assert (place / "a.json").read_text() == canonical(workflow(1))
    assert numbers(store, "a") == [1]


def test_an_edit_of_the_same_size_within_one_tick_of_the_clock_is_seen(store: WorkflowStore, place: Path) -> None:
    path = place / "a.json"
    write(path, canonical(workflow(1, title="x")))
    stamp = path.stat()
    assert store.page().workflows[0].title == "x"
    path.write_text(canonical(workflow(1, title="y")))
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert store.page().workflows[0].title == "y"


def test_a_file_that_did_not_change_is_not_read_again(store: WorkflowStore, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        write(place / f"w{number}.json", canonical(workflow(number)), seconds_ago=60)
    assert store.page().total == 20
    opened: list[str] = []
    real = os.open
    monkeypatch.setattr("os.open", lambda path, *rest: opened.append(str(path)) or real(path, *rest))
    assert store.page().total == 20
    assert opened == []
    write(place / "w3.json", canonical(workflow(333)), seconds_ago=50)
    store.page()
    assert {Path(path).name for path in opened if path.endswith(".json")} >= {"w3.json"}
    assert not any("w4.json" in path for path in opened)


def test_two_tabs_cannot_overwrite_each_other(store: WorkflowStore) -> None:
    etag = store.create("a", workflow(0)).etag
    start, refused, saved = threading.Barrier(8), [], []

    def tab(number: int) -> None:
        start.wait()
        try:
            saved.append(value(store.change("a", workflow(number), etag)))
        except Stale as error:
            refused.append(error.etag)

    tabs = [threading.Thread(target=tab, args=(number,)) for number in range(1, 9)]
    for one in tabs:
        one.start()
    for one in tabs:
        one.join()
    assert len(saved) == 1
    assert set(refused) == {store.get("a").etag}
    assert numbers(store, "a") == [0, saved[0]]


COUNTER = """
import sys
from pathlib import Path
from tests.web_ui.store.test_workflows import open_store, value, workflow
from web_ui.store.errors import AlreadyThere, Stale
store = open_store(Path(sys.argv[1]))
made = 0
for _ in range(int(sys.argv[2])):
    while True:
        now = store.get("counter")
        try:
            store.change("counter", workflow(value(now) + 1), now.etag)
            break
        except Stale:
            pass
    try:
        store.create(f"w{_}", workflow(sys.argv[3]))
        made += 1
    except AlreadyThere:
        pass
print(made)
"""


def test_two_processes_on_one_folder_lose_no_save(store: WorkflowStore, place: Path) -> None:
    store.create("counter", workflow(0))
    command = [sys.executable, "-c", COUNTER, str(place), "25"]
    racing = [subprocess.Popen([*command, name], cwd=ROOT, stdout=subprocess.PIPE, text=True) for name in "ab"]
    made = [int(process.communicate(timeout=120)[0]) for process in racing]
    assert [process.returncode for process in racing] == [0, 0]
    assert value(store.get("counter")) == 50
    assert numbers(store, "counter") == list(range(51))
    assert sum(made) == 25
    assert len(files(place)) == 26


SAVER = """
import sys
from pathlib import Path
from tests.web_ui.store.test_workflows import open_store, value, workflow
store = open_store(Path(sys.argv[1]))
print("ready", flush=True)
while True:
    now = store.get("a")
    store.change("a", workflow(value(now) + 1, description="x" * 20_000), now.etag)
    print(value(now) + 1, flush=True)
"""


def test_a_process_that_is_killed_while_it_saves_leaves_a_whole_file_and_every_save_that_it_told(place: Path) -> None:
    store = open_store(place)
    store.create("a", workflow(0))
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", SAVER, str(place)], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if line.strip().isdigit() and int(line) % 7 == 3:
                    break
            process.send_signal(signal.SIGKILL)
            told = int(([line, *process.stdout])[-1])
        now = value(store.get("a"))
        assert now in (told, told + 1)
        assert set(numbers(store, "a")) >= set(range(now + 1))
    open_store(place)
    assert files(place) == ["a.json"]


# what breaks


@pytest.mark.parametrize("step", range(1, 3))
def test_a_fault_between_any_two_steps_of_a_save_leaves_the_old_content_or_the_new(
    store: WorkflowStore, place: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """A save moves two files into place: the revision, then the workflow."""
    etag = store.create("a", workflow(1)).etag
    real, calls = os.replace, []

    def replace(source: Any, target: Any) -> None:
        calls.append(target)
        if len(calls) == step:
            raise OSError(28, "No space left on device")
        real(source, target)

    with monkeypatch.context() as patched:
        patched.setattr("os.replace", replace)
        with pytest.raises(
            NotWritten, match=r"The workflow 'a' could not be written: No space left on device\. Make room on the disk"
        ):
            store.change("a", workflow(2), etag)
    assert len(calls) == step
    assert value(store.get("a")) == 1
    assert numbers(store, "a") == [1]
    assert files(place) == ["a.json"]
    assert value(store.change("a", workflow(3), etag)) == 3
    assert numbers(store, "a") == [1, 3]


class KilledError(BaseException):
    """Stands for the end of the process: nothing is tidied up."""


@pytest.mark.parametrize(("step", "kept"), [(1, [1]), (2, [1, 2, 1])])
def test_a_process_that_ends_between_two_steps_of_a_save_leaves_no_gap(
    store: WorkflowStore, place: Path, monkeypatch: pytest.MonkeyPatch, step: int, kept: list[int]
) -> None:
    etag, real, calls = store.create("a", workflow(1)).etag, os.replace, []

    def replace(source: Any, target: Any) -> None:
        calls.append(target)
        if len(calls) == step:
            raise KilledError
        real(source, target)

    with monkeypatch.context() as patched:
        patched.setattr("os.replace", replace)
        with pytest.raises(KilledError):
            store.change("a", workflow(2), etag)
    later = open_store(place)
    assert value(later.get("a")) == 1
    assert numbers(later, "a") == kept
    assert value(later.change("a", workflow(3), etag)) == 3
    assert numbers(later, "a") == [*kept, 3]


def test_what_a_dead_process_left_half_written_is_cleared_away_and_never_listed(place: Path) -> None:
    place.mkdir()
    (place / ".loom-0123456789abcdef.part").write_text("{")
    (place / ".hidden.json").write_text("{")
    (place / "notes.txt").write_text("x")
    assert open_store(place).page().total == 0
    assert files(place) == [".hidden.json", "notes.txt"]


def test_a_folder_that_cannot_be_written_is_read_all_the_same(
    store: WorkflowStore, place: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write(place / "a.json", canonical(workflow(1)))

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("os.replace", refuse)
    monkeypatch.setattr("pathlib.Path.mkdir", refuse)
    with caplog.at_level(logging.WARNING):
        assert listed(store) == ["a"]
    assert "is not kept as a revision: The workflow 'a' could not be written: Read-only file system." in caplog.text
    assert value(store.get("a")) == 1
    with pytest.raises(NotWritten, match="check who may write to the folder"):
        store.change("a", workflow(2), store.get("a").etag)
    assert value(store.get("a")) == 1


BROKEN = {
    "cut off": ("{", "line 1, column 2"),
    "empty": ("", "line 1, column 1"),
    "foreign": ('{"3": {"class_type": "KSampler"}}', "this is no Latent Loom workflow"),
    "a list": ("[]", "it holds an array"),
    "later": ('{"format": "latent-loom/99"}', "update latent-loom to open it"),
    "latin": (b'{"title": "\xe4"}', "it is not UTF-8"),
    "deep": ("[" * 100_000, "nested more than"),
}


def test_a_file_that_is_no_workflow_is_listed_with_its_problem_beside_the_others(store: WorkflowStore, place: Path) -> None:
    store.create("fine", workflow())
    for name, (text, _) in BROKEN.items():
        write(place / f"{name}.json", text)
    (place / "folder.json").mkdir()
    os.mkfifo(place / "pipe.json")
    page = store.page()
    found = {one.name: one.problem for one in page.workflows}
    assert page.total == len(BROKEN) + 3
    assert found.pop("fine") == ""
    assert found.pop("folder") == found.pop("pipe") == "it is no file."
    for name, (_, problem) in BROKEN.items():
        assert problem in found[name]
        with pytest.raises(Broken, match=f"The workflow '{name}' cannot be opened: "):
            store.get(name)
    assert [one.name for one in page.workflows] == sorted(one.name for one in page.workflows)


def test_a_file_whose_name_no_workflow_may_have_is_listed_with_its_problem(store: WorkflowStore, place: Path) -> None:
    write(place / "a+b.json", canonical(workflow()))
    (place / os.fsdecode(b"latin\xe4.json")).write_text(canonical(workflow()))
    (plus, latin) = store.page().workflows
    assert (plus.name, plus.nodes) == ("a+b", 0)
    assert "holds '+', which is no part of a name" in plus.problem
    assert latin.name == "latin\\udce4"
    store.page().model_dump_json().encode()


def test_a_broken_file_is_replaced_under_its_etag_and_what_it_held_goes_to_the_trash(store: WorkflowStore, place: Path) -> None:
    write(place / "a.json", "{ half")
    write(place / "b.json", "")
    broken = store.page().workflows
    with pytest.raises(Stale):
        store.change("a", workflow(1), "0" * 16)
    store.change("a", workflow(1), broken[0].etag)
    store.delete("b", broken[1].etag)
    assert value(store.get("a")) == 1
    assert files(place) == ["a.json"]
    assert trash(place) == ["", "{ half"]


def test_a_file_that_git_holds_in_another_unicode_form_is_found_and_stays_one_file(store: WorkflowStore, place: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "Käse")
    write(place / f"{decomposed}.json", canonical(workflow(1)))
    assert listed(store) == ["Käse"]
    store.change("Käse", workflow(2), store.get(decomposed).etag)
    assert files(place) == [f"{decomposed}.json"]
    write(place / "Käse.json", canonical(workflow(3)))
    assert listed(store) == ["Käse"]
    assert value(store.get("Käse")) == 3


def test_what_a_save_replaces_is_on_the_disk_itself_before(
    store: WorkflowStore, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(place / "a.json", canonical(workflow("by hand")))
    etag = store.get("a").etag
    noticed = next((place.parent / "revisions" / "a").iterdir()).stat().st_ino
    done: list[Any] = []
    real_sync, real_replace = os.fsync, os.replace
    monkeypatch.setattr("os.fsync", lambda number: done.append(os.fstat(number).st_ino) or real_sync(number))
    monkeypatch.setattr("os.replace", lambda source, target: done.append(Path(target).name) or real_replace(source, target))
    store.change("a", workflow("saved"), etag)
    assert noticed in done[: done.index("a.json")]


# lists


def test_the_list_is_searched_by_name_title_and_description_and_divided_into_pages(store: WorkflowStore) -> None:
    store.create("portrait", workflow(title="Ein Gesicht", description="with soft LIGHT"))
    store.create("Landscape", workflow(title="Hügel"))
    store.create("zebra 2", workflow(description="light and shade"))
    assert listed(store) == ["Landscape", "portrait", "zebra 2"]
    assert listed(store, "light") == ["portrait", "zebra 2"]
    assert listed(store, "GESICHT soft") == ["portrait"]
    assert listed(store, "hu\u0308gel") == ["Landscape"]
    assert listed(store, "nothing") == []
    page = store.page("", 1, 1)
    assert ([one.name for one in page.workflows], page.total) == (["portrait"], 3)
    assert store.page("", 5, 10).workflows == []
    one = page.workflows[0]
    assert (one.title, one.description, one.nodes, one.etag) == ("Ein Gesicht", "with soft LIGHT", 1, store.get("portrait").etag)
    assert one.size_bytes == len(canonical(workflow(title="Ein Gesicht", description="with soft LIGHT")).encode())


def test_the_shipped_examples_are_read_without_anything_being_written() -> None:
    folder = ROOT / "workflows"
    before = files(folder)
    examples = WorkflowFolder(folder)
    assert {"text_to_image", "image_to_image"} <= {one.name for one in examples.page().workflows if not one.problem}
    assert examples.get("text_to_image").workflow["title"]
    assert files(folder) == before


def test_a_folder_that_vanishes_holds_nothing(store: WorkflowStore, place: Path) -> None:
    place.rmdir()
    assert store.page().total == 0
    with pytest.raises(NotThere):
        store.get("a")
    with pytest.raises(NotWritten):
        store.create("a", workflow())
