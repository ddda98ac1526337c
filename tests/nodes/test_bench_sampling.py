from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

# diffusers' own: its schedulers give a torch tensor to numpy.array, which numpy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

SCRIPT = Path(__file__).parents[1] / "bench" / "sampling.py"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    spec = importlib.util.spec_from_file_location("bench_sampling", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "bench_sampling", module)
    spec.loader.exec_module(module)
    return module


def test_the_benchmark_prints_a_row_for_each_sampler_and_batch(bench: Any, capsys: pytest.CaptureFixture[str]) -> None:
    threads = str(torch.get_num_threads())
    bench.main(["--steps", "2", "--rounds", "1", "--batch", "1", "2", "--samplers", "heun", "--threads", threads])
    heading, columns, *rows = capsys.readouterr().out.splitlines()
    assert heading.startswith("cpu, torch")
    assert columns.split()[-1] == "/diffusers"
    assert [row.split()[:2] for row in rows] == [["heun", "1"], ["heun", "2"]]
    assert all(float(item) > 0 for row in rows for item in row.split()[1:])


def test_the_graph_and_the_bare_loop_compute_the_same_picture(bench: Any) -> None:
    with torch.inference_mode():
        pipeline = bench.load_pipeline()
        texts = pipeline.encode_prompt("a red circle", "cpu", 1, True, "")[:2]
    ours = bench.graph("euler", 1, 3)(1).samples
    bare = bench.loop(pipeline.unet, texts, 1, 3)(1000)
    torch.testing.assert_close(ours, bare, rtol=1e-3, atol=1e-3)
