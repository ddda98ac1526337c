from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from nodes.runtime.modules import WeightsFileError, build


def saved(folder: Path, tensors: dict[str, Tensor], name: str = "model.safetensors") -> Path:
    path = folder / name
    save_file(tensors, path)
    return path


def test_a_module_takes_the_tensors_of_its_file(tmp_path: Path) -> None:
    original = nn.Linear(3, 2)
    module = build(lambda: nn.Linear(3, 2), [saved(tmp_path, original.state_dict())])
    assert torch.equal(module.weight, original.weight)
    assert torch.equal(module.bias, original.bias)


def test_weights_come_from_the_mapped_file_and_writing_to_them_leaves_it_alone(tmp_path: Path) -> None:
    path = saved(tmp_path, {"weight": torch.ones(2, 3, dtype=torch.float16), "bias": torch.ones(2, dtype=torch.float16)})
    before = path.read_bytes()
    module = build(lambda: nn.Linear(3, 2), [path])
    assert module.weight.dtype == torch.float16
    assert str(path) in Path("/proc/self/maps").read_text()
    with torch.no_grad():
        module.weight.zero_()
    assert path.read_bytes() == before


def test_shards_make_one_module(tmp_path: Path) -> None:
    original = nn.Linear(3, 2).state_dict()
    files = [saved(tmp_path, {name: tensor}, f"{name}.safetensors") for name, tensor in original.items()]
    assert torch.equal(build(lambda: nn.Linear(3, 2), files).weight, original["weight"])


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"weight": torch.ones(2, 3)}, "1 tensors are missing, the first is bias"),
        ({"weight": torch.ones(2, 4), "bias": torch.ones(2)}, r"weight is \[2, 4\], but its config says \[2, 3\]"),
        ({"weight": torch.ones(2, 3), "bias": torch.ones(2), "more": torch.ones(1)}, "holds more, which has no place"),
    ],
)
def test_weights_of_another_network_are_refused(tmp_path: Path, tensors: dict[str, Tensor], message: str) -> None:
    with pytest.raises(WeightsFileError, match=message) as caught:
        build(lambda: nn.Linear(3, 2), [saved(tmp_path, tensors)])
    assert str(tmp_path) not in str(caught.value)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"\x00" * 100)
    with pytest.raises(WeightsFileError, match="cannot be read"):
        build(lambda: nn.Linear(3, 2), [path])


def test_a_buffer_that_nothing_fills_is_noticed(tmp_path: Path) -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("odd", torch.ones(2), persistent=False)

    with pytest.raises(WeightsFileError, match="has a buffer odd that nothing fills"):
        build(Odd, [saved(tmp_path, {})])
