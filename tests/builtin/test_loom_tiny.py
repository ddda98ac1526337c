"""The shipped model: small, whole, free of this machine's paths, and right about held-out prompts by plain pixel counts."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable

import pytest
import torch
from torch import Tensor

from nodes.builtin.captions import full_caption
from nodes.builtin.evaluate import generate
from nodes.builtin.export import MOST_BYTES, SHIPPED_FOLDER, load_model
from nodes.builtin.parts import Pipeline, new_scheduler
from nodes.builtin.tokens import build_tokenizer
from nodes.builtin.world import BACKGROUNDS, COLOURS, POSITIONS, Picture, Rgb, is_held_out, sample_picture


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return load_model(SHIPPED_FOLDER)


def plain_singles(count: int) -> list[Picture]:
    """Held-out single objects that are easy to read from pixels: not small, on a plain background, off the middle."""
    source = random.Random(20)
    found: list[Picture] = []
    while len(found) < count:
        picture = sample_picture(source, held_out=True, kind="shape")
        if picture.style == "plain" and picture.size == "medium" and picture.position != "middle":
            found.append(picture)
    return found


@pytest.fixture(scope="module")
def drawn(pipeline: Pipeline) -> list[tuple[Picture, Tensor]]:
    """Held-out pictures and what the model drew for their captions."""
    pictures = plain_singles(16)
    assert all(is_held_out(picture) for picture in pictures)
    images = generate(pipeline, [full_caption(picture) for picture in pictures], first_seed=300)
    return list(zip(pictures, images, strict=True))


def nearest(colour: Tensor, table: dict[str, Rgb]) -> str:
    return min(table, key=lambda name: float((colour - torch.tensor(table[name])).norm()))


def background_of(image: Tensor) -> Tensor:
    """The median colour along the border."""
    border = torch.cat([image[:, :6].flatten(1), image[:, -6:].flatten(1), image[..., :6].flatten(1)], dim=1)
    return border.median(dim=1).values


def object_mask(image: Tensor) -> Tensor:
    difference: Tensor = image - background_of(image).view(3, 1, 1)
    return difference.square().sum(0).sqrt() > 0.25


def share(results: Iterable[bool]) -> float:
    counted = Counter(results)
    return counted[True] / counted.total()


def test_the_folder_is_whole_and_small_enough_to_ship() -> None:
    files = {file.relative_to(SHIPPED_FOLDER).as_posix() for file in SHIPPED_FOLDER.rglob("*") if file.is_file()}
    assert {
        "README.md",
        "model_index.json",
        "scheduler/scheduler_config.json",
        "text_encoder/model.safetensors",
        "tokenizer/tokenizer.json",
        "unet/diffusion_pytorch_model.safetensors",
        "vae/diffusion_pytorch_model.safetensors",
    } <= files
    assert sum((SHIPPED_FOLDER / name).stat().st_size for name in files) <= MOST_BYTES


def test_its_files_name_no_path_of_the_machine_that_made_it() -> None:
    for file in [*SHIPPED_FOLDER.rglob("*.json"), *SHIPPED_FOLDER.rglob("*.md")]:
        text = file.read_text(encoding="utf-8")
        assert not any(mark in text for mark in ("_name_or_path", "/work/", "/home/", "/root/", "/tmp/")), file.name


def test_its_scheduler_says_how_it_was_trained() -> None:
    config = json.loads((SHIPPED_FOLDER / "scheduler" / "scheduler_config.json").read_text(encoding="utf-8"))
    trained = new_scheduler().config
    for key in ("prediction_type", "beta_start", "beta_end", "beta_schedule", "num_train_timesteps"):
        assert config[key] == trained[key]
    assert config["prediction_type"] == "v_prediction"


def test_its_size_follows_from_its_parts(pipeline: Pipeline) -> None:
    assert pipeline.unet.config.sample_size * pipeline.vae_scale_factor == 128
    assert pipeline.vae.config.scaling_factor == 0.18215
    assert pipeline.unet.dtype == torch.float32


def test_its_tokenizer_is_the_one_that_the_script_builds(pipeline: Pipeline) -> None:
    prompt = "a red circle on a blue background, unheard-of words"
    assert pipeline.tokenizer(prompt)["input_ids"] == build_tokenizer()(prompt)["input_ids"]


def test_one_seed_draws_one_picture(pipeline: Pipeline) -> None:
    first, second, other = (generate(pipeline, ["a yellow moon at night"], first_seed=seed, steps=3) for seed in (1, 1, 2))
    assert torch.equal(first, second)
    assert (first - other).abs().mean() > 0.01


def test_backgrounds_of_held_out_prompts_have_their_colour(drawn: list[tuple[Picture, Tensor]]) -> None:
    assert share(nearest(background_of(image), BACKGROUNDS) == picture.background for picture, image in drawn) >= 0.9


def test_objects_of_held_out_prompts_have_their_colour(drawn: list[tuple[Picture, Tensor]]) -> None:
    right = []
    for picture, image in drawn:
        mask = object_mask(image)
        colour = image[:, mask].median(dim=1).values if mask.any() else torch.zeros(3)
        right.append(nearest(colour, COLOURS) == picture.colour)
    assert share(right) >= 0.85


def test_objects_of_held_out_prompts_lie_where_they_should(drawn: list[tuple[Picture, Tensor]]) -> None:
    right = []
    for picture, image in drawn:
        rows, columns = object_mask(image).nonzero(as_tuple=True)
        found = [float(part.float().mean()) - 63.5 if len(part) else 0.0 for part in (columns, rows)]
        toward = POSITIONS[picture.position]
        right.append(all((offset > 14) - (offset < -14) == wanted for offset, wanted in zip(found, toward, strict=True)))
    assert share(right) >= 0.85


def test_a_day_is_brighter_than_a_night(pipeline: Pipeline) -> None:
    day, night = generate(pipeline, ["a red house by day", "a red house at night"], first_seed=400)
    assert day[:, :10].mean() > night[:, :10].mean() + 0.3
