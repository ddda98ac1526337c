"""Results that outlive the command: where they are kept, ``loom cache``, ``loom explain``, and what a plan costs."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from graph_engine.cli import outcome
from graph_engine.cli.keeping import cache_folder

if TYPE_CHECKING:
    from tests.graph_engine.cli.conftest import Loom, Place

PICTURES = '''
from graph_engine import File, node
from nodes.types import Image

@node("shown.grey", version=1, category="pictures")
def grey(value: int) -> Image:
    """Give a grey picture."""
    import torch
    return Image(pixels=torch.full((1, 40, 60, 3), value / 10))

@node("shown.write", version=1, category="pictures", sink=True)
def write(picture: Image) -> File:
    """Write how bright it is."""
    return File(data=str(float(picture.pixels.mean())).encode(), stem="mean", suffix=".txt", media_type="text/plain")
'''
GREY = {
    "outputs": {"picture": {"from": "grey.image"}},
    "nodes": {
        "number": {"type": "trial.number"},
        "grey": {"type": "shown.grey", "links": {"value": "number.value"}},
        "write": {"type": "shown.write", "links": {"picture": "grey.image"}},
    },
}
CHAIN = {
    "inputs": {"seed": {"to": ["number.seed"]}, "scale": {"to": ["words.scale"]}, "prompt": {"to": ["words.text"]}},
    "nodes": {
        "number": {"type": "trial.number"},
        "words": {"type": "trial.words", "values": {"text": "a"}},
        "paint": {"type": "trial.paint", "links": {"text": "words.value", "number": "number.value"}},
    },
}


def process(place: Place, *arguments: str) -> tuple[int, str, str]:
    with place.process(*arguments, "--packs", "packs") as running:
        out, err = running.communicate(timeout=60)
    return running.returncode, out, err


def test_a_second_process_computes_nothing_and_writes_its_files_again(place: Place) -> None:
    first = process(place, "run", "w.json", "--json")
    again = process(place, "run", "w.json", "--json")
    assert [json.loads(out.splitlines()[-1])["ran"] for _code, out, _err in (first, again)] == [3, 0]
    assert place.files() == ["note_0001.txt", "note_0002.txt"]


def test_a_picture_that_is_served_and_only_handed_on_is_not_read(place: Place) -> None:
    (place.folder / "packs" / "shown.py").write_text(PICTURES)
    place.write("g.json", GREY)
    program = "import sys; from graph_engine.cli import outcome; code = outcome(['run', 'g.json', '--packs', 'packs']); "
    program += "print(code, 'torch' in sys.modules)"
    command = [sys.executable, "-c", program]
    said = [subprocess.check_output(command, cwd=place.folder, env=place.environment, text=True) for _ in range(2)]
    assert [out.splitlines()[-1] for out in said] == ["0 True", "0 False"]
    assert place.files() == ["mean_0001.txt", "mean_0002.txt"]


def test_no_cache_uses_and_keeps_nothing(loom: Loom, place: Place) -> None:
    for _ in range(2):
        assert loom("run", "w.json", "--no-cache", "--json").events[-1]["ran"] == 3
    assert not (place.folder / "cache").exists()
    both = loom("run", "w.json", "--no-cache", "--cache", "x")
    assert (both.code, "contradict each other" in both.err) == (2, True)


def test_the_option_goes_before_the_variable_and_that_before_the_users_own_folder(
    loom: Loom, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert loom("run", "w.json", "--cache", "here").code == 0
    assert (place.folder / "here" / "index.sqlite").is_file()
    assert not (place.folder / "cache").exists()
    assert cache_folder(None) == place.folder / "cache"
    monkeypatch.setenv("LOOM_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(place.folder / "xdg"))
    found = cache_folder(None)
    assert found is not None
    assert found.name == "latent-loom"


def test_a_cache_folder_that_cannot_be_used_is_one_warning_and_the_run_goes_on(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place.folder / "file").touch()
    monkeypatch.setenv("LOOM_CACHE", str(place.folder / "file" / "cache"))
    code, out, err = process(place, "run", "w.json")
    assert (code, len(out.splitlines())) == (0, 3)
    assert err.startswith("warning: The cache in ")
    assert len(err.splitlines()) == 1
    assert "Not a directory" in err


def test_ls_sums_up_by_node_type(loom: Loom) -> None:
    loom("run", "w.json", "--prompt", "a", "--prompt", "b")
    said = loom("cache", "ls", packs=False)
    rows = {line.split()[0]: line.split() for line in said.out.splitlines()}
    assert (said.code, rows["trial.words"][1], rows["trial.number"][1]) == (0, "2", "1")
    assert rows["trial.words"][-2:] == ["just", "now"]
    total = said.out.splitlines()[-1]
    assert total.startswith("5 values, ")
    assert " of 10.7 GB, " in total
    lines = loom("cache", "ls", "--json", packs=False).events
    assert {line["type"]: line["entries"] for line in lines[:-1]} == {"trial.words": 2, "trial.number": 1, "trial.save": 2}
    assert (lines[-1]["entries"], lines[-1]["size_bytes"]) == (5, sum(line["size_bytes"] for line in lines[:-1]))


@pytest.mark.parametrize("command", ["ls", "explain", "gc", "clear"])
def test_a_cache_that_is_not_there_is_told_and_not_made(loom: Loom, place: Place, command: str) -> None:
    said = loom("cache", command, packs=False)
    assert (said.code, said.out) == (0, f"nothing is kept in {place.folder / 'cache'}\n")
    assert loom("cache", command, "--json", packs=False).events[0]["entries"] == 0
    assert not (place.folder / "cache").exists()


def test_explain_without_a_file_says_what_would_go_first(loom: Loom) -> None:
    loom("run", "w.json")
    said = loom("cache", "explain", packs=False)
    assert said.code == 0
    assert "3 of them were made or used in the last day" in said.out
    facts = loom("cache", "explain", "--json", packs=False).events[0]
    assert (facts["entries"], len(facts["first_to_go"]), facts["cap_bytes"]) == (3, 3, 10 * 2**30)


def test_gc_removes_what_nothing_refers_to_and_says_what(loom: Loom, place: Place) -> None:
    loom("run", "w.json")
    stray = place.folder / "cache" / "values" / "ab" / "abc.safetensors"
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"x" * 2000)
    said = loom("cache", "gc", packs=False)
    assert said.out.splitlines()[0] == "removed: 1 file that nothing refers to (2.0 kB), 0 values over the cap (0 B)"
    assert not stray.exists()
    assert loom("run", "w.json", "--json").events[-1]["ran"] == 0


def test_clear_asks_first(loom: Loom, place: Place) -> None:
    loom("run", "w.json")
    with place.process("cache", "clear", stdin=subprocess.PIPE) as asking:
        _out, err = asking.communicate("n\n", timeout=60)
    assert asking.returncode == 130
    assert err.startswith("Forget 3 values (")
    assert loom("cache", "ls", "--json", packs=False).events[-1]["entries"] == 3
    assert loom("cache", "clear", "--yes", packs=False).out.startswith("removed: 3 values, ")
    assert loom("cache", "ls", "--json", packs=False).events[-1]["entries"] == 0
    assert loom("run", "w.json", "--json").events[-1]["ran"] == 3


def test_another_process_says_which_value_changed(place: Place) -> None:
    process(place, "run", "w.json", "--set", "words.scale=7.0")
    _code, out, _err = process(place, "run", "w.json", "--set", "words.scale=7.5", "--json")
    events = [json.loads(line) for line in out.splitlines()]
    assert {event["node"]: event["reason"] for event in events if event["event"] == "node_started"} == {
        "words": "scale 7.0 -> 7.5"
    }
    assert "scale 7.5 -> 1.0" in process(place, "plan", "w.json")[1]


def test_explain_follows_a_change_to_every_root(loom: Loom, place: Place) -> None:
    place.write("c.json", CHAIN)
    loom("run", "c.json", "--seed", "1")
    said = loom("explain", "c.json", "paint", "--seed", "2", "--prompt", "b")
    assert [" ".join(line.split()) for line in said.out.splitlines()] == [
        "paint (trial.paint) would run: its input changes (about 0.00 s)",
        "number -> paint.number root cause: seed 1 -> 2",
        "words -> paint.text root cause: text 'a' -> 'b'",
    ]
    chain = loom("explain", "c.json", "paint", "--seed", "2", "--json").events
    assert [(one["node"], one["feeds"], one["root"], one["reason"]) for one in chain] == [
        ("paint", "", False, "its input changes"),
        ("number", "paint.number", True, "seed 1 -> 2"),
    ]
    assert loom("cache", "explain", "c.json", "paint", "--seed", "2", "--json").events == chain


def test_explain_follows_a_change_through_what_is_served(loom: Loom, place: Place) -> None:
    place.write("c.json", CHAIN)
    loom("run", "c.json", "--prompt", "b", "--target", "words")
    loom("run", "c.json", "--prompt", "a")
    chain = loom("explain", "c.json", "paint", "--prompt", "b", "--json").events
    assert [(one["node"], one["status"], one["reason"]) for one in chain] == [
        ("paint", "runs", "its input text changed"),
        ("words", "cached", "text 'a' -> 'b'"),
    ]


def test_explain_says_that_a_node_is_served_and_refuses_one_that_is_not_there(loom: Loom) -> None:
    loom("run", "w.json")
    assert loom("explain", "w.json", "said").out.startswith(
        "words (trial.words) is served: nothing that it depends on changed (it took "
    )
    said = loom("explain", "w.json", "wrods")
    assert (said.code, "Did you mean 'words'?" in said.err) == (3, True)
    assert loom("explain", "w.json").code == 2
    assert loom("cache", "explain", "w.json").code == 2


def test_of_a_long_text_the_part_that_changed_is_shown(loom: Loom) -> None:
    loom("run", "w.json", "--prompt", "a very long text about many things, at the end of which stands a cat")
    said = loom("plan", "w.json", "--prompt", "a very long text about many things, at the end of which stands a dog")
    assert "stands a cat' -> …" in said.out
    assert "stands a dog'" in said.out


def test_a_plan_knows_what_a_run_will_cost_from_the_runs_before(loom: Loom) -> None:
    loom("run", "w.json")
    said = loom("plan", "w.json", "--prompt", "other")
    words = next(line for line in said.out.splitlines() if line.startswith("words"))
    assert words.split()[:4] == ["words", "runs", "0.00", "s"]
    assert said.out.splitlines()[-1].startswith("2 run, 1 cached; about 0.00 s and ")
    *nodes, total = loom("plan", "w.json", "--prompt", "other", "--json").events
    measured = [one["seconds"] for one in nodes if one["status"] == "runs"]
    assert (total["seconds"], total["unknown"]) == (pytest.approx(sum(measured)), 0)
    assert loom("plan", "w.json", "--no-cache").out.splitlines()[-1].startswith("3 run; how long is not known")


def test_a_fault_of_the_engine_ends_the_command_with_a_sentence(
    place: Place, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from graph_engine.schedule import Finished, Scheduler

    on_event = Scheduler.on_event

    def broken(self: Scheduler, event: object) -> object:
        if isinstance(event, Finished):
            raise KeyError("oops")
        return on_event(self, event)  # type: ignore[arg-type]

    monkeypatch.setattr(Scheduler, "on_event", broken)
    for more in ([], ["--seed", "1..4"]):
        assert outcome(["run", "w.json", "--packs", "packs", *more]) == 1
        assert "unexpected fault: KeyError: 'oops'" in capfd.readouterr().err
