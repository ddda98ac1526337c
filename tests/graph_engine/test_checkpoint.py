"""Long work that is interrupted goes on from what it kept; what was kept goes when it is done, when it is damaged, and when it is old."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from graph_engine import Context, LoomError, node, socket_type
from graph_engine.cache.disk import CHECKPOINT_KEPT_S
from graph_engine.digest import Key
from graph_engine.engine import Engine
from tests.graph_engine.toys import PATIENCE_S, entry, run, workflow

STEPS = 6


@socket_type("Handle", on_disk=False)
@dataclass(frozen=True)
class Handle:
    name: str = ""


class Journal:
    """What the node below did, and when it is to break."""

    def __init__(self) -> None:
        self.began: list[Any] = []
        self.break_after = STEPS
        self.state: Callable[[int, float], Any] = lambda step, value: {"step": step, "value": value}


journal = Journal()


@pytest.fixture(autouse=True)
def _afresh() -> None:
    vars(journal).update(vars(Journal()))


def _climbed(value: float, context: Context) -> float:
    kept = context.resume()
    journal.began.append(kept)
    first = 0
    if kept is not None:
        first, value = kept["step"] + 1, kept["value"]
    for step in range(first, STEPS):
        if step == journal.break_after:
            raise RuntimeError("the power failed")
        value = value * 1.5 + 0.1
        context.checkpoint(lambda step=step, value=value: journal.state(step, value))  # type: ignore[misc]
        context.progress(step + 1, STEPS)
    return value


@node("toy.climb", version=1, category="numbers")
def climb(value: float, context: Context) -> float:
    """Take a while."""
    return _climbed(value, context)


@node("toy.wander", version=1, category="numbers", volatile=True)
def wander(value: float, context: Context) -> float:
    """Take a while, and end elsewhere each time."""
    return _climbed(value, context)


CLIMB = workflow({"climb": entry("climb", value=1.0)}, "climb.value")
EXPECTED = 1.0
for _ in range(STEPS):
    EXPECTED = EXPECTED * 1.5 + 0.1

Make = Callable[..., Engine]


@pytest.fixture
def make(make_engine: Make, tmp_path: Path) -> Make:
    """An engine whose checkpoints lie in one folder; every state that is offered is kept, unless said otherwise."""
    return lambda **options: make_engine(
        climb, wander, **{"cache_folder": tmp_path / "cache", "checkpoint_interval_s": 0, **options}
    )


@pytest.fixture
def kept(tmp_path: Path) -> Callable[[], list[Path]]:
    return lambda: sorted((tmp_path / "cache" / "checkpoints").glob("*"))


def interrupt(engine: Engine, after: int = 3) -> None:
    journal.break_after = after
    assert run(engine, CLIMB).status == "failed"
    journal.break_after = STEPS


def flush(engine: Engine) -> None:
    assert engine.around.cache.disk is not None
    engine.around.cache.disk.flush()


def test_interrupted_work_goes_on_where_it_was_and_ends_the_same(make: Make, kept: Any) -> None:
    interrupt(make())
    assert len(kept()) == 1
    seen: list[Any] = []
    engine = make()
    result = run(engine, CLIMB, listener=lambda event: seen.append(event))
    assert result.outputs == {"climb": EXPECTED}
    assert journal.began[0] is None
    assert journal.began[1]["step"] == 2
    assert [event.done for event in seen if event.kind == "node_progress"] == [4, 5, 6]


def test_no_checkpoint_is_left_after_success(make: Make, kept: Any) -> None:
    engine = make()
    run(engine, CLIMB)
    flush(engine)
    assert kept() == []


def test_the_checkpoint_stays_until_the_result_is_written(make: Make, kept: Any) -> None:
    engine = make()
    disk, busy = engine.around.cache.disk, threading.Event()
    assert disk is not None
    disk.later(lambda: None if busy.wait(PATIENCE_S) else pytest.fail("nobody let the writer go on"))
    run(engine, CLIMB)
    assert len(kept()) == 1
    busy.set()
    flush(engine)
    assert kept() == []
    assert run(make(), CLIMB).served == ["climb"]


def test_other_values_do_not_go_on_from_it(make: Make) -> None:
    interrupt(make())
    other = workflow({"climb": entry("climb", value=2.0)}, "climb.value")
    assert run(make(), other).status == "succeeded"
    assert journal.began == [None, None]


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("cut off", lambda data: data[: len(data) // 2]),
        ("empty", lambda data: b""),
        ("altered", lambda data: data.replace(b'"step"', b'"stop"').replace(b'\\"step\\"', b'\\"stop\\"')),
        ("no such file at all", lambda data: b"\xff" * len(data)),
    ],
)
def test_a_damaged_checkpoint_is_dropped_and_said_so(
    make: Make, kept: Any, caplog: pytest.LogCaptureFixture, name: str, damage: Any
) -> None:
    interrupt(make())
    (path,) = kept()
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert path.read_bytes() != whole
    with caplog.at_level(logging.WARNING):
        result = run(make(), CLIMB)
    assert result.outputs == {"climb": EXPECTED}
    assert journal.began == [None, None]
    assert "A checkpoint was dropped, and its node starts anew" in caplog.text


def test_a_state_that_cannot_be_kept_stops_nothing(make: Make, kept: Any) -> None:
    journal.state = lambda step, value: {"step": step, "handle": Handle("x")}
    assert run(make(), CLIMB).outputs == {"climb": EXPECTED}
    assert kept() == []


def test_work_that_ends_elsewhere_each_time_keeps_nothing(make: Make, kept: Any) -> None:
    journal.break_after = 3
    wandering = workflow({"wander": entry("wander", value=1.0)}, "wander.value")
    assert run(make(), wandering).status == "failed"
    assert kept() == []


def test_checkpoints_are_rare_unless_one_says_otherwise(make: Make, kept: Any) -> None:
    interrupt(make(checkpoint_interval_s=float("inf")))
    assert kept() == []


def test_the_environment_sets_how_often(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    assert make(checkpoint_interval_s=None).around.checkpoint_interval_s == 5
    monkeypatch.setenv("LOOM_CHECKPOINT_S", "0.5")
    assert make(checkpoint_interval_s=None).around.checkpoint_interval_s == 0.5
    assert make(checkpoint_interval_s=2.0).around.checkpoint_interval_s == 2


@pytest.mark.parametrize("said", ["soon", "-1", "nan"])
def test_an_environment_that_says_no_number_of_seconds_is_refused(
    make_engine: Make, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    monkeypatch.setenv("LOOM_CHECKPOINT_S", said)
    with pytest.raises(LoomError, match=f"LOOM_CHECKPOINT_S is '{said}', but must be a number of seconds"):
        make_engine(climb)


def test_without_a_cache_folder_there_are_none(make: Make, kept: Any) -> None:
    interrupt(make(cache_folder=None))
    assert kept() == []
    assert run(make(cache_folder=None), CLIMB).outputs == {"climb": EXPECTED}


def test_collecting_drops_those_that_nobody_came_back_for(make: Make, kept: Any) -> None:
    disk = make().around.cache.disk
    assert disk is not None
    disk.checkpoint(Key(b"old"), {"step": 1})
    disk.checkpoint(Key(b"new"), {"step": 2})
    old = disk.folder / "checkpoints" / f"{b'old'.hex()}.safetensors"
    long_ago = time.time() - CHECKPOINT_KEPT_S - 60
    os.utime(old, (long_ago, long_ago))
    size = old.stat().st_size
    assert disk.collect() == (1, size)
    assert disk.checkpointed(Key(b"old")) is None
    assert disk.checkpointed(Key(b"new")) == {"step": 2}
    disk.clear()
    assert kept() == []
