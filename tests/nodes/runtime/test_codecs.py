from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graph_engine.cache.container import DamagedError, Decoder, encode
from graph_engine.values import Codecs
from nodes import PACK
from nodes.runtime.codecs import TensorCodec
from nodes.types import Conditioning, Image, Latent, Noise

CODECS = Codecs(PACK.codecs)
DTYPES = [torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.uint8, torch.bool, torch.complex64]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_tensor_is_identified_by_dtype_shape_and_content(dtype: torch.dtype) -> None:
    value = (torch.arange(6) % 2).to(dtype).reshape(2, 3)
    digest = CODECS.digest(value)
    assert digest == CODECS.digest(value.clone())
    assert digest != CODECS.digest(value.reshape(3, 2))
    assert digest != CODECS.digest(1 - value if dtype != torch.bool else ~value)
    others = [CODECS.digest((torch.arange(6) % 2).to(other).reshape(2, 3)) for other in DTYPES if other != dtype]
    assert digest not in others


def test_layout_does_not_change_the_digest_of_a_tensor() -> None:
    value = torch.arange(24.0).reshape(1, 2, 3, 4)
    for same in (
        value.to(memory_format=torch.channels_last),
        value.transpose(1, 3).contiguous().transpose(1, 3),
        torch.stack([value, value])[1],
        value.requires_grad_(),
    ):
        assert CODECS.digest(same) == CODECS.digest(value)


def test_a_large_tensor_without_plain_layout_is_hashed_in_pieces_to_the_same_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    value = torch.arange(7 * 5 * 3.0).reshape(7, 5, 3)
    expected = CODECS.digest(value)
    monkeypatch.setattr("nodes.runtime.codecs.CHUNK_BYTES", 200)
    assert CODECS.digest(value.transpose(0, 2).contiguous().transpose(0, 2)) == expected


@given(shape=st.lists(st.integers(0, 3), max_size=4))
def test_empty_and_scalar_tensors_have_digests_of_their_own(shape: list[int]) -> None:
    value = torch.zeros(shape)
    assert CODECS.digest(value) == CODECS.digest(value.clone())
    assert CODECS.digest(value) != CODECS.digest(torch.zeros([*shape, 1]))


def test_zero_and_minus_zero_differ() -> None:
    assert CODECS.digest(torch.tensor([0.0])) != CODECS.digest(torch.tensor([-0.0]))


CHANGES = {
    "in place": lambda tensor: tensor.add_(1),
    "by index": lambda tensor: tensor.__setitem__(0, 9.0),
    "through a view": lambda tensor: tensor.view(-1)[2:].zero_(),
    "through a slice": lambda tensor: tensor[0, 1:].fill_(7),
    "through numpy": lambda tensor: tensor.numpy().fill(3),
    "through data": lambda tensor: tensor.data.mul_(2),
    "by copying": lambda tensor: tensor.copy_(torch.ones_like(tensor)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
@pytest.mark.parametrize("made_in_inference_mode", [False, True])
def test_a_reader_cannot_change_a_kept_value(change: Callable[[Any], object], made_in_inference_mode: bool) -> None:
    with torch.inference_mode(made_in_inference_mode):
        kept = Latent(samples=torch.arange(6.0).reshape(2, 3))
    before = CODECS.digest(kept)
    first, second = CODECS.hand_out(kept), CODECS.hand_out(kept)
    change(first.samples)
    assert not torch.equal(first.samples, torch.arange(6.0).reshape(2, 3))
    assert torch.equal(kept.samples, torch.arange(6.0).reshape(2, 3))
    assert torch.equal(second.samples, kept.samples)
    assert CODECS.digest(kept) == before


def test_a_value_that_lies_in_the_memory_of_a_file_is_handed_out_too() -> None:
    """torch cannot share such memory lazily (it raises RuntimeError)."""
    codec = TensorCodec()
    kept = codec.unpack(codec.pack(torch.arange(4.0))._replace(data=memoryview(bytearray(torch.arange(4.0).numpy().tobytes()))))
    handed = CODECS.hand_out(Latent(samples=kept)).samples
    handed += 1
    assert kept.tolist() == [0, 1, 2, 3]
    assert handed.tolist() == [1, 2, 3, 4]


def test_a_part_of_a_value_counts_with_all_the_memory_it_keeps() -> None:
    whole = torch.zeros(100, 1000)
    assert CODECS.size_bytes(whole[:1]) >= 400_000
    assert 400_000 <= CODECS.size_bytes(Image(pixels=whole)) < 401_000


def test_values_are_described_by_type_and_shape() -> None:
    assert CODECS.describe(Latent(samples=torch.zeros(1, 4, 16, 16))) == "Latent 1x4x16x16 float32"
    assert CODECS.describe(Conditioning.of(torch.zeros(1, 77, 8), torch.zeros(1, 4))) == "Conditioning"
    assert CODECS.describe(torch.tensor(1, dtype=torch.bfloat16)) == "scalar bfloat16"


def test_noise_is_identified_by_its_seeds() -> None:
    assert CODECS.digest(Noise(seeds=(1,))) == CODECS.digest(Noise(seeds=(1,)))
    assert CODECS.digest(Noise(seeds=(1,))) != CODECS.digest(Noise(seeds=(2,)))


def test_a_stored_tensor_whose_shape_was_altered_is_damaged() -> None:
    data = b"".join(encode({"x": torch.arange(6.0)}, CODECS, {}))
    decoder = Decoder(CODECS, lambda name: None)
    assert torch.equal(decoder.read(memoryview(bytearray(data)))["x"], torch.arange(6.0))
    altered = data.replace(b'"shape": [6]', b'"shape": [7]')
    assert altered != data
    with pytest.raises(DamagedError, match="shape"):
        decoder.read(memoryview(bytearray(altered)))
