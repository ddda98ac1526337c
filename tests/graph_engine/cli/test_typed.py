"""What is typed for a file: its declared inputs as options, --input, --set, and files that the user names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.graph_engine.cli.conftest import Loom, Place


def test_declared_inputs_become_options_with_types_choices_defaults_and_help(loom: Loom) -> None:
    said = loom("run", "w.json", "--help")
    assert said.code == 0
    shown = " ".join(said.out.split())
    assert "--prompt TEXT What to say. [default: 'a red circle']" in shown
    assert "--negative-kind TEXT [choices: plain, loud; default: 'plain']" in shown
    assert "--seed INT [a whole number from 0; default: 0]" in shown
    assert "--twice / --no-twice [default: no]" in shown
    assert "--negative_kind" not in shown


def test_help_shows_a_range(loom: Loom, place: Place) -> None:
    place.write("v.json", {"inputs": {"v": {"to": ["n.value"]}}, "nodes": {"n": {"type": "trial.number"}}})
    assert "--v INT The number itself. [range: [0, 100]; default: 3]" in " ".join(loom("run", "v.json", "--help").out.split())


def test_options_reach_the_inputs_and_underscores_are_accepted(loom: Loom) -> None:
    said = loom("run", "w.json", "--prompt", "hi", "--negative_kind", "loud", "--twice", "--seed=4")
    assert (said.code, sorted(said.out.splitlines()[1:])) == (0, ["7", "HIHI"])


def test_options_may_stand_before_the_file(loom: Loom) -> None:
    said = loom("run", "--prompt", "hi", "w.json", "--target", "said")
    assert (said.code, said.out) == (0, "hi\n")


def test_a_flag_right_before_the_file_does_not_swallow_it(loom: Loom) -> None:
    said = loom("run", "--twice", "w.json", "--target", "said")
    assert (said.code, said.out) == (0, "a red circlea red circle\n")


def test_an_input_that_collides_with_a_built_in_option_is_reached_by_name(loom: Loom) -> None:
    said = loom("run", "w.json", "--output", "there", "--input", "output=9", "--target", "count")
    assert (said.code, said.out) == (0, "9\n")


@pytest.mark.parametrize("value", ["abc", "1.5", "-1", "nan"])
def test_a_value_of_the_wrong_type_or_range_is_a_problem_with_its_place(loom: Loom, value: str) -> None:
    said = loom("run", "w.json", "--seed", value)
    assert said.code == 3
    assert said.err.startswith("workflow input 'seed': ")
    assert said.out == ""


def test_not_a_number_is_refused_for_a_float(loom: Loom) -> None:
    said = loom("run", "w.json", "--set", "words.scale=nan")
    assert (said.code, said.err) == (3, "words.scale: 'nan' is no float. Write a number.\n")


def test_every_typing_mistake_is_told_at_once(loom: Loom) -> None:
    said = loom("check", "w.json", "--seed", "abc", "--negative-kind", "lod", "--set", "word.text=x", "--set", "words.tex=x")
    assert said.code == 3
    assert said.err.splitlines() == [
        "workflow input 'negative_kind': 'lod' is no choice. Did you mean 'loud'? Choices: plain, loud.",
        "workflow input 'seed': 'abc' is no int. Write a whole number.",
        "word.text: there is no node 'word'. Did you mean 'words'?",
        "words.tex: it has no input 'tex'. Did you mean 'text'?",
        "w.json: 4 problems",
    ]


def test_an_unknown_option_is_wrong_usage_with_a_suggestion(loom: Loom) -> None:
    said = loom("run", "w.json", "--promt", "x")
    assert said.code == 2
    assert "--prompt" in said.err


def test_an_unknown_input_name_is_a_problem(loom: Loom) -> None:
    said = loom("run", "w.json", "--input", "promt=x")
    assert (said.code, said.err) == (3, "workflow input 'promt': there is no input 'promt'. Did you mean 'prompt'?\n")


def test_a_required_input_that_is_missing_names_its_option(loom: Loom, place: Place) -> None:
    place.write(
        "m.json",
        {"inputs": {"what": {"to": ["w.text"]}}, "nodes": {"w": {"type": "trial.words"}}, "outputs": {"o": {"from": "w.value"}}},
    )
    said = loom("run", "m.json")
    assert (said.code, said.err) == (3, "workflow input 'what': nothing is given here. Give it with --what ….\n")


@pytest.mark.parametrize(
    ("typed", "value"),
    [("hello", "hello"), ('"quoted"', "quoted"), ("5", "5"), ("true", "true"), ("[1]", "[1]"), ("a=b", "a=b"), ("", "")],
)
def test_set_takes_json_of_the_fields_type_and_any_other_text_as_typed(loom: Loom, typed: str, value: str) -> None:
    said = loom("run", "w.json", "--set", f"words.text={typed}", "--target", "said")
    assert (said.code, said.out) == (0, f"{value}\n")


def test_set_reaches_an_input_of_any_type(loom: Loom) -> None:
    assert loom("run", "w.json", "--set", "number.any=text", "--target", "count").code == 0


def test_set_replaces_a_link(loom: Loom) -> None:
    assert loom("run", "w.json", "--set", "save.text=other").code == 0
    assert Path("output/note_0001.txt").read_text() == "other"


def test_set_reaches_the_input_of_a_subgraph_with_its_type(loom: Loom, place: Place) -> None:
    inner = {
        "inputs": {"v": {"to": ["n.value"]}},
        "outputs": {"o": {"from": "n.value"}},
        "nodes": {"n": {"type": "trial.number"}},
    }
    outer = {"outputs": {"o": {"from": "sub.o"}}, "nodes": {"sub": {"type": "workflow:inner"}}, "definitions": {"inner": inner}}
    place.write("s.json", outer)
    assert loom("run", "s.json", "--set", "sub.v=8").out == "8\n"
    assert loom("run", "s.json", "--set", "sub.v=x").err == "sub.v: 'x' is no int. Write a whole number.\n"
    assert loom("run", "s.json", "--set", "sub.w=8").err == "sub.w: it has no input 'w'. Its inputs: v.\n"


def test_a_subgraph_in_a_file_beside_it_is_taken_in(loom: Loom, place: Place) -> None:
    place.write("inner.json", {"outputs": {"o": {"from": "n.value"}}, "nodes": {"n": {"type": "trial.number"}}})
    place.write("outer.json", {"outputs": {"o": {"from": "sub.o"}}, "nodes": {"sub": {"type": "file:inner.json"}}})
    assert loom("run", "outer.json").out == "3\n"
    place.write("inner.json", "{")
    said = loom("run", "outer.json")
    assert said.code == 3
    assert "inner.json" in said.err


def test_a_set_and_an_input_for_the_same_place_contradict_each_other(loom: Loom) -> None:
    said = loom("run", "w.json", "--prompt", "x", "--set", "words.text=y")
    assert said.code == 2
    assert "give one of them" in said.err


@pytest.mark.parametrize("text", ["words.text", "words=3", "=", "w.json"])
def test_a_set_without_node_input_and_value_is_refused(loom: Loom, text: str) -> None:
    said = loom("run", "w.json", "--set", text)
    assert said.code == 3
    assert "Write --set node.input=value" in said.err


def test_a_file_that_the_user_names_is_known_inside_by_its_base_name_alone(loom: Loom, place: Place) -> None:
    place.write(
        "r.json",
        {
            "inputs": {"file": {"to": ["read.name"]}},
            "outputs": {"o": {"from": "read.value"}},
            "nodes": {"read": {"type": "trial.read"}, "paint": {"type": "trial.paint", "links": {"text": "read.value"}}},
        },
    )
    far = place.folder / "far"
    far.mkdir()
    (far / "cat.txt").write_text("miau")
    said = loom("run", "r.json", "--file", str(far / "cat.txt"), "--json")
    assert said.code == 0
    assert {"event": "output", "name": "o", "value": "miau"} in said.events
    assert str(far) not in said.out
    picture = Path("output/point_0001.png").read_bytes()
    assert str(far).encode() not in picture
    assert loom("run", "r.json", "--set", f"read.name={far / 'cat.txt'}", "--target", "o").out == "miau\n"


def test_two_named_files_of_the_same_name_stay_apart(loom: Loom, place: Place) -> None:
    place.write(
        "two.json",
        {
            "outputs": {"a": {"from": "a.value"}, "b": {"from": "b.value"}},
            "nodes": {"a": {"type": "trial.read"}, "b": {"type": "trial.read"}},
        },
    )
    for name in ("x", "y"):
        (place.folder / name).mkdir()
        (place.folder / name / "cat.txt").write_text(name)
    said = loom("run", "two.json", "--set", "a.name=x/cat.txt", "--set", "b.name=y/cat.txt")
    assert sorted(said.out.split()) == ["x", "y"]


def test_input_folders_beside_the_file_and_here_are_searched(loom: Loom, place: Place) -> None:
    (place.folder / "there" / "inputs").mkdir(parents=True)
    (place.folder / "there" / "inputs" / "a.txt").write_text("beside")
    (place.folder / "input").mkdir()
    (place.folder / "input" / "b.txt").write_text("here")
    workflow = {"format": "latent-loom/1", "outputs": {"o": {"from": "r.value"}}, "nodes": {"r": {"type": "trial.read"}}}
    (place.folder / "there" / "r.json").write_text(json.dumps(workflow))
    assert loom("run", "there/r.json", "--set", "r.name=a.txt").out == "beside\n"
    assert loom("run", "there/r.json", "--set", "r.name=b.txt").out == "here\n"
    missing = loom("run", "there/r.json", "--set", "r.name=c.txt")
    assert (missing.code, missing.err[:40]) == (3, "r.name: there is no text file called 'c.")


def test_text_that_is_no_utf8_is_refused_before_anything_runs(loom: Loom) -> None:
    said = loom("run", "w.json", "--prompt", "\udcff")
    assert (said.code, said.out) == (3, "")
    assert "not valid UTF-8" in said.err
