"""What a plan says that nodes will cost: what nodes like them took on this machine."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

from graph_engine import Seed, node
from graph_engine.engine import Engine, Request
from graph_engine.plan import Planned
from graph_engine.registry import of_functions
from graph_engine.workflow import Workflow
from tests.graph_engine.cache import work
from tests.graph_engine.toys import entry, workflow


@node("cost.sample", version=1, category="x")
def sample(
    text: str = "", seed: Annotated[int, Seed()] = 0, steps: int = 20, sampler: Literal["euler", "heun"] = "euler", a: float = 0.0
) -> str:
    """Give as many letters as there are steps."""
    return "x" * steps


@node("cost.fail", version=1, category="x")
def fail(a: float = 0.0) -> float:
    """Fail."""
    raise RuntimeError


REGISTRY = of_functions(sample, fail)


def of(**values: Any) -> Workflow:
    return workflow({"s": entry("cost.sample", **values)}, "s.value")


def planned(folder: Path, wanted: Workflow) -> Planned:
    with Engine(REGISTRY, cache_folder=folder) as engine:
        (found,) = engine.plan(Request(workflow=wanted))
    return found


def ran(folder: Path, *wanted: Workflow) -> list[float]:
    """The seconds that each took, in an engine of its own."""
    with Engine(REGISTRY, cache_folder=folder) as engine:
        return [engine.run(Request(workflow=one)).ran["s"] for one in wanted]


def test_before_anything_ran_nothing_is_estimated(tmp_path: Path) -> None:
    found = planned(tmp_path, of())
    assert (found.status, found.seconds, found.size_bytes) == ("runs", None, None)


def test_a_node_with_another_text_and_seed_is_estimated_by_what_was_measured(tmp_path: Path) -> None:
    (seconds,) = ran(tmp_path, of(text="a cat", seed=1, steps=30))
    found = planned(tmp_path, of(text="a dog on the moon", seed=99, steps=30))
    assert found.seconds == pytest.approx(seconds)
    assert found.size_bytes == 94
    assert found.as_json()["seconds"] == found.seconds


def test_like_goes_before_kind(tmp_path: Path) -> None:
    few, many = ran(tmp_path, of(steps=10), of(steps=1000))
    assert planned(tmp_path, of(steps=10, seed=2)).size_bytes == 74
    assert planned(tmp_path, of(steps=1000, seed=2)).size_bytes == 1064
    for other in (of(steps=11), of(steps=10, sampler="heun")):  # none like it ran: its kind tells, and nothing is scaled
        found = planned(tmp_path, other)
        assert found.size_bytes == (74 + 1064) / 2
        assert found.seconds == pytest.approx((few + many) / 2)


def test_the_newest_runs_weigh_most(tmp_path: Path) -> None:
    ran(tmp_path, *(of(steps=10, seed=seed) for seed in range(20)))
    ran(tmp_path, *(of(steps=1000, seed=seed) for seed in range(20)))
    size = planned(tmp_path, of(steps=500)).size_bytes
    assert size is not None
    assert 1000 < size < 1064


def test_what_is_cached_costs_nothing_and_what_failed_is_not_learnt(tmp_path: Path) -> None:
    ran(tmp_path, of())
    assert (planned(tmp_path, of()).status, planned(tmp_path, of()).seconds) == ("cached", None)
    with Engine(REGISTRY, cache_folder=tmp_path) as engine:
        engine.run(Request(workflow=workflow({"f": entry("cost.fail")}, "f.value")))
    assert planned(tmp_path, workflow({"f": entry("cost.fail", a=1.0)}, "f.value")).seconds is None


def test_another_process_estimates_by_what_this_one_measured(tmp_path: Path) -> None:
    with Engine(work.REGISTRY, cache_folder=tmp_path) as engine:
        engine.run(Request(workflow=workflow({"b": entry("work.blob", seed=1)}, "b.blob")))
    code = """
import json, sys
from pathlib import Path
from graph_engine.engine import Engine, Request
from tests.graph_engine.cache import work
from tests.graph_engine.toys import entry, workflow
with Engine(work.REGISTRY, cache_folder=Path(sys.argv[1])) as engine:
    print(json.dumps([one.as_json() for one in engine.plan(Request(workflow=workflow({"b": entry("work.blob", seed=2)}, "b.blob")))]))
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=work.ROOT, capture_output=True, text=True, check=True)
    (found,) = json.loads(done.stdout)
    assert (found["status"], found["size_bytes"]) == ("runs", 64 + 4000 + 64)
    assert found["seconds"] > 0


def test_costs_are_kept_apart_by_version(tmp_path: Path) -> None:
    ran(tmp_path, of())
    with sqlite3.connect(tmp_path / "index.sqlite") as database:
        kinds = {signature.rpartition("/")[0] or signature for (signature,) in database.execute("select signature from costs")}
    database.close()
    assert kinds == {"cost.sample/1", "cost.sample"}
