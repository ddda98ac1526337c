"""Decides how a network comes into being: shape from a config, weights straight from the mapped file, nothing twice.

The module is built on the meta device, where nothing is allocated, and then given the file's tensors themselves. They are
mapped privately: writing to one would not change the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from graph_engine import LoomError

Module = TypeVar("Module", bound=nn.Module)
Rename = Callable[[str], str]


class WeightsFileError(LoomError):
    """The tensors in a file are not those that the network needs."""


def build(make: Callable[[], Module], files: Iterable[Path], rename: Rename = str) -> Module:
    """The module that ``make`` describes, on the CPU, with the weights in ``files`` (safetensors), in their dtype.

    ``rename`` brings the names of the file and those of the module to one form; position_ids, which old files hold, are
    left out. Raises WeightsFileError if a tensor is missing, left over or has another shape.
    """
    with torch.device("meta"):
        module = make()
    places = {rename(name): (name, tensor) for name, tensor in module.state_dict().items()}
    state: dict[str, Tensor] = {}
    for file in files:
        for found, tensor in _mapped(file):
            name = rename(found)
            if name.endswith("position_ids"):
                continue
            if name not in places:
                raise WeightsFileError(
                    f"{_short(file)} holds {found}, which has no place in its network: its config is of another one."
                )
            key, place = places[name]
            if tensor.shape != place.shape:
                raise WeightsFileError(
                    f"{_short(file)}: {found} is {list(tensor.shape)}, but its config says {list(place.shape)}."
                )
            state[key] = tensor
    if missing := [key for key, _ in places.values() if key not in state]:
        raise WeightsFileError(f"{len(missing)} tensors are missing, the first is {missing[0]}: download the model again.")
    module.load_state_dict(state, assign=True)
    _fill_buffers(module)
    return module


def _mapped(file: Path) -> Iterable[tuple[str, Tensor]]:
    try:
        with safe_open(file, framework="pt", device="cpu") as opened:
            for name in opened.keys():  # noqa: SIM118  (it is no mapping)
                yield name, opened.get_tensor(name)
    except SafetensorError as error:
        raise WeightsFileError(f"{_short(file)} cannot be read ({error}): download it again.") from error


def _fill_buffers(module: nn.Module) -> None:
    """What a module works out for itself and saves nowhere: of the networks here, CLIP's count of positions alone."""
    for path, buffer in list(module.named_buffers()):
        if not buffer.is_meta:
            continue
        owner, _, name = path.rpartition(".")
        if name != "position_ids":
            raise WeightsFileError(
                f"the network has a buffer {path} that nothing fills: this version of its library is not supported."
            )
        module.get_submodule(owner).register_buffer(name, torch.arange(buffer.shape[-1]).expand(1, -1), persistent=False)


def _short(file: Path) -> str:
    """The name to show: a message holds no absolute path."""
    return f"{file.parent.name}/{file.name}"
