"""Documents for the tests of diff and merge: a small real one, ways to edit it, and arbitrary ones that go beyond what runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

from graph_engine.workflow import Workflow, canonical, parse

PICTURE: dict[str, Any] = {
    "format": "latent-loom/1",
    "title": "Text to image",
    "inputs": {"prompt": {"to": ["positive.text"]}, "seed": {"to": ["noise.seed"]}},
    "outputs": {"image": {"from": "decode.image"}},
    "nodes": {
        "model": {"type": "loom.load_model", "version": 1, "values": {"name": "loom-tiny"}},
        "positive": {
            "type": "loom.text",
            "version": 1,
            "values": {"text": "a circle"},
            "links": {"encoder": "model.text_encoder"},
        },
        "negative": {
            "type": "loom.text",
            "version": 1,
            "values": {"text": "blurred"},
            "links": {"encoder": "model.text_encoder"},
        },
        "noise": {"type": "loom.noise", "version": 1, "values": {"seed": 7, "width": 512}},
        "sample": {
            "type": "loom.sample",
            "version": 1,
            "values": {"steps": 20, "cfg": 5.0},
            "links": {
                "model": "model.model",
                "positive": "positive.conditioning",
                "negative": "negative.conditioning",
                "noise": "noise.noise",
            },
        },
        "decode": {"type": "loom.decode", "version": 1, "links": {"latent": "sample.latent", "vae": "model.vae"}},
    },
    "requires": {"packs": {"loom": ">=0.1"}},
    "view": {"nodes": {"model": {"x": 0, "y": 0}, "noise": {"x": 0, "y": 200}}, "frames": [], "notes": []},
}

Edit = Callable[[dict[str, Any]], object]


def edited(*edits: Edit, of: dict[str, Any] = PICTURE) -> Workflow:
    """A copy of ``of`` after these edits, each of which changes its data in place."""
    data = deepcopy(of)
    for edit in edits:
        edit(data)
    return parse(json.dumps(data))


def put(*place: Any) -> Edit:
    """``put("nodes", "a", "mode", "muted")``: the last is the value, the others the way to it."""
    *way, key, value = place

    def edit(data: dict[str, Any]) -> None:
        for step in way:
            data = data.setdefault(step, {})
        data[key] = deepcopy(value)

    return edit


def drop(*place: str) -> Edit:
    def edit(data: dict[str, Any]) -> None:
        for step in place[:-1]:
            data = data[step]
        del data[place[-1]]

    return edit


def name(old: str, new: str) -> Edit:
    """Rename a node as a person does: in the whole text. Ids must not be part of other words in it."""

    def edit(data: dict[str, Any]) -> None:
        text = json.dumps(data).replace(f'"{old}.', f'"{new}.').replace(f'"{old}": {{"type"', f'"{new}": {{"type"')
        renamed = json.loads(text)
        spots = renamed.get("view", {}).get("nodes", {})
        if old in spots:
            spots[new] = spots.pop(old)
        data.clear()
        data.update(renamed)

    return edit


def without_layout(workflow: Workflow) -> str:
    def bare(of: Workflow) -> Workflow:
        return of.model_copy(update={"view": {}, "definitions": {name: bare(inner) for name, inner in of.definitions.items()}})

    return canonical(bare(workflow))


def closed(workflow: Workflow) -> Workflow:
    """``workflow`` without what refers to nodes that are not there."""

    def there(link: Any) -> bool:
        return all(one.partition(".")[0] in workflow.nodes for one in (link if isinstance(link, list) else [link]))

    nodes = {
        name: node.model_copy(update={"links": {key: link for key, link in node.links.items() if there(link)}})
        for name, node in workflow.nodes.items()
    }
    inputs = {name: port for name, port in workflow.inputs.items() if there(port.to)}
    outputs = {name: port for name, port in workflow.outputs.items() if there(port.source)}
    inner = {name: closed(one) for name, one in workflow.definitions.items()}
    return workflow.model_copy(update={"nodes": nodes, "inputs": inputs, "outputs": outputs, "definitions": inner})


NAMES = st.sampled_from(["a", "b", "c", "d", "e", "up"])
SOCKETS = st.sampled_from(["x", "y", "z"])
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from([0.0, 1.0, 2.5]), st.sampled_from(["", "ü", "a.x"])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(SOCKETS, inner, max_size=2), max_leaves=4
)
REFERENCES = st.builds("{}.{}".format, NAMES, SOCKETS)


def _object(required: dict[str, Any], optional: dict[str, Any]) -> Any:
    return st.fixed_dictionaries(required, optional=optional)


NODES = _object(
    {"type": st.sampled_from(["t.one", "t.two", "workflow:up"])},
    {
        "version": st.integers(1, 2),
        "values": st.dictionaries(SOCKETS, VALUES, max_size=3),
        "links": st.dictionaries(SOCKETS, REFERENCES | st.lists(REFERENCES, max_size=2), max_size=3),
        "mode": st.sampled_from(["on", "muted", "bypassed"]),
        "title": st.sampled_from(["", "T"]),
        "id": SCALARS,
    },
)
PORTS = {"title": st.sampled_from(["", "P"]), "help": st.sampled_from(["", "H"]), "unknown": VALUES}
INPUTS = _object({"to": st.lists(REFERENCES, min_size=1, max_size=2)}, PORTS)
OUTPUTS = _object({"from": REFERENCES}, PORTS)
SPOTS = st.dictionaries(NAMES, _object({"x": st.integers(0, 2)}, {"y": st.integers(0, 1)}), max_size=3)
VIEWS = _object({}, {"nodes": SPOTS | SCALARS, "notes": st.lists(VALUES, max_size=2), "frames": VALUES})


def _documents(definitions: Any) -> Any:
    parts = {
        "title": st.sampled_from(["", "W"]),
        "inputs": st.dictionaries(NAMES, INPUTS, max_size=2),
        "outputs": st.dictionaries(NAMES, OUTPUTS, max_size=2),
        "nodes": st.dictionaries(NAMES, NODES, max_size=4),
        "requires": st.dictionaries(SOCKETS, VALUES, max_size=2),
        "view": VIEWS,
        "unknown": VALUES,
        "conflicts": VALUES,
    }
    return _object({"format": st.just("latent-loom/1")}, parts | {"definitions": definitions})


WORKFLOWS = _documents(st.dictionaries(NAMES, _documents(st.just({})), max_size=2)).map(lambda data: parse(json.dumps(data)))
