"""What is kept on disk: served to other processes, checked when read, kept within its budget; and no fault of the disk stops a run."""

from __future__ import annotations

import json
import logging
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from graph_engine import Folders
from graph_engine.cache.disk import SMALL_BYTES, DiskCache
from graph_engine.cache.index import SCHEMA_VERSION, Index
from graph_engine.cache.memory import MISSING
from graph_engine.digest import Key
from graph_engine.engine import Engine
from graph_engine.registry import discover
from graph_engine.values import Codecs, Digest
from graph_engine.workflow import Workflow
from tests.graph_engine.cache import work
from tests.graph_engine.toys import entry, run, workflow

CODECS = Codecs()
At = Callable[..., Engine]
DROPPED = "was dropped and is computed again"
GIVEN_UP = "is not used any more in this run"


@pytest.fixture
def at(tmp_path: Path) -> Any:
    """Engines over one cache folder, each as good as another process; they close when the test ends, or before."""
    made: list[Engine] = []

    def make(**options: Any) -> Engine:
        made.append(Engine(**{"registry": work.REGISTRY, "cache_folder": tmp_path / "cache", **options}))
        return made[-1]

    yield make
    for engine in made:
        engine.close()


def blobs(count: int = 1, size: int = 4000, first: int = 1) -> Workflow:
    nodes: dict[str, Any] = {}
    for number in range(first, first + count):
        nodes[f"b{number}"] = entry("work.blob", seed=number, size=size)
        nodes[f"n{number}"] = entry("work.length", {"blob": f"b{number}.blob"})
    return workflow(nodes, *(f"b{number}.blob" for number in range(first, first + count)))


def files(folder: Path) -> list[Path]:
    return sorted((folder / "values").glob("*/*"))


def no_class(name: str) -> type | None:
    return None


def disk(folder: Path, budget_bytes: int = 10**9) -> DiskCache:
    return DiskCache(folder, CODECS, no_class, budget_bytes)


def put(cache: DiskCache, value: Any, seconds: float = 1.0) -> Digest:
    digest = CODECS.digest(value)
    cache.store(Key(b"key of " + digest), "toy.x", {"value": digest}, {"value": value}, seconds, then=lambda: None)
    cache.flush()
    return digest


def letters(letter: str, size: int = 4000) -> bytes:
    return letter.encode() * size


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


# what comes back


@pytest.mark.parametrize("size", [10, SMALL_BYTES, 100_000], ids=["small", "on the border", "large"])
def test_a_value_is_read_back_by_whoever_opens_the_folder_next(tmp_path: Path, size: int) -> None:
    first = disk(tmp_path)
    digest = put(first, letters("a", size))
    first.close()
    second = disk(tmp_path)
    result = second.result(Key(b"key of " + digest))
    assert result is not None
    assert (result.outputs, result.elapsed_s, second.holds(result)) == ({"value": digest}, 1.0, True)
    assert second.value(digest) == letters("a", size)
    assert len(files(tmp_path)) == (size == 100_000 or size == SMALL_BYTES)
    second.close()


def test_a_second_engine_runs_nothing_that_the_first_one_kept(at: At) -> None:
    first = at()
    made = run(first, blobs(3)).outputs
    first.close()
    result = run(at(), blobs(3))
    assert (result.ran, sorted(result.served)) == ({}, ["b1", "b2", "b3"])
    assert result.outputs == made


def test_a_second_process_is_served_and_imports_nothing_heavy(tmp_path: Path) -> None:
    of = workflow({"b": entry("work.blob", seed=1), "n": entry("work.length", {"blob": "b.blob"})}, "n.value")
    first, _ = work.end(work.start(tmp_path, of))
    second, said = work.end(work.start(tmp_path, of))
    assert (first["ran"], second["ran"], second["outputs"]) == (["b", "n"], [], {"n": 4000})
    assert (second["heavy"], said) == ([], "")


PICTURE = """
import sys
from pathlib import Path
from graph_engine import Folders
from graph_engine.engine import Engine, Request
from graph_engine.workflow import read
home = Path(sys.argv[1])
with Engine(folders=Folders(models=(home / "models",)), options={"device": "cpu"}, cache_folder=home / "cache") as engine:
    workflow = read(Path("workflows/text_to_image.json"))
    given = {"width": 64, "height": 64, "steps": 2}
    request = Request(workflow=workflow.with_values({"model.name": "tiny"}), given=given, targets=["save"], output_folder=home / "out")
    result = engine.run(request)
    result.raise_errors()
print(sorted(result.ran), sorted({"torch", "numpy", "PIL", "diffusers", "transformers"} & set(sys.modules)))
"""


