"""What the pack and the engine add to the calls of the network, on the built-in model: medians and ratios, side by side.

    python tests/bench/sampling.py [--steps 20] [--rounds 15] [--batch 1 4] [--samplers dpmpp_2m …] [--threads 2 --wall]

Three ways to the same count of network calls take turns in one process: a graph run by the engine, in which the seed is new; a bare
loop of Euler steps without any of our code; and the diffusers pipeline. All ask the network for the whole batch at once. Text and VAE
are left out. A ratio above 1 is the graph's loss. "beside" is what a run spends outside of the network, which varies less than the
network's own calls do on a busy machine. Times are those of the processor, of all threads together, since the clock is disturbed more.
One thread is what the graph takes for a network this small.
"""

from __future__ import annotations

import argparse
import gc
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, get_args

import torch
from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline, UNet2DConditionModel
from diffusers.utils import logging

from graph_engine import Engine, Folders, Request
from graph_engine.workflow import Workflow
from nodes.models.catalogue import BUILT_IN, describe
from nodes.sampling.schedules import karras
from nodes.sampling.solvers import SamplerName

MODEL, CFG = "loom-tiny", 5.0
TWICE = {"heun", "dpm_2", "dpm_2_ancestral", "dpmpp_2s_ancestral", "dpmpp_sde", "dpmpp_2s_ancestral_cfg_pp"}
"""The samplers that ask the network twice a step, and once in the last."""

DEFAULT = ["euler", "dpmpp_2m", "dpmpp_2m_sde", "uni_pc"]

Contender = Callable[[int], object]
"""One run with a seed."""


class Spent(NamedTuple):
    """Seconds of one run: in all, and outside of the network."""

    total: float
    beside: float


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 4])
    parser.add_argument(
        "--samplers", nargs="+", choices=get_args(SamplerName), default=["euler", "dpmpp_2m", "dpmpp_2m_sde", "uni_pc"]
    )
    parser.add_argument("--threads", type=int, default=1, help="of torch, for all but the graph, which chooses its own")
    parser.add_argument("--wall", action="store_true", help="time by the clock, not by the processor")
    asked = parser.parse_args(arguments)
    torch.set_num_threads(asked.threads)
    print(
        f"cpu, torch {torch.__version__}, {asked.threads} threads, {MODEL}, {asked.steps} steps, cfg {CFG}, {asked.rounds} rounds"
    )
    times = f"{'graph ms':>9} {'beside':>6} {'loop ms':>9} {'beside':>6} {'diffusers ms':>12} {'beside':>6}"
    print(f"{'sampler':<20} {'batch':>5} {times} {'/loop':>6} {'/diffusers':>10}")
    with torch.inference_mode():
        pipeline = load_pipeline()
        texts = pipeline.encode_prompt("a red circle", "cpu", 1, True, "")[:2]
    for sampler in asked.samplers:
        calls = asked.steps * 2 - 1 if sampler in TWICE else asked.steps
        for batch in asked.batch:
            contenders = [
                graph(sampler, batch, asked.steps),
                loop(pipeline.unet, texts, batch, calls),
                diffusers(pipeline, texts, batch, calls),
            ]
            ours, bare, theirs = columns = compare(
                contenders, asked.rounds, time.perf_counter if asked.wall else time.process_time
            )
            row = " ".join(
                f"{statistics.median(run.total for run in one) * 1000:>{width}.1f}"
                f" {statistics.median(run.beside for run in one) * 1000:>6.1f}"
                for one, width in zip(columns, (9, 9, 12), strict=True)
            )
            print(
                f"{sampler:<20} {batch:>5} {row} {ratio(ours, bare):>6.3f} {ratio(ours, theirs):>10.3f}",
                flush=True,
            )


def compare(contenders: Sequence[Contender], rounds: int, clock: Callable[[], float]) -> list[list[Spent]]:
    """What each contender spends in each round; they take turns, each round begins with another one."""
    found: list[list[Spent]] = [[] for _ in contenders]
    with network_timed(clock) as inside:
        for run in contenders:
            run(0)
        for turn in range(rounds):
            order = [(place + turn) % len(contenders) for place in range(len(contenders))]
            for place in order:
                gc.collect()
                inside.clear()
                started = clock()
                contenders[place](turn + 1)
                total = clock() - started
                found[place].append(Spent(total, total - sum(inside)))
    return found


