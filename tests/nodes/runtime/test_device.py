import pytest
import torch

from graph_engine import LoomError
from nodes.runtime.device import Device, DeviceError, settle


def test_the_processor_computes_exactly_in_float32() -> None:
    device = Device.from_options({"device": "cpu"})
    assert (device.torch_device.type, device.dtype, device.exact, device.channels_last) == (
        "cpu",
        torch.float32,
        True,
        False,
    )


def test_a_dtype_can_be_asked_for() -> None:
    assert Device.from_options({"device": "cpu", "dtype": "bfloat16"}).dtype == torch.bfloat16
    with pytest.raises(DeviceError, match="'float8' is no dtype: use auto, float32, float16, bfloat16"):
        Device.from_options({"dtype": "float8"})


def test_a_device_that_is_no_device_is_refused() -> None:
    with pytest.raises(DeviceError, match="'gpu' is no device: use auto, cpu, cuda"):
        Device.from_options({"device": "gpu"})


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(DeviceError, match="there is no device 'cuda:99' here"):
        Device.from_options({"device": "cuda:99"})


def test_a_result_becomes_an_ordinary_tensor() -> None:
    with torch.inference_mode():
        made = torch.ones(2, 3, dtype=torch.float16).T
    settled = settle(made)
    assert settled.dtype == torch.float32
    assert settled.is_contiguous()
    assert not settled.is_inference()


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_result_that_is_not_finite_is_refused_with_advice(bad: float) -> None:
    with pytest.raises(LoomError, match="run with --dtype float32"):
        settle(torch.tensor([1.0, bad]))
