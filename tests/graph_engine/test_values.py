"""What identifies a value, how large it is, and that a reader cannot change what is kept."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_engine import File, Pack, UnsupportedValueError, node, socket_type
from graph_engine.engine import Engine
from graph_engine.registry import of_functions
from graph_engine.values import Codecs, Feed
from tests.graph_engine.toys import entry, run, workflow

PLAIN = Codecs()


@socket_type("Array")
class Array:
    """Like a tensor: mutable, of a foreign class, known by a codec only."""

    def __init__(self, *numbers: float) -> None:
        self.numbers = list(numbers)


class ArrayCodec:
    def feed(self, value: Array, feed: Feed) -> None:
        feed(repr(value.numbers).encode())

    def size_bytes(self, value: Array) -> int:
        return 8 * len(value.numbers)

    def hand_out(self, value: Array) -> Array:
        return Array(*value.numbers)

    def describe(self, value: Array) -> str:
        return f"Array of {len(value.numbers)}"


ARRAYS = {f"{Array.__module__}.Array": f"{__name__}:ArrayCodec"}
CODECS = Codecs(ARRAYS)


@socket_type("Box")
@dataclass(frozen=True)
class Box:
    name: str
    items: list[Any] = field(default_factory=list)
    array: Array | None = None


@dataclass(frozen=True, slots=True)
class Slim:
    value: Any = None


@dataclass(frozen=True)
class Other:
    value: Any = None


@dataclass
class Open:
    value: Any = None


def test_values_that_compare_equal_but_are_not_the_same_have_digests_of_their_own() -> None:
    different = [1, 1.0, True, "1", b"1", [1], [1.0], {"1": 1}, None, "None", [], {}, "", b"", 0, 0.0, -0.0, False, [[]], [None]]
    assert len({PLAIN.digest(value) for value in different}) == len(different)


def test_the_digest_of_a_value_never_changes_between_versions() -> None:
    value = {"a": [1, 2.5, True, None, "ä", b"\x00"], "b": {}}
    assert PLAIN.digest(value) == PLAIN.digest({"b": {}, "a": [1, 2.5, True, None, "ä", b"\x00"]})
    assert PLAIN.digest([1, "x"]) == PLAIN.digest((1, "x"))


@pytest.mark.parametrize("value", [math.nan, [1.0, math.nan], {"a": -math.nan}, Slim(math.nan)])
def test_nan_is_refused(value: Any) -> None:
    with pytest.raises(UnsupportedValueError, match=r"NaN equals nothing, not even itself: a node must not give it\."):
        PLAIN.digest(value)


def test_very_large_numbers_have_a_digest_and_a_description() -> None:
    assert PLAIN.digest(10**5000) != PLAIN.digest(10**5000 + 1)
    assert PLAIN.digest(-(10**5000)) != PLAIN.digest(10**5000)
    assert PLAIN.describe(10**5000) == "int of 16610 bits"
    assert PLAIN.digest(math.inf) != PLAIN.digest(-math.inf)


def test_texts_that_are_no_unicode_still_have_a_digest() -> None:
    assert PLAIN.digest("\ud800") != PLAIN.digest("\udfff")


@pytest.mark.parametrize("value", [object(), {1, 2}, Open(1), [object()], Slim(object()), Array(1.0), range(3), 1j])
def test_a_value_without_a_codec_is_refused_with_what_to_do(value: Any) -> None:
    with pytest.raises(UnsupportedValueError, match="can be neither identified nor kept: make it a frozen dataclass"):
        PLAIN.digest(value)


@pytest.mark.parametrize("value", [{1: 0, "a": 0}, {None: 0, 1: 0}, {(1, 2): 0}])
def test_odd_keys_are_refused(value: Any) -> None:
    with pytest.raises(UnsupportedValueError, match="key"):
        PLAIN.digest(value)


def test_a_dataclass_is_its_class_and_its_fields() -> None:
    values = [Slim(1), Slim(2), Slim([1]), Other(1), Box("a", [1]), Box("a", [2]), Box("b", [1]), 1, {"value": 1}]
    assert len({PLAIN.digest(value) for value in values}) == len(values)
    assert PLAIN.digest(Slim([1, 2])) == PLAIN.digest(Slim([1, 2]))


def test_a_codec_is_found_for_a_subclass_too() -> None:
    class Longer(Array):
        pass

    assert CODECS.describe(Longer(1.0, 2.0)) == "Array of 2"


def same_objects(one: Any, other: Any) -> list[Any]:
    """The mutable objects that can be reached from both."""

    def reach(value: Any) -> dict[int, Any]:
        found = {id(value): value} if isinstance(value, list | dict | Array) else {}
        inner: list[Any] = []
        if isinstance(value, list | tuple):
            inner = list(value)
        elif isinstance(value, dict):
            inner = list(value.values())
        elif isinstance(value, Box):
            inner = [value.items, value.array]
        elif isinstance(value, Slim):
            inner = [value.value]
        elif isinstance(value, Array):
            inner = [value.numbers]
        for item in inner:
            found |= reach(item)
        return found

    first, second = reach(one), reach(other)
    return [first[key] for key in first.keys() & second.keys()]


immutable = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | st.binary(max_size=5)
arrays = st.lists(st.floats(allow_nan=False), max_size=3).map(lambda numbers: Array(*numbers))
values = st.recursive(
    immutable | arrays,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        | st.builds(Slim, inner)
        | st.builds(Box, st.text(max_size=3), st.lists(inner, max_size=2), arrays)
        | st.tuples(inner, inner)
    ),
    max_leaves=6,
)


@given(values)
def test_what_is_handed_out_is_equal_and_shares_nothing_that_can_change(value: Any) -> None:
    handed = CODECS.hand_out(value)
    assert CODECS.digest(handed) == CODECS.digest(value)
    assert same_objects(value, handed) == []
    assert type(handed) is type(value)


@given(immutable | st.builds(Slim, immutable))
def test_what_cannot_change_is_handed_out_without_a_copy(value: Any) -> None:
    assert CODECS.hand_out(value) is value


@given(values)
def test_every_value_has_a_size_and_a_description_on_one_line(value: Any) -> None:
    assert CODECS.size_bytes(value) >= 0
    assert "\n" not in CODECS.describe(value)


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


def exact(value: Any) -> Any:
    """Equal only for the same value: kinds are told apart, and so are the two zeros."""
    if isinstance(value, dict):
        return "dict", tuple(sorted((key, exact(item)) for key, item in value.items()))
    if isinstance(value, list):
        return "list", tuple(map(exact, value))
    return type(value).__name__, repr(value)


@given(json_like, json_like)
def test_two_values_have_one_digest_only_if_they_are_the_same(one: Any, other: Any) -> None:
    assert (PLAIN.digest(one) == PLAIN.digest(other)) == (exact(one) == exact(other))


@given(st.lists(json_like, max_size=4), st.lists(json_like, max_size=4))
def test_nesting_is_never_confused(one: list[Any], other: list[Any]) -> None:
    assert (PLAIN.digest([one, other]) == PLAIN.digest([other, one])) == (exact(one) == exact(other))
    assert PLAIN.digest([*one, other]) != PLAIN.digest([[*one, other]])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a secret", "text of 8 characters"),
        (None, "None"),
        (1.5, "1.5"),
        (True, "True"),
        ([], "list of 0"),
        (["secret", "b"], "list of 2 × text of 6 characters"),
        (Array(1.0, 2.0), "Array of 2"),
        (Box("secret", ["secret"], Array(1.0)), "Box Array of 1"),
        (b"secret", "bytes"),
        ({"secret": 1}, "dict"),
    ],
)
def test_a_description_gives_type_and_shape_but_no_content(value: Any, text: str) -> None:
    assert CODECS.describe(value) == text


# end to end: a node that changes what it was given changes nothing


def make_list(size: int = 3) -> list[float]:
    """Make a list."""
    return [1.0] * size


def make_array() -> Array:
    """Make an array."""
    return Array(1.0, 2.0)


def make_box() -> Box:
    """Make a box."""
    return Box("b", [1.0, {"deep": [2.0]}], Array(3.0))


def break_list(numbers: list[float], salt: int = 0) -> float:
    """Change the list."""
    found = sum(numbers)
    numbers.clear()
    return found


def break_array(array: Array, salt: int = 0) -> float:
    """Change the array."""
    found = sum(array.numbers)
    array.numbers[:] = [99.0]
    return found


def break_box(box: Box, salt: int = 0) -> float:
    """Change everything in the box."""
    found = box.items[0] + box.items[1]["deep"][0] + sum(box.array.numbers if box.array else [])
    box.items[1]["deep"].append(5.0)
    box.items[0] = 77.0
    if box.array:
        box.array.numbers.clear()
    return found


def break_constant(numbers: list[float] = [1.0, 2.0], salt: int = 0) -> float:  # noqa: B006
    """Change the typed value or the default."""
    found = sum(numbers)
    numbers.append(50.0)
    return found


FUNCTIONS: list[Callable[..., Any]] = [make_list, make_array, make_box, break_list, break_array, break_box, break_constant]


@pytest.fixture(scope="module")
def breaking() -> Any:
    declared = [node(f"toy.{function.__name__}", version=1, category="x")(function) for function in FUNCTIONS]
    registry = of_functions(*declared, pack=Pack(name="own", version="0", package="own", codecs=ARRAYS))
    assert not registry.faults
    return registry


@pytest.mark.parametrize(("kind", "socket", "total"), [("list", "values", 3.0), ("array", "array", 3.0), ("box", "box", 6.0)])
def test_a_node_that_changes_its_input_cannot_reach_what_is_kept(kind: str, socket: str, total: float, breaking: Any) -> None:
    taken = {"list": "numbers"}.get(kind, kind)
    nodes = {"make": entry(f"make_{kind}")}
    nodes |= {f"break{salt}": entry(f"break_{kind}", {taken: f"make.{socket}"}, salt=salt) for salt in range(6)}
    of = workflow(nodes, f"make.{socket}", *(f"break{salt}.value" for salt in range(6)))
    with Engine(breaking) as engine:
        first = run(engine, of)
        assert [first.outputs[f"break{salt}"] for salt in range(6)] == [total] * 6
        before = engine.codecs.digest(first.outputs["make"])
        later = of.with_values({"break0.salt": 100, "break1.salt": 101})
        second = run(engine, later)
        assert second.outputs["break0"] == second.outputs["break1"] == total
        assert "make" not in second.ran
        assert engine.codecs.digest(second.outputs["make"]) == before


def test_a_caller_that_changes_an_output_cannot_reach_what_is_kept(breaking: Any) -> None:
    with Engine(breaking) as engine:
        of = workflow({"make": entry("make_box")}, "make.box")
        run(engine, of).outputs["make"].items.clear()
        again = run(engine, of)
        assert again.ran == {}
        assert again.outputs["make"].items == [1.0, {"deep": [2.0]}]


def test_a_node_that_changes_a_typed_value_or_default_changes_no_later_run(breaking: Any) -> None:
    with Engine(breaking) as engine:
        of = workflow(
            {"typed": entry("break_constant", numbers=[4.0]), "default": entry("break_constant")}, "typed.value", "default.value"
        )
        assert run(engine, of).outputs == {"typed": 4.0, "default": 3.0}
        assert of.nodes["typed"].values == {"numbers": [4.0]}
        again = of.with_values({"typed.salt": 1, "default.salt": 1})
        assert run(engine, again).outputs == {"typed": 4.0, "default": 3.0}


def test_a_value_of_no_size_is_kept_too(breaking: Any) -> None:
    def empty() -> Array:
        """Give nothing."""
        return Array()

    registry = of_functions(
        node("toy.empty", version=1, category="x")(empty), pack=Pack(name="own", version="0", package="own", codecs=ARRAYS)
    )
    with Engine(registry) as engine:
        of = workflow({"e": entry("empty")}, "e.array")
        assert run(engine, of).status == "succeeded"
        assert run(engine, of).ran == {}


def test_a_finished_file_is_a_value_like_any_other() -> None:
    file = File(data=b"x", stem="a", suffix=".txt", media_type="text/plain")
    assert PLAIN.hand_out(file) is file
    assert re.fullmatch("[0-9a-f]{64}", PLAIN.digest(file).hex())
