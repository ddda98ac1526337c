"""Steps a second of our sampler and of the plain diffusers pipeline, on networks of SD 1.5's and SDXL's size with random weights.

    python tests/bench/gpu.py                  on the device that `auto` finds, float16 there
    python tests/bench/gpu.py --device cpu --tiny   the same code on toy networks, to see that it works

Both sides are given the same network, conditioning, latent size, steps and guidance; text and VAE are left out. They take turns,
and the table shows the median of each and of the ratios in pairs (above 1: ours is faster). On a CPU ours evaluates the items of
a batch one by one, to give each exactly its single run; so there a batch is slower.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import (
    DPMSolverMultistepScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from diffusers.utils import logging

from nodes.models.detect import FAMILIES
from nodes.models.family import ModelInfo
from nodes.models.unet import predictor
from nodes.runtime.device import Device, settle
from nodes.sampling.guidance import Guided, Part
from nodes.sampling.multistep import dpmpp_2m
from nodes.sampling.noise import noised, seeded_noise
from nodes.sampling.prediction import NoiseTable
from nodes.sampling.schedules import karras
from nodes.sampling.step import Run
from nodes.types import Conditioning

CFG = 5.0


@dataclass(frozen=True, kw_only=True)
class Network:
    """A U-Net's config as published, and what it is conditioned on."""

    family: str
    side: int
    width: int
    pooled: int | None
    config: dict[str, Any]