@contextmanager
def network_timed(clock: Callable[[], float]) -> Iterator[list[float]]:
    """While this is open, the seconds of each call of a network are added to the list."""
    inside: list[float] = []
    forward = UNet2DConditionModel.forward

    def timed(*arguments: Any, **more: Any) -> Any:
        started = clock()
        found = forward(*arguments, **more)
        inside.append(clock() - started)
        return found

    UNet2DConditionModel.forward = timed
    try:
        yield inside
    finally:
        UNet2DConditionModel.forward = forward


def ratio(ours: Sequence[Spent], others: Sequence[Spent]) -> float:
    """The median of the ratios within a round, which a busy machine disturbs less than a ratio of medians."""
    return statistics.median(one.total / other.total for one, other in zip(ours, others, strict=True))


def graph(sampler: SamplerName, batch: int, steps: int) -> Contender:
    """The engine on a workflow of which all but the noise and the sampler is served from its memory."""
    links = {"model": "load.model", "positive": "text.conditioning", "negative": "empty.conditioning"}
    encoder = {"text_encoder": "load.text_encoder"}
    nodes = {
        "load": {"type": "loom.load_model", "values": {"name": MODEL}},
        "text": {"type": "loom.encode_text", "values": {"text": "a red circle"}, "links": encoder},
        "empty": {"type": "loom.encode_text", "values": {"text": ""}, "links": encoder},
        "latent": {"type": "loom.empty_latent", "values": {"batch": batch}, "links": {"model": "load.model"}},
        "noise": {"type": "loom.noise", "values": {"seed": 0}},
        "sample": {
            "type": "loom.sample",
            "values": {"sampler": sampler, "steps": steps, "cfg": CFG},
            "links": {**links, "latent": "latent.latent", "noise": "noise.noise"},
        },
    }
    workflow = Workflow.model_validate(
        {"nodes": nodes, "inputs": {"seed": {"to": ["noise.seed"]}}, "outputs": {"latent": {"from": "sample.latent"}}}
    )
    engine = Engine(folders=Folders(), options={"device": "cpu"})

    def run(seed: int) -> object:
        result = engine.run(Request(workflow=workflow, given={"seed": 1000 * seed}))
        result.raise_errors()
        return result.outputs["latent"]

    return run


def loop(unet: Any, texts: Sequence[torch.Tensor], batch: int, calls: int) -> Contender:
    """Euler in a bare loop: v prediction, guidance and a step, and nothing else."""
    table = describe(MODEL, Folders()).table
    sigmas = karras(table, calls)
    timesteps = [table.timestep_of(sigma) for sigma in sigmas[:-1]]
    embedding = torch.cat([text.expand(batch, -1, -1) for text in texts])

    @torch.inference_mode()
    def run(seed: int) -> object:
        generator = torch.Generator().manual_seed(seed)
        x = torch.randn(batch, 4, 16, 16, generator=generator) * math.sqrt(1 + sigmas[0] ** 2)
        for sigma, sigma_next, timestep in zip(sigmas[:-1], sigmas[1:], timesteps, strict=True):
            seen = torch.cat([x, x])
            time = torch.full((2 * batch,), timestep)
            v = unet(seen / math.sqrt(1 + sigma**2), time, encoder_hidden_states=embedding, return_dict=False)[0]
            x0 = seen / (1 + sigma**2) - v * (sigma / math.sqrt(1 + sigma**2))
            positive, negative = x0.chunk(2)
            x = x + (x - (negative + (positive - negative) * CFG)) / sigma * (sigma_next - sigma)
        return x

    return run


def load_pipeline() -> Any:
    logging.set_verbosity_error()
    pipeline: Any = StableDiffusionPipeline.from_pretrained(BUILT_IN[MODEL], local_files_only=True, safety_checker=None)
    pipeline.to(dtype=torch.float32)
    pipeline.scheduler = DPMSolverMultistepScheduler.from_config(pipeline.scheduler.config, use_karras_sigmas=True)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def diffusers(pipeline: Any, texts: Sequence[torch.Tensor], batch: int, calls: int) -> Contender:
    """The pipeline with DPM-Solver++(2M), for all pictures at once as it always does."""

    def run(seed: int) -> object:
        return pipeline(
            prompt_embeds=texts[0], negative_prompt_embeds=texts[1], num_inference_steps=calls, guidance_scale=CFG,
            num_images_per_prompt=batch, output_type="latent", generator=torch.Generator().manual_seed(seed),
        ).images  # fmt: skip

    return run


if __name__ == "__main__":
    main()
