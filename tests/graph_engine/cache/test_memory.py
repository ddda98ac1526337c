"""What stays in memory under a byte budget."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_engine.cache.memory import MISSING, MemoryCache
from graph_engine.digest import Key
from graph_engine.engine import Engine
from graph_engine.values import Codecs
from tests.graph_engine.toys import Picture, entry, run, workflow

CODECS = Codecs()
SIZE = 1000 - 64  # a text of so many letters counts as 1000 bytes


def key(name: str) -> Key:
    return Key(name.encode())


def store(cache: MemoryCache, name: str, value: Any, seconds: float = 1.0) -> Any:
    digest = CODECS.digest(value)
    cache.store(key(name), {"value": digest}, {"value": value}, seconds)
    return digest


def text(letter: str, size: int = SIZE) -> str:
    return letter * size


def test_a_value_is_found_again_by_the_key_of_its_computation() -> None:
    cache = MemoryCache(CODECS)
    store(cache, "k", "hello", 2.0)
    result = cache.result(key("k"))
    assert result is not None
    assert result.elapsed_s == 2.0
    assert cache.holds(result)
    assert cache.value(result.outputs["value"]) == "hello"
    assert cache.result(key("other")) is None


def test_two_computations_with_one_value_keep_it_once() -> None:
    cache = MemoryCache(CODECS)
    store(cache, "a", text("x"))
    store(cache, "b", text("x"))
    assert cache.size_bytes == 1000
    assert cache.result(key("a")).outputs == cache.result(key("b")).outputs  # type: ignore[union-attr]


def test_the_fewest_recompute_seconds_per_byte_go_first() -> None:
    cache = MemoryCache(CODECS, budget_bytes=3000)
    cheap, dear, large = store(cache, "1", text("a"), 1.0), store(cache, "2", text("b"), 9.0), store(cache, "3", text("c"), 5.0)
    store(cache, "4", text("d"), 7.0)
    assert cache.value(cheap) is MISSING
    store(cache, "5", text("e"), 8.0)
    assert cache.value(large) is MISSING
    assert cache.value(dear) == text("b")


def test_seconds_count_by_the_byte() -> None:
    cache = MemoryCache(CODECS, budget_bytes=4000)
    big = store(cache, "1", text("a", 3000 - 64), 6.0)
    small = store(cache, "2", text("b"), 3.0)
    store(cache, "3", text("c"), 3.0)
    assert cache.value(big) is MISSING
    assert cache.value(small) == text("b")


def test_age_lets_what_is_never_used_go_in_the_end() -> None:
    cache = MemoryCache(CODECS, budget_bytes=2000)
    once_dear = store(cache, "dear", text("a"), 5.0)
    for number in range(10):
        store(cache, f"cheap{number}", text(str(number)), 1.0)
    assert cache.value(once_dear) is MISSING


def test_what_is_used_again_stays() -> None:
    cache = MemoryCache(CODECS, budget_bytes=2000)
    used = store(cache, "used", text("a"), 2.0)
    for number in range(10):
        assert cache.value(used) == text("a")
        store(cache, f"other{number}", text(str(number)), 1.0)
    assert cache.value(used) == text("a")


def test_a_value_larger_than_the_budget_is_not_kept_and_drives_nothing_out() -> None:
    cache = MemoryCache(CODECS, budget_bytes=2000)
    kept = store(cache, "kept", text("a"))
    huge = store(cache, "huge", text("b", 5000))
    assert cache.value(huge) is MISSING
    assert cache.value(kept) == text("a")
    assert cache.result(key("huge")) is not None


def test_a_result_outlives_its_values() -> None:
    cache = MemoryCache(CODECS, budget_bytes=1000)
    store(cache, "1", text("a"), 0.5)
    store(cache, "2", text("b"))
    result = cache.result(key("1"))
    assert result is not None
    assert not cache.holds(result)


def test_clearing_forgets_everything() -> None:
    cache = MemoryCache(CODECS)
    digest = store(cache, "1", "x")
    cache.clear()
    assert cache.result(key("1")) is None
    assert cache.value(digest) is MISSING
    assert cache.size_bytes == 0
    store(cache, "1", "x")
    assert cache.value(digest) == "x"


steps = st.lists(
    st.tuples(st.sampled_from(["store", "use"]), st.integers(0, 15), st.integers(0, 900), st.floats(0, 10)), max_size=60
)


@given(steps, st.integers(0, 2000))
def test_the_budget_is_respected_whatever_happens(of: list[tuple[str, int, int, float]], budget: int) -> None:
    cache = MemoryCache(CODECS, budget_bytes=budget)
    stored: dict[Any, str] = {}
    for action, number, size, seconds in of:
        value = f"{number}:" + "x" * size
        if action == "store":
            stored[store(cache, value, value, seconds)] = value
        else:
            cache.value(CODECS.digest(value))
        found = {digest: cache.value(digest) for digest in stored}
        assert all(value is MISSING or value == stored[digest] for digest, value in found.items())
        assert cache.size_bytes == sum(CODECS.size_bytes(value) for value in found.values() if value is not MISSING)
        assert cache.size_bytes <= budget


@pytest.mark.parametrize("budget", [0, 40, 200, 10_000_000])
def test_a_run_is_right_under_any_budget(budget: int, make_engine: Any) -> None:
    engine: Engine = make_engine(memory_bytes=budget)
    nodes = {f"t{i}": entry("text", value=text(str(i), 30 + i)) for i in range(5)}
    nodes |= {f"l{i}": entry("letters", {"value": f"t{i}.value"}) for i in range(5)}
    nodes |= {f"s{i}": entry("add", {"a": f"l{i}.value", "b": f"l{(i + 1) % 5}.value"}) for i in range(5)}
    of = workflow(nodes, *(f"s{i}.value" for i in range(5)))
    expected = {f"s{i}": float(30 + i + 30 + (i + 1) % 5) for i in range(5)}
    for _ in range(3):
        assert run(engine, of).outputs == expected


def test_what_lies_below_is_served_although_a_value_above_was_dropped(make_engine: Any) -> None:
    engine: Engine = make_engine(memory_bytes=600)
    nodes = {
        "large": entry("text", value=text("a", 5000)),
        "count": entry("letters", {"value": "large.value"}),
        "sum": entry("add", {"a": "count.value"}, b=1.0),
    }
    of = workflow(nodes, "sum.value")
    assert sorted(run(engine, of).ran) == ["count", "large", "sum"]
    assert run(engine, of).ran == {}
    changed = run(engine, of.with_values({"sum.b": 2.0}))
    assert (sorted(changed.ran), changed.outputs) == (["sum"], {"sum": 5002.0})


def test_who_holds_what_is_reported_by_type_the_largest_first() -> None:
    cache = MemoryCache(CODECS, budget_bytes=10_000)
    for name, value in (("1", text("a")), ("2", text("b")), ("3", Picture((1.0,))), ("4", b"x" * 5000), ("5", 1.0)):
        store(cache, name, value)
    report = cache.report()
    assert list(report.types) == ["bytes", "str", "Picture", "float"]
    assert (report.types["str"], report.types["bytes"]) == ((2, 2000), (1, 5064))
    assert sum(count for count, _ in report.types.values()) == 5
    assert (sum(size for _, size in report.types.values()), report.budget_bytes) == (report.size_bytes, 10_000)
    cache.clear()
    assert cache.report() == ({}, 0, 10_000)
