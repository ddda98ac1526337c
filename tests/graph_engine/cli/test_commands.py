"""The command itself: help, exit codes, contributed commands, and ``check``, ``plan``, ``nodes``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import click
import pytest

from graph_engine.cli import outcome, root

if TYPE_CHECKING:
    from tests.graph_engine.cli.conftest import Loom, Place

BROKEN = [
    '{"format": "latent-loom/1", "nodes": ',
    '{"format": "latent-loom/1", "format": "latent-loom/1"}',
    '{"format": "latent-loom/1", "nodes": {"a": {"type": "trial.number", "values": {"value": NaN}}}}',
    '{"format": "latent-loom/999"}',
    '{"format": "other/1"}',
    '{"format": "latent-loom/1", "nodes": 5}',
    "[" * 100_000,
    "",
    "\x00",
]


def test_help_names_the_commands_and_the_exit_codes(loom: Loom) -> None:
    said = loom("--help", packs=False)
    assert said.code == 0
    for name in (*root.BUILT_IN, "Exit codes", "a node failed", "cancelled"):
        assert name in said.out


def test_an_unknown_command_is_wrong_usage(loom: Loom) -> None:
    said = loom("rum", packs=False)
    assert said.code == 2
    assert "rum" in said.err


def test_the_version_is_told(loom: Loom) -> None:
    assert loom("--version", packs=False).out.startswith("loom ")


class Entry(NamedTuple):
    """What a package declares; ``found`` is None where its module cannot be imported."""

    name: str
    found: object
    value: str = "some_module:command"
    dist: None = None

    def load(self) -> object:
        if self.found is None:
            raise ModuleNotFoundError("no_such_module")
        return self.found


@click.command("hello", help="Say hello.")
def hello() -> None:
    click.echo("hello")


def test_contributed_commands_are_found_and_a_broken_one_does_not_stop_the_rest(
    loom: Loom, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [Entry("hello", hello), Entry("sad", None), Entry("odd", json.dumps), Entry("run", None)]
    monkeypatch.setattr(root, "entry_points", lambda group: found)
    shown = loom("--help", packs=False)
    assert shown.code == 0
    assert "Say hello." in shown.out
    assert "could not be loaded" in shown.out
    assert loom("hello", packs=False).out == "hello\n"
    sad = loom("sad", "--some", "thing", packs=False)
    assert sad.code == 1
    assert "sad: this command could not be loaded: ModuleNotFoundError" in sad.err
    assert "is no click command" in loom("odd", packs=False).err
    assert loom("run", "w.json").code == 0


def test_a_fault_of_ours_is_one_sentence_and_exit_code_one(loom: Loom, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object) -> None:
        raise KeyError("oops")

    monkeypatch.setattr("graph_engine.cli.source.read", broken)
    said = loom("check", "w.json")
    assert (said.code, "Traceback" in said.err) == (1, False)
    assert said.err.startswith("unexpected fault: KeyError: 'oops'")


def test_verbose_shows_the_traceback_of_a_fault_of_ours(loom: Loom, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object) -> None:
        raise KeyError("oops")

    monkeypatch.setattr("graph_engine.cli.source.read", broken)
    monkeypatch.setattr("graph_engine.cli.output.log_everything", lambda: None)
    assert "Traceback" in loom("run", "w.json", "--verbose").err


@pytest.mark.parametrize("command", ["run", "check", "plan"])
@pytest.mark.parametrize("text", BROKEN)
def test_a_file_that_is_no_workflow_is_a_sentence_and_exit_code_three(loom: Loom, place: Place, command: str, text: str) -> None:
    place.write("broken.json", text)
    said = loom(command, "broken.json")
    assert (said.code, said.out) == (3, "")
    assert said.err.startswith("broken.json: ")
    assert place.files() == []


def test_check_says_that_there_are_no_problems(loom: Loom) -> None:
    assert loom("check", "w.json") == (0, "w.json: no problems, 3 nodes\n", "")


def test_check_lists_every_problem_at_once(loom: Loom, place: Place) -> None:
    place.write(
        "bad.json",
        {
            "nodes": {
                "a": {"type": "trial.slow", "links": {"value": "b.value"}},
                "b": {"type": "trial.slow", "links": {"value": "a.value"}},
                "save": {"type": "trial.save"},
                "c": {"type": "trial.stuborn"},
            },
            "outputs": {"a": {"from": "a.value"}, "c": {"from": "c.value"}},
        },
    )
    said = loom("check", "bad.json")
    assert said.code == 3
    assert "a: these nodes need each other: a -> b -> a. Remove one of the links." in said.err.splitlines()
    assert "save.text: nothing is given here. Give it a value (text)." in said.err.splitlines()
    assert "c: no node type is called 'trial.stuborn'. Did you mean trial.stubborn?" in said.err.splitlines()
    assert said.err.splitlines()[-1] == "bad.json: 3 problems"
    lines = loom("check", "bad.json", "--json").events
    assert [line["event"] for line in lines] == ["problem"] * 3 + ["checked"]
    assert lines[-1]["problems"] == 3


def test_plan_tells_what_would_run_and_why(loom: Loom, place: Place) -> None:
    muted = {"type": "trial.save", "links": {"text": "words.value"}, "mode": "muted"}
    workflow = json.loads((place.folder / "w.json").read_text())
    place.write("m.json", {**workflow, "nodes": {**workflow["nodes"], "other": muted}})
    said = loom("plan", "m.json")
    assert said.code == 0
    assert "words   runs   ?  ?  first time" in said.out.splitlines()
    assert "other   muted        it is muted, or needs a muted node" in said.out.splitlines()
    assert said.out.splitlines()[-1] == "3 run, 1 muted; how long is not known: nothing like it ran here"
    *lines, total = loom("plan", "m.json", "--json").events
    assert (total["event"], total["runs"], total["unknown"]) == ("plan_total", 3, 3)
    assert {(line["node"], line["status"]) for line in lines} == {
        ("words", "runs"),
        ("number", "runs"),
        ("save", "runs"),
        ("other", "muted"),
    }


def test_plan_of_a_file_with_problems_is_refused(loom: Loom, place: Place) -> None:
    place.write("bad.json", {"nodes": {"save": {"type": "trial.save"}}})
    assert loom("plan", "bad.json").code == 3


def test_nodes_are_listed_by_category(loom: Loom) -> None:
    said = loom("nodes")
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines.index("numbers") < next(i for i, line in enumerate(lines) if "trial.number" in line and "A number" in line)
    described = {event["type"]: event for event in loom("nodes", "--json").events}
    assert described["trial.number"]["summary"] == "Give a number."


def test_a_node_is_explained_with_its_inputs_and_outputs(loom: Loom) -> None:
    said = loom("nodes", "trial.number")
    assert said.code == 0
    for text in ("Give a number.", "value  int  = 3, in [0, 100]", "The number itself.", "Outputs", "version 1"):
        assert text in said.out
    assert loom("nodes", "stubborn").out == loom("nodes", "trial.stubborn").out != ""
    facts = loom("nodes", "trial.words", "--json").events[0]
    assert {one["name"]: one.get("choices") for one in facts["inputs"]}["kind"] == ["plain", "loud"]
    assert facts["inputs"][0]["required"] is True


def test_an_unknown_node_type_is_wrong_usage_with_near_misses(loom: Loom) -> None:
    said = loom("nodes", "trial.stuborn")
    assert (said.code, "Did you mean trial.stubborn?" in said.err) == (2, True)
    assert "Did you mean trial.stubborn?" in loom("nodes", "stuborn").err


def test_a_pack_that_fails_to_import_is_told_and_the_rest_goes_on(loom: Loom, place: Place) -> None:
    (place.folder / "packs" / "bad.py").write_text("raise RuntimeError('no good')")
    said = loom("nodes")
    assert (said.code, "trial.number" in said.out) == (0, True)
    assert "warning: pack bad: bad.py was left out: RuntimeError: no good" in said.err
    assert loom("run", "w.json").code == 0


def test_a_pack_folder_that_is_not_there_is_wrong_usage(place: Place) -> None:
    assert outcome(["nodes", "--packs", "nowhere"]) == 2
