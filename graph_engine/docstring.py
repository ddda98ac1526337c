"""Decides how a node's docstring is read: Google style, with ``Args:``, ``Returns:`` and ``Example:``.

An example is one call of the node, as one would write it in Python: ``scale_image(picture, megapixels=1.0)``. What stands for a link is
a name; everything else is a value. It is checked against the inputs, so that it cannot grow stale.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graph_engine.errors import DeclarationError

SECTION = re.compile(r"^(Args|Returns|Example):\s*$")
ENTRY = re.compile(r"^(\w+): (.*)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Docstring:
    """``inputs`` and ``outputs``: help by name. ``example``: Python source, or nothing."""

    summary: str
    description: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    example: str


def read_docstring(function: Callable[..., Any], node_type: str) -> Docstring:
    """What the docstring says. Raises DeclarationError where there is none."""
    text = inspect.getdoc(function)
    if not text:
        raise DeclarationError(f"{node_type} has no docstring: its first line is what a user reads first.")
    summary, _, rest = text.partition("\n")
    free: list[str] = []
    example: list[str] = []
    found: dict[str, dict[str, str]] = {"Args": {}, "Returns": {}}
    section, entry = "", ""
    for line in rest.splitlines():
        if heading := SECTION.match(line):
            section, entry = heading[1], ""
        elif section == "Example" and (line.startswith("  ") or not line):
            example.append(line)
        elif section in found and (match := ENTRY.match(line.strip())) and len(line) - len(line.lstrip()) <= 4:
            entry = match[1]
            found[section][entry] = match[2]
        elif section and entry and line.startswith("      "):
            found[section][entry] += " " + line.strip()
        elif line.strip() or not section:
            section = ""
            free.append(line)
    return Docstring(
        summary=summary.strip(),
        description="\n".join(free).strip(),
        inputs=found["Args"],
        outputs=found["Returns"],
        example=textwrap.dedent("\n".join(example)).strip(),
    )


def example_values(example: str, function_name: str, node_type: str) -> dict[str, Any]:
    """The plain values that an example gives by keyword. Raises DeclarationError where it is no call of the node."""
    where = f"{node_type}: the example"
    try:
        call = ast.parse(example, mode="eval").body
    except SyntaxError as error:
        raise DeclarationError(f"{where} is no Python expression: {error.msg}.") from None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id != function_name:
        raise DeclarationError(f"{where} must be one call of {function_name}(…).")
    values = {}
    for keyword in call.keywords:
        if keyword.arg is None:
            raise DeclarationError(f"{where} uses **: name each input.")
        try:
            values[keyword.arg] = ast.literal_eval(keyword.value)
        except ValueError:
            values[keyword.arg] = ...  # a name: it stands for a link
    return values
