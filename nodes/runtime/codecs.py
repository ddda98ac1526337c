"""Decides what identifies a tensor (dtype, shape, bytes), how large it is, and that no reader changes a kept one."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graph_engine.values import Array, Feed

CHUNK_BYTES = 64 * 2**20
"""How much of a tensor without plain layout is copied at a time while it is hashed."""
STORED = {
    **{"float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16", "bool": "BOOL", "complex64": "C64"},
    **{"int64": "I64", "int32": "I32", "int16": "I16", "int8": "I8", "uint8": "U8", "uint16": "U16", "uint32": "U32"},
    **{"uint64": "U64", "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2"},
}
LOADED = {stored: name for name, stored in STORED.items()}


class TensorCodec:
    """A ``graph_engine.Codec`` for tensors of every dtype and device: two differ when dtype, shape or any byte does."""

    def feed(self, value: Tensor, feed: Feed) -> None:
        shape = ",".join(map(str, value.shape))
        feed(f"{_dtype(value)}[{shape}]".encode())
        for part in _parts(value.detach()):
            plain = part.resolve_conj().resolve_neg().cpu().contiguous()
            feed(plain.reshape(-1).view(torch.uint8).numpy().data)

    def size_bytes(self, value: Tensor) -> int:
        """All of the memory that is kept alive by it: of a slice, the whole it was cut from."""
        return value.untyped_storage().nbytes() + 128

    def hand_out(self, value: Tensor) -> Tensor:
        """A copy that shares its memory until somebody writes to one of the two (copy-on-write), where torch can do that."""
        plain = value.detach()
        try:
            clone: Tensor = _clone(plain)
        except RuntimeError:  # memory that is not torch's own, such as that of a file
            clone = torch.clone(plain)
        return clone

    def pack(self, value: Tensor) -> Array:
        plain = value.detach().resolve_conj().resolve_neg().cpu().contiguous()
        return Array(STORED[_dtype(plain)], tuple(plain.shape), plain.reshape(-1).view(torch.uint8).numpy().data)

    def unpack(self, array: Array) -> Tensor:
        dtype = getattr(torch, LOADED[array.dtype])
        if not len(array.data):
            return torch.empty(array.shape, dtype=dtype)
        return torch.frombuffer(array.data, dtype=dtype).reshape(array.shape)

    def describe(self, value: Tensor) -> str:
        return f"{'x'.join(map(str, value.shape)) or 'scalar'} {_dtype(value)}"


def _parts(value: Tensor) -> list[Tensor]:
    """The tensor itself, or pieces of it along the first axis where hashing it needs a copy."""
    if value.is_contiguous() or value.ndim == 0 or value.shape[0] == 0:
        return [value]
    rows = max(1, CHUNK_BYTES * value.shape[0] // max(1, value.numel() * value.element_size()))
    return list(torch.split(value, rows))


def _dtype(value: Tensor) -> str:
    return str(value.dtype).removeprefix("torch.")


_clone: Any = getattr(torch, "_lazy_clone", torch.clone)
"""The lazy one is not public yet; a plain copy is as right, only slower."""
