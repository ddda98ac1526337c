"""Decides what flows along the links of this pack: the classes of its values, their shapes, dtypes and ranges.

Tensors in values live on the CPU in float32, so that any cache can keep them and any machine can read them; the runtime
moves them. A value is identified by all of its fields, so a handle names its source and never says where that is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from graph_engine import socket_type

if TYPE_CHECKING:
    from torch import Tensor

C = TypeVar("C")
"""The kind of text embedding that a network reads, such as ``clip_768``."""

L = TypeVar("L")
"""The latent format that a network and a VAE share, such as ``sd1``."""

SEEDS = 2**64
"""Seeds count from 0 to SEEDS - 1 and wrap around."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Which files hold a model: ``name`` finds them again, ``fingerprint`` says that they are still the same ones."""

    name: str
    fingerprint: str
    family: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """A change to the weights of a model, such as a LoRA. ``strength`` 0 changes nothing."""

    name: str
    fingerprint: str
    strength: float


@socket_type("Model", on_disk=False)
@dataclass(frozen=True, slots=True, kw_only=True)
class Model(Generic[C, L]):
    """A handle of a denoising network; its weights are loaded when a node first needs them."""

    source: Source
    patches: tuple[Patch, ...] = ()


@socket_type("TextEncoder", on_disk=False)
@dataclass(frozen=True, slots=True, kw_only=True)
class TextEncoder(Generic[C]):
    """A handle of one or more text encoders with their tokenizers."""

    source: Source
    patches: tuple[Patch, ...] = ()


@socket_type("Vae", on_disk=False)
@dataclass(frozen=True, slots=True, kw_only=True)
class Vae(Generic[L]):
    """A handle of the autoencoder between pictures and latents."""

    source: Source


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entry:
    """One text of a conditioning, where it holds and when.

    ``embedding``: [1 or batch, tokens, width]. ``pooled``: [1 or batch, width of it], for the families that use one.
    ``strength``: its weight where several entries meet; the weights are divided by their sum.
    ``mask``: [1, height, width], its weight at each place from 0 to 1, in the proportions of the picture; any size.
    ``area``: left, top, width and height as shares of the picture: it is predicted for that part alone.
    ``start``, ``end``: the share of the way from the first noise level of the model to the last, where it begins and ceases.
    """

    embedding: Tensor
    pooled: Tensor | None = None
    strength: float = 1.0
    mask: Tensor | None = None
    area: tuple[float, float, float, float] | None = None
    start: float = 0.0
    end: float = 1.0


@socket_type("Conditioning")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Conditioning(Generic[C]):
    """What a picture should show, as a network reads it: one entry or several, whose predictions are averaged by weight."""

    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, embedding: Tensor, pooled: Tensor | None = None) -> Conditioning[C]:
        """One text for the whole picture and every step."""
        return cls(entries=(Entry(embedding=embedding, pooled=pooled),))


@socket_type("Latent")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Latent(Generic[L]):
    """Pictures in the space where the network works, scaled as the network sees them: about unit variance around 0.

    ``samples``: [batch, channels, height / factor, width / factor], the factor being the VAE's, such as 8.
    ``mask``: [1 or batch, 1, height, width of samples], 1 where a sampler may change it, or None: everywhere.
    """

    samples: Tensor
    mask: Tensor | None = None


@socket_type("Image")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Image:
    """Pictures: ``pixels`` [batch, height, width, 3], red green blue in sRGB, from 0 to 1, both included."""

    pixels: Tensor


@socket_type("Mask")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mask:
    """Parts of pictures: ``values`` [batch, height, width], from 0 to 1, both included; 1 is selected, to be changed."""

    values: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """How far noise is turned towards other noise: ``share`` 0 not at all, 1 until it is the other."""

    towards: Noise
    share: float


@socket_type("Noise")
@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """Random streams by seed: item i of a batch uses ``seeds[i]``; beyond the end, seeds count up from the last one.

    ``repeats``: beyond the end, the last seed is used again. ``turns``: applied in order to the noise that a run starts from.
    """

    seeds: tuple[int, ...]
    repeats: bool = False
    turns: tuple[Turn, ...] = ()

    def for_batch(self, count: int) -> list[int]:
        """One seed for each of ``count`` items, so that item i equals the single run with its own seed."""
        known = list(self.seeds[:count])
        step = 0 if self.repeats else 1
        return known + [(self.seeds[-1] + step * (i + 1)) % SEEDS for i in range(count - len(known))]


@socket_type("Region")
@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A rectangle of a picture, in pixels from its top left corner."""

    left: int
    top: int
    width: int
    height: int


@socket_type("Guidance")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Guidance(Generic[C]):
    """What steers a model at each step, and how strongly; ``start`` and ``end`` are shares of the way, as those of an entry."""

    positive: Conditioning[C]
    negative: Conditioning[C] | None = None
    cfg: float = 1.0
    rescale: float = 0.0
    perturbed: float = 0.0
    start: float = 0.0
    end: float = 1.0


@socket_type("Sigmas")
@dataclass(frozen=True, slots=True, kw_only=True)
class Sigmas:
    """Noise levels, one more than there are steps. ``first``: how many steps were cut off before, so that noise goes on from there."""

    values: tuple[float, ...]
    first: int = 0


@socket_type("Solver")
@dataclass(frozen=True, slots=True, kw_only=True)
class Solver:
    """How a step is taken: a sampler's name, with its options as far as they are set."""

    name: str
    options: tuple[tuple[str, float], ...] = ()
