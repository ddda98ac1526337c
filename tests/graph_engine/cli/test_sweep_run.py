"""``loom run`` with several values for an input: shared work, failures, what is missing, pictures, and the trace."""

from __future__ import annotations

import gc
import json
import shlex
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from graph_engine.cli import sweep_run
from graph_engine.cli.flight import WINDOW
from graph_engine.execute import Run

if TYPE_CHECKING:
    from tests.graph_engine.cli.conftest import Loom, Place

PICKY = {
    "inputs": {"seed": {"to": ["number.seed"]}, "prompt": {"to": ["words.text"]}},
    "outputs": {"n": {"from": "picky.value"}},
    "nodes": {
        "number": {"type": "trial.number", "values": {"value": 0}},
        "picky": {"type": "trial.picky", "links": {"value": "number.value"}},
        "words": {"type": "trial.words", "values": {"text": "a"}},
        "save": {"type": "trial.save", "links": {"text": "words.value"}},
    },
}
PICTURES = '''
from graph_engine import node
from nodes.types import Image

@node("shown.grey", version=1, category="pictures")
def grey(value: int) -> Image:
    """Give a grey picture, larger for larger numbers; none for 2."""
    import torch
    if value == 2:
        raise ValueError("two is no picture")
    return Image(pixels=torch.full((1, 40 + value, 60, 3), value / 10))
'''
GREY = {
    "inputs": {"seed": {"to": ["number.seed"]}, "value": {"to": ["number.value"]}},
    "outputs": {"count": {"from": "number.value"}, "picture": {"from": "grey.image"}},
    "nodes": {
        "number": {"type": "trial.number", "values": {"value": 0}},
        "grey": {"type": "shown.grey", "links": {"value": "number.value"}},
    },
}


def started(events: list[dict[str, object]], node: str) -> list[object]:
    return [event["item"] for event in events if event["event"] == "node_started" and event["node"] == node]


def test_a_grid_runs_every_combination_and_computes_once_what_they_share(loom: Loom, place: Place) -> None:
    said = loom("run", "w.json", "--seed", "1..3", "--negative-kind", "plain,loud", "--json")
    assert (said.code, said.err) == (0, "")
    assert len(started(said.events, "words")) == 2
    assert len(started(said.events, "number")) == 3
    found = {(event["item"], event["name"]): event["value"] for event in said.events if event["event"] == "output"}
    assert [found[item, "count"] for item in range(1, 7)] == [4, 4, 5, 5, 6, 6]
    assert [found[item, "said"] for item in range(1, 7)] == ["a red circle", "A RED CIRCLE"] * 3
    assert len(place.files()) == 6
    assert {key: said.events[-1][key] for key in ("event", "status", "items", "done", "failed", "resume")} == {
        "event": "sweep_finished", "status": "succeeded", "items": 6, "done": 6, "failed": [], "resume": [],
    }  # fmt: skip


def test_the_axes_stand_as_they_were_typed(loom: Loom) -> None:
    one = loom("run", "w.json", "--seed", "1,2", "--negative-kind", "plain,loud", "--json").events
    other = loom("run", "w.json", "--negative-kind", "plain,loud", "--set", "number.value=1,2", "--json").events
    assert one[0]["inputs"] == ["seed", "negative_kind"]
    assert other[0]["inputs"] == ["negative_kind", "number.value"]


def test_a_pipe_gets_a_line_for_each_file_and_value_of_an_item(loom: Loom) -> None:
    said = loom("run", "w.json", "--prompt", "a, b", "--prompt", "c")
    assert said.code == 0
    assert set(said.out.splitlines()) >= {"1  prompt=a, b → said: a, b", "2  prompt=c → said: c", "2  prompt=c → count: 3"}
    assert sum("→ output/note_000" in line for line in said.out.splitlines()) == 2


