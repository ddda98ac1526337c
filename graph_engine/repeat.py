"""Decides how a subgraph is used many times: ``map:NAME`` once for each item of a list, ``fold:NAME`` one after another with a state.

Both are written out as copies (``path[0]``, ``path[1]`` …) before anything runs, so that the scheduler, the keys and the plan know only
ordinary nodes: a copy has the keys of a single run with its item, and one more item computes one more copy. Copies rank one after the
other, so that the first is finished and saved before the second is begun.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias, TypeVar

from graph_engine.declare import node, spec_of
from graph_engine.sentences import Sentence, listed, say
from graph_engine.spec import NodeSpec
from graph_engine.workflow.document import NodeEntry, Workflow

T = TypeVar("T")

MAP, FOLD = "map:", "fold:"
TIMES = "times"
MAX_COPIES = 100_000


class Output(NamedTuple):
    """One output of one node."""

    path: str
    name: str


@dataclass(frozen=True, slots=True)
class Constant:
    """A value bound to an input from outside."""

    value: Any


Binding: TypeAlias = Constant | Output | tuple[Output, ...]


class RepeatError(ValueError):
    """A map or fold that cannot be written out: which input is at fault, why, and what to do."""

    def __init__(self, input: str | None, cause: Sentence, action: Sentence) -> None:
        self.input, self.cause, self.action = input, cause, action
        super().__init__(f"{cause} {action}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """A map or fold as it was written out: what its outputs mean."""

    path: str
    count: int
    fold: bool
    initial: Mapping[str, Binding]

    def copy(self, index: int) -> str:
        return f"{self.path}[{index}]"

    def spread(self, output: str) -> tuple[Output, ...] | Binding:
        """The outputs behind ``output``: of every copy, or of a fold's last one; of a fold of none the state it began with."""
        if not self.fold:
            return tuple(Output(self.copy(index), output) for index in range(self.count))
        return (Output(self.copy(self.count - 1), output),) if self.count else self.initial.get(output, ())


def is_repeat(entry: NodeEntry) -> bool:
    return entry.type.startswith((MAP, FOLD))


def check_names(entry: NodeEntry, inner: Workflow) -> None:
    """Raises RepeatError when ``over`` or ``state`` name what the definition does not have."""
    for name in (*entry.over, *entry.state):
        if name not in inner.inputs:
            raise RepeatError(name, say("definition_no_input", name=name), say("inputs_are", names=listed(inner.inputs)))
    for output in entry.state.values():
        if output not in inner.outputs:
            raise RepeatError(None, say("definition_no_output", name=output), say("outputs_are", names=listed(inner.outputs)))
    if entry.type.startswith(MAP) and not entry.over:
        raise RepeatError(None, say("no_list_named"), say("name_in_over"))


def count(lengths: Mapping[str, int], given: Mapping[str, Binding]) -> int:
    """How many copies: the length that all lists of ``over`` share, or a fold's ``times``. Raises RepeatError."""
    if lengths:
        if len(set(lengths.values())) > 1:
            told = [say("has_items", input=name, count=length) for name, length in lengths.items()]
            raise RepeatError(next(iter(lengths)), say("lengths_differ", lengths=told), say("same_lengths"))
        found = next(iter(lengths.values()))
    else:
        times = given.get(TIMES)
        if not isinstance(times, Constant) or type(times.value) is not int or times.value < 0:
            raise RepeatError(TIMES, say("how_often_missing"), say("say_how_often", name=TIMES))
        found = times.value
    if found > MAX_COPIES:
        raise RepeatError(None, say("too_often", most=MAX_COPIES), say("split_list"))
    return found


def bindings(
    repeat: Repeat, entry: NodeEntry, given: Mapping[str, Binding], items: Mapping[str, list[Binding]]
) -> list[dict[str, Binding]]:
    """What each copy is given: its item of each list, the state of the copy before, and everything else alike."""
    shared = {name: value for name, value in given.items() if name not in items and name != TIMES}
    found = []
    for index in range(repeat.count):
        own = {name: values[index] for name, values in items.items()}
        if repeat.fold and index:
            own |= {name: Output(repeat.copy(index - 1), output) for name, output in entry.state.items()}
        found.append({**shared, **own})
    return found


@node("engine.item", version=1, category="engine")
def item(items: list[T], *, index: int) -> T:
    """Take one item out of a list.

    Args:
        items: The list.
        index: Which one, counted from 0.
    """
    return items[index]


@node("engine.collect", version=1, category="engine")
def collect(items: list[T]) -> list[T]:
    """Gather what several copies gave into one list.

    Args:
        items: The values, in order.
    """
    return items


ENGINE_SPECS: Mapping[str, NodeSpec] = {spec.type: spec for spec in (spec_of(item), spec_of(collect))}
