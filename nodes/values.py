"""Decides which plain values a workflow can name once and use in many places, and how lists of them are made."""

from __future__ import annotations

from typing import Annotated, TypeVar

from graph_engine import Multiline, NodeInputError, Range, Seed, node

T = TypeVar("T")

NUMBER = Range(-1e15, 1e15)
INTEGER = Range(-(2**53), 2**53, step=1)
COUNT = Range(1, 10_000, step=1, unit="items")


@node("loom.number", version=1, category="values", output="number")
def number(*, number: Annotated[float, NUMBER] = 0.0) -> float:
    """A number, to be used in several places.

    Args:
        number: Any number, with or without a fraction.

    Returns:
        number: The same number.

    Example:
        number(number=0.5)
    """
    return number


@node("loom.integer", version=1, category="values", output="integer")
def integer(*, integer: Annotated[int, INTEGER] = 0) -> int:
    """A whole number, to be used in several places.

    Args:
        integer: Any whole number.

    Returns:
        integer: The same number; it fits inputs for numbers with a fraction too.

    Example:
        integer(integer=20)
    """
    return integer


@node("loom.text", version=1, category="values", output="text")
def text(*, text: Annotated[str, Multiline()] = "") -> str:
    """A text, to be used in several places.

    Args:
        text: Any text, of any number of lines.

    Returns:
        text: The same text.

    Example:
        text(text="a boat on the sea")
    """
    return text


@node("loom.seed", version=1, category="values", output="seed")
def seed(*, seed: Annotated[int, Seed()] = 0) -> int:
    """A seed, to be used in several places: for noise and for wildcards, say.

    Args:
        seed: Any whole number from 0 to 18446744073709551615.

    Returns:
        seed: The same seed.

    Example:
        seed(seed=42)
    """
    return seed


@node("loom.boolean", version=1, category="values", output="boolean", title="Yes or no")
def boolean(*, boolean: bool = True) -> bool:
    """Yes or no, to be used in several places.

    Args:
        boolean: Yes or no.

    Returns:
        boolean: The same.

    Example:
        boolean(boolean=True)
    """
    return boolean


@node("loom.choice", version=1, category="values", output="text")
def choice(*, options: Annotated[str, Multiline()] = "day\nsunset\nnight", chosen: str = "day") -> str:
    """One of several texts, so that whoever uses the workflow need not know how each is written.

    Args:
        options: What there is to choose from, one a line. ``short: the whole text`` gives a text a short name.
        chosen: The line, or the short name, that is chosen.

    Returns:
        text: The chosen text.

    Example:
        choice(options="day: in bright daylight\\nnight: at night under stars", chosen="night")
    """
    texts: dict[str, str] = {}
    for line in filter(None, map(str.strip, options.splitlines())):
        name, colon, rest = line.partition(":")
        texts.setdefault(line, line)
        if colon and rest.strip():
            texts.setdefault(name.strip(), rest.strip())
    if chosen.strip() not in texts:
        names = [line.partition(":")[0].strip() for line in options.splitlines() if line.strip()]
        raise NodeInputError(
            "chosen", f"{chosen!r} is none of the options.", f"Choose one of: {', '.join(names) or 'none are given'}."
        )
    return texts[chosen.strip()]


@node("loom.number_range", version=1, category="values", output="numbers")
def number_range(
    *, first: Annotated[float, NUMBER] = 0.0, last: Annotated[float, NUMBER] = 1.0, count: Annotated[int, COUNT] = 5
) -> list[float]:
    """Make a list of numbers at equal distances, to repeat something for each.

    Args:
        first: The first number.
        last: The last number. It may be smaller than the first.
        count: How many there are. A single one is the first.

    Returns:
        numbers: The numbers, in order.

    Example:
        number_range(first=1.0, last=9.0, count=5)
    """
    if count == 1:
        return [first]
    return [first + (last - first) * index / (count - 1) for index in range(count - 1)] + [last]


@node("loom.integer_range", version=1, category="values", output="integers")
def integer_range(
    *, first: Annotated[int, INTEGER] = 0, count: Annotated[int, COUNT] = 4, step: Annotated[int, Range(-(10**9), 10**9)] = 1
) -> list[int]:
    """Make a list of whole numbers, such as seeds, to repeat something for each.

    Args:
        first: The first number.
        count: How many there are.
        step: From each to the next. It may be negative, or 0.

    Returns:
        integers: The numbers, in order.

    Example:
        integer_range(first=1, count=4)
    """
    return [first + step * index for index in range(count)]


@node("loom.split_lines", version=1, category="values", output="texts")
def split_lines(*, text: Annotated[str, Multiline()] = "", skip_empty: bool = True) -> list[str]:
    """Make a list of the lines of a text, to repeat something for each: one prompt a line, say.

    Args:
        text: The lines.
        skip_empty: Leave out lines that hold nothing but blanks.

    Returns:
        texts: The lines, in order, without blanks at their ends.

    Example:
        split_lines(text="a cat\\na dog")
    """
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in lines if line or not skip_empty]


@node("loom.make_list", version=1, category="values", output="items")
def make_list(items: list[T]) -> list[T]:
    """Make a list of what several nodes give, to repeat something for each.

    Args:
        items: The values, in order. All are of one type.

    Returns:
        items: The list.

    Example:
        make_list([first, second])
    """
    return items


@node("loom.pick_item", version=1, category="values", output="item")
def pick_item(items: list[T], *, index: Annotated[int, Range(-100_000, 99_999, step=1)] = 0) -> T:
    """Choose one item of a list by its number.

    Args:
        items: The list.
        index: Which one, counted from 0; -1 is the last, -2 the last but one.

    Returns:
        item: The item.

    Example:
        pick_item(items, index=-1)
    """
    if not -len(items) <= index < len(items):
        cause = f"There is no item {index}: the list has {len(items)}."
        raise NodeInputError("index", cause, f"Choose from 0 to {len(items) - 1}." if items else "Put something into the list.")
    return items[index]
