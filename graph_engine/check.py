"""Decides what is wrong with a workflow and how it is said: one function a kind of problem, each with its cause and next action."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from graph_engine.errors import LoomError, NodeInputError, Problem
from graph_engine.folders import Folders, OutsideFolderError
from graph_engine.sentences import Sentence, listed, message, say
from graph_engine.spec import InputSpec, NodeSpec
from graph_engine.types import ANY, BOOL, FLOAT, INT, PRIMITIVES, PYTHON_TYPES, TEXT, ListOf, Named, SocketType, Union, refusal

if TYPE_CHECKING:
    from graph_engine.registry import Registry
    from graph_engine.repeat import Output

EXACT_INT = 2**53  # every integer up to here has a float of its own
CANNOT_CONVERT: Any = object()
EXAMPLES: Mapping[SocketType, Sentence] = {
    BOOL: say("a_bool"),
    INT: say("an_int"),
    FLOAT: say("a_float"),
    TEXT: say("a_text"),
}


def unknown_node(path: str, type: str, registry: Registry) -> Problem:
    similar = registry.similar(type)
    action = say("did_you_mean", names=list(similar)) if similar else say("install_pack")
    return Problem(code="unknown_node", node=path, cause=say("no_node_type", type=type), action=action)


def migrated(path: str, spec: NodeSpec, version: int, values: dict[str, Any]) -> tuple[dict[str, Any], Problem | None]:
    """The values brought to the spec's version, or why that is not possible."""
    try:
        while version < spec.version and version in spec.migrations:
            values, version = spec.migrations[version](dict(values)), version + 1
    except Exception as error:  # the migration is the pack's
        cause = say("values_not_brought", before=version, after=version + 1, error=f"{type(error).__name__}: {error}")
        return values, Problem(code="version", node=path, cause=cause, action=say("set_up_anew"))
    if version == spec.version:
        return values, None
    action = say("update_pack") if version > spec.version else say("no_migration")
    cause = say("other_version", type=spec.type, version=version, installed=spec.version)
    return values, Problem(code="version", node=path, cause=cause, action=action)


def missing_input(path: str, field: InputSpec) -> Problem:
    action = say("give_value" if field.type in PRIMITIVES else "link_to_it", type=str(field.type))
    return Problem(code="missing_input", node=path, input=field.name, cause=say("nothing_given"), action=action)


def unknown_inputs(path: str, spec: NodeSpec, given: Iterable[str]) -> list[Problem]:
    """Names that the node does not have. They are kept in the file."""
    action = say("inputs_are", names=listed(spec.inputs))
    return [
        Problem(code="unknown_input", node=path, input=name, cause=say("no_such_input", type=spec.type, name=name), action=action)
        for name in given
        if name not in spec.inputs
    ]


def value(path: str, field: InputSpec, given: Any, folders: Folders) -> tuple[Any, Problem | None]:
    """``given`` as the node gets it (an int for a float becomes one), and what is wrong with it."""
    if (given is None and field.default is None) or (field.free and type(given) is field.python_type):
        return given, None

    def problem(code: Any, cause: Sentence, action: Sentence) -> tuple[Any, Problem]:
        return given, Problem(code=code, node=path, input=field.name, cause=cause, action=action)

    found: Any = given if type(given) is field.python_type else converted(given, field.type)
    if found is CANNOT_CONVERT:
        if not _has_values(field.type):
            return problem("bad_value", say("not_writable", type=str(field.type)), say("link_instead"))
        return problem(
            "bad_value", say("not_of_type", value=_shown(given), type=str(field.type)), say("write", example=_example(field.type))
        )
    for item in found if isinstance(field.type, ListOf) else (found,):
        if field.choices is not None and item not in field.choices:
            near = get_close_matches(str(item), field.choices, n=1)
            names = list(field.choices)
            action = say("did_you_mean_choice", name=near[0], names=names) if near else say("choices_are", names=names)
            return problem("not_a_choice", say("not_a_choice", value=_shown(item)), action)
        if field.range is not None and item not in field.range:
            return problem("bad_range", say("outside", value=_shown(item), range=str(field.range)), say("choose_inside"))
    if field.choice is not None:
        return found, _choice_problem(path, field, found, folders)
    return found, None


