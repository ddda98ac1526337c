"""What the engine and the server tell is made from codes and facts: each place that does so is right, and nothing is told without one."""

from __future__ import annotations

import ast
import copy
import pickle
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args

import pytest

import graph_engine.sentences
import web_ui.sentences
from graph_engine import Choice, Range, flatten, node
from graph_engine.errors import Problem, ProblemCode
from graph_engine.graph import compile
from graph_engine.registry import Registry, of_functions
from graph_engine.sentences import Sentence, listed, message, said, say
from graph_engine.workflow import Workflow
from tests.graph_engine import toys
from tests.graph_engine.toys import document, entry, workflow

ROOT = Path(__file__).parents[2]
TABLES = {"graph_engine": graph_engine.sentences.say, "web_ui": web_ui.sentences.say}


class Told(NamedTuple):
    """One place in the sources that makes a sentence."""

    place: str
    package: str
    code: str
    facts: frozenset[str]


def sources() -> Iterator[tuple[str, Path, ast.Module]]:
    for package in TABLES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield package, path, ast.parse(path.read_text(encoding="utf-8"))


def places() -> Iterator[Told]:
    for package, path, tree in sources():
        if f"from {package}.sentences import" not in path.read_text(encoding="utf-8") and path.name != "sentences.py":
            continue
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "say":
                facts = frozenset(keyword.arg or "**" for keyword in call.keywords)
                code = call.args[0]
                for one in (code.body, code.orelse) if isinstance(code, ast.IfExp) else (code,):
                    assert isinstance(one, ast.Constant), f"{path}:{call.lineno}: a code that cannot be read here"
                    yield Told(f"{path}:{call.lineno}", package, str(one.value), facts)


def blanks(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\{(\w+)(?::\w+)?\}", text))


def test_every_sentence_is_in_the_table_and_given_its_facts() -> None:
    found = list(places())
    for told in found:
        assert told.code in TABLES[told.package], told
        assert told.facts == blanks(TABLES[told.package][told.code]), told
    used = {(one.package, one.code) for one in found}
    assert used == {(package, code) for package, table in TABLES.items() for code in table}
    assert not TABLES["graph_engine"].keys() & TABLES["web_ui"].keys()


def test_a_sentence_is_its_english_and_keeps_code_and_facts_when_it_is_copied() -> None:
    inner = say("needed", got="int", want="Image")
    told = say("misfit", source="a.value", got="int", reason=inner)
    assert told == "a.value gives int, but it is an int, and an Image is needed."
    as_json = {
        "code": "misfit",
        "facts": {"source": "a.value", "got": "int", "reason": {"code": "needed", "facts": {"got": "int", "want": "Image"}}},
    }
    for one in (told, copy.deepcopy(told), pickle.loads(pickle.dumps(told))):
        assert isinstance(one, Sentence)
        assert (one, one.as_json()) == (told, as_json)
    assert said({"cause": told, "action": "plain", "count": 1}) == {"cause": as_json}
    assert isinstance(message(ValueError(told)), Sentence)
    assert message(ValueError("plain")) == "plain"


def test_lists_are_joined_by_the_word_of_the_sentence() -> None:
    assert say("did_you_mean", names=["a", "b"]) == "Did you mean a or b?"
    assert say("inputs_are", names=listed(["a", "b"])) == "Its inputs: a, b."
    assert say("inputs_are", names=listed([])) == "Its inputs: none."
    assert say("inputs_are", names=listed([])).as_json()["facts"] == {"names": {"code": "none", "facts": {}}}


def wrong() -> dict[str, Workflow]:
    """A workflow for each code of a problem."""
    levels = {"d0": document({"a": entry("number")})}
    for level in range(1, 12):
        levels[f"d{level}"] = document({f"n{i}": entry(f"workflow:d{level - 1}") for i in range(3)})
    circle = {"a": entry("add", {"a": "b.value"}), "b": entry("add", {"a": "a.value"})}
    return {
        "bad_range": workflow({"n": entry("ranged", value=9)}, "n.value"),
        "bad_value": workflow({"n": entry("number", value="x")}, "n.value"),
        "cycle": workflow(circle, "a.value"),
        "missing_input": workflow({"n": entry("add")}, "n.value"),
        "not_a_choice": workflow({"n": entry("chosen", value="c")}, "n.value"),
        "nothing_to_run": workflow({}),
        "recursion": workflow({"n": entry("workflow:d")}, definitions={"d": document({"n": entry("workflow:d")})}),
        "too_large": workflow({"n": entry("workflow:d11")}, definitions=levels),
        "type_mismatch": workflow({"t": entry("text"), "n": entry("add", {"a": "t.value"})}, "n.value"),
        "unknown_input": workflow({"n": entry("number", x=1)}, "n.value"),
        "unknown_model": workflow({"n": entry("listed", name="x")}, "n.value"),
        "unknown_node": workflow({"n": entry("nothing")}, "n.value"),
        "unknown_output": workflow({"n": entry("number")}, "n.values"),
        "unknown_target": workflow(
            {"n": entry("workflow:d", x=1)}, definitions={"d": document({}, inputs={"x": {"to": ["m.value"]}})}
        ),
        "unreadable_file": workflow({"n": entry("broken")}, "n.latent"),
        "version": workflow({"n": {**entry("number"), "version": 2}}, "n.value"),
    }


def broken(*_given: object) -> Any:
    raise ValueError("odd")


def registry_of_toys() -> Registry:
    def ranged(value: Annotated[int, Range(0, 5)] = 0) -> int:
        """Give a small number."""
        return value

    def chosen(value: Literal["a", "b"] = "a") -> str:
        """Give a letter."""
        return value

    def listed(name: Annotated[str, Choice(lambda _folders: ("here",), what="thing", action="Bring it.")]) -> str:
        """Give a name."""
        return name

    def broken_loader() -> toys.Latent[toys.L]:
        """Load."""
        raise NotImplementedError

    made = {"ranged": ranged, "chosen": chosen, "listed": listed}
    return of_functions(
        toys.number, toys.add, toys.text,
        *(node(f"toy.{name}", version=1, category="x")(function) for name, function in made.items()),
        node("toy.broken", version=1, category="x", resolve_types=broken)(broken_loader),
    )  # fmt: skip


@pytest.mark.parametrize("code", get_args(ProblemCode))
def test_every_problem_is_told_by_sentences(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flatten, "MAX_NODES", 200)
    found: list[Problem] = [one for one in compile(wrong()[code], registry_of_toys()).problems if one.code == code]
    assert found
    for problem in found:
        assert isinstance(problem.cause, Sentence), problem
        assert isinstance(problem.action, Sentence) or problem.action == "Bring it.", problem