def test_a_picture_is_written_again_by_a_second_process_without_importing_torch(tmp_path: Path) -> None:
    built_in = work.ROOT / "nodes" / "builtin" / "loom_tiny"
    assert (built_in / "unet").is_dir()
    shutil.copytree(built_in, tmp_path / "models" / "tiny")

    def process() -> str:
        command = [sys.executable, "-c", PICTURE, str(tmp_path)]
        return subprocess.run(command, cwd=work.ROOT, capture_output=True, text=True, check=True, timeout=300).stdout.strip()

    assert "'sample'" in process()
    assert process() == "[] []"
    with sqlite3.connect(tmp_path / "cache" / "index.sqlite") as database:
        kept = {type for (type,) in database.execute("select type from kept")}
    database.close()
    assert kept == {"loom.encode_text", "loom.empty_latent", "loom.noise", "loom.sample", "loom.decode_latent", "loom.save_image"}
    pictures = sorted((tmp_path / "out").iterdir())
    assert len(pictures) == 2
    assert pixels(pictures[0]) == pixels(pictures[1])


def pixels(path: Path) -> bytes:
    """The compressed pixels of a PNG."""
    data, at, found = path.read_bytes(), 8, b""
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        found += data[at + 8 : at + 8 + size] if data[at + 4 : at + 8] == b"IDAT" else b""
        at += size + 12
    assert found
    return found


# what is not trusted


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def alter(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-50] ^= 1
    path.write_bytes(data)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def garbage(path: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(5000))


def foreign(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"cache.work.Blob", b"cache.work.Old!"))


def unknown_part(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'\\"data\\"', b'\\"atad\\"'))


def another(path: Path) -> None:
    path.write_bytes(next(one for one in path.parents[1].glob("*/*") if one != path).read_bytes())


def not_a_number(path: Path) -> None:
    tree = json.dumps({"value": ["float", "nan"]})
    text = json.dumps({"__metadata__": {"loom": tree}}).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text)


FAULTS = [cut, alter, empty, garbage, foreign, unknown_part, another, not_a_number]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_faulty_file_is_dropped_computed_again_and_said(
    at: At, tmp_path: Path, fault: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    first = at()
    made = run(first, blobs(2)).outputs
    first.close()
    at_fault = files(tmp_path / "cache")[0]
    before = at_fault.read_bytes()
    fault(at_fault)
    assert at_fault.read_bytes() != before
    second = at()
    result = run(second, blobs(2))
    assert (result.status, result.outputs, len(result.ran)) == ("succeeded", made, 1)
    assert [at_fault.name in said and DROPPED in said for said in messages(caplog)] == [True]
    second.close()
    assert at_fault.read_bytes()[16:] != b""
    assert run(at(), blobs(2)).ran == {}


def test_a_file_that_is_gone_is_computed_again(at: At, tmp_path: Path) -> None:
    first = at()
    run(first, blobs(2))
    first.close()
    files(tmp_path / "cache")[0].unlink()
    assert len(run(at(), blobs(2)).ran) == 1


def test_a_small_value_that_was_altered_in_the_index_is_dropped_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = disk(tmp_path)
    digest = put(cache, "abc")
    cache.close()
    with sqlite3.connect(tmp_path / "index.sqlite") as database:
        (data,) = database.execute("select data from kept").fetchone()
        database.execute("update kept set data = ?", (data.replace(b"abc", b"abd"),))
    database.close()
    cache = disk(tmp_path)
    assert cache.value(digest) is MISSING
    assert cache.index is not None
    assert not cache.index.holds(digest)
    assert [DROPPED in said for said in messages(caplog)] == [True]
    cache.close()


PACK = """
from dataclasses import dataclass
from graph_engine import node, socket_type

@socket_type("Thing")
@dataclass(frozen=True)
class Thing:
    {fields}

@node("thing.make", version=1, category="x")
def make(size: int = 2000) -> Thing:
    '''Make a thing.'''
    return Thing({values})
"""


def test_two_versions_of_a_pack_share_one_cache(tmp_path: Path, at: At, caplog: pytest.LogCaptureFixture) -> None:
    versions = {"old": ("text: str", "'x' * size"), "new": ("text: str\n    more: int", "'x' * size, 7")}
    for name, (fields, values) in versions.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "things.py").write_text(PACK.format(fields=fields, values=values))
    of = workflow({"t": entry("thing.make")}, "t.thing")
    for name, ran in (("old", ["t"]), ("new", ["t"]), ("new", []), ("old", ["t"])):
        engine = at(registry=discover([tmp_path / name]))
        result = run(engine, of)
        assert (name, sorted(result.ran), hasattr(result.outputs["t"], "more")) == (name, ran, name == "new")
        engine.close()
    assert [("another version" in said and DROPPED in said) for said in messages(caplog)] == [True, True]


