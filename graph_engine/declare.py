"""Decides how a typed Python function becomes a node: everything is read from its signature and docstring, nothing is said twice.

A declaration that contradicts itself fails at import with one sentence. The decorated function stays an ordinary function, except
while a graph is being built (``graph_engine.build``): then calling it adds a node.
"""

from __future__ import annotations

import builtins
import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, Literal, ParamSpec, TypeVar, Union, get_args, get_origin

from graph_engine import check
from graph_engine.context import Context
from graph_engine.docstring import Docstring, example_values, read_docstring
from graph_engine.errors import DeclarationError
from graph_engine.fields import Choice, Colour, Multiline, Range, Seed, Strokes, is_lazy
from graph_engine.folders import Folders
from graph_engine.spec import (
    REQUIRED,
    Fingerprint,
    InputSpec,
    Lane,
    Needs,
    NodeSpec,
    OutputSpec,
    TypeResolver,
    ValueMigration,
)
from graph_engine.types import ANY, BOOL, FLOAT, INT, TEXT, ListOf, Named, SocketType, Variable, variables
from graph_engine.types import Union as UnionType

if TYPE_CHECKING:
    from graph_engine.build import GraphBuilder

P = ParamSpec("P")
R = TypeVar("R")
Class = TypeVar("Class", bound=type)

being_built: ContextVar[GraphBuilder | None] = ContextVar("loom_graph_being_built", default=None)
"""The graph that node calls are added to; None when they simply run."""

TYPE_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
SOCKET_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")  # what a link in a file can name
BUILT_IN: Mapping[type, Named] = {bool: BOOL, int: INT, float: FLOAT, str: TEXT}


def socket_type(name: str, *, on_disk: bool = True) -> Callable[[Class], Class]:
    """Make a class a socket type called ``name``. Its values should be frozen dataclasses of values that have a codec.

    ``on_disk=False`` is for handles: what they stand for is elsewhere, so that a cache on disk must not keep them.
    """

    def mark(cls: Class) -> Class:
        cls.__socket_type__ = name  # type: ignore[attr-defined]
        cls.__socket_on_disk__ = on_disk  # type: ignore[attr-defined]
        return cls

    return mark


