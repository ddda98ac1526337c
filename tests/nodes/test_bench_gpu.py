from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

# diffusers' own: its schedulers give a torch tensor to numpy.array, which numpy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

SCRIPT = Path(__file__).parents[1] / "bench" / "gpu.py"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    spec = importlib.util.spec_from_file_location("bench_gpu", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "bench_gpu", module)  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_the_benchmark_prints_a_row_for_each_network_and_batch(bench: Any, capsys: pytest.CaptureFixture[str]) -> None:
    bench.main(["--tiny", "--device", "cpu", "--steps", "2", "--rounds", "1", "--batch", "1", "2"])
    heading, columns, *rows = capsys.readouterr().out.splitlines()
    assert heading.startswith("cpu float32")
    assert columns.split()[-1] == "ratio"
    assert [" ".join(row.split()[:2]) for row in rows] == ["toy SD", "toy SD", "toy SDXL", "toy SDXL"]
    assert all(float(row.split()[-1]) > 0 for row in rows)


def test_both_sides_of_the_benchmark_compute_the_same_picture(bench: Any) -> None:
    device = bench.Device.from_options({"device": "cpu"})
    for network in bench.TOYS.values():
        unet = bench.build(network, device)
        ours, theirs = (run(network, unet, device, 2, 4)() for run in (bench.our_run, bench.their_run))
        assert ours.shape == theirs.shape == (2, 4, 8, 8)


def test_the_configs_are_of_the_published_sizes(bench: Any) -> None:
    import torch
    from diffusers import UNet2DConditionModel

    counts = []
    for network in (bench.SD15, bench.SDXL):
        with torch.device("meta"):
            unet = UNet2DConditionModel(**network.config)
        counts.append(sum(parameter.numel() for parameter in unet.parameters()))
    assert counts == [859_520_964, 2_567_463_684]
