"""Decides how a value lies in a file: one safetensors file, tensors as its entries, everything around them as JSON in its header.

The layout is that of the safetensors format (8 bytes of header length, JSON, raw data), so that other tools can open the file. Nothing
in it is ever executed: classes are looked up among those that ``Decoder`` is given, and built field by field.
"""

from __future__ import annotations

import json
import math
import mmap
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from graph_engine.values import Array, Codecs, qualified

MAX_HEADER_BYTES = 100 * 2**20
MAPPED_FROM_BYTES = 2**20
DTYPE_BYTES: Mapping[str, int] = {
    **{"F64": 8, "I64": 8, "U64": 8, "C64": 8, "F32": 4, "I32": 4, "U32": 4, "BF16": 2, "F16": 2, "I16": 2, "U16": 2},
    **{"F8_E4M3": 1, "F8_E5M2": 1, "I8": 1, "U8": 1, "BOOL": 1},
}


MISFITS = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RuntimeError)
"""What reading a file that was altered, or written by another version, may raise; RuntimeError is torch's, for a shape."""


class NotStorableError(Exception):
    """A value that is kept in memory only, such as a handle."""


class DamagedError(Exception):
    """A file that does not hold what it should: cut off, altered, or written by another version."""


def encode(value: Any, codecs: Codecs, about: Mapping[str, Any]) -> list[bytes | memoryview]:
    """The parts of the file. ``about`` is kept in the header beside the value. Raises NotStorableError."""
    arrays: list[Array] = []
    try:
        text = json.dumps({"value": _tree(value, codecs, arrays), **about}, allow_nan=False)
    except RecursionError:
        raise NotStorableError from None
    order = sorted(range(len(arrays)), key=lambda index: -DTYPE_BYTES[arrays[index].dtype])  # so that each starts aligned
    header: dict[str, Any] = {"__metadata__": {"loom": text}}
    at = 0
    for index in order:
        array = arrays[index]
        header[str(index)] = {"dtype": array.dtype, "shape": list(array.shape), "data_offsets": [at, at + len(array.data)]}
        at += len(array.data)
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    return [len(head).to_bytes(8, "little"), head, *(arrays[index].data for index in order)]


class Decoder:
    """Reads files back. ``find_class`` gives the dataclass of a qualified name, or None when it may not be built."""

    def __init__(self, codecs: Codecs, find_class: Callable[[str], type | None]) -> None:
        self._codecs, self._find_class = codecs, find_class

    def read(self, data: memoryview) -> Any:
        """The value in a file's content, which it may keep using. Raises DamagedError."""
        about, arrays = header(data)
        try:
            return self._value(about["value"], arrays)
        except MISFITS as error:
            raise DamagedError(f"its content does not fit its header ({error})") from error

    def _value(self, tree: Any, arrays: list[Array]) -> Any:
        if not isinstance(tree, list):
            return tree
        tag, *rest = tree
        match tag:
            case "float":
                return float.fromhex(rest[0])
            case "int":
                return int(rest[0], 16)
            case "bytes":
                return bytes(arrays[rest[0]].data)
            case "list":
                return [self._value(item, arrays) for item in rest[0]]
            case "tuple":
                return tuple(self._value(item, arrays) for item in rest[0])
            case "dict":
                return {self._value(key, arrays): self._value(item, arrays) for key, item in rest[0]}
            case "codec":
                return self._codecs.unpack(rest[0], arrays[rest[1]])
            case "object":
                return self._object(rest[0], rest[1], arrays)
        raise DamagedError(f"it holds an unknown kind of value, {tag!r}")

    def _object(self, name: str, parts: Mapping[str, Any], arrays: list[Array]) -> Any:
        kind = self._find_class(name)
        if kind is None or {item.name for item in fields(kind)} != parts.keys():
            raise DamagedError(f"it was written by another version: its class {name} is not the one of today")
        found: Any = object.__new__(kind)
        for part, tree in parts.items():
            object.__setattr__(found, part, self._value(tree, arrays))
        return found


def header(data: memoryview) -> tuple[dict[str, Any], list[Array]]:
    """What stands beside the value, and its arrays in order. Raises DamagedError."""
    try:
        length = int.from_bytes(data[:8], "little")
        if len(data) < 8 or length > min(MAX_HEADER_BYTES, len(data) - 8):
            raise DamagedError("it is cut off")
        entries = json.loads(bytes(data[8 : 8 + length]))
        about = json.loads(entries.pop("__metadata__")["loom"])
        body = data[8 + length :]
        arrays = []
        for index in range(len(entries)):
            entry = entries[str(index)]
            start, end = entry["data_offsets"]
            if not 0 <= start <= end <= len(body):
                raise DamagedError("it is cut off")
            arrays.append(_array(entry["dtype"], entry["shape"], body[start:end]))
        return about, arrays
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedError("its header cannot be read") from error


def _array(dtype: str, shape: list[int], data: memoryview) -> Array:
    """An array that has as much data as its shape says: whoever unpacks it may go by either."""
    if not all(type(size) is int and size >= 0 for size in shape) or math.prod(shape) * DTYPE_BYTES[dtype] != len(data):
        raise DamagedError(f"its data is not of the shape {shape}")
    return Array(dtype, tuple(shape), data)


def contents(path: Path) -> memoryview:
    """A file's content, private to the caller; large ones are mapped, not read. Raises OSError when the file is gone."""
    with path.open("rb") as file:
        size = path.stat().st_size
        if size < MAPPED_FROM_BYTES:
            return memoryview(bytearray(file.read()))
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))


def _tree(value: Any, codecs: Codecs, arrays: list[Array]) -> Any:
    kind = type(value)
    if value is None or kind is bool or kind is str:
        return value
    if kind is float:
        return ["float", value.hex()]
    if kind is int:
        return ["int", f"{value:x}"]  # in decimal, Python refuses very large ones
    if kind is bytes:
        arrays.append(Array("U8", (len(value),), value))
        return ["bytes", len(arrays) - 1]
    if kind is list or kind is tuple:
        return [kind.__name__, [_tree(item, codecs, arrays) for item in value]]
    if kind is dict:
        return ["dict", [[_tree(key, codecs, arrays), _tree(item, codecs, arrays)] for key, item in value.items()]]
    if not getattr(kind, "__socket_on_disk__", True):
        raise NotStorableError
    packed = codecs.pack(value)
    if packed is not None:
        name, array = packed
        arrays.append(array)
        return ["codec", name, len(arrays) - 1]
    if is_dataclass(kind):
        parts = {item.name: _tree(getattr(value, item.name), codecs, arrays) for item in fields(kind)}
        return ["object", qualified(kind), parts]
    raise NotStorableError