def _choice_problem(path: str, field: InputSpec, name: str, folders: Folders) -> Problem | None:
    assert field.choice is not None
    action: str = field.choice.action
    try:
        options = field.choice.options(folders)
        if name in options:
            return None
        near = get_close_matches(name, options, n=1)
        cause: str = say("nothing_called", what=field.choice.what, value=_shown(name))
        action = say("did_you_mean_name", name=near[0]) if near else action
    except Exception as error:  # the listing is the pack's
        cause = message(error)
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
        cause = say("linked_to_nothing", node=source.path)
        action = say("did_you_mean_name", name=near[0]) if near else say("relink")
    else:
        cause = say("no_such_output", node=source.path, name=source.name)
        action = say("outputs_are", names=listed(spec.outputs))
    return Problem(code="unknown_output", node=path, input=name, cause=cause, action=action)


def bad_output(name: str, source: Output, spec: NodeSpec | None) -> Problem:
    if spec is None:
        cause, action = say("output_from_nothing", node=source.path), say("correct_from")
    else:
        cause = say("output_from_no_output", source=f"{source.path}.{source.name}")
        action = say("outputs_of_are", node=source.path, names=listed(spec.outputs))
    return Problem(code="unknown_output", input=name, cause=cause, action=action)


def too_many_links(path: str, name: str, count: int) -> Problem:
    cause = say("too_many_links", count=count)
    return Problem(code="type_mismatch", node=path, input=name, cause=cause, action=say("keep_one_link"))


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
            cause = say("circle", way=" -> ".join([*shown, way[0]]))
            found.append(Problem(code="cycle", node=way[0], cause=cause, action=say("remove_one_link")))
    return found


def type_mismatch(
    path: str, name: str, origin: str, got: SocketType, want: SocketType, reason: Sentence, registry: Registry
) -> Problem:
    conversion = _conversion(got, want, registry)
    action = say("insert", title=conversion.title, type=conversion.type) if conversion else say("link_type", type=str(want))
    cause = say("misfit", source=origin, got=str(got), reason=reason)
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
        told = message(error) if isinstance(error, LoomError | OSError | ValueError) else f"{type(error).__name__}: {error}"
        cause = say("unreadable", error=told)
        return {}, Problem(code="unreadable_file", node=path, cause=cause, action=say("choose_other_file"))
    return {name: Named(parameter) for name, parameter in found.items()}, None


def nothing_to_run(has_nodes: bool) -> Problem:
    return Problem(code="nothing_to_run", cause=say("nothing_saved" if has_nodes else "empty"), action=say("add_sink"))


def unknown_target(name: str, known: list[str]) -> Problem:
    near = get_close_matches(name, known, n=1)
    action = say("did_you_mean_name", name=near[0]) if near else say("name_target")
    return Problem(code="unknown_target", cause=say("no_target", name=name), action=action)


def muted_target(name: str) -> Problem:
    return Problem(code="unknown_target", cause=say("muted_target", name=name), action=say("unmute_target"))


def _has_values(of: SocketType) -> bool:
    return (
        of in PRIMITIVES
        or (isinstance(of, ListOf) and _has_values(of.item))
        or (isinstance(of, Union) and any(map(_has_values, of.options)))
    )


def _shown(given: Any) -> str:
    if type(given) is int and given.bit_length() > 256:  # Python refuses to write very large ones
        return say("so_large")
    text = repr(given)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _example(of: SocketType) -> Sentence:
    return EXAMPLES.get(of) or say("a_type", type=str(of))