def test_a_value_that_its_codec_cannot_write_is_left_out_and_the_rest_is_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Codec:
        def feed(self, value: Any, feed: Any) -> None:
            feed(b"broken")

        def size_bytes(self, value: Any) -> int:
            return 2000

        def pack(self, value: Any) -> Any:
            raise RuntimeError("the library is broken")

        unpack = hand_out = describe = pack

    codecs = Codecs({f"{__name__}.Foreign": "x:Codec"})
    codecs._loaded["x:Codec"] = Codec()
    cache = DiskCache(tmp_path, codecs, no_class)
    done: list[str] = []
    for name, value in (("bad", Foreign()), ("good", letters("g"))):
        outputs = {"value": codecs.digest(value)}
        cache.store(Key(name.encode()), "toy.x", outputs, {"value": value}, 1.0, then=partial(done.append, name))
    cache.flush()
    assert done == ["bad", "good"]
    assert (cache.result(Key(b"bad")), cache.result(Key(b"good")) is not None) == (None, True)
    assert any("left out" in said for said in messages(caplog))
    cache.close()


class Foreign:
    """Of a library that the engine does not know."""


def test_a_value_too_deep_for_a_file_stays_in_memory(tmp_path: Path) -> None:
    value: Any = "x"
    for _ in range(600):
        value = [value]
    cache = disk(tmp_path)
    digest = CODECS.digest(value)
    cache.store(Key(b"deep"), "toy.x", {"value": digest}, {"value": value}, 1.0, then=lambda: None)
    cache.flush()
    assert cache.result(Key(b"deep")) is None
    put(cache, letters("a"))
    assert len(files(tmp_path)) == 1
    cache.close()


# how much is kept


def test_what_is_over_the_budget_goes_the_fewest_recompute_seconds_per_byte_first(tmp_path: Path) -> None:
    cache = disk(tmp_path, budget_bytes=44_000)
    order = random.Random(7).sample(range(1, 21), 20)
    digests = {seconds: put(cache, letters(chr(64 + seconds)), float(seconds)) for seconds in order if seconds > 10}
    assert all(cache.value(digest) is not MISSING for digest in digests.values())
    dear = put(cache, letters("z"), 100.0)
    kept = [seconds for seconds, digest in digests.items() if cache.value(digest) is not MISSING]
    assert sorted(kept) == list(range(max(digests) - len(kept) + 1, max(digests) + 1))
    assert cache.value(dear) == letters("z")
    assert 0 < len(kept) < len(digests)
    cache.close()


def test_the_budget_holds_however_much_is_written(tmp_path: Path) -> None:
    cache = disk(tmp_path, budget_bytes=60_000)
    for number in range(60):
        put(cache, letters(chr(40 + number), 1500 + 97 * number), float(number % 7))
        size = sum(path.stat().st_size for path in files(tmp_path))
        assert size <= 60_000
        assert cache.index is not None
        assert cache.index.size_bytes() == size == sum(entry.size_bytes for entry in cache.index.entries())
    assert len(files(tmp_path)) > 5
    cache.close()


def test_small_and_large_of_the_same_worth_a_byte_are_told_apart_by_the_byte(tmp_path: Path) -> None:
    cache = disk(tmp_path, budget_bytes=100_000)
    large, small = put(cache, letters("l", 20_000), 1.0), put(cache, letters("s", 2000), 1.0)
    for number in range(10):
        put(cache, letters(chr(70 + number), 8000), 50.0)
    assert (cache.value(large) is MISSING, cache.value(small)) == (True, letters("s", 2000))
    cache.close()


