"""``loom run``: what a pipe gets, the JSON lines, pictures as workflows, and failures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.graph_engine.cli.conftest import Loom, Place

PAINTING = {
    "inputs": {"prompt": {"to": ["words.text"]}, "seed": {"to": ["number.seed"]}},
    "outputs": {"said": {"from": "words.value"}, "count": {"from": "number.value"}},
    "nodes": {
        "words": {"type": "trial.words", "values": {"text": "a"}},
        "number": {"type": "trial.number"},
        "paint": {"type": "trial.paint", "links": {"text": "words.value", "number": "number.value"}},
    },
}


def test_a_pipe_gets_paths_and_plain_values_and_nothing_else(loom: Loom) -> None:
    said = loom("run", "w.json")
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines()[0] == str(Path("output", "note_0001.txt"))
    assert sorted(said.out.splitlines()[1:]) == ["3", "a red circle"]


def test_files_go_where_output_says_and_none_is_replaced(loom: Loom) -> None:
    assert loom("run", "w.json", "--output", "a/b").code == 0
    assert loom("run", "w.json", "--output", "a/b").code == 0
    assert sorted(path.name for path in Path("a/b").iterdir()) == ["note_0001.txt", "note_0002.txt"]


def test_json_is_one_event_a_line_in_order_and_ends_with_the_end(loom: Loom, place: Place) -> None:
    place.write(
        "s.json",
        {
            "outputs": {"n": {"from": "slow.value"}},
            "nodes": {
                "number": {"type": "trial.number"},
                "slow": {"type": "trial.slow", "links": {"value": "number.value"}, "values": {"steps": 2, "pause": 0.0}},
            },
        },
    )
    said = loom("run", "s.json", "--json")
    kinds = [event["event"] for event in said.events]
    assert kinds == [
        "run_started",
        "node_started",
        "node_finished",
        "node_started",
        "node_progress",
        "node_progress",
        "node_finished",
        "output",
        "run_finished",
    ]
    numbers = [event["sequence"] for event in said.events if "sequence" in event]
    assert numbers == sorted(numbers)
    assert (said.events[-1]["status"], said.err) == ("succeeded", "")


def test_json_tells_problems_as_lines(loom: Loom, place: Place) -> None:
    place.write("bad.json", {"nodes": {"save": {"type": "trial.save"}}})
    said = loom("run", "bad.json", "--json")
    assert said.code == 3
    assert [(event["event"], event["code"], event["node"]) for event in said.events] == [("problem", "missing_input", "save")]


def test_json_tells_a_file_that_is_no_workflow_as_a_line(loom: Loom, place: Place) -> None:
    place.write("bad.json", "[]")
    said = loom("run", "bad.json", "--json")
    assert said.code == 3
    assert [(event["event"], event["error"]) for event in said.events] == [("error", "FormatError")]


def test_a_picture_runs_what_made_it_with_its_inputs(loom: Loom, place: Place) -> None:
    place.write("p.json", PAINTING)
    assert loom("run", "p.json", "--prompt", "sun", "--seed", "4").code == 0
    said = loom("run", "output/point_0001.png")
    assert sorted(said.out.split()) == sorted([str(Path("output", "point_0002.png")), "sun", "7"])
    assert Path("output/point_0001.png").read_bytes() == Path("output/point_0002.png").read_bytes()


def test_options_override_what_a_picture_was_made_with(loom: Loom, place: Place) -> None:
    place.write("p.json", PAINTING)
    loom("run", "p.json", "--prompt", "sun", "--seed", "4")
    assert loom("run", "output/point_0001.png", "--seed", "5", "--target", "count").out == "8\n"
    assert loom("run", "output/point_0001.png", "--seed", "5", "--target", "said").out == "sun\n"
    assert loom("run", "output/point_0001.png", "--set", "words.text=moon", "--target", "said").out == "moon\n"
    assert "default: 'sun'" in loom("run", "output/point_0001.png", "--help").out
    assert loom("check", "output/point_0001.png").code == 0
    assert "words" in loom("plan", "output/point_0001.png").out


def test_a_set_value_is_in_the_workflow_that_the_picture_carries(loom: Loom, place: Place) -> None:
    place.write("p.json", PAINTING)
    loom("run", "p.json", "--set", "words.text=moon")
    assert loom("run", "output/point_0001.png", "--target", "said").out == "moon\n"


def test_a_picture_made_elsewhere_or_cut_off_is_refused(loom: Loom, place: Place) -> None:
    place.write("p.json", PAINTING)
    loom("run", "p.json")
    whole = Path("output/point_0001.png").read_bytes()
    Path("cut.png").write_bytes(whole[:-20])
    Path("foreign.png").write_bytes(whole[:33] + whole[-12:])
    for name, cause in (("cut.png", "is damaged: it is cut off"), ("foreign.png", "carries no workflow")):
        said = loom("run", name)
        assert said.code == 3
        assert f"{name} {cause}" in said.err


def test_a_node_that_fails_is_located_and_stops_only_what_depends_on_it(loom: Loom, place: Place) -> None:
    place.write(
        "f.json",
        {
            "nodes": {
                "number": {"type": "trial.number"},
                "bad": {"type": "trial.fail", "links": {"value": "number.value"}},
                "words": {"type": "trial.words", "values": {"text": "fine"}},
                "good": {"type": "trial.save", "links": {"text": "words.value"}},
            },
            "outputs": {"o": {"from": "bad.value"}},
        },
    )
    with_bad = loom("run", "f.json")
    assert (with_bad.code, with_bad.out.split()) == (4, [str(Path("output", "note_0001.txt"))])
    assert "Traceback" not in with_bad.err
    assert with_bad.err.startswith("bad (trial.fail) failed: ValueError: it broke")
    as_json = loom("run", "f.json", "--json")
    assert [event["node"] for event in as_json.events if event["event"] == "error"] == ["bad"]
    assert as_json.code == 4


def test_a_value_that_a_node_refuses_is_told_with_what_to_do(loom: Loom, place: Place) -> None:
    place.write(
        "f.json",
        {
            "nodes": {
                "n": {"type": "trial.number", "values": {"value": 4}},
                "bad": {"type": "trial.fail", "links": {"value": "n.value"}},
            },
            "outputs": {"o": {"from": "bad.value"}},
        },
    )
    said = loom("run", "f.json")
    assert said.code == 4
    assert "value: 4 brings bad luck." in said.err
    assert "Take another number." in said.err


def test_what_depends_on_a_failed_node_is_named(loom: Loom, place: Place) -> None:
    place.write(
        "f.json",
        {
            "nodes": {
                "n": {"type": "trial.number"},
                "bad": {"type": "trial.fail", "links": {"value": "n.value"}},
                "after": {"type": "trial.slow", "links": {"value": "bad.value"}},
            },
            "outputs": {"o": {"from": "after.value"}},
        },
    )
    assert "not run, because of that: after" in loom("run", "f.json").err


def test_an_output_folder_that_is_a_file_is_refused_before_anything_runs(loom: Loom) -> None:
    said = loom("run", "w.json", "--output", "w.json")
    assert said.code == 4
    assert "w.json is no folder. Choose another folder with --output." in said.err
    assert said.out == ""


def test_only_the_targets_run(loom: Loom, place: Place) -> None:
    assert loom("run", "w.json", "--target", "number", "--json").events[0]["nodes"] == 3
    assert place.files() == []
    said = loom("run", "w.json", "--target", "nubmer")
    assert (said.code, "Did you mean 'number'?" in said.err) == (3, True)


def test_a_problem_that_nothing_needs_is_a_warning_and_the_run_goes_on(loom: Loom, place: Place) -> None:
    place.write(
        "i.json",
        {"outputs": {"n": {"from": "n.value"}}, "nodes": {"n": {"type": "trial.number"}, "idle": {"type": "trial.gone"}}},
    )
    said = loom("run", "i.json")
    assert (said.code, said.out) == (0, "3\n")
    assert said.err.startswith("warning: idle: no node type is called 'trial.gone'.")


@pytest.mark.parametrize("name", ["no.json", "packs"])
def test_a_file_that_is_not_there_or_a_folder_is_wrong_usage(loom: Loom, name: str) -> None:
    said = loom("run", name)
    assert (said.code, said.out) == (2, "")
    assert name in said.err


def test_control_characters_of_a_file_do_not_reach_the_terminal(loom: Loom, place: Place) -> None:
    place.write("e.json", '{"format": "latent-loom/1", "nodes": {"x\\u001b[31m": {"type": "trial.number"}}}')
    said = loom("check", "e.json")
    assert said.code == 3
    assert "\x1b" not in said.err