SD15 = Network(
    family="sd1",
    side=512,
    width=768,
    pooled=None,
    config={
        "sample_size": 64,
        "block_out_channels": (320, 640, 1280, 1280),
        "down_block_types": ("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
        "up_block_types": ("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
        "cross_attention_dim": 768,
        "attention_head_dim": 8,
    },
)
SDXL = Network(
    family="sdxl",
    side=1024,
    width=2048,
    pooled=1280,
    config={
        "sample_size": 128,
        "block_out_channels": (320, 640, 1280),
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "transformer_layers_per_block": (1, 2, 10),
        "cross_attention_dim": 2048,
        "attention_head_dim": (5, 10, 20),
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": 6 * 256 + 1280,
    },
)
TOY_BLOCKS = {
    "block_out_channels": (8, 16),
    "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "attention_head_dim": 2,
    "sample_size": 8,
}
TOYS = {
    "toy SD 1.5": Network(family="sd1", side=64, width=32, pooled=None, config=TOY_BLOCKS | {"cross_attention_dim": 32}),
    "toy SDXL": Network(
        family="sdxl",
        side=64,
        width=80,
        pooled=24,
        config=TOY_BLOCKS
        | {
            "cross_attention_dim": 80,
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 8,
            "projection_class_embeddings_input_dim": 6 * 8 + 24,
        },
    ),
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--tiny", action="store_true", help="toy networks, for a test of this script")
    asked = parser.parse_args(arguments)
    if asked.tiny:
        torch.set_num_threads(1)  # toys are too small to share
    device = Device.from_options({"device": asked.device, "dtype": asked.dtype})
    dtype = str(device.dtype).removeprefix("torch.")
    print(f"{device.torch_device} {dtype}, torch {torch.__version__}, {asked.steps} steps, cfg {CFG}")
    print(f"{'network':<12} {'picture':>11} {'batch':>5} {'ours it/s':>10} {'diffusers it/s':>15} {'ratio':>6}")
    for name, network in (TOYS if asked.tiny else {"SD 1.5": SD15, "SDXL": SDXL}).items():
        unet = build(network, device)
        for batch in asked.batch:
            ours, theirs, ratio = compare(network, unet, device, batch, asked.steps, asked.rounds)
            size = f"{network.side} x {network.side}"
            print(f"{name:<12} {size:>11} {batch:>5} {ours:>10.2f} {theirs:>15.2f} {ratio:>6.3f}", flush=True)
        del unet


def build(network: Network, device: Device) -> Any:
    torch.manual_seed(0)
    with torch.device(device.torch_device):
        unet = UNet2DConditionModel(**network.config)
    return device.place(unet.requires_grad_(False).eval(), device.dtype)


def compare(network: Network, unet: Any, device: Device, batch: int, steps: int, rounds: int) -> tuple[float, float, float]:
    """(ours, theirs, ratio): medians, the first two in steps a second."""
    contenders = our_run(network, unet, device, batch, steps), their_run(network, unet, device, batch, steps)
    for run in contenders:
        run()  # allocators, library choices
    seconds = [[measure(run, device) for run in contenders] for _ in range(rounds)]
    ours, theirs = (statistics.median(column) for column in zip(*seconds, strict=True))
    return steps / ours, steps / theirs, statistics.median(theirs / ours for ours, theirs in seconds)


def measure(run: Callable[[], object], device: Device) -> float:
    wait(device)
    start = time.perf_counter()
    run()
    wait(device)
    return time.perf_counter() - start


def wait(device: Device) -> None:
    match device.torch_device.type:
        case "cuda":
            torch.cuda.synchronize(device.torch_device)
        case "mps":
            torch.mps.synchronize()


def our_run(network: Network, unet: Any, device: Device, batch: int, steps: int) -> Callable[[], object]:
    cells = network.side // 8
    info = ModelInfo(
        family=network.family, text_kind="random", latent_format="random", latent_channels=4, latent_factor=8,
        default_height=network.side, default_width=network.side, prediction="epsilon", table=NoiseTable.from_betas(),
        fingerprint="random",
    )  # fmt: skip
    positive, negative = conditioning(network, 1), conditioning(network, 2)
    sides = [[Part(entry) for entry in side.entries] for side in (positive, negative)]
    sigmas = karras(info.table, steps)

    @torch.inference_mode()
    def run() -> object:
        predict = predictor(unet, FAMILIES[network.family], info, device, batch, (network.side, network.side))
        noise = seeded_noise(list(range(batch)), (4, cells, cells))
        x = device.send(noised(torch.zeros_like(noise), noise, sigmas[0], info.table))
        guide = Guided(predict=predict, positive=sides[0], negative=sides[1], scale=CFG)
        for step in dpmpp_2m(Run(guide, x, sigmas)):
            x = step.x
        return settle(x)

    return run


def their_run(network: Network, unet: Any, device: Device, batch: int, steps: int) -> Callable[[], object]:
    logging.set_verbosity_error()  # it warns that the text encoders are None, which is meant
    scheduler = DPMSolverMultistepScheduler(
        beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, use_karras_sigmas=True, steps_offset=1
    )
    positive, negative = conditioning(network, 1), conditioning(network, 2)
    inputs = {
        "prompt_embeds": device.send(positive.entries[0].embedding, device.dtype),
        "negative_prompt_embeds": device.send(negative.entries[0].embedding, device.dtype),
    }
    pipeline: Any
    if positive.entries[0].pooled is not None and negative.entries[0].pooled is not None:
        inputs["pooled_prompt_embeds"] = device.send(positive.entries[0].pooled, device.dtype)
        inputs["negative_pooled_prompt_embeds"] = device.send(negative.entries[0].pooled, device.dtype)
        pipeline = StableDiffusionXLPipeline(
            vae=None, text_encoder=None, text_encoder_2=None, tokenizer=None, tokenizer_2=None, unet=unet, scheduler=scheduler,
            add_watermarker=False,
        )  # fmt: skip
        # It reads the text encoder's width from the encoder itself, which is not there.
        pipeline.text_encoder_2 = argparse.Namespace(config=argparse.Namespace(projection_dim=network.pooled), dtype=device.dtype)
    else:
        pipeline = StableDiffusionPipeline(
            vae=None, text_encoder=None, tokenizer=None, unet=unet, scheduler=scheduler, safety_checker=None,
            feature_extractor=None, requires_safety_checker=False,
        )  # fmt: skip
    pipeline.set_progress_bar_config(disable=True)
    generators = [torch.Generator().manual_seed(seed) for seed in range(batch)]

    def run() -> object:
        made = pipeline(
            **inputs, num_inference_steps=steps, guidance_scale=CFG, num_images_per_prompt=batch, height=network.side,
            width=network.side, output_type="latent", generator=generators,
        )  # fmt: skip
        return made.images.cpu()

    return run


def conditioning(network: Network, seed: int) -> Conditioning[Any]:
    generator = torch.Generator().manual_seed(seed)
    return Conditioning.of(
        embedding=torch.randn(1, 77, network.width, generator=generator),
        pooled=None if network.pooled is None else torch.randn(1, network.pooled, generator=generator),
    )


if __name__ == "__main__":
    main()