def test_a_value_larger_than_a_fourth_of_the_budget_drives_out_nothing(tmp_path: Path) -> None:
    cache = disk(tmp_path, budget_bytes=40_000)
    digest = put(cache, letters("a"), 1.0)
    called: list[int] = []
    large = letters("b", 11_000)
    cache.store(Key(b"k"), "x", {"value": CODECS.digest(large)}, {"value": large}, 99.0, then=lambda: called.append(1))
    cache.flush()
    assert called == [1]
    assert cache.result(Key(b"k")) is None
    assert cache.value(digest) == letters("a")
    cache.close()


def test_what_was_used_stays_longer_than_what_was_not(tmp_path: Path) -> None:
    cache = disk(tmp_path, budget_bytes=44_000)
    unread, read = put(cache, letters("u"), 1.5), put(cache, letters("r"), 1.0)
    for letter in "abcdefghij":  # the first of them go, and all that stays has aged
        put(cache, letters(letter), 0.9)
    cache.close()
    cache = disk(tmp_path, budget_bytes=44_000)
    assert cache.value(read) == letters("r")
    cache.close()
    cache = disk(tmp_path, budget_bytes=5_000)
    cache.collect()
    assert (cache.value(read) is MISSING, cache.value(unread) is MISSING) == (False, True)
    cache.close()


def test_collecting_removes_what_the_index_does_not_know_and_old_checkpoints(tmp_path: Path) -> None:
    cache = disk(tmp_path)
    digest = put(cache, letters("a"))
    known = files(tmp_path)[0]
    stray = known.with_name("0" * 64 + ".safetensors")
    stray.write_bytes(b"x" * 123)
    half = known.with_name(".loom-half.part")  # another process is at it
    half.write_bytes(b"x")
    left = known.with_name(".loom-left.part")
    left.write_bytes(b"x" * 7)
    (tmp_path / "checkpoints").mkdir()
    fresh, old = tmp_path / "checkpoints" / "fresh", tmp_path / "checkpoints" / "old"
    fresh.write_bytes(b"x")
    old.write_bytes(b"x" * 1000)
    long_ago = time.time() - 30 * 24 * 3600
    for path in (old, left):
        os.utime(path, (long_ago, long_ago))
    assert cache.collect() == (3, 1130)
    assert (known.exists(), fresh.exists(), half.exists()) == (True, True, True)
    assert (stray.exists(), old.exists(), left.exists()) == (False, False, False)
    assert cache.value(digest) == letters("a")
    cache.close()


def test_collecting_applies_a_smaller_budget(tmp_path: Path) -> None:
    cache = disk(tmp_path)
    for letter in "abcdefgh":
        put(cache, letters(letter))
    cache.close()
    smaller = disk(tmp_path, budget_bytes=20_000)
    smaller.collect()
    assert sum(path.stat().st_size for path in files(tmp_path)) <= 20_000
    assert files(tmp_path)
    smaller.close()


def test_clearing_forgets_everything_and_the_folder_can_be_used_on(at: At, tmp_path: Path) -> None:
    engine = at()
    run(engine, blobs(3))
    kept = engine.around.cache.disk
    assert kept is not None
    kept.flush()
    assert len(files(tmp_path / "cache")) == 3
    kept.clear()
    assert files(tmp_path / "cache") == []
    assert kept.index is not None
    assert (kept.index.size_bytes(), list(kept.index.entries())) == (0, [])
    engine.close()
    again = at()
    assert len(run(again, blobs(3)).ran) == 3
    again.close()
    assert run(at(), blobs(3)).ran == {}


# the index


def write_garbage(path: Path) -> None:
    path.write_bytes(random.Random(2).randbytes(20_000))


def write_text(path: Path) -> None:
    path.write_text("this is no database\n" * 100)


def write_nothing(path: Path) -> None:
    path.write_bytes(b"")


