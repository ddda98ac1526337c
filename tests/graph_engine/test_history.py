"""What a node was given the last time: remembered for explanations, across processes where there is a cache on disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_engine.digest import Key
from graph_engine.engine import Engine, Request
from graph_engine.history import Trace, as_text, from_text
from graph_engine.workflow import Workflow
from tests.graph_engine.toys import entry, workflow

Make = Callable[..., Engine]


def chain(value: float) -> Workflow:
    return workflow({"a": entry("number", value=value), "b": entry("add", {"a": "a.value"}, b=1.0)}, "b.value")


def reasons(engine: Engine, of: Workflow, origin: str) -> dict[str, str]:
    return {one.node: one.reason for one in engine.plan(Request(workflow=of, origin=origin)) if one.status == "runs"}


@contextmanager
def fresh(make_engine: Make, folder: Path) -> Iterator[Engine]:
    """An engine that knows only what is on disk, and leaves all that it knows there."""
    engine = make_engine(cache_folder=folder)
    yield engine
    engine.close()


def test_another_engine_on_the_same_folder_knows_what_changed(make_engine: Make, tmp_path: Path) -> None:
    with fresh(make_engine, tmp_path) as first:
        first.run(Request(workflow=chain(7.0), origin="w.json"))
    with fresh(make_engine, tmp_path) as second:
        assert reasons(second, chain(7.5), "w.json") == {"a": "value 7.0 -> 7.5", "b": "its input changes"}
        assert reasons(second, chain(7.5), "other.json") == {"a": "first time", "b": "first time"}
        result = second.run(Request(workflow=chain(7.5), origin="w.json"))
        assert result.reasons == {"a": "value 7.0 -> 7.5", "b": "its input a changed"}
    with fresh(make_engine, tmp_path) as third:
        assert reasons(third, chain(8.0), "w.json")["a"] == "value 7.5 -> 8.0"


def test_what_was_served_is_remembered_too(make_engine: Make, tmp_path: Path) -> None:
    with fresh(make_engine, tmp_path) as first:
        for value in (1.0, 2.0, 1.0):
            first.run(Request(workflow=chain(value), origin="w.json"))
    with fresh(make_engine, tmp_path) as second:
        assert reasons(second, chain(3.0), "w.json")["a"] == "value 1.0 -> 3.0"


def test_a_run_without_an_origin_leaves_nothing(make_engine: Make, tmp_path: Path) -> None:
    with fresh(make_engine, tmp_path) as first:
        first.run(Request(workflow=chain(7.0)))
    rows = sqlite3.connect(tmp_path / "index.sqlite").execute("select * from traces").fetchall()
    assert rows == []


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "7", '{"links": {}}', '{"key": "zz", "links": {}}', "[" * 5000, '{"links": {"a": [1]}, "key": ""}'],
)
def test_a_damaged_row_is_as_if_it_were_not_there(make_engine: Make, tmp_path: Path, text: str) -> None:
    with fresh(make_engine, tmp_path) as first:
        first.run(Request(workflow=chain(7.0), origin="w.json"))
    database = sqlite3.connect(tmp_path / "index.sqlite")
    database.execute("update traces set trace = ? where node = 'a'", (text,))
    database.commit()
    database.close()
    with fresh(make_engine, tmp_path) as second:
        assert reasons(second, chain(7.5), "w.json") == {"a": "first time", "b": "its input changes"}


def test_a_value_that_json_does_not_hold_is_left_out() -> None:
    trace = Trace(Key(b"k"), "t", 1, {"x": object()}, {}, None)
    assert as_text(trace) is None
    assert as_text(trace._replace(constants={"x": float("nan")})) is None


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.text(), PLAIN, max_size=3), st.dictionaries(st.text(), st.lists(st.binary(), max_size=2), max_size=2))
def test_a_trace_comes_back_as_it_was(constants: dict[str, Any], links: dict[str, list[bytes]]) -> None:
    trace = Trace(Key(b"key"), "t", 3, constants, {name: tuple(digests) for name, digests in links.items()}, "f")
    found = from_text(as_text(trace))
    assert found == trace
    assert found is not None
    assert repr(found.constants) == repr(constants)  # 1, 1.0 and true stay apart
