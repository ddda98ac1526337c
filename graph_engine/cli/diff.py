"""Decides how ``loom diff`` answers: what differs in meaning, a line for each; or, with --merge, one document made of three.

Files are compared as they are, without the files that they use: each of those is a document with a history of its own. The null
device stands for no document, and so does an empty BASE: that is how git hands over what was added, deleted, or added twice.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import click

from graph_engine.cli import output
from graph_engine.cli.command import LoomCommand, json_option
from graph_engine.errors import DeliveryError, FormatError
from graph_engine.workflow.diff import Change, Diff
from graph_engine.workflow.diff import diff as compare
from graph_engine.workflow.document import Workflow
from graph_engine.workflow.embed import extract, is_png
from graph_engine.workflow.merge import CONFLICTS, VALUES, Conflict, Merged
from graph_engine.workflow.merge import merge as combine
from graph_engine.workflow.places import ABSENT, split, text
from graph_engine.workflow.text import canonical, read, to_data

DIFFERENT = 1
MAX_SHOWN = 120
NO_FILE = (os.devnull, "/dev/null")
OUTPUT_HELP = "Where the merged workflow is written, whole or not at all; without it, to stdout."
MARKS = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow"), "renamed": (">", "cyan")}


def diff(files: tuple[Path, ...], merging: bool, into: Path | None, as_json: bool) -> None:
    """Compare two workflows, or pictures that carry one, by meaning: loom diff A B.

    With --merge, bring together what two files made of a third: loom diff --merge BASE OURS THEIRS.
    Where both changed the same thing, ours stays and the other is kept in the result under "conflicts".

    Ends with 0 where nothing differs (no conflict), 1 where something does, 3 for a file that cannot be read.
    docs/git.md says how git does both with it.
    """
    names = "BASE OURS THEIRS" if merging else "A B"
    if len(files) != len(names.split()):
        raise click.UsageError(f"{len(files)} files are given, and {len(names.split())} are needed: {names}.")
    if into is not None and not merging:
        raise click.UsageError("-o is for --merge: a comparison is written to stdout.")
    if into is not None and is_png(into):
        raise click.UsageError(f"-o {into} is a picture, which a workflow would replace. Name a .json file.")
    if merging:
        base = Workflow() if _is_empty(files[0]) else _open(files[0])[0]
        ours, theirs = (_open(path)[0] for path in files[1:])
        found = _merge(combine(base, ours, theirs), into, as_json)
    else:
        (before, used_before), (after, used_after) = map(_open, files)
        found = _tell(compare(before, after, used_before, used_after), as_json)
    if found:
        raise click.exceptions.Exit(DIFFERENT)


def _open(path: Path) -> tuple[Workflow, dict[str, Any] | None]:
    """The workflow in a file, and the inputs of the run for a picture. Raises FormatError that names the file."""
    if str(path) in NO_FILE:
        return Workflow(), None
    if not is_png(path):
        return read(path), None
    try:
        workflow, record = extract(path)
    except FormatError as error:
        if str(path) in str(error):
            raise
        raise FormatError(f"{path}: {error}") from error
    used = record.get("inputs")
    return workflow, used if isinstance(used, dict) else None


def _is_empty(path: Path) -> bool:
    return path.is_file() and path.stat().st_size == 0


def _merge(merged: Merged, into: Path | None, as_json: bool) -> bool:
    if into is not None:
        _save(merged.workflow, into)
    for conflict in merged.conflicts:
        if as_json:
            output.json_line({"event": "conflict", **conflict.as_json()})
        else:
            for line in _told(conflict):
                output.tell(line)
    if as_json:
        content = {"workflow": to_data(merged.workflow)} if into is None else {"file": str(into)}
        output.json_line({"event": "merged", "conflicts": len(merged.conflicts), **content})
    elif into is None:
        click.echo(canonical(merged.workflow), nl=False)
    if merged.conflicts and not as_json:
        count = _count(len(merged.conflicts), "conflict")
        output.tell(f'{count}: ours stays. Settle each, then remove "{CONFLICTS}" from the file.')
    return bool(merged.conflicts)


def _save(workflow: Workflow, path: Path) -> None:
    from graph_engine.api import save

    try:
        save(workflow, path)
    except OSError as error:
        raise DeliveryError(f"{path} cannot be written: {error.strerror}. Check the folder and its permissions.") from error


def _told(conflict: Conflict) -> Iterator[str]:
    where = "/".join((*conflict.within, conflict.node or "")).rstrip("/")
    yield f"conflict: {where}{'.' if where and conflict.field else ''}{conflict.field} ({conflict.why})"
    for name in VALUES:
        value = getattr(conflict, name)
        yield f"  {name:<7}{'(not there)' if value is ABSENT else _short(text(value))}"


def _tell(found: Diff, as_json: bool) -> bool:
    if as_json:
        for rename in found.renames:
            facts = {"definitions": list(rename.within), "before": rename.before, "after": rename.after}
            output.json_line({"event": "difference", "kind": "renamed", **facts})
        for change in (*found.changes, *found.used):
            output.json_line({"event": "difference", "kind": change.kind, **_facts(change)})
        count = len(found.renames) + len(found.changes) + len(found.used)
        output.json_line({"event": "compared", "differences": count, "layout": len(found.layout)})
        return bool(found)
    for one in found.renames:
        _line("renamed", "node", f"{'/'.join((*one.within, one.before))} is now {one.after}")
    for change in (*found.changes, *found.used):
        _line(change.kind, *_described(change))
    if not found:
        output.say("no difference in meaning")
    if found.layout:
        output.say(f"layout: {_count(len(found.layout), 'place')} of the view, where no run looks")
    return bool(found)


def _facts(change: Change) -> dict[str, Any]:
    values = {"before": change.before, "after": change.after}
    return {"place": list(change.place), **{name: value for name, value in values.items() if value is not ABSENT}}


def _line(kind: str, what: str, rest: str) -> None:
    mark, colour = MARKS[kind]
    output.say_styled(f"{output.styled(mark, fg=colour)} {output.styled(what.ljust(8), dim=True)} {output.styled(rest)}")


def _described(change: Change) -> tuple[str, str]:
    """What it is that differs, and where and how it does."""
    within, rest = split(change.place)
    inside = "".join(f"{name}/" for name in within)
    match rest:
        case ():
            return "definition", "/".join(within)
        case ("nodes", node):
            return "node", f"{inside}{node}{_content(change.before if change.after is ABSENT else change.after)}"
        case ("nodes", node, "values" | "links" | "state" as section, *way):
            return section.removesuffix("s"), f"{inside}{node}.{'.'.join(way)}  {_values(change)}"
        case ("nodes", node, field):
            return field, f"{inside}{node}  {_values(change)}"
        case ("inputs" | "outputs" as section, *way):
            return section[:-1], f"{inside}{'.'.join(way)}  {_values(change)}"
        case ("requires" | "used" as section, *way):
            return section, f"{inside}{'.'.join(way)}  {_values(change)}"
    return rest[0], f"{inside} {_values(change)}".lstrip()


def _content(node: dict[str, Any]) -> str:
    """A node that came or went, in full."""
    said = [f"{key} = {_short(text(value))}" for key, value in node.get("values", {}).items()]
    said += [f"{key} <- {_plain(link)}" for key, link in node.get("links", {}).items()]
    said += [f"{key}: {_short(_plain(node[key]))}" for key in node if key not in ("type", "version", "values", "links")]
    return "  ".join([f" ({node['type']})", *([", ".join(said)] if said else [])])


def _values(change: Change) -> str:
    bare = change.place[-2:-1] == ("links",) or change.place[-1] in ("from", "mode", "type")
    shown = [_plain(value) if bare else text(value) for value in (change.before, change.after) if value is not ABSENT]
    if len(shown) == 2:
        alike = takewhile(lambda pair: pair[0] == pair[1], zip(*shown, strict=False))
        begin = sum(1 for _ in alike) - MAX_SHOWN // 2
        shown = [f"…{one[begin:]}" if begin > 0 and len(one) > MAX_SHOWN else one for one in shown]
    return " -> ".join(map(_short, shown))


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else text(value)


def _short(shown: str) -> str:
    return shown if len(shown) <= MAX_SHOWN else f"{shown[: MAX_SHOWN - 1]}…"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


command = LoomCommand(
    "diff",
    callback=diff,
    params=[
        click.Argument(["files"], nargs=-1, type=click.Path(path_type=Path), metavar="A B | BASE OURS THEIRS"),
        click.Option(["--merge", "merging"], is_flag=True, help="Bring three documents together instead of comparing two."),
        click.Option(["-o", "--output", "into"], type=click.Path(path_type=Path), metavar="FILE", help=OUTPUT_HELP),
        json_option(),
    ],
    help=diff.__doc__,
)
