"""How far the same pictures are apart when something about the computation differs: what the default of loom verify rests on.

    python -m tests.bench.verify_tolerance [--count 12] [--model loom-tiny]

Each row is a process of its own with other settings; its pictures are compared with those of the first row.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SAMPLERS = ("dpmpp_2m", "euler", "euler_ancestral")
PROMPTS = ("a red circle on a blue background", "a boat on the sea at sunset", "two green squares", "a yellow star at night")
SETTINGS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "2 threads": ({"OMP_NUM_THREADS": "2"}, {}),
    "2 threads, once more": ({"OMP_NUM_THREADS": "2"}, {}),
    "1 thread": ({"OMP_NUM_THREADS": "1"}, {}),
    "a CPU with AVX2 only": ({"OMP_NUM_THREADS": "2", "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}, {}),
    "a CPU with SSE4.1 only": ({"OMP_NUM_THREADS": "2", "ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"}, {}),
    "without oneDNN": ({"OMP_NUM_THREADS": "2", "LOOM_BENCH_NO_ONEDNN": "1"}, {}),
    "bfloat16": ({"OMP_NUM_THREADS": "2"}, {"dtype": "bfloat16"}),
    "float16": ({"OMP_NUM_THREADS": "2"}, {"dtype": "float16"}),
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--model", default="loom-tiny")
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("--into", type=Path)
    parser.add_argument("--options", nargs="*", default=[])
    asked = parser.parse_args()
    if asked.into is not None:
        draw(asked, dict(option.split("=", 1) for option in asked.options))
        return
    with tempfile.TemporaryDirectory() as folder:
        compare(asked, Path(folder))


def compare(asked: Any, folder: Path) -> None:
    from nodes.commands.difference import difference

    first: list[Path] = []
    print(f"{asked.count} pictures of {asked.model}, 128 x 128, 20 steps, differences in steps of 1/255")
    print(f"{'':24} {'identical':>9} {'largest':>8} {'mean':>8} {'differing values':>17}")
    for index, (name, (environment, options)) in enumerate(SETTINGS.items()):
        into = folder / str(index)
        arguments = ["--into", str(into), "--count", str(asked.count), "--model", asked.model, "--models", str(asked.models)]
        arguments += ["--options", *(f"{key}={value}" for key, value in options.items())]
        command = [sys.executable, "-m", "tests.bench.verify_tolerance", *arguments]
        subprocess.run(command, check=True, env={**os.environ, **environment})
        pictures = sorted(into.glob("*.png"))
        first = first or pictures
        found = [difference(one, other) for one, other in zip(first, pictures, strict=True)]
        same, largest = sum(one.largest == 0 for one in found), max(one.largest for one in found)
        mean, share = (sum(values) / len(found) for values in ([one.mean for one in found], [one.share for one in found]))
        print(f"{name:24} {same:>5}/{len(found):<3} {largest:>8} {mean:>8.2g} {share:>17.3%}", flush=True)


def draw(asked: Any, options: dict[str, str]) -> None:
    import torch

    from graph_engine import Engine, Folders, Request
    from graph_engine.workflow import read

    if os.environ.get("LOOM_BENCH_NO_ONEDNN"):
        mkldnn: Any = torch.backends.mkldnn
        mkldnn.enabled = False
    workflow = read(Path(__file__).parents[2] / "workflows" / "text_to_image.json")
    with Engine(folders=Folders(models=(asked.models,)), options={"device": "cpu", **options}) as engine:
        for index in range(asked.count):
            changed = workflow.with_values({"model.name": asked.model, "sample.sampler": SAMPLERS[index % len(SAMPLERS)]})
            given = {"prompt": PROMPTS[index % len(PROMPTS)], "seed": index, "width": 128, "height": 128}
            result = engine.run(Request(workflow=changed, given=given, output_folder=asked.into, targets=["save"]))
            result.raise_errors()


if __name__ == "__main__":
    main()
