"""Who computes what several want at once: one of them, between runs and between processes, whatever becomes of it."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graph_engine.cache.claims import Claims
from graph_engine.digest import Key
from graph_engine.engine import Engine, Request
from tests.graph_engine.cache import work
from tests.graph_engine.toys import PATIENCE_S, entry, finished, workflow

KEY, OTHER = Key(b"k" * 32), Key(b"o" * 32)


def until(what: Callable[[], Any]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < end, "nothing happens"
        time.sleep(0.01)


def slow(folder: Path, count: int = 1, kind: str = "slow") -> Any:
    """Chains of two nodes of which the first waits until it is let go."""
    nodes: dict[str, Any] = {}
    for number in range(count):
        nodes[f"s{number}"] = entry(f"work.{kind}", value=float(number), folder=str(folder))
        nodes[f"a{number}"] = entry("add", {"a": f"s{number}.value"}, b=1.0)
    return workflow(nodes, *(f"a{number}.value" for number in range(count)))


def let_go(folder: Path) -> None:
    (folder / "go").touch()


# the table itself


def test_the_first_takes_a_key_and_the_others_are_told_when_it_is_free(tmp_path: Path) -> None:
    claims, told = Claims(), list[str]()
    assert claims.take(KEY, lambda: told.append("first"), shared=False)
    assert not claims.take(KEY, lambda: told.append("second"), shared=False)
    assert not claims.take(KEY, lambda: told.append("third"), shared=False)
    assert claims.take(OTHER, lambda: told.append("other"), shared=False)
    assert told == []
    claims.release(KEY)
    assert told == ["second", "third"]
    assert claims.take(KEY, lambda: None, shared=False)
    claims.close()


def test_a_key_that_nobody_holds_can_be_released(tmp_path: Path) -> None:
    claims = Claims(tmp_path / "claims")
    claims.release(KEY)
    claims.release_shared(KEY)
    assert claims.take(KEY, lambda: None, shared=True)
    claims.close()


def test_whoever_is_told_may_take_the_key_at_once() -> None:
    claims, taken = Claims(), list[bool]()
    assert claims.take(KEY, lambda: None, shared=False)
    claims.take(KEY, lambda: taken.append(claims.take(KEY, lambda: None, shared=False)), shared=False)
    claims.take(KEY, lambda: taken.append(claims.take(KEY, lambda: None, shared=False)), shared=False)
    claims.release(KEY)
    assert taken == [True, False]
    claims.close()


def test_claims_without_a_file_that_can_be_opened_hold_within_the_process(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "claims").mkdir()
    claims = Claims(tmp_path / "claims")
    assert "other processes may compute the same values" in caplog.text
    assert claims.take(KEY, lambda: None, shared=True)
    assert not claims.take(KEY, lambda: None, shared=True)
    claims.close()


def test_the_claim_of_another_process_holds_until_it_dies(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        mine = Claims(tmp_path / "claims")
        os.write(writing, b"1" if mine.take(KEY, lambda: None, shared=True) else b"0")
        time.sleep(10 * PATIENCE_S)
        os._exit(0)
    try:
        assert os.read(reading, 1) == b"1"
        claims, free = Claims(tmp_path / "claims"), threading.Event()
        assert not claims.take(KEY, free.set, shared=True)
        assert claims.take(OTHER, lambda: None, shared=True)
        assert not free.wait(0.1)
        os.kill(child, signal.SIGKILL)
        assert free.wait(PATIENCE_S)
        assert claims.take(KEY, lambda: None, shared=True)
        claims.close()
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reading)
        os.close(writing)


# runs of one process


@pytest.mark.parametrize("on_disk", [False, True], ids=["in memory", "on disk"])
def test_runs_at_once_compute_each_key_once(tmp_path: Path, on_disk: bool) -> None:
    with Engine(work.REGISTRY, cache_folder=tmp_path / "cache" if on_disk else None) as engine:
        runs = [engine.start(Request(workflow=slow(tmp_path, 3))) for _ in range(6)]
        until(lambda: work.noted(tmp_path))
        let_go(tmp_path)
        results = [finished(one) for one in runs]
    assert [result.outputs for result in results] == [{"a0": 1.0, "a1": 3.0, "a2": 5.0}] * 6
    assert len(work.noted(tmp_path)) == 3
    assert sum(len(result.ran) for result in results) == 6


def test_two_nodes_of_one_run_with_the_same_key_run_once(tmp_path: Path) -> None:
    let_go(tmp_path)
    nodes = {name: entry("work.slow", value=1.0, folder=str(tmp_path)) for name in "abc"}
    with Engine(work.REGISTRY) as engine:
        result = engine.run(Request(workflow=workflow(nodes, "a.value", "b.value", "c.value")))
    assert result.outputs == {"a": 2.0, "b": 2.0, "c": 2.0}
    assert (len(result.ran), len(result.served), len(work.noted(tmp_path))) == (1, 2, 1)


def test_a_node_that_ends_between_the_look_and_the_claim_of_another_run_is_not_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go(tmp_path)
    with Engine(work.REGISTRY) as engine:
        cache, claim = engine.around.cache, engine.around.cache.claim

        def late(*arguments: Any) -> bool:
            """Between the look and the claim of the first run, the second one does it all."""
            monkeypatch.setattr(cache, "claim", claim)
            assert finished(engine.start(Request(workflow=slow(tmp_path)))).outputs == {"a0": 1.0}
            return claim(*arguments)

        monkeypatch.setattr(cache, "claim", late)
        result = finished(engine.start(Request(workflow=slow(tmp_path))))
        assert (result.outputs, result.ran, len(work.noted(tmp_path))) == ({"a0": 1.0}, {}, 1)
        assert cache.claim(engine_key(engine), work.REGISTRY.specs["work.slow"], lambda: None)  # nobody was left holding it


def engine_key(engine: Engine) -> Key:
    """The key of the one slow node that ran."""
    return next(iter(engine.around.cache.memory._results))


def test_when_the_owner_fails_another_run_takes_over(tmp_path: Path) -> None:
    (tmp_path / "fail").touch()
    with Engine(work.REGISTRY) as engine:
        runs = [engine.start(Request(workflow=slow(tmp_path, kind="die"))) for _ in range(3)]
        until(lambda: work.noted(tmp_path))
        let_go(tmp_path)
        results = [finished(one) for one in runs]
    assert sorted(result.status for result in results) == ["failed", "succeeded", "succeeded"]
    assert len(work.noted(tmp_path)) == 2


def test_when_the_owner_is_cancelled_another_run_takes_over(tmp_path: Path) -> None:
    with Engine(work.REGISTRY) as engine:
        first = engine.start(Request(workflow=slow(tmp_path)))
        until(lambda: work.noted(tmp_path))
        second = engine.start(Request(workflow=slow(tmp_path)))
        first.cancel()
        assert finished(first).status == "cancelled"
        until(lambda: len(work.noted(tmp_path)) == 2)
        let_go(tmp_path)
        assert finished(second).outputs == {"a0": 1.0}


def test_a_run_that_waits_for_another_can_be_cancelled(tmp_path: Path) -> None:
    with Engine(work.REGISTRY) as engine:
        first = engine.start(Request(workflow=slow(tmp_path)))
        until(lambda: work.noted(tmp_path))
        second = engine.start(Request(workflow=slow(tmp_path)))
        second.cancel()
        assert finished(second).status == "cancelled"
        let_go(tmp_path)
        assert finished(first).outputs == {"a0": 1.0}


def test_waiting_for_a_key_holds_no_lane(tmp_path: Path) -> None:
    with Engine(work.REGISTRY, workers={"cpu": 2}) as engine:
        first = engine.start(Request(workflow=slow(tmp_path)))
        until(lambda: work.noted(tmp_path))
        waiting = [engine.start(Request(workflow=slow(tmp_path))) for _ in range(5)]
        other = engine.run(Request(workflow=workflow({"x": entry("add", a=1.0, b=2.0)}, "x.value")))
        assert other.outputs == {"x": 3.0}
        let_go(tmp_path)
        assert all(finished(one).outputs == {"a0": 1.0} for one in (first, *waiting))


def test_runs_that_want_each_others_keys_in_another_order_all_end(tmp_path: Path) -> None:
    let_go(tmp_path)

    def chain(names: str) -> Any:
        nodes: dict[str, Any] = {}
        for number, name in enumerate(names):
            nodes[name] = entry("work.slow", value=float(ord(name)), folder=str(tmp_path))
            nodes[f"{name}2"] = entry("mix", {"a": f"{name}.value", "b": f"{names[number - 1]}.value"})
        return workflow(nodes, *(f"{name}2.value" for name in names))

    with Engine(work.REGISTRY, workers={"cpu": 2}, cache_folder=tmp_path / "cache") as engine:
        runs = [engine.start(Request(workflow=chain(names))) for names in ("abcd", "dcba", "bdac", "cabd")]
        assert [finished(one).status for one in runs] == ["succeeded"] * 4
    assert len(work.noted(tmp_path)) == 4


# several processes


def test_two_processes_compute_a_key_once(tmp_path: Path) -> None:
    running = [work.start(tmp_path / "cache", slow(tmp_path, 2)) for _ in range(2)]
    until(lambda: len(work.noted(tmp_path)) >= 2)
    let_go(tmp_path)
    found = [work.end(process) for process in running]
    assert [said for _, said in found] == ["", ""]
    assert [one["outputs"] for one, _ in found] == [{"a0": 1.0, "a1": 3.0}] * 2
    assert len(work.noted(tmp_path)) == 2


def test_the_claim_of_a_killed_process_is_free_at_once(tmp_path: Path) -> None:
    first = work.start(tmp_path / "cache", slow(tmp_path))
    until(lambda: work.noted(tmp_path))
    with Engine(work.REGISTRY, cache_folder=tmp_path / "cache") as engine:
        second = engine.start(Request(workflow=slow(tmp_path)))
        assert second.wait(0.2) is None
        assert work.noted(tmp_path) == [str(first.pid)]
        first.send_signal(signal.SIGKILL)
        first.communicate()
        until(lambda: work.noted(tmp_path) == [str(first.pid), str(os.getpid())])
        let_go(tmp_path)
        assert finished(second).outputs == {"a0": 1.0}


def test_when_the_owner_in_another_process_fails_this_one_takes_over(tmp_path: Path) -> None:
    (tmp_path / "fail").touch()
    first = work.start(tmp_path / "cache", slow(tmp_path, kind="die"))
    until(lambda: work.noted(tmp_path))
    with Engine(work.REGISTRY, cache_folder=tmp_path / "cache") as engine:
        second = engine.start(Request(workflow=slow(tmp_path, kind="die")))
        let_go(tmp_path)
        assert finished(second).outputs == {"a0": 1.0}
    assert work.end(first)[0]["status"] == "failed"
    assert work.noted(tmp_path) == [str(first.pid), str(os.getpid())]


def test_processes_with_nested_needs_end_and_compute_each_key_once(tmp_path: Path) -> None:
    let_go(tmp_path)
    nodes: dict[str, Any] = {"s0": entry("work.slow", value=1.0, folder=str(tmp_path))}
    for number in range(1, 12):
        nodes[f"s{number}"] = entry("work.slow", {"value": f"s{number - 1}.value"}, folder=str(tmp_path))
    running = [work.start(tmp_path / "cache", workflow(nodes, f"s{last}.value")) for last in (11, 8, 11)]
    found = [work.end(process) for process in running]
    assert [one["status"] for one, _ in found] == ["succeeded"] * 3
    assert [list(one["outputs"].values()) for one, _ in found] == [[2.0**12], [2.0**9], [2.0**12]]
    assert len(work.noted(tmp_path)) == 12
