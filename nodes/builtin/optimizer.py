"""Decides how weights move: Muon for matrices and convolutions, Adam for the rest, and an average of the weights.

Muon follows Jordan et al. 2024 (keller jordan, "Muon: an optimizer for hidden layers"); its update is scaled to the
root mean square of Adam's, so that both share one learning rate (Liu et al. 2025, "Muon is scalable for LLM training").
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


def orthogonalise(matrix: Tensor, steps: int = 5) -> Tensor:
    """The nearest half-orthogonal matrix, roughly, by a quintic Newton-Schulz iteration.

    Each step multiplies by a polynomial in the Gram matrix, and such polynomials commute; so the steps run on the small
    Gram matrix alone, and the result is applied once. That needs less than half the time on a wide matrix.
    """
    a, b, c = NEWTON_SCHULZ
    tall = matrix.shape[0] > matrix.shape[1]
    wide = matrix.T if tall else matrix
    wide = wide / (wide.norm() + 1e-7)
    gram = wide @ wide.T
    applied = torch.eye(len(gram))
    for _ in range(steps):
        factor = torch.addmm(gram, gram, gram, beta=b, alpha=c)
        factor.diagonal().add_(a)
        applied = factor @ applied
        gram = factor @ gram @ factor
    result: Tensor = applied @ wide
    return result.T if tall else result


class MuonAdam:
    """Both optimisers behind one ``step``. Which weights are Muon's is decided by name and rank, once."""

    def __init__(self, modules: Iterable[nn.Module], lr: float, *, momentum: float = 0.95) -> None:
        named = [item for module in modules for item in module.named_parameters() if item[1].requires_grad]
        hidden = [parameter for name, parameter in named if _is_hidden(name, parameter)]
        others = [parameter for name, parameter in named if not _is_hidden(name, parameter)]
        self.parameters = hidden + others
        self.hidden = hidden
        self.velocity = [torch.zeros(len(parameter), parameter[0].numel()) for parameter in hidden]
        self.momentum = momentum
        self.lr = lr
        self.adam = torch.optim.Adam(others, lr=lr, betas=(0.9, 0.99))

    @torch.no_grad()
    def step(self, lr_share: float, clip: float = 1.0) -> None:
        """One update at ``lr_share`` of the learning rate; gradients are clipped to a global norm, then cleared."""
        nn.utils.clip_grad_norm_(self.parameters, clip)
        for parameter, velocity in zip(self.hidden, self.velocity, strict=True):
            if parameter.grad is None:
                continue
            gradient = parameter.grad.reshape(velocity.shape)
            velocity.mul_(self.momentum).add_(gradient, alpha=1 - self.momentum)
            update = orthogonalise(torch.lerp(gradient, velocity, self.momentum))
            rate = self.lr * lr_share * 0.2 * math.sqrt(max(velocity.shape))
            parameter.add_(update.reshape(parameter.shape), alpha=-rate)
        for adam_group in self.adam.param_groups:
            adam_group["lr"] = self.lr * lr_share
        self.adam.step()
        for parameter in self.parameters:
            parameter.grad = None

    def state_dict(self) -> dict[str, object]:
        return {"velocity": self.velocity, "adam": self.adam.state_dict()}

    def load_state_dict(self, state: dict[str, object]) -> None:
        velocity, adam = state["velocity"], state["adam"]
        if not isinstance(velocity, list) or not isinstance(adam, dict):
            raise ValueError("This checkpoint holds no optimiser state. Delete it and train from the start.")
        self.velocity = [moment.clone() for moment in velocity]
        self.adam.load_state_dict(copy.deepcopy(adam))


def _is_hidden(name: str, parameter: nn.Parameter) -> bool:
    """Matrices and convolutions between hidden layers; not embeddings, and not the first or last convolution."""
    return parameter.ndim >= 2 and not any(part in name for part in ("embed", "conv_in", "conv_out", "quant_conv"))


class WeightAverage:
    """An exponential average of a module's weights, that forgets quickly at first."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights = {name: value.detach().clone() for name, value in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        decay = min(self.decay, (step + 1) / (step + 10))
        for name, value in module.state_dict().items():
            if value.is_floating_point():
                self.weights[name].lerp_(value, 1 - decay)


def rate_share(step: int, total: int, *, warm_up: int = 60, constant: float = 0.3, least: float = 0.03) -> float:
    """Linear warm-up, flat until ``constant`` of the run, then half a cosine down to ``least``."""
    if step < warm_up:
        return (step + 1) / warm_up
    progress = (step / total - constant) / (1 - constant)
    if progress <= 0:
        return 1.0
    return least + (1 - least) * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