def node(
    type: str,
    *,
    version: int,
    category: str,
    title: str = "",
    lane: Lane = "cpu",
    overlaps: bool = True,
    output: str = "",
    sink: bool = False,
    volatile: bool = False,
    conversion: bool = False,
    fingerprint: Fingerprint | None = None,
    resolve_types: TypeResolver | None = None,
    needs: Needs | None = None,
    migrations: Mapping[int, ValueMigration] | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declare a function as the node ``type`` (``pack.name``). See NodeSpec for what the options mean; ``output`` names a single output.

    Raises DeclarationError when signature, docstring and options do not agree.
    """

    def declare(function: Callable[P, R]) -> Callable[P, R]:
        read = _read(function, type)
        spec = NodeSpec(
            type=type,
            version=version,
            title=title or function.__name__.replace("_", " ").capitalize(),
            category=category,
            summary=read.doc.summary,
            description=read.doc.description,
            example=read.doc.example,
            inputs=read.inputs,
            outputs=read.named_outputs(output),
            function=function,
            lane=lane,
            overlaps=overlaps,
            sink=sink,
            volatile=volatile,
            conversion=conversion,
            asynchronous=inspect.iscoroutinefunction(function),
            many_outputs=read.many_outputs,
            context_parameter=read.context_parameter,
            fingerprint=fingerprint,
            resolve_types=resolve_types,
            needs=needs,
            migrations=dict(migrations or {}),
            classes=read.classes,
        )
        _refuse_contradictions(spec)

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            graph = being_built.get()
            if graph is None:
                return function(*args, **kwargs)
            signature = inspect.signature(function)
            wired = [one for one in signature.parameters.values() if one.name != spec.context_parameter]
            reference: R = graph.add(spec, signature.replace(parameters=wired).bind(*args, **kwargs).arguments)
            return reference

        call.__node_spec__ = spec  # type: ignore[attr-defined]
        return call

    return declare


def spec_of(function: Callable[..., Any]) -> NodeSpec:
    """The declaration behind a decorated function."""
    spec: NodeSpec = function.__node_spec__  # type: ignore[attr-defined]
    return spec


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What a function says about itself."""

    type: str
    doc: Docstring
    inputs: Mapping[str, InputSpec]
    result: Mapping[str, SocketType]
    many_outputs: bool
    context_parameter: str | None
    classes: Mapping[str, builtins.type]

    def named_outputs(self, name: str) -> Mapping[str, OutputSpec]:
        if name and (self.many_outputs or not self.result):
            raise DeclarationError(f"{self.type}: output={name!r} is for a node with a single output.")
        if name and not SOCKET_NAME.fullmatch(name):
            raise DeclarationError(f"{self.type}: {name!r} is no name for an output: use letters, digits and _.")
        if unknown := set(self.doc.outputs) - {name if name and not self.many_outputs else key for key in self.result}:
            raise DeclarationError(f"{self.type}: the docstring describes the output {min(unknown)!r}, which does not exist.")
        return {
            (key := name or original): OutputSpec(name=key, type=of, help=self.doc.outputs.get(key, ""))
            for original, of in self.result.items()
        }


def _read(function: Callable[..., Any], node_type: str) -> _Read:
    if not TYPE_NAME.fullmatch(node_type):
        raise DeclarationError(f"{node_type!r} is no node type: write pack.name in lower case, such as 'loom.sample'.")
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except NameError as error:
        raise DeclarationError(f"{node_type}: {error}, and an annotation names it: import it outside of TYPE_CHECKING.") from None
    classes: dict[str, type] = {}
    context_parameter, inputs = None, {}
    doc = read_docstring(function, node_type)
    for parameter in inspect.signature(function).parameters.values():
        where = f"{node_type}: parameter {parameter.name!r}"
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise DeclarationError(f"{where} is * or **: every input needs a name of its own.")
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise DeclarationError(f"{where} is positional-only: inputs are given by name, so remove the '/'.")
        if not SOCKET_NAME.fullmatch(parameter.name):
            raise DeclarationError(f"{where} is no name for an input: use letters, digits and _.")
        if parameter.name not in hints:
            raise DeclarationError(f"{where} has no type annotation.")
        if hints[parameter.name] is Context:
            context_parameter = parameter.name
            continue
        default = REQUIRED if parameter.default is parameter.empty else parameter.default
        inputs[parameter.name] = _input(
            where, parameter.name, hints[parameter.name], default, doc.inputs.get(parameter.name, ""), classes
        )
    if unknown := set(doc.inputs) - set(inputs):
        raise DeclarationError(f"{node_type}: the docstring describes the input {min(unknown)!r}, which does not exist.")
    if doc.example:
        _refuse_example(node_type, example_values(doc.example, function.__name__, node_type), inputs)
    result, many = _result(node_type, hints, classes)
    return _Read(
        type=node_type, doc=doc, inputs=inputs, result=result, many_outputs=many,
        context_parameter=context_parameter, classes=classes,
    )  # fmt: skip


def _input(where: str, name: str, hint: Any, default: Any, help: str, classes: dict[str, type]) -> InputSpec:
    metadata: tuple[Any, ...] = ()
    optional = False
    while True:  # Annotated and Optional may be nested either way: Lazy[T] is Annotated[T | None, …]
        if get_origin(hint) is Annotated:
            hint, *extra = get_args(hint)
            metadata += tuple(extra)
        elif get_origin(hint) in (Union, types.UnionType) and type(None) in get_args(hint):
            rest = tuple(option for option in get_args(hint) if option is not type(None))
            hint, optional = Union[rest], True  # noqa: UP007  (the members are only known here)
        else:
            break
    lazy = is_lazy(metadata)
    if default is None and not optional:
        raise DeclarationError(f"{where} has the default None but its type does not allow it: write '| None'.")
    if lazy and default is None:
        pass
    elif optional and default is REQUIRED and not lazy:
        default = None
    item = get_args(hint)[0] if get_origin(hint) is list else hint  # the range and the choices of a list are those of each item
    while get_origin(item) is Annotated:
        item, *extra = get_args(item)
        metadata += tuple(extra)
    choices = get_args(item) if get_origin(item) is Literal else None
    kind = _socket(where, hint, classes)
    spec = InputSpec(
        name=name,
        type=kind,
        default=default,
        lazy=lazy,
        range=next((item.range if isinstance(item, Seed) else item for item in metadata if isinstance(item, Range | Seed)), None),
        choices=choices,
        choice=next((item for item in metadata if isinstance(item, Choice)), None),
        multiline=any(isinstance(item, Multiline | Strokes) for item in metadata),
        colour=any(isinstance(item, Colour) for item in metadata),
        strokes=any(isinstance(item, Strokes) for item in metadata),
        seed=any(isinstance(item, Seed) for item in metadata),
        help=help,
    )
    _refuse_field(where, spec)
    return spec


def _refuse_field(where: str, spec: InputSpec) -> None:
    if spec.choices is not None and not all(isinstance(choice, str) for choice in spec.choices):
        raise DeclarationError(f"{where} has a choice that is no text: a Literal of an input holds texts only.")
    item = spec.type.item if isinstance(spec.type, ListOf) else spec.type
    if spec.range is not None and item not in (INT, FLOAT):
        raise DeclarationError(f"{where} has a range but is {spec.type}: only a number has one.")
    if spec.range is not None and spec.range.minimum > spec.range.maximum:
        raise DeclarationError(f"{where} has the range {spec.range}, which holds no number.")
    if spec.seed and spec.type != INT:
        raise DeclarationError(f"{where} is a seed but is {spec.type}: a seed is an int.")
    if (spec.choice is not None or spec.multiline or spec.colour) and spec.type != TEXT:
        raise DeclarationError(f"{where} is declared as a text field but is {spec.type}.")
    if spec.default in (REQUIRED, None):
        return
    default = list(spec.default) if isinstance(spec.default, tuple) else spec.default
    items: list[Any] = default if isinstance(spec.type, ListOf) and isinstance(default, list) else [default]
    for one in items:
        if spec.choices is not None and one not in spec.choices:
            raise DeclarationError(f"{where} has the default {one!r}, which is none of its choices.")
        if spec.range is not None and one not in spec.range:
            raise DeclarationError(f"{where} has the default {one!r}, which lies outside {spec.range}.")
    if check.converted(default, spec.type) is check.CANNOT_CONVERT:
        raise DeclarationError(f"{where} has the default {spec.default!r}, which is no {spec.type}.")


def _refuse_example(node_type: str, values: Mapping[str, Any], inputs: Mapping[str, InputSpec]) -> None:
    """The example must be one that a user can copy."""
    for name, value in values.items():
        if name not in inputs:
            raise DeclarationError(f"{node_type}: the example gives {name!r}, which is no input.")
        if value is ...:
            continue
        _, problem = check.value(node_type, replace(inputs[name], choice=None), value, Folders())
        if problem is not None:
            raise DeclarationError(f"{node_type}: the example gives {name!r} a wrong value: {problem.cause}")


def _socket(where: str, hint: Any, classes: dict[str, type]) -> SocketType:
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return ANY
    if hint in BUILT_IN:
        return BUILT_IN[hint]
    if isinstance(hint, TypeVar):
        return Variable(hint.__name__)
    if origin in (list, tuple) and arguments and (origin is list or arguments[1:] == (Ellipsis,)):
        return ListOf(_socket(where, arguments[0], classes))
    if origin in (Union, types.UnionType):
        return UnionType(tuple(_socket(where, option, classes) for option in arguments))
    if origin is Literal:
        return TEXT
    if origin is Annotated:
        return _socket(where, arguments[0], classes)
    cls = origin or hint
    name = getattr(cls, "__socket_type__", None)
    if name is None:
        raise DeclarationError(f"{where} is a {hint!r}, which is no socket type: decorate the class with @socket_type.")
    if classes.setdefault(name, cls) is not cls:
        raise DeclarationError(f"{where} uses two classes for the socket type {name}: rename one.")
    return Named(name, tuple(_parameter(where, argument) for argument in arguments))


def _parameter(where: str, argument: Any) -> SocketType:
    if isinstance(argument, TypeVar):
        return Variable(argument.__name__)
    if get_origin(argument) is Literal and len(get_args(argument)) == 1:
        return Named(str(get_args(argument)[0]))
    raise DeclarationError(f"{where} has the type parameter {argument!r}: use a TypeVar or a Literal with one text.")


def _result(where: str, hints: dict[str, Any], classes: dict[str, type]) -> tuple[dict[str, SocketType], bool]:
    if "return" not in hints:
        raise DeclarationError(f"{where} has no return annotation: say what the node gives.")
    hint = hints["return"]
    if hint is type(None):
        return {}, False
    cls = get_origin(hint) or hint
    if isinstance(cls, type) and issubclass(cls, tuple) and hasattr(cls, "_fields"):
        fields = typing.get_type_hints(cls, include_extras=True)
        return {name: _socket(f"{where}: output {name!r}", fields[name], classes) for name in cls._fields}, True
    kind = _socket(f"{where}: the result", hint, classes)
    return {_output_name(kind): kind}, False


def _output_name(of: SocketType) -> str:
    if isinstance(of, ListOf):
        return _output_name(of.item) + "s"
    if isinstance(of, Named) and of not in BUILT_IN.values():
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", of.name).lower()
    return "value"


def _refuse_contradictions(spec: NodeSpec) -> None:
    lazy = {name for name, item in spec.inputs.items() if item.lazy}
    if bool(lazy) != (spec.needs is not None):
        raise DeclarationError(f"{spec.type}: lazy inputs and needs=… belong together, and only one of them is there.")
    known = frozenset().union(*(variables(item.type) for item in spec.inputs.values()))
    for item in spec.outputs.values():
        if spec.resolve_types is None and (unbound := variables(item.type) - known):
            raise DeclarationError(
                f"{spec.type}: the output {item.name!r} uses {min(unbound)}, which no input binds: add an input or resolve_types=…."
            )
    if spec.lane not in get_args(Lane):
        raise DeclarationError(f"{spec.type}: there is no lane {spec.lane!r}: use cpu, disk or device.")
    if spec.version < 1 or any(not 0 < old < spec.version for old in spec.migrations):
        raise DeclarationError(f"{spec.type}: versions count from 1, and migrations start from versions below {spec.version}.")
    if spec.volatile and spec.fingerprint is not None:
        raise DeclarationError(f"{spec.type}: it is volatile, so its fingerprint would never be used.")
