"""Decides how a prompt is put together from texts: joined, or filled into the holes of another one."""

from __future__ import annotations

import re
from typing import Annotated

from graph_engine import Multiline, NodeInputError, node

_HOLE = re.compile(r"\\([{}])|\{(\w+)\}")


@node("loom.join_texts", version=1, category="text", output="text")
def join_texts(texts: list[str], *, separator: str = ", ", skip_empty: bool = True) -> str:
    """Put several texts one after another.

    Args:
        texts: The texts, in order.
        separator: What stands between two of them.
        skip_empty: Leave out texts that hold nothing but blanks, so that no separator stands alone.

    Returns:
        text: All of them as one.

    Example:
        join_texts([subject, style], separator=", ")
    """
    return separator.join(text for text in texts if text.strip() or not skip_empty)


@node("loom.fill_template", version=1, category="text", output="text")
def fill_template(
    *,
    template: Annotated[str, Multiline()] = "a {colour} {shape}",
    values: list[str | int | float],
    names: list[str] | None = None,
) -> str:
    r"""Write values into the holes of a text, such as the red and circle of "a {colour} {shape}".

    A hole is a name in braces: letters, digits and _. The same name twice gets the same value. Other braces stay as they
    are, so a template may hold choices for a wildcard node. Write \{ for a brace that is meant as such.

    Args:
        template: A text with holes.
        values: What goes into the holes.
        names: Which hole each value is for. Left out: in the order in which the holes first appear.

    Returns:
        text: The text, filled.

    Example:
        fill_template(template="a {colour} {shape}", values=["red", "circle"])
    """
    holes = list(dict.fromkeys(match[2] for match in _HOLE.finditer(template) if match[2]))
    for_holes = holes if names is None else names
    if len(values) != len(for_holes):
        expected = f"there are {len(for_holes)} {'holes' if names is None else 'names'} ({', '.join(for_holes) or 'none'})"
        raise NodeInputError("values", f"{len(values)} values are given, and {expected}.", "Give one value for each.")
    if unknown := [name for name in for_holes if name not in holes]:
        cause = f"The template has no hole {unknown[0]!r}."
        raise NodeInputError("names", cause, f"Its holes: {', '.join(holes) or 'none'}.")
    if missing := [name for name in holes if name not in for_holes]:
        raise NodeInputError("names", f"Nothing is given for the hole {missing[0]!r}.", "Name it, with a value.")
    filled = dict(zip(for_holes, map(str, values), strict=True))
    return _HOLE.sub(lambda match: match[1] or filled[match[2]], template)
