"""Decides what identifies a computation: a key from node type, version, values and the digests of its input values.

Ids, titles, positions and other branches never enter it. The part that does not depend on inputs is hashed once a node and copied,
so that keys for a whole graph are linear in its links. Encodings are those of ``values``: 1, 1.0, true and "1" differ.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NewType

from graph_engine.errors import NodeInputError
from graph_engine.folders import Folders
from graph_engine.graph import Link, Node
from graph_engine.values import Codecs, Digest

Key = NewType("Key", bytes)
Digests = Mapping[str, Digest]


class Keys:
    """Makes the keys of one run. ``numerics`` says how the device lane calculates (its dtype): results of another are not reused."""

    def __init__(self, codecs: Codecs, folders: Folders, numerics: str = "") -> None:
        self._codecs, self._folders, self._numerics = codecs, folders, numerics
        self._prefixes: dict[int, Any] = {}
        self.fingerprints: dict[str, str] = {}

    def key(self, node: Node, inputs: Sequence[str], known: Sequence[Digests | None]) -> Key:
        """The key of ``node`` when it reads these linked ``inputs``; ``known`` holds every node's output digests by index."""
        prefix = self._prefixes.get(node.index)
        if prefix is None:
            prefix = self._prefixes[node.index] = self._prefix(node)
        hasher = prefix.copy()
        for name in inputs:
            link = node.links[name]
            links = (link,) if isinstance(link, Link) else link
            hasher.update(b"%s=%d:" % (name.encode(), len(links)))
            for source in links:
                digests = known[source.node]
                assert digests is not None
                hasher.update(digests[source.output])
        return Key(hasher.digest())

    def fingerprint(self, node: Node, values: Mapping[str, Any]) -> str:
        """What the node depends on besides its inputs. Raises NodeInputError (or OSError) when that cannot be read."""
        assert node.spec.fingerprint is not None
        found = node.spec.fingerprint(values, self._folders)
        self.fingerprints[node.path] = found
        return found

    def _prefix(self, node: Node) -> Any:
        hasher = hashlib.sha256()
        feed: Callable[[Any], None] = lambda value: self._codecs.feed(value, hasher.update)  # noqa: E731
        feed(node.spec.type)
        feed(node.spec.version)
        feed(node.constants)
        if node.spec.lane == "device":
            feed(self._numerics)
        if node.spec.fingerprint is not None:
            feed(self.fingerprints.get(node.path) or self.fingerprint(node, node.constants))
        return hasher


__all__ = ["Digests", "Key", "Keys", "NodeInputError"]
