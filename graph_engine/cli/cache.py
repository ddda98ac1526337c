"""Decides how ``loom cache`` answers: what is kept on disk, how it is decided what stays, and what goes when the user wants it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from graph_engine.cache.disk import DEFAULT_BUDGET_BYTES, LARGEST_SHARE, DiskCache
from graph_engine.cache.index import Entry, Index
from graph_engine.cli import explain, output
from graph_engine.cli.command import LoomCommand, json_option, told, verbose_option
from graph_engine.cli.keeping import cache_folder, cache_option
from graph_engine.cli.progress import duration, size
from graph_engine.cli.request import Opened
from graph_engine.cli.workflow_command import WorkflowCommand
from graph_engine.errors import LoomError
from graph_engine.values import Codecs

DAY_S = 24 * 3600
FIRST_TO_GO = 5


class CacheUnusableError(LoomError):
    """The folder cannot be used; a warning has said why."""


@contextmanager
def _opened(cache: Path | None) -> Iterator[tuple[DiskCache, Index] | None]:
    """The cache and its index; None where there is none yet, and then none is made."""
    folder = cache_folder(cache)
    assert folder is not None
    if not (folder / "index.sqlite").exists() and not (folder / "values").exists():
        yield None
        return
    disk = DiskCache(folder, Codecs(), lambda _name: None)
    if disk.index is None:
        raise CacheUnusableError(f"the cache in {folder} cannot be used. Choose another folder with --cache, or mend this one.")
    try:
        yield disk, disk.index
    finally:
        disk.close()


@dataclass(slots=True)
class _Kind:
    """All values that nodes of one type gave."""

    type: str
    entries: int = 0
    size_bytes: int = 0
    seconds: float = 0.0
    used_at: float = 0.0

    def add(self, entry: Entry) -> None:
        self.entries, self.size_bytes = self.entries + 1, self.size_bytes + entry.size_bytes
        self.seconds, self.used_at = self.seconds + entry.seconds, max(self.used_at, entry.used_at)


def ls(cache: Path | None, as_json: bool) -> None:
    """List what is kept: for each node type how many values, their size, the time to compute them again, and the last use."""
    with _opened(cache) as found:
        if found is None:
            _tell_none(cache, as_json)
            return
        disk, index = found
        kinds: dict[str, _Kind] = {}
        for entry in index.entries():
            kinds.setdefault(entry.type, _Kind(entry.type)).add(entry)
        total = index.size_bytes()
    listed = sorted(kinds.values(), key=lambda kind: -kind.size_bytes)
    count, seconds = sum(kind.entries for kind in listed), sum(kind.seconds for kind in listed)
    if as_json:
        for kind in listed:
            output.json_line({"event": "kept", **{name: getattr(kind, name) for name in _Kind.__slots__}})
        facts = {"entries": count, "size_bytes": total, "cap_bytes": disk.budget_bytes, "seconds": seconds}
        output.json_line({"event": "cache", "folder": str(disk.folder), **facts})
        return
    rows = [(kind.type, str(kind.entries), size(kind.size_bytes), duration(kind.seconds), _ago(kind.used_at)) for kind in listed]
    for line in output.table(("node type", "values", "size", "to compute", "last used"), rows, right=(1, 2, 3)):
        output.say_styled(line)
    output.say(f"{_values(count)}, {size(total)} of {size(disk.budget_bytes)}, {duration(seconds)} to compute, in {disk.folder}")


def how(cache: Path | None, as_json: bool) -> None:
    with _opened(cache) as found:
        if found is None:
            _tell_none(cache, as_json)
            return
        disk, index = found
        entries, total = list(index.entries()), index.size_bytes()
    fresh = sum(time.time() - entry.used_at < DAY_S for entry in entries)
    seconds = sum(entry.seconds for entry in entries)
    first = entries[: -FIRST_TO_GO - 1 : -1]
    if as_json:
        facts = {"entries": len(entries), "size_bytes": total, "cap_bytes": disk.budget_bytes, "seconds": seconds}
        going = [
            {"type": one.type, "size_bytes": one.size_bytes, "seconds": one.seconds, "used_at": one.used_at} for one in first
        ]
        output.json_line({"event": "cache", "folder": str(disk.folder), **facts, "used_last_day": fresh, "first_to_go": going})
        return
    output.say(f"{disk.folder}: {_values(len(entries))}, {size(total)} of {size(disk.budget_bytes)}")
    output.say(f"They save {duration(seconds)} of computing. {fresh} of them were made or used in the last day.")
    output.say("A result is found by what it was made from: node type and version, values, and the content of what is linked in.")
    output.say("It does not matter which file, node or run asked for it first, nor when.")
    output.say(f"A value of more than {size(disk.budget_bytes / LARGEST_SHARE)} is not kept, and neither is a handle of a model.")
    output.say("Over the cap, those go first that save the fewest seconds for their bytes and were not used for longest:")
    rows = [(one.type, size(one.size_bytes), duration(one.seconds), _ago(one.used_at)) for one in first]
    for line in output.table(("node type", "size", "to compute", "last used"), rows, right=(1, 2)):
        output.say_styled(f"  {line}")


def gc(cache: Path | None, as_json: bool) -> None:
    """Remove files that the index does not know, checkpoints that nobody came back for, and what is over the cap."""
    with _opened(cache) as found:
        if found is None:
            _tell_none(cache, as_json)
            return
        disk, index = found
        before_count, before = sum(1 for _ in index.entries()), index.size_bytes()
        files, files_bytes = disk.collect()
        evicted, evicted_bytes = before_count - sum(1 for _ in index.entries()), before - index.size_bytes()
        left = index.size_bytes()
    facts = {"files": files, "files_bytes": files_bytes, "evicted": evicted, "evicted_bytes": evicted_bytes}
    if as_json:
        output.json_line({"event": "collected", "folder": str(disk.folder), **facts, "size_bytes": left})
        return
    unknown = "1 file" if files == 1 else f"{files} files"
    over = f"{_values(evicted)} over the cap ({size(evicted_bytes)})"
    output.say(f"removed: {unknown} that nothing refers to ({size(files_bytes)}), {over}")
    output.say(f"kept: {size(left)} of {size(disk.budget_bytes)} in {disk.folder}")


def clear(cache: Path | None, yes: bool, as_json: bool) -> None:
    """Forget everything that is kept: values, checkpoints, measured costs and what nodes were given."""
    with _opened(cache) as found:
        if found is None:
            _tell_none(cache, as_json)
            return
        disk, index = found
        count, total = sum(1 for _ in index.entries()), index.size_bytes()
        if not yes:
            click.confirm(f"Forget {_values(count)} ({size(total)}) in {disk.folder}?", abort=True, err=True)
        disk.clear()
    if as_json:
        output.json_line({"event": "cleared", "folder": str(disk.folder), "entries": count, "size_bytes": total})
    else:
        output.say(f"removed: {_values(count)}, {size(total)}")


class ExplainOrHow(WorkflowCommand):
    """With FILE and NODE it is ``loom explain``; without, it is about the folder."""

    def invoke(self, ctx: click.Context) -> Any:
        if isinstance(ctx.obj, Opened):
            return super().invoke(ctx)
        if ctx.params["no_cache"]:
            raise click.UsageError("--no-cache leaves nothing to explain.", ctx)
        with told(["--json"] if ctx.params["as_json"] else []):
            how(ctx.params["cache"], ctx.params["as_json"])
        return None


def _tell_none(cache: Path | None, as_json: bool) -> None:
    folder = cache_folder(cache)
    if as_json:
        facts = {"entries": 0, "size_bytes": 0, "cap_bytes": DEFAULT_BUDGET_BYTES, "seconds": 0.0}
        output.json_line({"event": "cache", "folder": str(folder), **facts})
    else:
        output.say(f"nothing is kept in {folder}")


def _values(count: int) -> str:
    return "1 value" if count == 1 else f"{count} values"


def _ago(at_s: float) -> str:
    passed = max(0.0, time.time() - at_s)
    return "just now" if passed < 60 else f"{round(passed / DAY_S)} days ago" if passed > 2 * DAY_S else f"{duration(passed)} ago"


def _command(name: str, callback: Any, *more: click.Parameter) -> click.Command:
    params = [cache_option(), *more, json_option(), verbose_option()]

    def call(**given: Any) -> None:
        callback(**{name: value for name, value in given.items() if name != "verbose"})

    return LoomCommand(name, callback=call, params=params, help=callback.__doc__)


command = click.Group("cache", help="Show and tend the results that are kept on disk.")
command.add_command(_command("ls", ls))
command.add_command(
    ExplainOrHow("explain", callback=explain.explain, params=explain.params(required=False), help=explain.CACHE_HELP)
)
command.add_command(_command("gc", gc))
command.add_command(_command("clear", clear, click.Option(["--yes", "-y"], is_flag=True, help="Do not ask.")))
