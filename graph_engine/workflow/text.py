"""Decides how a workflow is read from text and written to it: one canonical form, and limits that hostile files meet early."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from graph_engine import collector
from graph_engine.errors import FormatError
from graph_engine.sentences import say
from graph_engine.workflow.document import FORMAT, FORMAT_NAME, Workflow
from graph_engine.workflow.migrations import MIGRATIONS, Migration

MAX_BYTES = 128 * 2**20
MAX_DEPTH = 64
MAX_PROBLEMS_SHOWN = 10
SURROGATE = re.compile(r"[\ud800-\udfff]|\\u[dD][89a-fA-F]")


def read(path: Path) -> Workflow:
    """The workflow in a file. Raises FormatError that names the file, the place and what to do."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise FormatError(f"{path.name} has {size} bytes; a workflow has at most {MAX_BYTES}.")
        return parse(path.read_bytes())
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error
    except OSError as error:
        raise FormatError(f"{path} cannot be read: {error.strerror}. Check the name and its permissions.") from error


def parse(text: str | bytes, migrations: tuple[Migration, ...] = MIGRATIONS, newest: int = FORMAT) -> Workflow:
    """The workflow in a JSON text, brought to the newest format. Raises FormatError for anything else."""
    if len(text) > MAX_BYTES:
        raise FormatError(say("file_too_large", count=len(text), most=MAX_BYTES))
    with collector.resting():
        return _parse(load_json(text), migrations, newest)


def _parse(data: Any, migrations: tuple[Migration, ...], newest: int) -> Workflow:
    if not isinstance(data, dict):
        raise FormatError(say("not_an_object", type=_json_type(data)))
    limit_depth(data)
    for migration in migrations[_format_number(data, newest) - 1 : newest - 1]:
        data = migration(data)
    try:
        return Workflow.model_validate({**data, "format": f"{FORMAT_NAME}/{newest}"})
    except ValidationError as error:
        raise FormatError(_sentence(error)) from None


def canonical(workflow: Workflow) -> str:
    """The one text form: sorted keys, a field a line, defaults left out (but for versions), a trailing newline."""
    return json.dumps(to_data(workflow), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def to_data(workflow: Workflow) -> dict[str, Any]:
    """The document as plain JSON data, without what has its default."""
    data = workflow.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    for document, part in _each_workflow(workflow, data):
        part["format"] = document.format
        for name, entry in document.nodes.items():
            part["nodes"][name]["version"] = entry.version
    return data


def _each_workflow(workflow: Workflow, data: dict[str, Any]) -> list[tuple[Workflow, dict[str, Any]]]:
    found, waiting = [], [(workflow, data)]
    while waiting:
        document, part = waiting.pop()
        found.append((document, part))
        waiting += [(inner, part["definitions"][name]) for name, inner in document.definitions.items()]
    return found


def load_json(text: str | bytes) -> Any:
    """JSON text as data, refusing duplicate keys, NaN, infinities and deep nesting with a FormatError."""
    try:
        text = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        data = json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant, parse_float=_finite)
        if SURROGATE.search(text):
            json.dumps(data, ensure_ascii=False).encode("utf-8")
        return data
    except RecursionError:
        raise FormatError(say("too_deep", most=MAX_DEPTH)) from None
    except UnicodeDecodeError as error:
        raise FormatError(say("not_utf8", byte=error.start)) from None
    except json.JSONDecodeError as error:
        raise FormatError(say("no_json", line=error.lineno, column=error.colno, error=error.msg)) from None
    except UnicodeEncodeError:
        raise FormatError(say("half_character")) from None
    except ValueError:  # Python reads no whole number of more digits than sys.get_int_max_str_digits()
        raise FormatError(say("integer_too_large")) from None


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise FormatError(say("key_twice", key=twice))
    return found


def _no_constant(name: str) -> Any:
    raise FormatError(say("not_finite", name=name))


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise FormatError(say("number_too_large", number=digits[:40]))
    return number


def limit_depth(data: Any) -> None:
    """Raises FormatError for data that a recursive function could not walk."""
    level = [data]
    for _ in range(MAX_DEPTH):
        level = [
            item
            for outer in level
            for item in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(item, dict | list)
        ]
        if not level:
            return
    raise FormatError(say("too_deep", most=MAX_DEPTH))


def _format_number(data: dict[str, Any], newest: int) -> int:
    name = data.get("format")
    match = re.fullmatch(rf"{FORMAT_NAME}/([1-9][0-9]{{0,5}})", name) if isinstance(name, str) else None
    if match is None:
        raise FormatError(say("other_format", format=repr(name), wanted=f"{FORMAT_NAME}/{newest}"))
    if int(match[1]) > newest:
        raise FormatError(say("newer_format", format=match[1], known=newest))
    return int(match[1])


def _sentence(error: ValidationError) -> str:
    lines = [f"{'.'.join(map(str, item['loc'])) or 'workflow'}: {item['msg']}" for item in error.errors(include_url=False)]
    more = [f"… and {len(lines) - MAX_PROBLEMS_SHOWN} more"] if len(lines) > MAX_PROBLEMS_SHOWN else []
    return "\n  ".join(["it is not a workflow:", *lines[:MAX_PROBLEMS_SHOWN], *more])


def _json_type(value: Any) -> str:
    names = {type(None): "null", bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "an array"}
    return names[type(value)]