def write_less(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


def write_other_layout(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute(f"pragma user_version = {SCHEMA_VERSION + 1}")
    database.close()


def remove(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("quietly", [False, True], ids=["loud", "quiet"])
@pytest.mark.parametrize(
    "fault", [write_garbage, write_text, write_less, write_other_layout, write_nothing, remove], ids=lambda fault: fault.__name__
)
def test_a_damaged_index_is_put_aside_and_rebuilt_from_the_files(
    at: At, tmp_path: Path, fault: Callable[[Path], None], quietly: bool, caplog: pytest.LogCaptureFixture
) -> None:
    if quietly != (fault in (write_nothing, remove)):
        return
    first = at()
    made = run(first, blobs(3)).outputs
    first.close()
    path = tmp_path / "cache" / "index.sqlite"
    fault(path)
    second = at()
    result = run(second, blobs(3))
    assert (result.ran, result.outputs) == ({}, made)
    said = messages(caplog)
    if quietly:
        assert said == []
    else:
        assert len(said) == 1
        assert "index was damaged" in said[0]
        assert "index.damaged-1" in said[0]
        assert (tmp_path / "cache" / "index.damaged-1").exists()
    second.close()
    third = at()
    assert run(third, blobs(3)).ran == {}
    assert messages(caplog) == said


def test_an_index_that_turns_out_damaged_in_mid_run_ends_the_cache_once_and_is_rebuilt_by_the_next_engine(
    at: At, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = at()
    many = {f"a{number}": entry("add", a=float(number), b=0.5) for number in range(300)}
    of = workflow({**many, "b": entry("work.blob", seed=1)}, "b.blob", *(f"{name}.value" for name in many))
    made = run(first, of).outputs
    first.close()
    path = tmp_path / "cache" / "index.sqlite"
    data = bytearray(path.read_bytes())
    data[4096:] = b"\x55" * (len(data) - 4096)  # the first page, with the layout, is sound
    path.write_bytes(data)
    second = at()
    assert run(second, of).outputs == made
    second.close()
    assert sum(GIVEN_UP in said for said in messages(caplog)) == 1
    third = at()
    result = run(third, of)
    assert (result.outputs, "b" in result.served) == (made, True)  # what has a file is found again


def test_files_that_tell_nothing_are_left_out_of_a_rebuilt_index(tmp_path: Path) -> None:
    cache = disk(tmp_path)
    digest = put(cache, letters("a"))
    cache.close()
    sound = files(tmp_path)[0]
    strange: list[dict[str, Any]] = [
        {},
        {"key": 1},
        {"key": "ab", "type": "x", "outputs": [], "elapsed_s": 1.0},
        {"key": "ab", "type": "x", "outputs": {"v": "ab"}, "elapsed_s": "long"},
    ]
    for number, about in enumerate(strange):
        text = json.dumps({"__metadata__": {"loom": json.dumps({"value": None, **about})}}).encode()
        sound.with_name(f"{number:064x}.safetensors").write_bytes(len(text).to_bytes(8, "little") + text)
    sound.with_name("not hex.safetensors").write_bytes(sound.read_bytes())
    (tmp_path / "index.sqlite").unlink()
    cache = disk(tmp_path)
    assert files(tmp_path) == [sound]
    assert cache.value(digest) == letters("a")
    cache.close()


def test_a_clock_that_goes_backwards_changes_nothing_but_the_time_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def kept(folder: Path, times: list[float]) -> list[Digest]:
        cache = disk(folder, budget_bytes=30_000)
        for number, now in enumerate(times):
            monkeypatch.setattr(time, "time", partial(float, now))
            digest = put(cache, letters(chr(65 + number)), float(number * 7 % 5))
            cache.value(digest)
            cache.later(cache._touch)
            cache.flush()  # so that the order of what is written does not hang on threads
        cache.collect()
        assert cache.index is not None
        found = [entry.digest for entry in cache.index.entries()]
        cache.close()
        return found

    forwards, backwards = [1e9 + number for number in range(12)], [1e9 - number * 1e8 for number in range(12)]
    assert kept(tmp_path / "a", forwards) == kept(tmp_path / "b", backwards)


# what the disk refuses


@pytest.mark.parametrize("where", ["cache", "cache/values", "parent/cache"])
def test_a_folder_that_cannot_be_used_is_said_once_and_the_run_goes_on(
    at: At, tmp_path: Path, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    in_the_way = tmp_path / where if where != "parent/cache" else tmp_path / "parent"
    in_the_way.parent.mkdir(exist_ok=True)
    in_the_way.write_text("a file stands where the folder should be")
    engine = at(cache_folder=tmp_path / "parent" / "cache" if where == "parent/cache" else tmp_path / "cache")
    for _ in range(2):
        result = run(engine, blobs(3))
        assert (result.status, len(result.outputs)) == ("succeeded", 3)
    engine.close()
    assert [GIVEN_UP in said for said in messages(caplog)] == [True]
    assert in_the_way.read_text().startswith("a file stands")


def test_a_folder_that_vanishes_in_mid_run_is_said_once_and_the_run_goes_on(
    at: At, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    engine = at(memory_bytes=0)  # so that everything would be read from disk
    made = run(engine, blobs(3)).outputs
    kept = engine.around.cache.disk
    assert kept is not None
    kept.flush()
    shutil.rmtree(tmp_path / "cache")
    for first in (1, 4):
        result = run(engine, blobs(3, first=first))
        assert (result.status, len(result.ran)) == ("succeeded", 3)
        assert first == 4 or result.outputs == made
    engine.close()
    assert [GIVEN_UP in said for said in messages(caplog)] == [True]


def test_a_full_disk_is_said_once_the_run_goes_on_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    nodes: dict[str, Any] = {}
    for number in range(4):
        nodes[f"b{number}"] = entry("work.blob", seed=number, size=400_000)
        nodes[f"n{number}"] = entry("work.length", {"blob": f"b{number}.blob"})
    of = workflow(nodes, *(f"n{number}.value" for number in range(4)))
    found, said = work.end(work.start(tmp_path, of, largest_file=100_000))  # what a file may not pass, as on a disk without room
    assert found["outputs"] == {f"n{number}": 400_000 for number in range(4)}
    assert said.count(GIVEN_UP) == 1
    assert "Traceback" not in said
    assert files(tmp_path) == []
    again, said = work.end(work.start(tmp_path, of))
    assert (again["outputs"], said) == (found["outputs"], "")


# several processes


def test_an_index_that_another_process_holds_up_costs_a_value_and_not_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("graph_engine.cache.index.BUSY_TIMEOUT_S", 0.05)
    with Engine(work.REGISTRY, cache_folder=tmp_path) as engine:
        kept = engine.around.cache.disk
        assert kept is not None
        other = sqlite3.connect(tmp_path / "index.sqlite", isolation_level=None)
        other.execute("begin immediate")
        assert run(engine, blobs(2)).status == "succeeded"
        kept.flush()
        other.execute("rollback")
        other.close()
        assert run(engine, blobs(2, first=5)).status == "succeeded"
        kept.flush()
        assert kept.index is not None
        assert len(list(kept.index.entries())) == 2
    assert GIVEN_UP not in caplog.text


def test_processes_that_write_and_evict_at_once_leave_a_consistent_folder(tmp_path: Path) -> None:
    def some(first: int) -> Workflow:
        return blobs(40, size=3000, first=first)

    running = [work.start(tmp_path, some(first), disk_bytes=90_000) for first in (1, 21, 31)]
    for process in running:
        found, said = work.end(process)
        assert (found["status"], said) == ("succeeded", "")
    with sqlite3.connect(tmp_path / "index.sqlite") as database:
        assert database.execute("pragma integrity_check").fetchall() == [("ok",)]
    database.close()
    cache = DiskCache(tmp_path, CODECS, work.REGISTRY.find_class, 90_000)
    assert cache.index is not None
    entries = list(cache.index.entries())
    assert cache.index.size_bytes() == sum(entry.size_bytes for entry in entries) <= 90_000
    values = [cache.value(entry.digest) for entry in entries]
    assert all(value is MISSING or isinstance(value, work.Blob) for value in values)
    assert len([value for value in values if value is not MISSING]) > 10
    cache.collect()
    assert {path.stem for path in files(tmp_path)} == {entry.digest.hex() for entry in cache.index.entries()}
    cache.close()


def test_an_index_can_be_opened_while_another_process_writes(tmp_path: Path) -> None:
    first, second = Index(tmp_path / "index.sqlite"), Index(tmp_path / "index.sqlite")
    first.add(Key(b"k"), "x", {"value": Digest(b"d" * 32)}, 1.0, {Digest(b"d" * 32): (10, b"x")})
    assert second.result(Key(b"k")) == ({"value": b"d" * 32}, 1.0)
    with first.transaction():
        assert second.holds(Digest(b"d" * 32))  # readers never wait
    first.close()
    second.close()


def test_the_folder_need_not_exist_and_two_engines_may_make_it_at_once(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b" / "c"
    with Engine(work.REGISTRY, cache_folder=deep, folders=Folders()), Engine(work.REGISTRY, cache_folder=deep):
        pass
    assert (deep / "index.sqlite").exists()
