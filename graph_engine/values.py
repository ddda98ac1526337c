"""Decides what identifies a value, how large it is, and how it is handed out so that a reader cannot change it.

Plain Python data and frozen dataclasses of it are understood here; anything else (a tensor, say) through a codec that a pack names by
the class's qualified name, so that the engine never imports the library and the library is never imported before it has made a value.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from importlib import import_module
from typing import Any, NamedTuple, NewType, Protocol, runtime_checkable

from graph_engine.declare import socket_type
from graph_engine.errors import UnsupportedValueError

Digest = NewType("Digest", bytes)
"""The sha256 of a value's canonical form: type and content, never where it came from."""

Feed = Callable[[bytes | memoryview], None]


@socket_type("File")
@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A finished file, not yet written: a sink returns it, the engine delivers it. ``stem`` is a wish; a number is added.

    ``image`` says that the workflow and run record may be embedded in it (PNG only, by ``suffix``).
    """

    data: bytes
    stem: str
    suffix: str
    media_type: str


class Array(NamedTuple):
    """Raw data as a safetensors file holds it: ``dtype`` in its terms (``F32``), C order, little endian."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes | memoryview


class Codec(Protocol):
    """What the engine must know of a foreign class. All functions leave ``value`` unchanged."""

    def feed(self, value: Any, feed: Feed) -> None:
        """Feed the bytes that make up the value (type, shape, content) to a hash, without ambiguity."""

    def size_bytes(self, value: Any) -> int:
        """How much memory keeping the value holds."""

    def hand_out(self, value: Any) -> Any:
        """A value equal to this one through which a node cannot change this one."""

    def describe(self, value: Any) -> str:
        """Type, shape and dtype on one short line, for error messages; no content."""


@runtime_checkable
class DiskCodec(Protocol):
    """What a codec has besides if its values may be kept on disk."""

    def pack(self, value: Any) -> Array:
        """The raw data of the value, without a copy where possible."""

    def unpack(self, array: Array) -> Any:
        """The value again; it may keep using the memory of ``array``, which nobody else writes to."""


