"""Sampling that was interrupted ends bit for bit as if it never was: within a process, and after kill -9 of a real one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from graph_engine import Engine, Folders, RunResult, events
from graph_engine.cache.container import Decoder, encode
from graph_engine.values import Codecs
from graph_engine.workflow import parse
from nodes import PACK
from nodes.models.catalogue import BUILT_IN
from tests.nodes.test_sample import SAMPLERS, run
from tests.nodes.tiny import Models

ROOT = Path(__file__).parents[2]
STEPS, LAST = 8, 4
"""How many steps there are, and after how many the process is killed."""


def kept(state: Any) -> Any:
    """What a file of this state gives back."""
    codecs = Codecs(PACK.codecs)
    parts = encode(state, codecs, {})
    return Decoder(codecs, lambda name: None).read(memoryview(bytearray(b"".join(parts))))


@pytest.mark.parametrize(("sampler", "name", "after"), [*((sampler, "sd1", 1) for sampler in SAMPLERS), ("dpmpp_2m", "sdxl", 5)])
def test_going_on_from_a_checkpoint_ends_bit_for_bit_the_same(models: Models, sampler: Any, name: str, after: int) -> None:
    states: list[Any] = []
    context = replace(models.context, on_checkpoint=lambda state: states.append(kept(state())))
    whole = run(models, name=name, sampler=sampler, steps=STEPS, batch=2, context=context).samples
    assert len(states) == STEPS - 1
    seen: list[tuple[int, int]] = []
    context = replace(models.context, saved=lambda: states[after], on_progress=lambda done, total: seen.append((done, total)))
    rest = run(models, name=name, sampler=sampler, steps=STEPS, batch=2, context=context).samples
    assert torch.equal(whole, rest)
    assert seen == [(done, STEPS) for done in range(after + 2, STEPS + 1)]


def test_a_picture_to_picture_run_goes_on_too(models: Models) -> None:
    states: list[Any] = []
    context = replace(models.context, on_checkpoint=lambda state: states.append(kept(state())))
    whole = run(models, steps=STEPS, denoise=0.6, context=context).samples
    rest = run(models, steps=STEPS, denoise=0.6, context=replace(models.context, saved=lambda: states[2])).samples
    assert torch.equal(whole, rest)


@pytest.mark.parametrize("other", [{"steps": 9}, {"width": 64}, {"batch": 2}, {"denoise": 0.5}], ids=str)
def test_a_checkpoint_of_another_run_is_ignored(models: Models, other: dict[str, Any]) -> None:
    states: list[Any] = []
    run(models, steps=STEPS, context=replace(models.context, on_checkpoint=lambda state: states.append(state())))
    changed = {"steps": STEPS} | other
    resumed = run(models, **changed, context=replace(models.context, saved=lambda: states[2])).samples
    assert torch.equal(resumed, run(models, **changed).samples)


WORKFLOW = {
    "format": "latent-loom/1",
    "outputs": {"latent": {"from": "sample.latent"}},
    "nodes": {
        "model": {"type": "loom.load_model", "values": {"name": "tiny"}},
        "positive": {
            "type": "loom.encode_text",
            "values": {"text": "a red circle"},
            "links": {"text_encoder": "model.text_encoder"},
        },
        "negative": {"type": "loom.encode_text", "values": {"text": ""}, "links": {"text_encoder": "model.text_encoder"}},
        "latent": {"type": "loom.empty_latent", "values": {"width": 64, "height": 64}, "links": {"model": "model.model"}},
        "noise": {"type": "loom.noise", "values": {"seed": 7}},
        "sample": {
            "type": "loom.sample",
            "values": {"steps": STEPS, "sampler": "dpmpp_2m"},
            "links": {
                "model": "model.model",
                "positive": "positive.conditioning",
                "negative": "negative.conditioning",
                "latent": "latent.latent",
                "noise": "noise.noise",
            },
        },
        "decode": {"type": "loom.decode_latent", "links": {"vae": "model.vae", "latent": "sample.latent"}},
        "save": {"type": "loom.save_image", "links": {"image": "decode.image"}},
    },
}

INTERRUPTED = f"""
import sys, threading
from pathlib import Path
import torch
from graph_engine import Engine, Folders, Request
from graph_engine.workflow import read

torch.set_num_threads(1)
folder = Path(sys.argv[1])
engine = Engine(folders=Folders(models=(folder / "models",)), options={{"device": "cpu"}}, cache_folder=folder / "cache")

def listen(event):
    if event.kind == "node_progress" and event.node == "sample" and event.done == {LAST}:
        engine.around.cache.disk.flush()
        print("in the middle", flush=True)
        threading.Event().wait()  # until it is killed

engine.run(Request(workflow=read(folder / "w.json"), output_folder=folder / "out"), listen)
"""


def go_on(folder: Path, cache: str) -> tuple[RunResult, list[events.Event], bytes]:
    """Run in this process with that cache folder: the result, the events, and the picture's values."""
    from graph_engine import Request
    from graph_engine.workflow import read

    seen: list[events.Event] = []
    folders = Folders(models=(folder / "models",))
    with Engine(folders=folders, options={"device": "cpu"}, cache_folder=folder / cache) as engine:
        request = Request(workflow=read(folder / "w.json"), output_folder=folder / cache / "out")
        result = engine.run(request, seen.append)
    result.raise_errors()
    with Image.open(result.files[0]) as picture:
        return result, seen, np.asarray(picture).tobytes()


def test_a_run_that_was_killed_goes_on_from_its_finished_nodes_and_its_checkpoint(tmp_path: Path) -> None:
    shutil.copytree(BUILT_IN["loom-tiny"], tmp_path / "models" / "tiny")
    (tmp_path / "w.json").write_text(json.dumps(WORKFLOW))
    parse(json.dumps(WORKFLOW))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LOOM_CHECKPOINT_S": "0"}
    command = [sys.executable, "-c", INTERRUPTED, str(tmp_path)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "in the middle\n"
        assert len(list((tmp_path / "cache" / "checkpoints").glob("*.safetensors"))) == 1
        process.kill()
    assert process.returncode == -9
    assert not (tmp_path / "out").exists()

    resumed, seen, pixels = go_on(tmp_path, "cache")
    assert {"positive", "negative", "latent", "noise"} <= set(resumed.served)
    assert set(resumed.ran) == {"model", "sample", "decode", "save"}
    steps = [event.done for event in seen if isinstance(event, events.NodeProgress) and event.node == "sample"]
    assert steps == list(range(LAST + 1, STEPS + 1))
    assert list((tmp_path / "cache" / "checkpoints").iterdir()) == []

    whole, seen, expected = go_on(tmp_path, "another")
    assert whole.served == []
    assert torch.equal(resumed.outputs["latent"].samples, whole.outputs["latent"].samples)
    assert pixels == expected
