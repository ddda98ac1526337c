"""Decides what a picture shows: a small convolutional judge, trained on drawings alone, never on the model's pictures.

python -m nodes.builtin.checker FILE    trains it, prints its accuracy on held-out drawings, and keeps its weights
"""

from __future__ import annotations

import argparse
import itertools
import logging
import random
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from nodes.builtin.optimizer import rate_share
from nodes.builtin.render import draw
from nodes.builtin.world import BACKGROUNDS, COLOURS, KINDS, LIGHTS, POSITIONS, SHAPES, SIZES, Picture, sample_picture

logger = logging.getLogger(__name__)

NOTHING: Final = -100
"""Target of a question that does not apply to a picture; ``cross_entropy`` skips it."""

QUESTIONS: Final[dict[str, tuple[str, ...]]] = {
    "kind": KINDS,
    "background": (*BACKGROUNDS, *LIGHTS),
    "colour": tuple(COLOURS),
    "shape": SHAPES,
    "size": tuple(SIZES),
    "position": tuple(POSITIONS),
    "axis": ("beside", "stacked"),
    "first_shape": SHAPES,
    "first_colour": tuple(COLOURS),
    "second_shape": SHAPES,
    "second_colour": tuple(COLOURS),
}
"""In a pair the first object is the left or upper one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckerRecipe:
    pictures: int = 12_000
    steps: int = 1600
    batch: int = 32
    lr: float = 2e-3
    seed: int = 3


class Checker(nn.Module):
    """One answer a question, from a 64 x 64 copy of the picture."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 24, 48, 96, 96)
        layers: list[nn.Module] = []
        for width_in, width_out in itertools.pairwise(widths):
            layers += [nn.Conv2d(width_in, width_out, 3, padding=1), nn.BatchNorm2d(width_out), nn.ReLU()]
            layers += [nn.MaxPool2d(2)] if width_out != 24 else [nn.AvgPool2d(2)]
        self.features = nn.Sequential(*layers, nn.Flatten(), nn.Linear(96 * 16, 256), nn.ReLU())
        self.heads = nn.ModuleDict({name: nn.Linear(256, len(answers)) for name, answers in QUESTIONS.items()})

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """Scores a question, from ``[batch, 3, 128, 128]`` in 0..1."""
        features = self.features(functional.avg_pool2d(pictures, 2) * 4 - 2)
        return {name: head(features) for name, head in self.heads.items()}

    @torch.no_grad()
    def answers(self, pictures: Tensor) -> list[dict[str, str]]:
        """The likeliest answer to every question, a dictionary a picture."""
        self.eval()
        found = [self(part) for part in torch.split(pictures, 64)]
        result: list[dict[str, str]] = [{} for _ in range(len(pictures))]
        for name, options in QUESTIONS.items():
            best = torch.cat([scores[name] for scores in found]).argmax(1).tolist()
            for answers, index in zip(result, best, strict=True):
                answers[name] = options[index]
        return result


def truth(picture: Picture) -> dict[str, str]:
    """The right answers; questions that do not apply are missing."""
    facts = {"kind": picture.kind, "background": picture.background}
    if picture.kind == "shape":
        facts |= {"shape": picture.shape, "size": picture.size, "position": picture.position}
    if picture.kind != "pair":
        return facts | {"colour": picture.colour}
    ends = [(picture.shape, picture.colour), (picture.other_shape, picture.other_colour)]
    first, second = ends if picture.relation in ("left", "above") else ends[::-1]
    return facts | {
        "axis": "beside" if picture.relation in ("left", "right") else "stacked",
        "first_shape": first[0],
        "first_colour": first[1],
        "second_shape": second[0],
        "second_colour": second[1],
    }


def targets(pictures: list[Picture]) -> dict[str, Tensor]:
    facts = [truth(picture) for picture in pictures]
    return {
        name: torch.tensor([answers.index(fact[name]) if name in fact else NOTHING for fact in facts])
        for name, answers in QUESTIONS.items()
    }


def weathered(pictures: Tensor, chance: torch.Generator) -> Tensor:
    """Blur a third of the pictures and add a little noise and tint, so that the judge reads imperfect pictures too."""
    count = len(pictures)
    soft = functional.interpolate(functional.avg_pool2d(pictures, 4), scale_factor=4.0, mode="bilinear")
    blurred = (torch.rand(count, 1, 1, 1, generator=chance) < 0.33).float()
    strength = blurred * torch.rand(count, 1, 1, 1, generator=chance)
    noise = torch.randn(pictures.shape, generator=chance) * 0.06 * torch.rand(count, 1, 1, 1, generator=chance)
    tint = (torch.rand(count, 3, 1, 1, generator=chance) - 0.5) * 0.06
    return (torch.lerp(pictures, soft, strength) + noise + tint).clamp(0, 1)


def train_checker(recipe: CheckerRecipe) -> Checker:
    torch.manual_seed(recipe.seed)
    source = random.Random(recipe.seed)
    pictures = [sample_picture(source) for _ in range(recipe.pictures)]
    pixels = torch.cat([(draw(pictures[i : i + 250]) * 255).to(torch.uint8) for i in range(0, len(pictures), 250)])
    wanted = targets(pictures)
    checker = Checker()
    optimizer = torch.optim.AdamW(checker.parameters(), lr=recipe.lr, weight_decay=0.02)
    chance = torch.Generator().manual_seed(recipe.seed)
    checker.train()
    for step in range(recipe.steps):
        rows = torch.randint(len(pixels), (recipe.batch,), generator=chance)
        scores = checker(weathered(pixels[rows].float() / 255, chance))
        losses = [functional.cross_entropy(scores[name], wanted[name][rows]) for name in QUESTIONS]
        loss = torch.stack([part for part in losses if not part.isnan()]).sum()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        for group in optimizer.param_groups:
            group["lr"] = recipe.lr * rate_share(step, recipe.steps, constant=0.2)
        optimizer.step()
        optimizer.zero_grad()
        if (step + 1) % 200 == 0:
            logger.info("checker step %d of %d, loss %.3f", step + 1, recipe.steps, loss.item())
    return checker.eval()


def load_or_train(file: Path, recipe: CheckerRecipe) -> Checker:
    """The checker from ``file``; where there is none, trained from its recipe and kept there."""
    checker = Checker()
    if file.exists():
        checker.load_state_dict(torch.load(file, weights_only=True))
        return checker.eval()
    checker = train_checker(recipe)
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save(checker.state_dict(), file)
    return checker


def accuracy(checker: Checker, pictures: list[Picture], pixels: Tensor) -> dict[str, float]:
    """Share of right answers, a question, and under ``all`` the share of pictures with every answer right."""
    right: dict[str, list[bool]] = {name: [] for name in (*QUESTIONS, "all")}
    for picture, answers in zip(pictures, checker.answers(pixels), strict=True):
        facts = truth(picture)
        for name, fact in facts.items():
            right[name].append(answers[name] == fact)
        right["all"].append(all(answers[name] == fact for name, fact in facts.items()))
    return {name: sum(values) / len(values) for name, values in right.items() if values}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="where the checker's weights are, or will be")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    checker = load_or_train(options.file, CheckerRecipe())
    source = random.Random(99)
    pictures = [sample_picture(source, held_out=True) for _ in range(1000)]
    for name, share in accuracy(checker, pictures, draw(pictures)).items():
        sys.stdout.write(f"{name:15} {share:.3f}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
