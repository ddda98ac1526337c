"""Decides what is kept on disk and trusted when it is read: a folder of content-addressed files beside an index.

A file is named after the digest of its value and read back only if it still has that digest. Writing happens on a thread of its own. No
fault here stops a run: a damaged file is dropped and computed again, a full or vanished folder turns the cache off, and it is said once.
"""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from graph_engine import atomic
from graph_engine.cache.container import DamagedError, Decoder, NotStorableError, contents, encode, header
from graph_engine.cache.index import Index
from graph_engine.cache.memory import MISSING, Result
from graph_engine.digest import Key
from graph_engine.errors import UnsupportedValueError
from graph_engine.values import Codecs, Digest

log = logging.getLogger(__name__)

DEFAULT_BUDGET_BYTES = 10 * 2**30
MAX_PENDING_BYTES = 512 * 2**20
SMALL_BYTES = 1024
"""Values up to this size lie in the index: a file for each would take more room and time than they are worth."""
CHECKPOINT_KEPT_S = 7 * 24 * 3600
"""After a week nobody comes back for an interrupted run."""
PART_KEPT_S = 3600
"""Until then another process may still be writing it."""
BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_BUSY_SNAPSHOT})
LARGEST_SHARE = 4
"""A value larger than a fourth of the budget is not kept: it would drive out too much else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    key: Key
    type: str
    outputs: Mapping[str, Digest]
    values: Mapping[str, Any]
    elapsed_s: float
    size_bytes: int
    then: Callable[[], None]


class DiskCache:
    """One folder, shared by any number of processes."""

    def __init__(
        self, folder: Path, codecs: Codecs, find_class: Callable[[str], type | None], budget_bytes: int = DEFAULT_BUDGET_BYTES
    ) -> None:
        self.folder, self.budget_bytes = folder, budget_bytes
        self._values, self._checkpoints = folder / "values", folder / "checkpoints"
        self._codecs, self._decoder = codecs, Decoder(codecs, find_class)
        self._jobs: queue.Queue[_Job | Callable[[], None] | None] = queue.Queue()
        self._pending_bytes = 0
        self._used: set[Digest] = set()
        self._lock = threading.Lock()
        self._writer: threading.Thread | None = None
        self._told = False
        self.index: Index | None = None
        try:
            self._values.mkdir(parents=True, exist_ok=True)
            self.index = self._open_index()
        except (OSError, sqlite3.Error) as error:
            self._give_up(error)

    # reading

    def result(self, key: Key) -> Result | None:
        index = self.index
        if index is None:
            return None
        try:
            found = index.result(key)
        except (OSError, sqlite3.Error) as error:
            self._refused(error)
            return None
        return Result(*found) if found else None

    def holds(self, result: Result) -> bool:
        index = self.index
        try:
            return index is not None and all(map(index.holds, result.outputs.values()))
        except (OSError, sqlite3.Error) as error:
            self._refused(error)
            return False

    def value(self, digest: Digest) -> Any:
        """The value, or MISSING when it is not there or not what its name says; then it is forgotten."""
        index = self.index
        if index is None:
            return MISSING
        path = self._path(digest)
        try:
            small = index.data(digest)
            value = self._decoder.read(contents(path) if small is None else memoryview(bytearray(small)))
            if self._codecs.digest(value) != digest:
                raise DamagedError("its content was altered")
        except FileNotFoundError:
            self._forget(digest)
            return MISSING
        except sqlite3.Error as error:
            self._give_up(error)
            return MISSING
        except (DamagedError, OSError, ValueError, UnsupportedValueError) as error:
            log.warning("A cached value was dropped and is computed again: %s (%s).", error, path.name)
            self._forget(digest)
            return MISSING
        self._used.add(digest)
        return value

    # writing

    def store(
        self,
        key: Key,
        type: str,
        outputs: Mapping[str, Digest],
        values: Mapping[str, Any],
        elapsed_s: float,
        then: Callable[[], None],
    ) -> None:
        """Queue a result for writing; ``then`` is called when others can find it, or when it will not be kept."""
        size = sum(map(self._codecs.size_bytes, values.values()))
        if self.index is None or self._pending_bytes + size > MAX_PENDING_BYTES or size * LARGEST_SHARE > self.budget_bytes:
            then()
            return
        job = _Job(key=key, type=type, outputs=outputs, values=values, elapsed_s=elapsed_s, size_bytes=size, then=then)
        with self._lock:
            self._pending_bytes += size
        self.later(job)

    def note(self, key: Key, type: str, outputs: Mapping[str, Digest], elapsed_s: float) -> None:
        """Remember which values a computation gave, without keeping them: what depends on them can be found all the same."""

        def add() -> None:
            if self.index is not None:
                self.index.add(key, type, outputs, elapsed_s, {})

        if self.index is not None:
            self.later(add)

    def later(self, job: _Job | Callable[[], None]) -> None:
        """Do this on the writer's thread, after what was queued before."""
        with self._lock:
            if self._writer is None:
                self._writer = threading.Thread(target=self._write_all, name="loom-cache", daemon=True)
                self._writer.start()
        self._jobs.put(job)

    def flush(self) -> None:
        """Wait until all that was queued is written."""
        if self._writer is not None:
            self._jobs.join()

    def close(self) -> None:
        if self._used and self.index is not None:
            self.later(self._touch)
        if self._writer is not None:
            self._jobs.put(None)
            self._writer.join()
        if self.index is not None:
            self.index.close()
            self.index = None

    def collect(self) -> tuple[int, int]:
        """Remove files that the index does not know, checkpoints that nobody came back for, and what is over the budget.

        Returns how many files, and their bytes.
        """
        count = size = 0
        index = self.index
        assert index is not None
        self._evict(index, self.budget_bytes)
        known = {entry.digest.hex() for entry in index.entries()}
        for path in self._values.glob("*/*"):
            with suppress(FileNotFoundError):
                found = path.stat()
                on_its_way = path.suffix == ".part" and time.time() - found.st_mtime < PART_KEPT_S
                if path.stem not in known and not on_its_way:
                    size, count = size + found.st_size, count + 1
                    path.unlink()
        for path in self._checkpoints.glob("*"):
            with suppress(FileNotFoundError):
                found = path.stat()
                if time.time() - found.st_mtime > CHECKPOINT_KEPT_S:
                    size, count = size + found.st_size, count + 1
                    path.unlink()
        return count, size

    def clear(self) -> None:
        """Forget everything."""
        self.flush()
        if self.index is not None:
            self.index.clear()
        for path in [*self._values.glob("*/*"), *self._checkpoints.glob("*")]:
            path.unlink(missing_ok=True)

    # work in progress

    def checkpoint(self, key: Key, state: Any) -> None:
        """Keep the state of a computation that is under way; the newest replaces the one before. One with handles in it is not kept."""
        if self.index is None:
            return
        with self._guard(), suppress(NotStorableError):
            path = self._checkpoint_path(key)
            path.parent.mkdir(exist_ok=True)
            atomic.replace(path, encode(state, self._codecs, {"digest": self._codecs.digest(state).hex()}), durable=False)

    def checkpointed(self, key: Key) -> Any:
        """The state that was kept, or None; a damaged one is dropped."""
        path = self._checkpoint_path(key)
        try:
            data = contents(path)
            state = self._decoder.read(data)
            if header(data)[0].get("digest") != self._codecs.digest(state).hex():
                raise DamagedError("its content was altered")
        except FileNotFoundError:
            return None
        except (DamagedError, OSError, ValueError, UnsupportedValueError) as error:
            log.warning("A checkpoint was dropped, and its node starts anew: %s.", error)
            self.drop_checkpoint(key)
            return None
        return state

    def drop_checkpoint(self, key: Key) -> None:
        with suppress(OSError):
            self._checkpoint_path(key).unlink(missing_ok=True)

    def _checkpoint_path(self, key: Key) -> Path:
        return self._checkpoints / f"{key.hex()}.safetensors"

    # inside

    def _write_all(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                with self._guard():
                    self._write(job) if isinstance(job, _Job) else job()
            except Exception:  # the codec is the pack's; the value stays in memory, and the writer lives on
                log.exception("Something could not be kept in the cache, and is left out.")
            finally:
                if isinstance(job, _Job):
                    with self._lock:
                        self._pending_bytes -= job.size_bytes
                    job.then()
                self._jobs.task_done()
        self._jobs.task_done()

    def _write(self, job: _Job) -> None:
        index = self.index
        if index is None:
            return
        outputs = {name: digest.hex() for name, digest in job.outputs.items()}
        about = {"key": job.key.hex(), "type": job.type, "outputs": outputs, "elapsed_s": job.elapsed_s}
        new: dict[Digest, tuple[int, bytes | None]] = {}
        try:
            for name, digest in job.outputs.items():
                if not index.holds(digest):
                    parts = encode(job.values[name], self._codecs, about)
                    size = sum(map(len, parts))
                    small = b"".join(parts) if size <= SMALL_BYTES else None
                    if small is None:
                        path = self._path(digest)
                        path.parent.mkdir(exist_ok=True)
                        atomic.replace(path, parts, durable=False)
                    new[digest] = (size, small)
        except NotStorableError:
            return
        index.add(job.key, job.type, job.outputs, job.elapsed_s, new)
        if index.size_bytes() > self.budget_bytes:
            self._evict(index, self.budget_bytes * 9 // 10)

    def _evict(self, index: Index, budget_bytes: int) -> None:
        for digest in index.evict(budget_bytes):
            with suppress(OSError):  # on Windows a file in use cannot go; ``collect`` finds it later
                self._path(digest).unlink(missing_ok=True)

    def _forget(self, digest: Digest) -> None:
        with self._guard():
            if self.index is not None:
                self.index.forget(digest)
            self._path(digest).unlink(missing_ok=True)

    def _touch(self) -> None:
        used, self._used = self._used, set()
        if self.index is not None:
            self.index.touch(used)

    def _path(self, digest: Digest) -> Path:
        name = digest.hex()
        return self._values / name[:2] / f"{name}.safetensors"

    def _open_index(self) -> Index:
        path = self.folder / "index.sqlite"
        new = not path.exists() or path.stat().st_size == 0
        try:
            index = Index(path)
        except sqlite3.DatabaseError as error:
            if not _damaged(error):
                raise
            self._put_aside(error)
            index, new = Index(path), True
        if new:
            self._rebuild(index)
        return index

    def _put_aside(self, error: sqlite3.Error) -> None:
        path, number = self.folder / "index.sqlite", 1
        while (aside := path.with_suffix(f".damaged-{number}")).exists():
            number += 1
        path.rename(aside)
        for rest in ("-wal", "-shm"):
            Path(f"{path}{rest}").unlink(missing_ok=True)
        log.warning(
            "The cache's index was damaged (%s). It was put aside as %s and is rebuilt from the files.", error, aside.name
        )

    def _rebuild(self, index: Index) -> None:
        for path in self._values.glob("*/*.safetensors"):
            try:
                about, _ = header(contents(path))
                outputs = {name: Digest(bytes.fromhex(digest)) for name, digest in about["outputs"].items()}
                new = {Digest(bytes.fromhex(path.stem)): (path.stat().st_size, None)}
                index.add(Key(bytes.fromhex(about["key"])), about["type"], outputs, about["elapsed_s"], new)
            except (DamagedError, OSError, KeyError, ValueError, TypeError, AttributeError):
                path.unlink(missing_ok=True)

    @contextmanager
    def _guard(self) -> Iterator[None]:
        """What the disk refuses ends the cache, not the run."""
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            self._refused(error)

    def _refused(self, error: BaseException) -> None:
        """What another process holds up for too long is left undone this once; anything else ends the cache."""
        if getattr(error, "sqlite_errorcode", None) in BUSY:
            log.debug("the cache's index was busy for too long", exc_info=error)
        else:
            self._give_up(error)

    def _give_up(self, error: BaseException) -> None:
        with self._lock:
            index, self.index = self.index, None
            told, self._told = self._told, True
        if index is not None:
            with suppress(sqlite3.Error):
                index.close()
            if _damaged(error):
                with suppress(OSError):
                    self._put_aside(error)  # the next process rebuilds it
        if told:  # others were at work with it at the same time
            return
        reason = getattr(error, "strerror", None) or str(error)
        log.warning(
            "The cache in %s is not used any more in this run: %s. Results are still computed and saved.", self.folder, reason
        )


def _damaged(error: BaseException) -> TypeGuard[sqlite3.DatabaseError]:
    """Whether the index itself is at fault; what it stands on (a full disk, say) raises a subclass."""
    return type(error) is sqlite3.DatabaseError
