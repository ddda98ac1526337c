"""What can go wrong, and the form in which it is told: one tree of exceptions, one record for a problem in a file.

    LoomError
    ├── DeclarationError      a node's signature contradicts itself (raised at import)
    ├── PackError             a node pack that cannot be used
    ├── FormatError           a file that cannot be read as a workflow
    ├── WorkflowError         a workflow that cannot run: carries every Problem found
    ├── UnsupportedValueError a node gave a value that the engine cannot identify
    ├── DeliveryError         a result that could not be written
    ├── NodeError             a node failed while it ran: carries node, inputs, cause
    └── Cancelled             the run was stopped on request

A node raises ``NodeInputError`` to say that an input's value is at fault; the engine turns it into a ``NodeError`` there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

ProblemCode = Literal[
    "bad_range",
    "bad_value",
    "cycle",
    "missing_input",
    "not_a_choice",
    "nothing_to_run",
    "recursion",
    "too_large",
    "type_mismatch",
    "unknown_input",
    "unknown_model",
    "unknown_node",
    "unknown_output",
    "unknown_target",
    "unreadable_file",
    "version",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that keeps a workflow from running: what (code, cause), where (node, input) and what to do next (action)."""

    code: ProblemCode
    cause: str
    action: str
    node: str | None = None
    input: str | None = None

    @property
    def where(self) -> str:
        if self.node is None:
            return "workflow" if self.input is None else f"workflow input {self.input!r}"
        return self.node if self.input is None else f"{self.node}.{self.input}"

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.where}: {self.cause} {self.action}"


class LoomError(Exception):
    """The root of everything this project raises on purpose."""

    exit_code = 1


class DeclarationError(LoomError):
    """A node's declaration contradicts itself; the message names the function and the contradiction."""


class PackError(LoomError):
    """A node pack, or one module of it, that cannot be used."""


class FormatError(LoomError):
    """A file that is not a workflow this version can read."""

    exit_code = 3


class WorkflowError(LoomError):
    """A workflow that cannot run; ``problems`` lists all that was found."""

    exit_code = 3

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class UnsupportedValueError(LoomError):
    """A value that no codec covers, so that it can be neither identified nor kept."""


class DeliveryError(LoomError):
    """A result that could not be written to the output folder."""

    exit_code = 4


class NodeInputError(LoomError):
    """Raised by a node: the value of ``input`` is at fault, and ``action`` says what to do."""

    def __init__(self, input: str, cause: str, action: str) -> None:
        self.input, self.cause, self.action = input, cause, action
        super().__init__(f"{cause} {action}")


class NodeError(LoomError):
    """A node failed: where, with which inputs (types and shapes, never contents), why, and what to do next."""

    exit_code = 4

    def __init__(self, *, node: str, type: str, inputs: Mapping[str, str], cause: str, action: str) -> None:
        self.node, self.type, self.inputs, self.cause, self.action = node, type, dict(inputs), cause, action
        received = ", ".join(f"{name}: {value}" for name, value in self.inputs.items()) or "no inputs"
        super().__init__(f"{node} ({type}) failed: {cause}\n  it received {received}\n  {action}")

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("node", "type", "inputs", "cause", "action")}


class Cancelled(LoomError):
    """The run was stopped on request."""

    exit_code = 130
