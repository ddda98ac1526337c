"""Decides which files of a diffusers folder count, that they are safe to open, and what identifies them cheaply.

Nothing here reads weights in full or imports torch: a safetensors file begins with a JSON header that says all we ask.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graph_engine import LoomError

INDEX = "model_index.json"
COMPONENTS = ("scheduler", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "unet", "vae")
STEMS = ("diffusion_pytorch_model", "model")
VARIANTS = ("", ".fp16", ".bf16")
"""Names of weights files; a variant is taken only where there is nothing fuller."""

PICKLES = frozenset({".bin", ".ckpt", ".pt", ".pth", ".pkl"})
MAX_JSON_BYTES = 64 * 2**20
MAX_HEADER_BYTES = 100 * 2**20  # the limit of the safetensors format itself
BLOCKS, BLOCK_BYTES = 16, 4096
"""How much of a weights file's data the fingerprint samples: fine-tuning moves all of it, so that any block tells."""


class ModelFileError(LoomError):
    """A model's files are missing, damaged, unsafe or of a kind that is not supported; the message says what to do."""


@dataclass(frozen=True, slots=True)
class DiffusersFolder:
    """A folder in the layout of diffusers: ``model_index.json`` and one sub-folder for each component."""

    path: Path

    def config(self, component: str) -> Mapping[str, Any]:
        """The JSON that describes a component, or an empty one if the component is not there."""
        name = "scheduler_config.json" if component == "scheduler" else "config.json"
        path = self.path / component / name
        return read_json(path) if path.is_file() else {}

    def has(self, component: str) -> bool:
        return (self.path / component).is_dir()

    def weights(self, component: str) -> list[Path]:
        """The safetensors files of a component, in order. Raises ModelFileError if there are none, pickles included."""
        folder = self.path / component
        for variant in VARIANTS:
            for stem in STEMS:
                single, index = (
                    folder / f"{stem}{variant}.safetensors",
                    folder / f"{stem}.safetensors.index{variant}.json",
                )
                if single.is_file():
                    return [single]
                if index.is_file():
                    return self._shards(index)
        if pickles := [path.name for path in _files(folder) if path.suffix in PICKLES]:
            raise ModelFileError(
                f"the weights of {component} are a pickle ({pickles[0]}), which could run any program when opened: "
                "get the model's .safetensors files, or convert them with a tool that you trust."
            )
        raise ModelFileError(f"there are no weights of {component}: copy its .safetensors file into {component}/.")

    def fingerprint(self) -> str:
        """A text that changes when the model does: of names, sizes, JSONs, headers, sampled blocks; never of the path."""
        hasher = hashlib.sha256()
        for path in [self.path / INDEX, *(path for component in COMPONENTS for path in self._counted(component))]:
            name = path.relative_to(self.path).as_posix()
            hasher.update(f"{name}\0{path.stat().st_size}\0".encode())
            for part in _samples(path) if path.suffix == ".safetensors" else [path.read_bytes()]:
                hasher.update(part)
        return hasher.hexdigest()[:40]

    def _counted(self, component: str) -> list[Path]:
        texts = [path for path in _files(self.path / component) if path.suffix in (".json", ".txt", ".model")]
        weighty = self.has(component) and not component.startswith(("tokenizer", "scheduler"))
        return [*texts, *(self.weights(component) if weighty else [])]

    def _shards(self, index: Path) -> list[Path]:
        names = sorted(set(read_json(index).get("weight_map", {}).values()))
        if not names or any(Path(name).name != name for name in names):
            raise ModelFileError(f"{index.name} names no usable files: download the model again.")
        if missing := [name for name in names if not (index.parent / name).is_file()]:
            raise ModelFileError(f"{index.parent.name}/{missing[0]} is missing: download the model again.")
        return [index.parent / name for name in names]


def read_json(path: Path) -> Mapping[str, Any]:
    """A JSON object from a file. Raises ModelFileError for anything else."""
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise ModelFileError(f"{path.name} is larger than any description of a model: download the model again.")
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise ModelFileError(f"{path.parent.name}/{path.name} cannot be read ({error}): download the model again.") from error
    if not isinstance(found, dict):
        raise ModelFileError(f"{path.parent.name}/{path.name} holds no description: download the model again.")
    return found


def read_header(path: Path) -> Mapping[str, Any]:
    """The header of a safetensors file: tensor name -> dtype, shape, place. Raises ModelFileError for a file that is none."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        data_bytes = path.stat().st_size - 8 - length
        if not 2 <= length <= MAX_HEADER_BYTES or data_bytes < 0:
            raise ModelFileError(f"{path.parent.name}/{path.name} is cut short or no safetensors file: download it again.")
        try:
            header = json.loads(file.read(length))
            ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
            raise ModelFileError(f"{path.parent.name}/{path.name} has a damaged header: download it again.") from error
    if max(ends, default=0) != data_bytes:
        raise ModelFileError(f"{path.parent.name}/{path.name} is cut short: download it again.")
    return {name: entry for name, entry in header.items() if name != "__metadata__"}


def _samples(path: Path) -> Iterator[bytes]:
    """The whole header and BLOCKS pieces of the data, evenly spaced, the first and the last one included."""
    read_header(path)  # refuses what is damaged
    with path.open("rb") as file:
        prefix = file.read(8)
        yield prefix
        yield file.read(int.from_bytes(prefix, "little"))
        start, end = file.tell(), path.stat().st_size
        for block in range(BLOCKS):
            file.seek(start + max(0, end - start - BLOCK_BYTES) * block // (BLOCKS - 1))
            yield file.read(BLOCK_BYTES)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
