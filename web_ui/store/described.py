"""Decides what is said of a picture in a list: its prompt, seed and model, read from the workflow that made it.

Found by the names of inputs, whatever the nodes are: up from the node that wrote the file to the nearest ``positive``, ``noise`` and
``model``. What cannot be told stays empty; nothing is guessed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from graph_engine.flatten import Flat, FlatNode, Linked, flatten
from graph_engine.repeat import Output
from graph_engine.workflow.document import NodeEntry, Workflow

PROMPT = "prompt"
ENCODES_TEXT = "loom.encode_text"
MOST_ENDS = 50

Answer = TypeVar("Answer", str, int | None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    prompt: str = ""
    seed: int | None = None
    model: str = ""


def describe(workflow: Workflow, inputs: Mapping[str, Any], node: str) -> Described:
    """What ``workflow`` made with these declared ``inputs``, as far as ``node`` (a path) read it.

    A node that is not found (a copy within a map whose length only the run knew) could have been any of the last ones: then only what
    is the same for all of them is told.
    """
    flat = flatten(workflow, {name: value for name, value in inputs.items() if name in workflow.inputs}, _passed_on)
    if node in flat.nodes:
        return _described(flat, node, inputs)
    ends = flat.nodes.keys() - {
        source.path for one in flat.nodes.values() for name in one.links for source in _sources(flat, one, name)
    }
    found = [_described(flat, end, inputs) for end in sorted(ends)[:MOST_ENDS]] if len(ends) <= MOST_ENDS else []
    return Described(
        prompt=_agreed([one.prompt for one in found], ""),
        seed=_agreed([one.seed for one in found], None),
        model=_agreed([one.model for one in found], ""),
    )


def _described(flat: Flat, node: str, inputs: Mapping[str, Any]) -> Described:
    above = list(_above(flat, node))
    return Described(prompt=_prompt(flat, above, inputs), seed=_seed(flat, above), model=_model(flat, above))


def _agreed(found: list[Answer], unknown: Answer) -> Answer:
    known = {one for one in found if one != unknown}
    return known.pop() if len(known) == 1 else unknown


def _passed_on(_entry: NodeEntry, output: str, links: Mapping[str, Linked]) -> str | None:
    """What a bypassed node most likely passes on: its types are not known here."""
    return output if output in links else min(links, default=None)


def _above(flat: Flat, node: str) -> Iterator[FlatNode]:
    """The node and all that it reads, nearest first."""
    seen, waiting = {node}, deque([node])
    while waiting:
        found = flat.nodes[waiting.popleft()]
        yield found
        for name in sorted(found.links):
            for source in _sources(flat, found, name):
                if source.path not in seen:
                    seen.add(source.path)
                    waiting.append(source.path)


def _prompt(flat: Flat, above: list[FlatNode], inputs: Mapping[str, Any]) -> str:
    """The text that feeds the nearest positive input, through what changes a conditioning; else the declared input ``prompt``."""
    for source in _given(flat, above, "positive"):
        seen, waiting = {source.path}, deque([source])
        while waiting:
            node = waiting.popleft()
            if node.entry.type == ENCODES_TEXT:
                text = node.values.get("text")
                if "text" not in node.links and isinstance(text, str):
                    return text
                continue
            names = ["positive"] if "positive" in node.links else sorted(set(node.links) - {"negative"})
            for one in (one for name in names for one in _sources(flat, node, name)):
                if one.path not in seen:
                    seen.add(one.path)
                    waiting.append(one)
    prompt = inputs.get(PROMPT)
    return prompt if isinstance(prompt, str) else ""


def _seed(flat: Flat, above: list[FlatNode]) -> int | None:
    """The seed of the nearest noise, or of the nearest node that has one of its own."""
    for node in [*_given(flat, above, "noise"), *above]:
        seed = node.values.get("seed")
        if "seed" not in node.links and type(seed) is int and 0 <= seed < 2**64:
            return seed
    return None


def _model(flat: Flat, above: list[FlatNode]) -> str:
    """The name in the loader at the end of the nearest chain of models."""
    for source in _given(flat, above, "model"):
        node, seen = source, {source.path}
        while more := [one for one in _sources(flat, node, "model") if one.path not in seen]:
            node = more[0]
            seen.add(node.path)
        name = node.values.get("name")
        if "name" not in node.links and isinstance(name, str):
            return name
    return ""


def _given(flat: Flat, nodes: list[FlatNode], name: str) -> list[FlatNode]:
    """What stands directly behind the inputs of that name."""
    return [source for node in nodes for source in _sources(flat, node, name)]


def _sources(flat: Flat, node: FlatNode, name: str) -> list[FlatNode]:
    link = node.links.get(name, ())
    linked = (link,) if isinstance(link, Output) else link
    return [flat.nodes[one.path] for one in linked if one.path in flat.nodes]
