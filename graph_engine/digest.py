"""Decides what identifies a computation: a key from node type, version, values and the digests of its input values.

Ids, titles, positions and other branches never enter it. The part that does not depend on inputs is written out once a node, so that
keys for a whole graph are linear in its links. Encodings are those of ``values``: 1, 1.0, true and "1" differ.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NewType

from graph_engine.folders import Folders
from graph_engine.graph import Link, Node
from graph_engine.values import Codecs, Digest

Key = NewType("Key", bytes)
Digests = Mapping[str, Digest]

LONG = 4096  # bytes; constants that take more are hashed by themselves, and only their hash is kept and hashed again


class Keys:
    """Makes the keys of one run. ``numerics`` says how the device lane calculates (its dtype): results of another are not reused."""

    def __init__(self, codecs: Codecs, folders: Folders, numerics: str = "") -> None:
        self._codecs, self._folders, self._numerics = codecs, folders, numerics
        self._prefixes: dict[int, bytes] = {}
        self._heads: dict[str, bytes] = {}
        self.fingerprints: dict[str, str] = {}

    def afresh(self) -> Keys:
        """Keys for another run of the same graph: what nodes depend on outside of it is read again, the rest is kept."""
        again = Keys(self._codecs, self._folders, self._numerics)
        again._prefixes = self._prefixes
        return again

    def key(self, node: Node, inputs: Sequence[str], known: Sequence[Digests | None]) -> Key:
        """The key of ``node`` when it reads these linked ``inputs``; ``known`` holds every node's output digests by index."""
        prefix = self._prefixes.get(node.index)
        if prefix is None:
            prefix = self._prefixes[node.index] = self._prefix(node)
        parts: list[Any] = [prefix]
        if node.spec.fingerprint is not None:
            found = self.fingerprints.get(node.path)
            if found is None:
                found = self.fingerprint(node, node.constants)
            self._codecs.feed(found, parts.append)
        for name in inputs:
            link = node.links[name]
            links = (link,) if isinstance(link, Link) else link
            parts.append(b"%s=%d:" % (name.encode(), len(links)))
            for source in links:
                digests = known[source.node]
                assert digests is not None
                parts.append(digests[source.output])
        return Key(hashlib.sha256(b"".join(parts)).digest())

    def fingerprint(self, node: Node, values: Mapping[str, Any]) -> str:
        """What the node depends on besides its inputs. Raises NodeInputError (or OSError) when that cannot be read."""
        assert node.spec.fingerprint is not None
        found = node.spec.fingerprint(values, self._folders)
        self.fingerprints[node.path] = found
        return found

    def _prefix(self, node: Node) -> bytes:
        """What is hashed first: all that does not depend on links."""
        head = self._heads.get(node.spec.type)
        if head is None:
            facts = (node.spec.type, node.spec.version, self._numerics if node.spec.lane == "device" else "")
            head = self._heads[node.spec.type] = b"".join(self._parts(*facts))
        constants = b"".join(self._parts(node.constants))
        return head + (constants if len(constants) <= LONG else b"H" + hashlib.sha256(constants).digest())

    def _parts(self, *values: Any) -> list[Any]:
        parts: list[Any] = []
        for value in values:
            self._codecs.feed(value, parts.append)
        return parts
