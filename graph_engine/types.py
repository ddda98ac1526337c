"""Decides what a socket may carry and when a link is refused, with the reason.

Types are nominal: ``Latent[sd1]`` is a name with parameters, and two types agree when their names and parameters do.
A parameter may be a variable (``Latent[L]``); matching a value's type against an input's binds the variable for that node,
so that a latent format or a text-embedding kind flows from the loader to every node below it. Nothing here knows Python classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from graph_engine.sentences import Sentence, say

Bindings: TypeAlias = dict[str, "SocketType"]


@dataclass(frozen=True, slots=True)
class Named:
    """A type known by its name, such as ``int``, ``Image`` or ``Model[clip_l, sd1]``; a parameter such as ``sd1`` is one too."""

    name: str
    parameters: tuple[SocketType, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}[{', '.join(map(str, self.parameters))}]" if self.parameters else self.name


@dataclass(frozen=True, slots=True)
class Variable:
    """A type to be found out: bound, within one node, by the first link that says what it is."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class ListOf:
    """Any number of values of one type."""

    item: SocketType

    def __str__(self) -> str:
        return f"list[{self.item}]"


@dataclass(frozen=True, slots=True)
class Union:
    """One of several types."""

    options: tuple[SocketType, ...]

    def __str__(self) -> str:
        return " | ".join(map(str, self.options))


@dataclass(frozen=True, slots=True)
class Anything:
    """Every type: for nodes that pass a value on without looking into it."""

    def __str__(self) -> str:
        return "any"


SocketType: TypeAlias = Named | Variable | ListOf | Union | Anything

ANY = Anything()
BOOL, INT, FLOAT, TEXT = Named("bool"), Named("int"), Named("float"), Named("text")
PRIMITIVES = frozenset({BOOL, INT, FLOAT, TEXT})
PYTHON_TYPES: Mapping[SocketType, type] = {BOOL: bool, INT: int, FLOAT: float, TEXT: str}
LOSSLESS = {(INT, FLOAT)}  # the only conversion a link makes by itself


def refusal(got: SocketType, want: SocketType, bindings: Bindings) -> Sentence | None:
    """Why a value of type ``got`` cannot enter an input of type ``want``; None when it can, and then ``bindings`` has grown.

    ``got`` may hold unbound variables (a loader that could not be asked): they agree with everything.
    """
    if (got is want or got == want) and not _open(want):
        return None
    match want:
        case Anything():
            return None
        case Variable(name):
            return _bind(name, got, bindings)
        case Union(options):
            return _refused_by_all(got, options, bindings)
    match got:
        case Anything() | Variable():
            return None
        case Union(options):
            reasons = [reason for option in options if (reason := refusal(option, want, bindings))]
            return reasons[0] if reasons else None
        case ListOf(item) if isinstance(want, ListOf):
            return refusal(item, want.item, bindings)
        case Named() if isinstance(want, Named) and got.name == want.name and len(got.parameters) == len(want.parameters):
            for mine, theirs in zip(got.parameters, want.parameters, strict=True):
                if reason := refusal(mine, theirs, bindings):
                    return say("within", name=got.name, reason=reason)
            return None
    if (got, want) in LOSSLESS:
        return None
    return say("needed", got=str(got), want=str(want))


def substitute(wanted: SocketType, bindings: Mapping[str, SocketType]) -> SocketType:
    """``wanted`` with every bound variable replaced by what it is bound to."""
    match wanted:
        case Variable(name):
            return bindings.get(name, wanted)
        case Named(name, parameters) if parameters:
            return Named(name, tuple(substitute(parameter, bindings) for parameter in parameters))
        case ListOf(item):
            return ListOf(substitute(item, bindings))
        case Union(options):
            return Union(tuple(substitute(option, bindings) for option in options))
    return wanted


def variables(of: SocketType) -> frozenset[str]:
    """The names of all variables in a type."""
    match of:
        case Variable(name):
            return frozenset({name})
        case Named(_, parameters):
            return frozenset().union(*map(variables, parameters))
        case ListOf(item):
            return variables(item)
        case Union(options):
            return frozenset().union(*map(variables, options))
    return frozenset()


def _open(of: SocketType) -> bool:
    return not isinstance(of, Named) or any(map(_open, of.parameters))


def _bind(name: str, got: SocketType, bindings: Bindings) -> Sentence | None:
    bound = bindings.get(name)
    if bound is None or isinstance(bound, Variable):
        bindings[name] = got
        return None
    if isinstance(got, Variable) or refusal(got, bound, bindings) is None:
        return None
    return say("bound_otherwise", got=str(got), bound=str(bound))


def _refused_by_all(got: SocketType, options: tuple[SocketType, ...], bindings: Bindings) -> Sentence | None:
    if isinstance(got, Union):
        return next((reason for one in got.options if (reason := _refused_by_all(one, options, bindings))), None)
    for option in options:
        attempt = dict(bindings)
        if refusal(got, option, attempt) is None:
            bindings.update(attempt)
            return None
    return say("one_needed", got=str(got), wants=list(map(str, options)))
