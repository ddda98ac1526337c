"""Decides what crosses the border of a node: inputs are checked and handed out, outputs are checked and named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graph_engine import check
from graph_engine.errors import LoomError, NodeError, NodeInputError
from graph_engine.folders import Folders
from graph_engine.graph import Node
from graph_engine.sentences import message, say
from graph_engine.spec import NodeSpec
from graph_engine.types import PYTHON_TYPES, ListOf, Named, SocketType
from graph_engine.values import Codecs

OUT_OF_MEMORY = frozenset({"MemoryError", "OutOfMemoryError"})


def linked_value(node: Node, name: str, value: Any, folders: Folders) -> Any:
    """A linked value as the node takes it: numbers and texts meet the same bounds as typed ones. Raises NodeInputError."""
    value, problem = check.value(node.path, node.spec.inputs[name], value, folders)
    if problem is not None:
        raise NodeInputError(name, problem.cause, problem.action)
    return value


def named_outputs(spec: NodeSpec, returned: Any) -> dict[str, Any]:
    """What the function returned, by output name. Raises TypeError when it is not what the node declares."""
    values = returned if spec.many_outputs else (returned,) * len(spec.outputs)  # of none or one
    if not isinstance(values, tuple) or len(values) != len(spec.outputs):
        raise TypeError(f"it gave {type(returned).__name__} where {len(spec.outputs)} outputs are declared")
    return {
        output.name: value if type(value) is output.python_type else _typed(output.name, output.type, value, spec.classes)
        for output, value in zip(spec.outputs.values(), values, strict=True)
    }


def failure(
    node: Node, inputs: Mapping[str, Any], error: BaseException, codecs: Codecs, redact: Callable[[str], str] = lambda text: text
) -> NodeError:
    """The located error for whatever a node raised. Values are described by type and shape, never by content; ``redact`` strikes
    secrets out of what the node said."""
    described = {name: codecs.describe(value) for name, value in inputs.items()}
    cause: str
    action: str
    if isinstance(error, NodeInputError):
        cause, action = say("at_input", input=error.input, cause=error.cause), error.action
    elif type(error).__name__ in OUT_OF_MEMORY:
        cause, action = say("no_memory"), say("make_smaller")
    elif isinstance(error, LoomError):
        cause, action = message(error), say("correct_input")
    elif isinstance(error, OSError):
        cause, action = f"{error.strerror or error}.", say("check_file")
    else:
        cause = f"{type(error).__name__}: {error}."
        action = say("fault_of_node", pack=node.spec.pack) if node.spec.pack else say("fault_of_unknown_node")
    return NodeError(
        node=node.path, type=node.spec.type, inputs=described, cause=_clean(cause, redact), action=_clean(action, redact)
    )


def _clean(text: str, redact: Callable[[str], str]) -> str:
    """``text`` itself, with its code and facts, where there is nothing to strike out."""
    clean = redact(text)
    return text if clean == text else clean


def _typed(name: str, want: SocketType, value: Any, classes: Mapping[str, type]) -> Any:
    if type(value) is (expected := PYTHON_TYPES.get(want)):
        return value
    if expected is not None:
        if expected is float and type(value) is int:
            return float(value)
        raise TypeError(f"output {name!r} should be {want} and is {type(value).__name__}")
    match want:
        case ListOf(item):
            if not isinstance(value, list | tuple):
                raise TypeError(f"output {name!r} should be a list and is {type(value).__name__}")
            return [_typed(name, item, one, classes) for one in value]
        case Named(kind) if kind in classes and not isinstance(value, classes[kind]):
            raise TypeError(f"output {name!r} should be {want} and is {type(value).__name__}")
    return value
