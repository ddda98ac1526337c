"""How values lie in files: every kind comes back as it was, and a file that is not what it should be is refused."""

from __future__ import annotations

import json
import math
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from torch import Tensor

from graph_engine import socket_type
from graph_engine.cache.container import MAPPED_FROM_BYTES, DamagedError, Decoder, NotStorableError, contents, encode, header
from graph_engine.registry import of_functions
from graph_engine.values import Codecs
from nodes.runtime.codecs import STORED
from nodes.types import Model, Source, TextEncoder, Vae
from tests.graph_engine import toys

CODECS = Codecs({"torch.Tensor": "nodes.runtime.codecs:TensorCodec"})
REGISTRY = of_functions(*toys.ALL)
DTYPES = [getattr(torch, name) for name in STORED]


@socket_type("Bag")
@dataclass(frozen=True)
class Bag:
    """A value with everything in it."""

    tensor: Tensor
    rest: Any = None

    def __post_init__(self) -> None:
        raise AssertionError("reading a value back runs no code of its class")


def bag(tensor: Tensor, rest: Any = None) -> Bag:
    made: Bag = object.__new__(Bag)
    object.__setattr__(made, "tensor", tensor)
    object.__setattr__(made, "rest", rest)
    return made


CLASSES: dict[str, type] = {f"{__name__}.Bag": Bag, "tests.graph_engine.toys.Picture": toys.Picture}


def written(value: Any, **about: Any) -> bytes:
    return b"".join(encode(value, CODECS, about))


def read(data: bytes, find_class: Callable[[str], type | None] = CLASSES.get) -> Any:
    return Decoder(CODECS, find_class).read(memoryview(bytearray(data)))


def again(value: Any) -> Any:
    return read(written(value))


def file_of(tree: Any, arrays: dict[str, Any] | None = None, body: bytes = b"") -> bytes:
    """A file as anybody could write it."""
    text = json.dumps({"__metadata__": {"loom": json.dumps({"value": tree})}, **(arrays or {})}).encode()
    return struct.pack("<Q", len(text)) + text + body


def same(one: Any, other: Any) -> bool:
    """Equal in value, in every type within, and in the sign of zero."""
    if isinstance(one, Tensor):
        return one.dtype == other.dtype and one.shape == other.shape and raw(one) == raw(other)
    if type(one) is not type(other):
        return False
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(map(repr, one)) == list(map(repr, other)) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, Bag):
        return same(one.tensor, other.tensor) and same(one.rest, other.rest)
    return repr(one) == repr(other)


def raw(tensor: Tensor) -> bytes:
    return tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


# what comes back


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
keys = [st.text(), st.integers(), st.binary(), st.floats(allow_nan=False)]  # of one kind in a value: others have no order
values = st.recursive(
    scalars | st.builds(lambda numbers: toys.Picture(tuple(numbers)), st.lists(st.floats(allow_nan=False), max_size=3)),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.one_of(*(st.dictionaries(key, inner, max_size=4) for key in keys))
    ),
    max_leaves=12,
)


@given(values)
def test_every_plain_value_comes_back_with_all_its_types(value: Any) -> None:
    assert same(again(value), value)


@given(values)
def test_a_value_that_comes_back_has_the_digest_that_it_had(value: Any) -> None:
    assert CODECS.digest(again(value)) == CODECS.digest(value)


@pytest.mark.parametrize(
    "value",
    [math.inf, -math.inf, -0.0, 5e-324, 10**5000, -(2**64), "\ud800", "", b"", {}, [], (), {b"k": 1.0}, {(1): "a", (2): "b"}],
    ids=lambda value: repr(value)[:20] if not isinstance(value, int) else "int",
)
def test_values_at_the_edge_come_back(value: Any) -> None:
    found = again(value)
    assert type(found) is type(value)
    assert found == value
    if isinstance(value, float):
        assert found.hex() == value.hex()


