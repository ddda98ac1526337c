"""Decides what is wrong with a workflow and how it is said: one function a kind of problem, each with its cause and next action."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from graph_engine.errors import LoomError, NodeInputError, Problem
from graph_engine.folders import Folders, OutsideFolderError
from graph_engine.spec import InputSpec, NodeSpec
from graph_engine.types import ANY, BOOL, FLOAT, INT, PRIMITIVES, PYTHON_TYPES, TEXT, ListOf, Named, SocketType, Union, refusal

if TYPE_CHECKING:
    from graph_engine.registry import Registry
    from graph_engine.repeat import Output

EXACT_INT = 2**53  # every integer up to here has a float of its own
CANNOT_CONVERT: Any = object()


def unknown_node(path: str, type: str, registry: Registry) -> Problem:
    similar = registry.similar(type)
    action = f"Did you mean {' or '.join(similar)}?" if similar else "Install the pack that has it, or remove the node."
    return Problem(code="unknown_node", node=path, cause=f"no node type is called {type!r}.", action=action)


def migrated(path: str, spec: NodeSpec, version: int, values: dict[str, Any]) -> tuple[dict[str, Any], Problem | None]:
    """The values brought to the spec's version, or why that is not possible."""
    try:
        while version < spec.version and version in spec.migrations:
            values, version = spec.migrations[version](dict(values)), version + 1
    except Exception as error:  # the migration is the pack's
        cause = f"its values could not be brought from version {version} to {version + 1}: {type(error).__name__}: {error}."
        return values, Problem(code="version", node=path, cause=cause, action="Set the node up anew.")
    if version == spec.version:
        return values, None
    known = f"version {spec.version} is installed"
    action = "Update the pack." if version > spec.version else "The pack has no migration: set the node up anew."
    cause = f"{spec.type} is version {version} here, and {known}."
    return values, Problem(code="version", node=path, cause=cause, action=action)


def missing_input(path: str, field: InputSpec) -> Problem:
    action = f"Give it a value ({field.type})." if field.type in PRIMITIVES else f"Link an output of type {field.type} to it."
    return Problem(code="missing_input", node=path, input=field.name, cause="nothing is given here.", action=action)


def unknown_inputs(path: str, spec: NodeSpec, given: Iterable[str]) -> list[Problem]:
    """Names that the node does not have. They are kept in the file."""
    known = ", ".join(spec.inputs) or "none"
    return [
        Problem(
            code="unknown_input",
            node=path,
            input=name,
            cause=f"{spec.type} has no input {name!r}.",
            action=f"Its inputs: {known}.",
        )
        for name in given
        if name not in spec.inputs
    ]


def value(path: str, field: InputSpec, given: Any, folders: Folders) -> tuple[Any, Problem | None]:
    """``given`` as the node gets it (an int for a float becomes one), and what is wrong with it."""
    if (given is None and field.default is None) or (field.free and type(given) is field.python_type):
        return given, None

    def problem(code: Any, cause: str, action: str) -> tuple[Any, Problem]:
        return given, Problem(code=code, node=path, input=field.name, cause=cause, action=action)

    found: Any = given if type(given) is field.python_type else converted(given, field.type)
    if found is CANNOT_CONVERT:
        if not _has_values(field.type):
            return problem("bad_value", f"{field.type} cannot be written as a value.", "Link an output to it.")
        return problem("bad_value", f"{_shown(given)} is no {field.type}.", f"Write {_example(field.type)}.")
    for item in found if isinstance(field.type, ListOf) else (found,):
        if field.choices is not None and item not in field.choices:
            near = get_close_matches(str(item), field.choices, n=1)
            hint = f"Did you mean {near[0]!r}? " if near else ""
            return problem("not_a_choice", f"{_shown(item)} is no choice.", f"{hint}Choices: {', '.join(field.choices)}.")
        if field.range is not None and item not in field.range:
            return problem("bad_range", f"{_shown(item)} lies outside {field.range}.", "Choose a number inside.")
    if field.choice is not None:
        return found, _choice_problem(path, field, found, folders)
    return found, None


def _choice_problem(path: str, field: InputSpec, name: str, folders: Folders) -> Problem | None:
    assert field.choice is not None
    try:
        options = field.choice.options(folders)
        if name in options:
            return None
        near = get_close_matches(name, options, n=1)
        cause = f"there is no {field.choice.what} called {_shown(name)}."
        action = f"Did you mean {near[0]!r}?" if near else field.choice.action
    except Exception as error:  # the listing is the pack's
        cause, action = f"{error}", field.choice.action
    return Problem(code="unknown_model", node=path, input=field.name, cause=cause, action=action)


def converted(given: Any, want: SocketType) -> Any:
    """A JSON value as ``want``, with nothing lost, or CANNOT_CONVERT."""
    kind = type(given)
    match want:
        case _ if want == ANY:
            return given
        case ListOf(item):
            items = [converted(one, item) for one in given] if kind is list else [CANNOT_CONVERT]
            return CANNOT_CONVERT if any(one is CANNOT_CONVERT for one in items) else items
        case Union(options):
            exact = [option for option in options if PYTHON_TYPES.get(option) is kind]
            return next(
                (one for option in exact or options if (one := converted(given, option)) is not CANNOT_CONVERT), CANNOT_CONVERT
            )
    if want == FLOAT and kind is int and abs(given) <= EXACT_INT:
        return float(given)
    return given if PYTHON_TYPES.get(want) is kind else CANNOT_CONVERT