def test_a_failing_item_stops_no_other_and_the_command_for_what_is_missing_runs_that_alone(loom: Loom, place: Place) -> None:
    place.write("p.json", PICKY)
    said = loom("run", "p.json", "--seed", "1..7", "--prompt", "it's", "--output", "there")
    assert said.code == 4
    assert sorted(line for line in said.out.splitlines() if "n: " in line) == [f"{n}  seed={n} → n: {n}" for n in (1, 2, 4, 5, 7)]
    assert "2 of 7 items failed:" in said.err
    assert "  3  seed=3: picky (trial.picky) failed: value: 3 can be divided by three." in said.err.splitlines()
    (command,) = (line for line in said.err.splitlines() if line.startswith("  loom run"))
    program, *words = shlex.split(command)
    assert (program, words[:2]) == ("loom", ["run", "p.json"])
    assert words[-2:] == ["--seed", "3,6"]
    again = loom(*words, "--json", packs=False)
    assert [event["item"] for event in again.events if event["event"] == "item_started"] == [1, 2]
    assert again.code == 4


def test_the_same_command_again_computes_only_what_failed(loom: Loom, place: Place) -> None:
    place.write("p.json", PICKY)
    loom("run", "p.json", "--seed", "1..4")
    again = loom("run", "p.json", "--seed", "1..4", "--json")
    assert {event["node"] for event in again.events if event["event"] == "node_started"} == {"picky"}
    assert started(again.events, "picky") == [3]


def test_a_value_that_is_refused_before_it_runs_fails_its_item_alone(loom: Loom) -> None:
    said = loom("run", "w.json", "--set", "number.value=7,200,3", "--json")
    assert said.code == 4
    assert said.events[-1]["failed"] == [2]
    assert [event["code"] for event in said.events if event["event"] == "error"] == ["bad_range"]
    first = loom("run", "w.json", "--set", "number.value=200,3", "--json")
    assert (first.code, first.events[-1]["done"]) == (4, 1)


def test_what_is_wrong_with_every_item_is_told_once_and_nothing_runs(loom: Loom, place: Place) -> None:
    place.write("bad.json", {**PICKY, "nodes": {**PICKY["nodes"], "save": {"type": "trial.save"}}})
    said = loom("run", "bad.json", "--seed", "1..9")
    assert (said.code, said.out) == (3, "")
    assert said.err == "save.text: nothing is given here. Give it a value (text).\n"


def test_bad_lines_of_a_file_are_listed_and_the_rest_runs(loom: Loom, place: Place) -> None:
    (place.folder / "seeds.txt").write_text("1\n# two\n\nthree\n4\n")
    said = loom("run", "w.json", "--seed", "@seeds.txt")
    assert said.code == 4
    assert "left out: seeds.txt, line 4: 'three' is no int. Write a whole number.\n" in said.err
    assert {line for line in said.out.splitlines() if "count" in line} == {"1  seed=1 → count: 4", "2  seed=4 → count: 7"}
    lines = loom("run", "w.json", "--seed", "@seeds.txt", "--json").events
    assert [event["event"] for event in lines][:2] == ["bad_line", "sweep_started"]
    assert lines[-1]["bad_lines"] == 1


@pytest.mark.parametrize("command", ["check", "plan", "explain"])
def test_only_a_run_takes_several_values(loom: Loom, command: str) -> None:
    said = loom(command, "w.json", *(["save"] if command == "explain" else []), "--seed", "1..3")
    assert said.code == 2
    assert "'seed' has several values, which are for loom run" in said.err