@pytest.mark.parametrize("dtype", DTYPES, ids=STORED)
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (5,), (2, 3, 4)], ids=str)
def test_tensors_of_every_dtype_and_shape_come_back_bit_by_bit(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    made = torch.arange(math.prod(shape), dtype=torch.float32).reshape(shape).to(dtype)
    assert same(again(made), made)


def test_every_bit_pattern_of_bfloat16_comes_back_not_a_numbers_too() -> None:
    made = torch.arange(-(2**15), 2**15, dtype=torch.int32).to(torch.int16).view(torch.bfloat16)
    assert raw(again(made)) == raw(made)


@pytest.mark.parametrize(
    "change",
    [lambda t: t.T, lambda t: t[:, ::2], lambda t: t.expand(3, 4, 6), lambda t: t.flip(0), lambda t: t.conj(), lambda t: t[2:]],
    ids=["transposed", "strided", "expanded", "flipped", "conjugated", "sliced"],
)
def test_tensors_without_plain_layout_come_back_in_plain_layout(change: Callable[[Tensor], Tensor]) -> None:
    made = change(torch.complex(torch.arange(24.0), -torch.arange(24.0)).reshape(4, 6))
    found = again(made)
    assert found.is_contiguous()
    assert torch.equal(found, made)


def test_a_tensor_with_a_gradient_comes_back_without_its_history() -> None:
    made = torch.ones(3, requires_grad=True) * 2
    assert not again(made).requires_grad


def test_tensors_of_mixed_widths_are_aligned_and_keep_their_places() -> None:
    mixed = [torch.ones(3, dtype=torch.uint8), torch.ones(3, dtype=torch.float64), torch.ones(5, dtype=torch.float16), b"abc"]
    value = bag(torch.full((7,), 2.5), {"all": mixed})
    assert same(again(value), value)
    about, arrays = header(memoryview(written(value)))
    assert about["value"][0] == "object"
    assert len(arrays) == 5


def test_the_file_opens_with_the_safetensors_library(tmp_path: Path) -> None:
    pixels = torch.rand(2, 3, dtype=torch.float32)
    path = tmp_path / "value.safetensors"
    path.write_bytes(written(bag(pixels, [torch.ones(3, dtype=torch.bool), torch.zeros(2, 2, dtype=torch.bfloat16)]), key="k"))
    with safe_open(path, framework="pt") as file:
        assert sorted(file.keys()) == ["0", "1", "2"]
        assert torch.equal(file.get_tensor("0"), pixels)
        assert file.get_tensor("2").dtype == torch.bfloat16
        assert json.loads(file.metadata()["loom"])["key"] == "k"


def test_what_is_said_beside_the_value_is_found_without_reading_it() -> None:
    about, arrays = header(memoryview(written(toys.Picture((1.0,)), key="k", elapsed_s=2.5)))
    assert (about["key"], about["elapsed_s"], arrays) == ("k", 2.5, [])


def test_large_files_are_mapped_and_small_ones_are_read(tmp_path: Path) -> None:
    small, large = tmp_path / "small", tmp_path / "large"
    small.write_bytes(written(torch.zeros(4)))
    large.write_bytes(written(torch.arange(MAPPED_FROM_BYTES // 4)))
    assert type(contents(small).obj).__name__ == "bytearray"
    mapped = contents(large)
    assert type(mapped.obj).__name__ == "mmap"
    found = Decoder(CODECS, CLASSES.get).read(mapped)
    large.unlink()
    assert torch.equal(found, torch.arange(MAPPED_FROM_BYTES // 4))


def test_writing_into_a_mapped_tensor_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(before := written(torch.zeros(MAPPED_FROM_BYTES // 4)))
    Decoder(CODECS, CLASSES.get).read(contents(path)).add_(1)
    assert path.read_bytes() == before


SOURCE = Source(name="m", fingerprint="f", family="sd1")


@pytest.mark.parametrize(
    "handle", [Model(source=SOURCE), TextEncoder(source=SOURCE), Vae(source=SOURCE)], ids=lambda handle: type(handle).__name__
)
def test_handles_are_never_written_wherever_they_hide(handle: Any) -> None:
    for value in (handle, [handle], {"deep": (1, [handle])}, bag(torch.ones(1), handle)):
        with pytest.raises(NotStorableError):
            written(value)


def test_a_value_of_a_class_without_codec_is_not_written() -> None:
    with pytest.raises(NotStorableError):
        written(object())


# what is refused


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 7,
        b"\0" * 8,
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 101 * 2**20) + b"{}",
        struct.pack("<Q", 3) + b"{}",
        struct.pack("<Q", 2) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 4) + b"null",
        struct.pack("<Q", 3) + b"\xff\xfe\xfd",
        struct.pack("<Q", 200_000) + b"[" * 200_000,
        struct.pack("<Q", 29) + b'{"__metadata__":{"loom":"["}}',
        struct.pack("<Q", 35) + b'{"__metadata__":{"loom":"[1]"},"0":1}',
    ],
    ids=["empty", "short", "no header", "length 2**63", "length over the limit", "length over the file", "no metadata", "a list",
         "null", "no text", "deep", "broken metadata", "an entry that is a number"],
)  # fmt: skip
def test_a_header_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(DamagedError):
        read(data)


ONE = ["codec", "nodes.runtime.codecs:TensorCodec", 0]


@pytest.mark.parametrize(
    ("changed", "body"),
    [
        ({"data_offsets": [0, 9]}, b"\0" * 8),
        ({"data_offsets": [-8, 8]}, b"\0" * 8),
        ({"data_offsets": [8, 0]}, b"\0" * 8),
        ({"data_offsets": [0, 2**70]}, b"\0" * 8),
        ({"data_offsets": [0.0, 8.0]}, b"\0" * 8),
        ({"data_offsets": [0]}, b"\0" * 8),
        ({"shape": [3]}, b"\0" * 8),
        ({"shape": [-2]}, b"\0" * 8),
        ({"shape": [2.0]}, b"\0" * 8),
        ({"shape": ["2"]}, b"\0" * 8),
        ({"shape": [2**40, 2**40, 0]}, b"\0" * 8),
        ({"shape": [2**40], "data_offsets": [0, 0]}, b""),
        ({"dtype": "F7"}, b"\0" * 8),
        ({"dtype": ["F32"]}, b"\0" * 8),
        ({"dtype": "__class__"}, b"\0" * 8),
    ],
    ids=str,
)
def test_an_array_that_does_not_fit_its_data_is_refused(changed: dict[str, Any], body: bytes) -> None:
    sound = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    assert same(read(file_of(ONE, {"0": sound}, b"\0" * 8)), torch.zeros(2))
    with pytest.raises(DamagedError):
        read(file_of(ONE, {"0": {**sound, **changed}}, body))


@pytest.mark.parametrize(
    "tree",
    [
        ["float", "0x1p9999"],
        ["float", 1.5],
        ["float"],
        ["int", "x"],
        ["int", None],
        ["bytes", 7],
        ["bytes", "0"],
        ["list", 5],
        ["dict", [[["list", []], 1]]],
        ["dict", [1]],
        ["codec", "nodes.runtime.codecs:TensorCodec", 0],
        ["codec", "os:system", 0],
        ["pickle", "cos\nsystem\n(S'true'\ntR."],
        [],
        [[]],
        [{}],
        ["object", f"{__name__}.Bag", {}],
        ["object", f"{__name__}.Bag", {"tensor": None}],
        ["object", f"{__name__}.Bag", {"tensor": None, "rest": None, "more": 1}],
        ["object", f"{__name__}.Bag", []],
        ["object", f"{__name__}.Bag"],
        ["object", None, {}],
    ],
    ids=json.dumps,
)
def test_a_tree_that_means_nothing_is_refused(tree: Any) -> None:
    with pytest.raises(DamagedError):
        read(file_of(tree))


@pytest.mark.parametrize("levels", [500, 100_000])
def test_a_tree_that_is_too_deep_is_refused(levels: int) -> None:
    tree = '["list", [' * levels + "null" + "]]" * levels
    about = json.dumps({"__metadata__": {"loom": f'{{"value": {tree}}}'}}).encode()
    with pytest.raises(DamagedError):
        read(struct.pack("<Q", len(about)) + about)


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "subprocess.Popen",
        "builtins.eval",
        "pathlib.Path",
        "antigravity.Anything",
        "nowhere.at.all",
        "",
        ".",
        "..",
        "graph_engine",
        "graph_engine.",
        "graph_engine..values.File",
        "graph_engine.engine.Engine",
        "graph_engine.cache.disk.atomic",
        "graph_engine.values.File.__init__",
        "graph_engine.values.hashlib.sha256",
        "graph_engine.\0.x",
        "tests.graph_engine.toys.json.loads",
        "tests.graph_engine.toys.Parts",
        "graph_engine.execute.RunResult",
    ],
)
def test_only_frozen_dataclasses_of_packs_are_built_and_nothing_else_is_imported(name: str) -> None:
    before = set(sys.modules)
    assert REGISTRY.find_class(name) is None
    with pytest.raises(DamagedError, match="another version"):
        read(file_of(["object", name, {}]), REGISTRY.find_class)
    new = {module.partition(".")[0] for module in set(sys.modules) - before}
    assert new <= {"graph_engine", "tests"}


def test_the_classes_of_packs_and_of_the_engine_are_found() -> None:
    assert REGISTRY.find_class("graph_engine.values.File") is not None
    assert REGISTRY.find_class("tests.graph_engine.toys.Picture") is toys.Picture


@given(st.data())
def test_a_changed_byte_gives_another_value_or_is_refused_and_never_anything_worse(data: st.DataObject) -> None:
    value = {"a": [1, 2.5, "x"], "b": b"bytes", "c": toys.Picture((1.0, 2.0))}
    whole = bytearray(written(value))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    try:
        read(bytes(whole[: data.draw(st.integers(0, len(whole)))]))
    except DamagedError:
        return
