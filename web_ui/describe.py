"""Decides how things of the engine look in the API: nodes, types, jobs and events as the models of ``schema``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from graph_engine.errors import Problem
from graph_engine.fields import Range
from graph_engine.interface import DeclaredInput
from graph_engine.jobs import Happening, Job
from graph_engine.plan import Planned
from graph_engine.sentences import said
from graph_engine.spec import InputSpec, NodeSpec
from graph_engine.types import Anything, ListOf, Named, SocketType, Union, Variable
from web_ui import schema


def socket_type(of: SocketType) -> schema.SocketTypeInfo:
    text = str(of)
    match of:
        case Named(name, parameters):
            return schema.SocketTypeInfo(kind="named", name=name, parameters=list(map(socket_type, parameters)), text=text)
        case Variable(name):
            return schema.SocketTypeInfo(kind="variable", name=name, text=text)
        case ListOf(item):
            return schema.SocketTypeInfo(kind="list", item=socket_type(item), text=text)
        case Union(options):
            return schema.SocketTypeInfo(kind="union", options=list(map(socket_type, options)), text=text)
        case Anything():
            return schema.SocketTypeInfo(kind="any", text=text)


def node(spec: NodeSpec) -> schema.NodeInfo:
    plain = (
        "type",
        "version",
        "title",
        "category",
        "summary",
        "description",
        "example",
        "pack",
        "lane",
        "sink",
        "volatile",
        "conversion",
    )
    return schema.NodeInfo(
        **{name: getattr(spec, name) for name in plain},
        inputs=[input_field(field) for field in spec.inputs.values()],
        outputs=[schema.OutputInfo(name=one.name, type=socket_type(one.type), help=one.help) for one in spec.outputs.values()],
    )


def input_field(field: InputSpec) -> schema.InputInfo:
    return schema.InputInfo(
        name=field.name,
        type=socket_type(field.type),
        required=field.required,
        default=None if field.required else _plain(field.default),
        optional=not field.required and field.default is None,
        lazy=field.lazy,
        range=None if field.range is None else number_range(field.range),
        choices=None if field.choices is None else list(field.choices),
        choice_of=None if field.choice is None else field.choice.what,
        multiline=field.multiline,
        colour=field.colour,
        strokes=field.strokes,
        seed=field.seed,
        help=field.help,
    )


def number_range(bounds: Range) -> schema.NumberRange:
    low, high = (None if math.isinf(number) else number for number in (bounds.minimum, bounds.maximum))
    return schema.NumberRange(
        minimum=low, maximum=high, exclude_minimum=bounds.exclude_minimum, step=bounds.step, unit=bounds.unit
    )


def declared(one: DeclaredInput) -> schema.DeclaredInputInfo:
    return schema.DeclaredInputInfo(
        name=one.name,
        title=one.title,
        help=one.help,
        field=input_field(one.field),
        required=one.required,
        default=None if one.required else _plain(one.default),
    )


def problem(found: Problem) -> schema.ProblemEntry:
    return schema.ProblemEntry(**found.as_json(), said=said({"cause": found.cause, "action": found.action}))


def plan(found: Iterable[Planned]) -> schema.Plan:
    nodes = [schema.PlannedNode(**one.as_json(), said=said({"reason": one.reason})) for one in found]
    known = [one.seconds for one in nodes if one.status == "runs" and one.seconds is not None]
    return schema.Plan(nodes=nodes, seconds=sum(known) if known else None)


def job(one: Job, positions: Mapping[str, int] | None = None) -> schema.Job:
    return schema.Job(**_job_facts(one, positions or {}))


def job_detail(one: Job, positions: Mapping[str, int] | None = None) -> schema.JobDetail:
    return schema.JobDetail(
        **_job_facts(one, positions or {}),
        inputs=dict(one.inputs),
        targets=None if one.targets is None else list(one.targets),
        workflow_name=one.workflow_name,
        outputs=[schema.JobOutput(name=name, value=value) for name, value in one.outputs.items()],
        nodes={path: schema.NodeRun(**facts) for path, facts in one.nodes.items()},
        attempts=one.attempts,
    )


def _job_facts(one: Job, positions: Mapping[str, int]) -> dict[str, Any]:
    plain = ("id", "state", "title", "client", "priority", "created_at", "started_at", "ended_at", "device", "done", "total")
    return {
        **{name: getattr(one, name) for name in plain},
        "position": positions.get(one.id),
        "errors": [schema.JobError(**error) for error in one.errors],
        "results": list(one.results),
    }


def event(one: Happening, of: Job | None = None) -> schema.EventInfo:
    """``of``: the job as it stands now, for an event that tells of its state."""
    data = dict(one.data) if of is None else {**one.data, **job(of).model_dump(mode="json")}
    return schema.EventInfo(cursor=one.cursor, at=one.at, kind=one.kind, job=one.job, data=data)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
