"""Decides on which device the networks run, in which dtype, and what is faster there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import psutil  # type: ignore[import-untyped]
import torch
from torch import Tensor, nn

from graph_engine import LoomError

DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}

RESERVED_BYTES = 3 * 2**30
"""Of an accelerator's memory, left to the activations of a run and to other programs."""


class DeviceError(LoomError):
    """A device or dtype was asked for that this machine does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One device and how to use it.

    ``dtype``: of U-Nets and text encoders. VAEs run in float32 everywhere: those of common models overflow in float16,
    and bfloat16 is coarser than the eight bits of a picture.
    ``exact``: each item of a batch equals its single run to the last bit, see ``models/batch``. On the CPU, where it costs nothing
    once a shape was seen to agree; elsewhere kernels differ with the batch by design.
    """

    torch_device: torch.device
    dtype: torch.dtype
    channels_last: bool
    exact: bool

    @classmethod
    def from_options(cls, options: Mapping[str, str]) -> Device:
        """Options ``device`` (auto, cpu, cuda, cuda:1, mps) and ``dtype`` (auto, float32, float16, bfloat16)."""
        device = _device(options.get("device", "auto"))
        on_cuda = device.type == "cuda"
        return cls(
            torch_device=device,
            dtype=_dtype(options.get("dtype", "auto"), device),
            channels_last=on_cuda,
            exact=device.type == "cpu",
        )

    def facts(self) -> dict[str, str]:
        """What decides about the last digits of a result: device, its kernels, dtype, and on the CPU the number of threads."""
        kind = self.torch_device.type
        found = {"device": kind, "dtype": str(self.dtype).removeprefix("torch.")}
        match kind:
            case "cuda":
                found["processor"] = torch.cuda.get_device_name(self.torch_device)
                found["cuda"] = str(torch.version.cuda or torch.version.hip)
            case "cpu":
                found["processor"] = str(torch.backends.cpu.get_cpu_capability())
                found["threads"] = str(torch.get_num_threads())
        return found

    def place(self, module: nn.Module, dtype: torch.dtype) -> nn.Module:
        """The module with its weights here, cast only where the dtype differs: without a copy if they already fit."""
        memory_format = torch.channels_last if self.channels_last else torch.preserve_format
        # Not the module's own method: that of diffusers only adds a warning about modules which it wants in float32.
        moved: nn.Module = nn.Module.to(module, device=self.torch_device, dtype=dtype, memory_format=memory_format)  # type: ignore[call-overload]
        return moved

    def send(self, tensor: Tensor, dtype: torch.dtype | None = None) -> Tensor:
        """A value's tensor, on this device; the processor goes on without waiting for what the device has still to do."""
        if self.torch_device.type == "cuda" and tensor.device.type == "cpu":
            tensor = tensor.pin_memory()  # a copy from other memory would wait
        return tensor.to(device=self.torch_device, non_blocking=True).to(dtype=dtype or tensor.dtype)

    def budget_bytes(self) -> int:
        """How much memory weights may take by default."""
        match self.torch_device.type:
            case "cuda":
                total = torch.cuda.get_device_properties(self.torch_device).total_memory
                return max(total - RESERVED_BYTES, total // 2)
            case _:  # on Apple machines the accelerator shares the memory of the CPU
                return int(psutil.virtual_memory().total // 2)


def settle(tensor: Tensor) -> Tensor:
    """A result as a value: on the CPU, float32, contiguous, an ordinary tensor. Waits for the device.

    Raises LoomError on NaN and infinity: a picture of them is black, and nobody would know why.
    """
    settled = tensor.detach().to(device="cpu", dtype=torch.float32).contiguous()
    if not bool(torch.isfinite(settled).all()):
        raise LoomError("the network gave numbers that are not finite: run with --dtype float32 (or bfloat16).")
    return settled.clone() if settled.is_inference() else settled


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise DeviceError(f"{name!r} is no device: use auto, cpu, cuda, cuda:1 or mps.") from None
    available = {
        "cpu": device.index in (None, 0),
        "cuda": torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if not available.get(device.type, False):
        raise DeviceError(
            f"there is no device {name!r} here, as far as this torch ({torch.__version__}) can see: use --device auto."
        )
    if name == "cuda":
        return torch.device("cuda", torch.cuda.current_device())
    return device


def _dtype(name: str, device: torch.device) -> torch.dtype:
    """float16 on accelerators: it is what the networks were published in, and finer than bfloat16."""
    if name == "auto":
        return torch.float32 if device.type == "cpu" else torch.float16
    if name not in DTYPES:
        raise DeviceError(f"{name!r} is no dtype: use auto, {', '.join(DTYPES)}.")
    return DTYPES[name]