def test_a_thousand_items_keep_no_run_but_those_under_way(loom: Loom, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.write("n.json", {"outputs": {"n": {"from": "n.value"}}, "nodes": {"n": {"type": "trial.number"}}})
    alive: list[int] = []
    ended = sweep_run.Sweep.ended

    def counting(self: sweep_run.Sweep, item: object, result: object) -> None:
        ended(self, item, result)  # type: ignore[arg-type]
        if self.done.count(1) % 250 == 0:
            gc.collect()
            alive.append(sum(type(one) is Run for one in gc.get_objects()))

    monkeypatch.setattr(sweep_run.Sweep, "ended", counting)
    said = loom("run", "n.json", "--set", "n.seed=1..1000")
    assert said.code == 0
    assert len(said.out.splitlines()) == 1000
    assert len(alive) == 4
    assert max(alive) <= WINDOW + 2


def test_ctrl_c_says_what_is_done_and_the_command_it_prints_runs_the_rest(place: Place) -> None:
    slow = {"type": "trial.slow", "links": {"value": "number.value"}, "values": {"steps": 20}}
    nodes = {"number": {"type": "trial.number"}, "slow": slow}
    place.write(
        "slow.json", {"inputs": {"seed": {"to": ["number.seed"]}}, "outputs": {"n": {"from": "slow.value"}}, "nodes": nodes}
    )
    with place.process("run", "slow.json", "--packs", "packs", "--seed", "1..40", "--json") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line)["event"] == "run_finished":
                process.send_signal(signal.SIGINT)
                break
        out, err = process.communicate(timeout=60)
    end = json.loads(out.splitlines()[-1])
    assert process.returncode == 130
    assert "Traceback" not in err
    assert (end["status"], end["items"]) == ("cancelled", 40)
    assert 1 <= end["done"] < 40
    (command,) = end["resume"]
    assert command.startswith("loom run slow.json --packs packs --json --seed ")
    first, _, last = shlex.split(command)[-1].rpartition("..")
    assert last == "40"
    assert int(first.split(",")[-1]) >= end["done"]


def test_a_sheet_shows_the_picture_of_each_item_in_its_place(loom: Loom, place: Place) -> None:
    (place.folder / "packs" / "shown.py").write_text(PICTURES)
    place.write("g.json", GREY)
    said = loom("run", "g.json", "--seed", "1,2", "--value", "4,0,3", "--sheet", "s.png")
    assert said.code == 4  # 2 + 0 is no picture
    assert "sheet → s.png" in said.out
    from PIL import Image

    with Image.open("s.png") as sheet:
        width, height = sheet.size
        grid = [[sheet.getpixel((width * (2 * x + 1) // 6, height * (2 * y + 1) // 4 - 8)) for x in range(3)] for y in range(2)]
    shades = [[round(pixel[0] / 25.5) if isinstance(pixel, tuple) else None for pixel in row] for row in grid]
    assert shades == [[5, 1, 4], [6, 10, 5]]  # 10 is the paper


def test_a_sheet_needs_a_sweep_a_picture_and_the_node_that_draws_it(
    loom: Loom, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "--sheet shows a sweep" in loom("run", "w.json", "--sheet", "s.png").err
    said = loom("run", "w.json", "--seed", "1,2", "--sheet", "s.png")
    assert (said.code, said.out) == (3, "")
    assert "no declared output of this run is one. Declare an output of type Image." in said.err
    assert loom("run", "w.json", "--seed", "1,2", "--sheet", "no/such/s.png").code == 4
    (place.folder / "packs" / "shown.py").write_text(PICTURES)
    place.write("g.json", GREY)
    monkeypatch.setattr("graph_engine.cli.sheet.DRAW", "loom.no_such_node")
    said = loom("run", "g.json", "--seed", "1,3", "--sheet", "s.png")
    assert (said.code, "no node type loom.no_such_node is installed" in said.err) == (3, True)


def test_a_trace_names_items_nodes_and_lanes(loom: Loom) -> None:
    assert loom("run", "w.json", "--seed", "1,2", "--trace", "t.json").code == 0
    events = json.loads(Path("t.json").read_text())["traceEvents"]
    names = {event["name"] for event in events if event["ph"] == "X"}
    assert {"#1 number", "#2 number"} <= names
    assert {event["args"]["name"] for event in events if event["name"] == "process_name"} == {"cpu", "disk"}
    assert loom("run", "w.json", "--no-cache", "--trace", "t.json").code == 0
    events = json.loads(Path("t.json").read_text())["traceEvents"]
    assert {event["name"] for event in events if event["ph"] == "X"} == {"words", "number", "save", "save (writing)"}


def test_a_trace_that_cannot_be_written_is_refused_before_anything_runs(loom: Loom, place: Place) -> None:
    said = loom("run", "w.json", "--trace", "no/such/t.json")
    assert (said.code, place.files()) == (4, [])
    assert "Name another file with --trace." in said.err