class Codecs:
    """The codecs of all packs, imported when a value of their class first turns up."""

    def __init__(self, named: Mapping[str, str] | None = None) -> None:
        self._named = dict(named or {})
        self._loaded: dict[str, Codec] = {}
        self._by_class: dict[type, Codec | None] = {}

    def digest(self, value: Any) -> Digest:
        """Raises UnsupportedValueError for a value (or a part of one) without a codec."""
        if encode := _ENCODERS.get(type(value)):
            return Digest(hashlib.sha256(encode(value)).digest())
        hasher = hashlib.sha256()
        self.feed(value, hasher.update)
        return Digest(hasher.digest())

    def size_bytes(self, value: Any) -> int:
        """How much memory keeping the value holds, about."""
        kind = type(value)
        if kind is str or kind is bytes:
            return len(value) + 64
        if kind in _IMMUTABLE:
            return 32
        if kind is list or kind is tuple:
            return 64 + sum(map(self.size_bytes, value))
        if kind is dict:
            return 64 + sum(self.size_bytes(key) + self.size_bytes(item) for key, item in value.items())
        if codec := self._codec(kind):
            return codec.size_bytes(value)
        if is_dataclass(value):
            return 64 + sum(self.size_bytes(getattr(value, item.name)) for item in fields(value))
        return 32

    def hand_out(self, value: Any) -> Any:
        """``value`` for a reader: the same object where it is immutable, else a copy (lazy where the codec can)."""
        kind = type(value)
        if kind in _IMMUTABLE:
            return value
        if kind is list or kind is tuple:
            return kind(map(self.hand_out, value))
        if kind is dict:
            return self.hand_out_each(value)
        if codec := self._codec(kind):
            return codec.hand_out(value)
        if is_dataclass(value):
            parts = {item.name: getattr(value, item.name) for item in fields(value)}
            copies = self.hand_out_each(parts)
            if all(copies[name] is part for name, part in parts.items()):
                return value
            twin = object.__new__(kind)
            for name, part in copies.items():
                object.__setattr__(twin, name, part)
            return twin
        raise self._unsupported(kind)

    def hand_out_each(self, values: Mapping[Any, Any]) -> dict[Any, Any]:
        """Each of the values for a reader, by name."""
        return {name: value if type(value) in _IMMUTABLE else self.hand_out(value) for name, value in values.items()}

    def describe(self, value: Any) -> str:
        """One short line: type, shape, never contents."""
        if isinstance(value, str):
            return f"text of {len(value)} characters"
        if isinstance(value, int) and value.bit_length() > 256:  # Python refuses to write very large ones
            return f"int of {value.bit_length()} bits"
        if value is None or isinstance(value, bool | int | float):
            return repr(value)
        if isinstance(value, list | tuple):
            return f"list of {len(value)}" + (f" × {self.describe(value[0])}" if value else "")
        if codec := self._codec(type(value)):
            return codec.describe(value)
        if is_dataclass(value):
            parts = (getattr(value, item.name) for item in fields(value))
            inner = [self.describe(part) for part in parts if self._codec(type(part))]
            return " ".join([getattr(type(value), "__socket_type__", type(value).__name__), *inner])
        return type(value).__name__

    def feed(self, value: Any, feed: Feed) -> None:
        """Every value starts with a tag and, where its length varies, the length: no two values feed the same bytes."""
        kind = type(value)
        if encode := _ENCODERS.get(kind):
            feed(encode(value))
        elif kind is list or kind is tuple:
            feed(b"L%d:" % len(value))
            for item in value:
                self.feed(item, feed)
        elif kind is dict:
            feed(b"M%d:" % len(value))
            for key in _in_order(value):
                feed(_encode_text(key) if type(key) is str else _encode_other(key))
                item = value[key]
                if encode := _ENCODERS.get(type(item)):
                    feed(encode(item))
                else:
                    self.feed(item, feed)
        else:
            self._feed_object(value, feed)

    def _feed_object(self, value: Any, feed: Feed) -> None:
        kind = type(value)
        codec = self._codec(kind)
        if codec is None and not (is_dataclass(kind) and kind.__dataclass_params__.frozen):  # type: ignore[attr-defined]
            raise self._unsupported(kind)
        name = qualified(kind).encode()
        feed(b"O%d:" % len(name) + name)
        if codec is not None:
            codec.feed(value, feed)
            return
        for item in fields(value):
            self.feed(item.name, feed)
            self.feed(getattr(value, item.name), feed)

    def pack(self, value: Any) -> tuple[str, Array] | None:
        """The class's codec name and the value's raw data, or None where its codec keeps nothing on disk."""
        codec: Any = self._codec(type(value))
        return (self._target(type(value)), codec.pack(value)) if isinstance(codec, DiskCodec) else None

    def unpack(self, name: str, array: Array) -> Any:
        """The value behind ``pack``. Raises ValueError for a codec that no pack of today has."""
        codec: Any = self._load(name) if name in self._named.values() else None
        if not isinstance(codec, DiskCodec):
            raise ValueError(f"no pack has the codec {name}")
        return codec.unpack(array)

    def _codec(self, kind: type) -> Codec | None:
        if kind not in self._by_class:
            target = self._target(kind)
            self._by_class[kind] = self._load(target) if target else None
        return self._by_class[kind]

    def _target(self, kind: type) -> str:
        return next((name for base in kind.__mro__ if (name := self._named.get(qualified(base)))), "")

    def _load(self, target: str) -> Codec:
        if target not in self._loaded:
            module, _, attribute = target.partition(":")
            self._loaded[target] = getattr(import_module(module), attribute)()
        return self._loaded[target]

    def _unsupported(self, kind: type) -> UnsupportedValueError:
        return UnsupportedValueError(
            f"a value of class {qualified(kind)} can be neither identified nor kept: "
            "make it a frozen dataclass of known values, or name a codec for it in the pack."
        )


def _encode_int(value: int) -> bytes:
    digits = b"%x" % value  # in decimal, Python refuses very large ones
    return b"I%d:%s" % (len(digits), digits)


def _encode_float(value: float) -> bytes:
    if value != value:
        raise UnsupportedValueError("NaN equals nothing, not even itself: a node must not give it.")
    return b"D" + struct.pack("<d", value)


def _encode_text(value: str) -> bytes:
    encoded = value.encode("utf-8", "surrogatepass")
    return b"S%d:%s" % (len(encoded), encoded)


def _in_order(value: dict[Any, Any]) -> list[Any]:
    try:
        return sorted(value)
    except TypeError:
        raise UnsupportedValueError("the keys of a value must be of one kind that has an order, such as texts.") from None


def _encode_other(key: Any) -> bytes:
    if encode := _ENCODERS.get(type(key)):
        return encode(key)
    raise UnsupportedValueError(f"a {type(key).__name__} cannot be the key of a value.")


_ENCODERS: Mapping[type, Callable[[Any], bytes]] = {
    type(None): lambda _value: b"N",
    bool: lambda value: b"T" if value else b"F",
    int: _encode_int,
    float: _encode_float,
    str: _encode_text,
    bytes: lambda value: b"B%d:%s" % (len(value), value),
}
_IMMUTABLE = frozenset(_ENCODERS)


def qualified(kind: type) -> str:
    """``module.Class``: how a class is named in packs, digests and files."""
    return f"{kind.__module__}.{kind.__qualname__}"
