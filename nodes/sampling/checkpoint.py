"""Decides what of a run under way is kept, and which kept state it may go on from: only one of exactly this computation.

A state carries what it was made with. Where any of it differs, going on would end elsewhere than the uninterrupted run, so the
state is ignored and the work starts anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from nodes.sampling.step import Step

FORMAT = "latent-loom-sampling/1"


@dataclass(frozen=True, slots=True)
class Progress:
    """The run that states belong to: all its sigmas, the shape of its x, and ``place``: what else its numbers depend on."""

    sigmas: Sequence[float]
    shape: tuple[int, ...]
    place: str

    def state(self, step: Step) -> dict[str, Any]:
        """``step`` as plain values and tensors on the CPU; waits for the device."""
        return {
            "format": FORMAT,
            "sigmas": [float(sigma) for sigma in self.sigmas],
            "place": self.place,
            "index": step.index,
            "sigma": float(step.sigma),
            "x": step.x.detach().cpu(),
            "x0": step.x0.detach().cpu(),
            "memory": tuple(item.detach().cpu() if isinstance(item, Tensor) else float(item) for item in step.memory),
        }

    def resumed(self, state: Any, send: Callable[[Tensor], Tensor]) -> Step | None:
        """The step to go on from, its tensors brought to the device with ``send``; None for a state of another computation."""
        if not isinstance(state, dict) or not self._fits(state):
            return None
        x, x0 = (_sent(state[name], send) for name in ("x", "x0"))
        memory = tuple(_sent(item, send) if isinstance(item, Tensor) else item for item in state["memory"])
        return Step(x=x, x0=x0, sigma=state["sigma"], index=state["index"], memory=memory)

    def _fits(self, state: dict[str, Any]) -> bool:
        if (state.get("format"), state.get("place"), state.get("sigmas")) != (FORMAT, self.place, list(self.sigmas)):
            return False
        tensors = [state.get("x"), state.get("x0"), *(state.get("memory") or ())]
        index = state.get("index")
        return (
            isinstance(index, int)
            and 0 <= index < len(self.sigmas) - 2
            and state.get("sigma") == self.sigmas[index + 1]
            and all(isinstance(one, Tensor) and tuple(one.shape) == self.shape for one in tensors[:2])
            and all(isinstance(one, Tensor) or (isinstance(one, float) and math.isfinite(one)) for one in tensors[2:])
            and all(bool(torch.isfinite(one).all()) for one in tensors if isinstance(one, Tensor))
        )


def _sent(tensor: Tensor, send: Callable[[Tensor], Tensor]) -> Tensor:
    """A copy: what was read back lies in the memory of a file, and at whatever address."""
    return send(tensor.clone())