def bad_link(path: str, name: str, source: Output, spec: NodeSpec | None, nodes: Iterable[str]) -> Problem:
    if spec is None:
        near = get_close_matches(source.path, list(nodes), n=1)
        cause, action = (
            f"it is linked to {source.path!r}, which does not exist.",
            f"Did you mean {near[0]!r}?" if near else "Relink it.",
        )
    else:
        cause = f"{source.path!r} has no output {source.name!r}."
        action = f"Its outputs: {', '.join(spec.outputs) or 'none'}."
    return Problem(code="unknown_output", node=path, input=name, cause=cause, action=action)


def bad_output(name: str, source: Output, spec: NodeSpec | None) -> Problem:
    if spec is None:
        cause, action = f"it comes from {source.path!r}, which does not exist.", "Correct the output's 'from'."
    else:
        cause = f"it comes from {source.path}.{source.name}, which does not exist."
        action = f"Outputs of {source.path}: {', '.join(spec.outputs) or 'none'}."
    return Problem(code="unknown_output", input=name, cause=f"the declared output is broken: {cause}", action=action)


def too_many_links(path: str, name: str, count: int) -> Problem:
    cause = f"{count} links lead here, and it takes one value."
    return Problem(code="type_mismatch", node=path, input=name, cause=cause, action="Keep one of the links.")


def cycles(reads: Mapping[str, list[str]]) -> list[Problem]:
    """One problem for each knot of nodes that need each other, naming one way round it."""
    import networkx  # a fifth of a second to import, and needed only to report

    graph = networkx.DiGraph([(source, path) for path, sources in reads.items() for source in sources])
    found = []
    for knot in networkx.strongly_connected_components(graph):
        if len(knot) > 1 or graph.has_edge(*(list(knot) * 2)):
            edges = networkx.find_cycle(graph.subgraph(knot), source=min(knot))
            way = [edge[0] for edge in edges]
            shown = way if len(way) <= 8 else [*way[:4], "…", *way[-3:]]
            cause = f"these nodes need each other: {' -> '.join([*shown, way[0]])}."
            found.append(Problem(code="cycle", node=way[0], cause=cause, action="Remove one of the links."))
    return found


def type_mismatch(
    path: str, name: str, origin: str, got: SocketType, want: SocketType, reason: str, registry: Registry
) -> Problem:
    conversion = _conversion(got, want, registry)
    action = f"Insert {conversion.title!r} ({conversion.type}) between them." if conversion else f"Link an output of type {want}."
    cause = f"{origin} gives {got}, but {reason}."
    return Problem(code="type_mismatch", node=path, input=name, cause=cause, action=action)


def _conversion(got: SocketType, want: SocketType, registry: Registry) -> NodeSpec | None:
    for spec in registry.specs.values():
        if spec.conversion:
            bindings: dict[str, SocketType] = {}
            takes = any(
                isinstance(field.type, Named) and refusal(got, field.type, bindings) is None for field in spec.inputs.values()
            )
            if takes and any(refusal(output.type, want, {}) is None for output in spec.outputs.values()):
                return spec
    return None


def resolved_types(
    path: str, spec: NodeSpec, constants: Mapping[str, Any], folders: Folders
) -> tuple[dict[str, SocketType], Problem | None]:
    """What a loader says of its outputs' types; they stay open where it cannot tell."""
    assert spec.resolve_types is not None
    try:
        found = spec.resolve_types(constants, folders)
    except NodeInputError as error:
        return {}, Problem(code="unreadable_file", node=path, input=error.input, cause=error.cause, action=error.action)
    except (KeyError, OutsideFolderError):
        return {}, None  # a value is missing or wrong, which is reported where the value is checked
    except Exception as error:  # the resolver is the pack's
        cause = f"{error}." if isinstance(error, LoomError | OSError | ValueError) else f"{type(error).__name__}: {error}."
        return {}, Problem(code="unreadable_file", node=path, cause=cause, action="Choose another file.")
    return {name: Named(parameter) for name, parameter in found.items()}, None


def nothing_to_run(has_nodes: bool) -> Problem:
    cause = "no node saves anything and no output is declared." if has_nodes else "the workflow is empty."
    return Problem(code="nothing_to_run", cause=cause, action="Add a node such as 'Save image', or declare an output.")


def unknown_target(name: str, known: list[str]) -> Problem:
    near = get_close_matches(name, known, n=1)
    action = f"Did you mean {near[0]!r}?" if near else "Name a node of the file, or one of its outputs."
    return Problem(code="unknown_target", cause=f"there is no node or output {name!r}.", action=action)


def muted_target(name: str) -> Problem:
    cause = f"{name!r} is muted, or needs a muted node."
    return Problem(code="unknown_target", cause=cause, action="Unmute it, or name another target.")


def _has_values(of: SocketType) -> bool:
    return (
        of in PRIMITIVES
        or (isinstance(of, ListOf) and _has_values(of.item))
        or (isinstance(of, Union) and any(map(_has_values, of.options)))
    )


def _shown(given: Any) -> str:
    if type(given) is int and given.bit_length() > 256:  # Python refuses to write very large ones
        return "a number that large"
    text = repr(given)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _example(of: SocketType) -> str:
    return {BOOL: "true or false", INT: "a whole number", FLOAT: "a number", TEXT: "a text in quotes"}.get(of, f"a {of}")  # type: ignore[arg-type]
