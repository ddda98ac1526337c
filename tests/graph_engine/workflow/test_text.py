"""How a workflow is read and written: one text form, and a helpful refusal of everything else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph_engine.errors import FormatError
from graph_engine.workflow import Workflow, canonical, parse, read
from graph_engine.workflow.document import InputPort, NodeEntry, OutputPort
from graph_engine.workflow.text import MAX_BYTES, MAX_DEPTH

EMPTY = '{"format": "latent-loom/1"}'

EXAMPLE = """\
{
  "format": "latent-loom/1",
  "inputs": {
    "first": {
      "to": [
        "a.value"
      ]
    }
  },
  "nodes": {
    "a": {
      "type": "toy.number",
      "values": {
        "value": 1.5
      },
      "version": 1
    },
    "b": {
      "links": {
        "a": "a.value",
        "numbers": [
          "a.value",
          "a.value"
        ]
      },
      "mode": "muted",
      "type": "toy.add",
      "version": 2
    }
  },
  "outputs": {
    "sum": {
      "from": "b.value"
    }
  },
  "title": "Äpfel"
}
"""


def test_the_canonical_text_is_sorted_with_a_field_a_line_and_a_trailing_newline() -> None:
    assert canonical(parse(EXAMPLE)) == EXAMPLE


def test_the_order_in_which_a_file_was_written_leaves_no_trace() -> None:
    shuffled = json.dumps(dict(reversed(json.loads(EXAMPLE).items())))
    assert canonical(parse(shuffled)) == EXAMPLE


def test_what_has_its_default_is_left_out_but_format_and_version_stay() -> None:
    text = canonical(
        parse('{"format": "latent-loom/1", "title": "", "nodes": {"a": {"type": "x.y", "mode": "on", "links": {}}}}')
    )
    assert json.loads(text) == {"format": "latent-loom/1", "nodes": {"a": {"type": "x.y", "version": 1}}}


def test_numbers_keep_their_kind() -> None:
    values = {"whole": 1, "real": 1.0, "minus": -0.0, "large": 2**64 - 1, "tiny": 5e-324, "yes": True, "text": "1"}
    text = json.dumps({"format": "latent-loom/1", "nodes": {"a": {"type": "x.y", "values": values}}})
    again = json.loads(canonical(parse(text)))["nodes"]["a"]["values"]
    assert {name: (type(value), repr(value)) for name, value in again.items()} == {
        name: (type(value), repr(value)) for name, value in values.items()
    }


def test_unknown_fields_and_unknown_nodes_are_kept() -> None:
    data = {
        "format": "latent-loom/1",
        "nodes": {"a": {"type": "nobody.has_this", "version": 7, "values": {"x": [1, {"y": None}]}, "colour": "red"}},
        "outputs": {"o": {"from": "a.b", "source": "kept too"}},
        "future": {"deep": [True]},
        "view": {"nodes": {"a": {"x": 1, "y": 2.5}}},
    }
    assert json.loads(canonical(parse(json.dumps(data)))) == data


def test_a_text_that_looks_like_a_link_stays_a_text() -> None:
    values = {"value": "a.value", "list": ["a", 0]}
    found = parse(json.dumps({"format": "latent-loom/1", "nodes": {"b": {"type": "x.y", "values": values}}})).nodes["b"]
    assert found.values == values
    assert found.links == {}


def test_a_copy_with_a_value_has_no_link_there_and_leaves_the_original_alone() -> None:
    original = parse(EXAMPLE)
    changed = original.with_values({"b.a": 4.0})
    assert changed.nodes["b"].values == {"a": 4.0}
    assert changed.nodes["b"].links == {"numbers": ["a.value", "a.value"]}
    assert canonical(original) == EXAMPLE


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("", "line 1, column 1: Expecting value. The file is cut off or is no JSON."),
        (EXAMPLE[:200], "The file is cut off or is no JSON."),
        ("hello", "line 1, column 1"),
        (EMPTY + "x", "Extra data"),
        ("[]", "it holds an array, not a workflow: the outermost value must be an object."),
        ("null", "it holds null, not a workflow"),
        ('"x"', "it holds a string, not a workflow"),
        ("3", "it holds a number, not a workflow"),
        ("{}", '"format" is None, not "latent-loom/1": this is no Latent Loom workflow.'),
        ('{"format": 1}', '"format" is 1, not "latent-loom/1"'),
        ('{"format": "comfy/1"}', '"format" is \'comfy/1\', not "latent-loom/1"'),
        ('{"format": "latent-loom/0"}', "this is no Latent Loom workflow"),
        ('{"format": "latent-loom/1\\n"}', "this is no Latent Loom workflow"),
        ('{"format": "latent-loom/99"}', "it has the format 99 and this version reads up to 1: update latent-loom to open it."),
        ('{"format": "latent-loom/1", "title": "a", "title": "b"}', "the key 'title' stands twice in one object"),
        ('{"format": "latent-loom/1", "view": {"x": NaN}}', "it holds NaN, which is no number in JSON. Write a finite number."),
        ('{"format": "latent-loom/1", "view": {"x": Infinity}}', "it holds Infinity, which is no number in JSON."),
        ('{"format": "latent-loom/1", "view": {"x": -Infinity}}', "it holds -Infinity, which is no number in JSON."),
        ('{"format": "latent-loom/1", "view": {"x": 1e999}}', "the number 1e999 is too large. Write a finite number."),
        ('{"format": "latent-loom/1", "view": {"x": -1e999}}', "the number -1e999 is too large. Write a finite number."),
        ('{"format": "latent-loom/1", "view": {"x": ' + "9" * 5000 + "}}", "is too large. Write a shorter number."),
        ('{"format": "latent-loom/1", "view": ' + "[" * 100_000, "it is nested more than 64 levels deep."),
        ('{"format": "latent-loom/1", "view": {"x": ' + "[" * 80 + "]" * 80 + "}}", "it is nested more than 64 levels deep."),
        ('{"format": "latent-loom/1", "view": ' + '{"a":' * 100_000, "it is nested more than 64 levels deep."),
        ('{"format": "latent-loom/1", "title": "\\ud800"}', "surrogate"),
        ('{"format": "latent-loom/1", "view": {"\\ud800": 1}}', "surrogate"),
        ('{"format": "latent-loom/1", "future": "\\ud800"}', "surrogate"),
    ],
    ids=lambda value: value[:60],
)
def test_a_text_that_is_no_workflow_is_refused_with_a_sentence(text: str, phrase: str) -> None:
    with pytest.raises(FormatError, match=re.escape(phrase)):
        parse(text)
    with pytest.raises(FormatError, match=re.escape(phrase)):
        parse(text.encode())


@pytest.mark.parametrize(
    ("fields", "phrase"),
    [
        ({"nodes": []}, "nodes: Input should be"),
        ({"nodes": {"a": 1}}, "nodes.a: Input should be"),
        ({"nodes": {"a": {}}}, "nodes.a.type: Field required"),
        ({"nodes": {"a": {"type": ""}}}, "nodes.a.type: String should have at least 1 character"),
        ({"nodes": {"a": {"type": "x.y", "version": "1"}}}, "nodes.a.version: Input should be a valid integer"),
        ({"nodes": {"a": {"type": "x.y", "version": 1.0}}}, "nodes.a.version: Input should be a valid integer"),
        ({"nodes": {"a": {"type": "x.y", "version": True}}}, "nodes.a.version: Input should be a valid integer"),
        ({"nodes": {"a": {"type": "x.y", "version": 0}}}, "nodes.a.version: Input should be greater than or equal to 1"),
        ({"nodes": {"a": {"type": "x.y", "mode": "off"}}}, "nodes.a.mode: Input should be 'on', 'muted' or 'bypassed'"),
        ({"nodes": {"a": {"type": "x.y", "links": {"x": "no dot"}}}}, "nodes.a.links.x"),
        ({"nodes": {"a": {"type": "x.y", "links": {"x": ["b", 0]}}}}, "nodes.a.links.x"),
        ({"nodes": {"../a": {"type": "x.y"}}}, "nodes.../a"),
        ({"nodes": {"a/b": {"type": "x.y"}}}, "nodes.a/b"),
        ({"nodes": {"": {"type": "x.y"}}}, "String should match pattern"),
        ({"nodes": {"a\n": {"type": "x.y"}}}, "String should match pattern"),
        ({"inputs": {"p": {"to": []}}}, "inputs.p.to: List should have at least 1 item"),
        ({"inputs": {"p": {"to": "a.b"}}}, "inputs.p.to: Input should be a valid list"),
        ({"outputs": {"p": {}}}, "outputs.p.from: Field required"),
        ({"outputs": {"p": {"from": "a.b\n"}}}, "outputs.p.from: String should match pattern"),
        ({"title": 3}, "title: Input should be a valid string"),
        ({"definitions": {"d": {"nodes": {"a": {"type": 1}}}}}, "definitions.d.nodes.a.type: Input should be a valid string"),
    ],
    ids=str,
)
def test_a_field_of_the_wrong_type_is_named_with_its_place(fields: dict[str, Any], phrase: str) -> None:
    with pytest.raises(FormatError, match=r"^it is not a workflow:") as caught:
        parse(json.dumps({"format": "latent-loom/1", **fields}))
    assert phrase in str(caught.value)


def test_many_wrong_fields_are_told_together_but_not_without_end() -> None:
    data = {"format": "latent-loom/1", "nodes": {f"n{i}": {"type": i} for i in range(500)}}
    with pytest.raises(FormatError) as caught:
        parse(json.dumps(data))
    assert len(str(caught.value).splitlines()) == 12
    assert "… and 490 more" in str(caught.value)


def test_bytes_that_are_no_utf8_are_refused() -> None:
    for data in (b'{"format": "latent-loom/1", "title": "\xff\xfe"}', EMPTY.encode("utf-16"), b"\xff\xfe\x00"):
        with pytest.raises(FormatError, match=r"it is not UTF-8 text \(byte \d+\)\. Save it as UTF-8\."):
            parse(data)


def test_a_byte_order_mark_is_no_hindrance() -> None:
    assert parse(b"\xef\xbb\xbf" + EMPTY.encode()) == parse(EMPTY)


def test_the_deepest_text_that_is_allowed_is_read_and_written() -> None:
    depth = MAX_DEPTH - 2
    text = '{"format": "latent-loom/1", "view": {"x": ' + "[" * depth + "]" * depth + "}}"
    assert parse(canonical(parse(text))) == parse(text)


def test_a_file_larger_than_the_limit_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(FormatError, match=rf"large\.json: .*has {MAX_BYTES + 1} bytes; a workflow has at most {MAX_BYTES}\."):
        read(path)


def test_a_refusal_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(FormatError, match=r"bad\.json: line 1, column 2"):
        read(tmp_path / "bad.json")
    with pytest.raises(FormatError, match=r"none\.json cannot be read: No such file or directory\. Check the name"):
        read(tmp_path / "none.json")
    with pytest.raises(FormatError, match=r"cannot be read: Is a directory"):
        read(tmp_path)


def _renames(old: str, new: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def migrate(data: dict[str, Any]) -> dict[str, Any]:
        trail = [*data.get("view", {}).get("trail", []), f"{old}->{new}"]
        return {**data, "view": {"trail": trail}}

    return migrate


def test_migrations_run_in_order_from_the_files_format_on() -> None:
    migrations = (_renames("1", "2"), _renames("2", "3"), _renames("3", "4"))
    for number, trail in ((1, ["1->2", "2->3", "3->4"]), (3, ["3->4"]), (4, [])):
        found = parse(f'{{"format": "latent-loom/{number}"}}', migrations, newest=4)
        assert found.view.get("trail", []) == trail
        assert found.format == "latent-loom/4"
    with pytest.raises(FormatError, match="it has the format 5 and this version reads up to 4"):
        parse('{"format": "latent-loom/5"}', migrations, newest=4)


def test_every_older_format_has_its_migration() -> None:
    from graph_engine.workflow.document import FORMAT
    from graph_engine.workflow.migrations import MIGRATIONS

    assert len(MIGRATIONS) == FORMAT - 1


# random documents

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=4
)
node_ids = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,6}", fullmatch=True)
sockets = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,6}", fullmatch=True)
references = st.builds("{}.{}".format, node_ids, sockets)
unknown = st.dictionaries(st.text(min_size=1, max_size=6).map("x-{}".format), json_values, max_size=2)
node_entries = st.builds(
    lambda fields, extra: NodeEntry.model_validate({**extra, **fields}),
    st.fixed_dictionaries(
        {"type": st.text(min_size=1, max_size=12), "version": st.integers(1, 10**6)},
        optional={
            "values": st.dictionaries(st.text(max_size=6), json_values, max_size=3),
            "links": st.dictionaries(st.text(max_size=6), references | st.lists(references, max_size=3), max_size=3),
            "mode": st.sampled_from(["on", "muted", "bypassed"]),
            "title": st.text(max_size=6),
        },
    ),
    unknown,
)
input_ports = st.builds(lambda to, extra: InputPort(to=to, **extra), st.lists(references, min_size=1, max_size=3), unknown)
output_ports = st.builds(lambda source, extra: OutputPort.model_validate({"from": source, **extra}), references, unknown)


def workflows(inner: st.SearchStrategy[Workflow]) -> st.SearchStrategy[Workflow]:
    fields = st.fixed_dictionaries(
        {},
        optional={
            "title": st.text(max_size=8),
            "description": st.text(max_size=8),
            "inputs": st.dictionaries(node_ids, input_ports, max_size=2),
            "outputs": st.dictionaries(node_ids, output_ports, max_size=2),
            "nodes": st.dictionaries(node_ids, node_entries, max_size=4),
            "definitions": st.dictionaries(node_ids, inner, max_size=2),
            "requires": st.dictionaries(st.text(max_size=5), json_values, max_size=2),
            "view": st.dictionaries(st.text(max_size=5), json_values, max_size=2),
        },
    )
    return st.builds(lambda found, extra: Workflow(**extra, **found), fields, unknown)


documents = st.recursive(workflows(st.nothing()), workflows, max_leaves=3)


@given(documents)
def test_what_is_written_is_read_back_the_same(of: Workflow) -> None:
    text = canonical(of)
    assert text.endswith("}\n")
    assert parse(text) == of
    assert parse(text.encode()) == of
    assert canonical(parse(text)) == text


@settings(max_examples=25)
@given(documents, documents)
def test_two_documents_have_one_text_only_if_they_are_equal(one: Workflow, other: Workflow) -> None:
    if one != other:
        assert canonical(one) != canonical(other)


@given(st.binary(max_size=60) | st.text(max_size=60) | json_values.map(json.dumps))
def test_any_bytes_are_read_or_refused_but_never_crash(data: bytes | str) -> None:
    with suppress(FormatError):  # and nothing else
        parse(data)


@given(st.integers(0, len(EXAMPLE.encode()) - 2), st.integers(0, 255))
def test_a_damaged_file_is_read_or_refused_but_never_crashes(at: int, byte: int) -> None:
    data = EXAMPLE.encode()
    for damaged in (data[:at], data[:at] + bytes([byte]) + data[at + 1 :]):
        with suppress(FormatError):
            again = parse(damaged)
            assert parse(canonical(again)) == again
