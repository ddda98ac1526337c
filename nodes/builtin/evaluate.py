"""Decides how well the exported model draws what it is told: held-out prompts, the judge's answers, one table.

    python -m nodes.builtin.evaluate CHECKER    CHECKER is the judge's weights file; it is trained there when missing

No combination in these prompts was ever trained on: see ``world.is_held_out``. Each picture has its own seed.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from nodes.builtin.captions import full_caption
from nodes.builtin.checker import Checker, CheckerRecipe, load_or_train, truth
from nodes.builtin.export import SHIPPED_FOLDER, load_model
from nodes.builtin.parts import Pipeline
from nodes.builtin.render import draw
from nodes.builtin.world import SCENES, SHAPES, SIZES, Picture, sample_picture

STEPS: Final = 20
GUIDANCE: Final = 4.0
TABLE_START: Final = "<!-- measured by nodes.builtin.evaluate -->"
TABLE_END: Final = "<!-- end of what was measured -->"


@dataclass(frozen=True, slots=True)
class Verdict:
    picture: Picture
    answers: dict[str, str]

    def right(self, question: str) -> bool:
        return self.answers[question] == truth(self.picture)[question]

    def all_right(self) -> bool:
        return all(self.answers[question] == fact for question, fact in truth(self.picture).items())


def held_out_pictures(singles: int, pairs: int, each_scene: int, seed: int) -> list[Picture]:
    """Held-out descriptions. Shapes come in turn, so that every shape is asked for equally often."""
    source = random.Random(seed)
    kinds = ["shape"] * singles + ["pair"] * pairs + list(SCENES) * each_scene
    pictures = []
    for index, kind in enumerate(kinds):
        picture = sample_picture(source, held_out=True, kind=kind)
        while kind == "shape" and picture.shape != SHAPES[index % len(SHAPES)]:
            picture = sample_picture(source, held_out=True, kind=kind)
        pictures.append(picture)
    return pictures


def generate(pipeline: Pipeline, prompts: list[str], *, first_seed: int, steps: int = STEPS, cfg: float = GUIDANCE) -> Tensor:
    """Pictures for the prompts, ``[batch, 3, 128, 128]`` in 0..1; picture *i* has seed ``first_seed + i``."""
    parts = []
    for start in range(0, len(prompts), 16):
        batch = prompts[start : start + 16]
        chances = [torch.Generator().manual_seed(first_seed + start + index) for index in range(len(batch))]
        result = pipeline(batch, num_inference_steps=steps, guidance_scale=cfg, generator=chances, output_type="pt")
        parts.append(result.images)
    return torch.cat(parts).float()


def judge(checker: Checker, pictures: list[Picture], pixels: Tensor) -> list[Verdict]:
    return [Verdict(picture, answers) for picture, answers in zip(pictures, checker.answers(pixels), strict=True)]


def rate(verdicts: Iterable[Verdict], right: Callable[[Verdict], bool]) -> tuple[float, int]:
    """The share that is right, and of how many."""
    results = [right(verdict) for verdict in verdicts]
    return (sum(results) / len(results) if results else 0.0), len(results)


def table(verdicts: list[Verdict]) -> list[tuple[str, float, int]]:
    """The rows of the bar: what, share right, number of pictures."""
    singles = [verdict for verdict in verdicts if verdict.picture.kind == "shape"]
    pairs = [verdict for verdict in verdicts if verdict.picture.kind == "pair"]
    scenes = [verdict for verdict in verdicts if verdict.picture.kind in SCENES]
    rows = [
        ("kind of picture", *rate(verdicts, lambda verdict: verdict.right("kind"))),
        ("colour of the object", *rate(singles, lambda verdict: verdict.right("colour"))),
        ("background colour", *rate(singles + pairs, lambda verdict: verdict.right("background"))),
        ("position", *rate(singles, lambda verdict: verdict.right("position"))),
        ("size", *rate(singles, lambda verdict: verdict.right("size"))),
        ("shape, one object", *rate(singles, lambda verdict: verdict.right("shape"))),
        ("one object, everything right", *rate(singles, Verdict.all_right)),
        ("two objects, everything right", *rate(pairs, Verdict.all_right)),
        ("scenes, everything right", *rate(scenes, Verdict.all_right)),
    ]
    for shape in SHAPES:
        named = [verdict for verdict in singles if verdict.picture.shape == shape]
        rows.append((f"  shape, when {shape}", *rate(named, lambda verdict: verdict.right("shape"))))
    for size in SIZES:
        sized = [verdict for verdict in singles if verdict.picture.size == size]
        rows.append((f"  shape, when {size}", *rate(sized, lambda verdict: verdict.right("shape"))))
    rows.extend(
        (f"  {scene}", *rate((verdict for verdict in scenes if verdict.picture.kind == scene), Verdict.all_right))
        for scene in SCENES
    )
    return rows


def round_trip(pipeline: Pipeline, pixels: Tensor) -> Tensor:
    """The pictures through the VAE and back."""
    parts = []
    with torch.no_grad():
        for part in torch.split(pixels, 32):
            latents = pipeline.vae.encode(part * 2 - 1).latent_dist.mean
            parts.append(pipeline.vae.decode(latents).sample / 2 + 0.5)
    return torch.cat(parts).clamp(0, 1)


def report(pipeline: Pipeline, checker: Checker, pictures: list[Picture], options: argparse.Namespace) -> list[str]:
    """Everything that is measured, a line each."""
    lines: list[str] = []
    real = draw(pictures)
    back = round_trip(pipeline, real)
    noise = (back - real).square().mean((1, 2, 3))
    lines.append(f"VAE round trip: {(-10 * noise.log10()).mean():.2f} dB mean PSNR")
    for name, pixels in (("drawings", real), ("drawings after the VAE", back)):
        share, count = rate(judge(checker, pictures, pixels), Verdict.all_right)
        lines.append(f"judge on {name}: everything right {share:.1%} of {count}")
    prompts = [full_caption(picture) for picture in pictures]
    images = generate(pipeline, prompts, first_seed=options.seed, steps=options.steps, cfg=options.cfg)
    verdicts = judge(checker, pictures, images)
    lines.append(f"generated, {options.steps} steps, cfg {options.cfg}, held-out prompts:")
    lines.extend(f"{name:32} {share:7.1%} of {count}" for name, share, count in table(verdicts))
    if options.keep is not None:
        torch.save(
            {
                "prompts": prompts,
                "images": (images * 255).round().to(torch.uint8),
                "right": [verdict.all_right() for verdict in verdicts],
            },
            options.keep,
        )
    return lines


def write_into_card(card: Path, lines: list[str]) -> None:
    """Replace what stands between the two marks in the model card."""
    before, _, rest = card.read_text(encoding="utf-8").partition(TABLE_START)
    _, _, after = rest.partition(TABLE_END)
    body = "\n".join(lines)
    card.write_text(f"{before}{TABLE_START}\n```text\n{body}\n```\n{TABLE_END}{after}", encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checker", type=Path, help="the judge's weights file; trained there when missing")
    parser.add_argument("--model", type=Path, default=SHIPPED_FOLDER, help="the exported folder")
    parser.add_argument("--singles", type=int, default=240)
    parser.add_argument("--pairs", type=int, default=160)
    parser.add_argument("--each-scene", type=int, default=10)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--cfg", type=float, default=GUIDANCE)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--card", action="store_true", help="also write the table into the model's README.md")
    parser.add_argument("--keep", type=Path, help="also keep prompts and pictures in this file")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    pictures = held_out_pictures(options.singles, options.pairs, options.each_scene, options.seed)
    lines = report(load_model(options.model), load_or_train(options.checker, CheckerRecipe()), pictures, options)
    sys.stdout.write("\n".join(lines) + "\n")
    if options.card:
        write_into_card(options.model / "README.md", lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
