"""The workflows that ship: each makes a picture with the built-in model, and the picture knows how it was made."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy
import pytest
from PIL import Image

import graph_engine as loom
from graph_engine.workflow import canonical, read
from graph_engine.workflow.embed import extract

WORKFLOWS = Path(__file__).parent.parent / "workflows"
PICTURES = Path(__file__).parent.parent / "docs" / "workflows"
FILES = sorted(WORKFLOWS.glob("*.json"))
SIZES = {
    "custom_sigmas": (128, 128),
    "day_and_night": (128, 264),
    "guidance_sweep": (167, 688),
    "image_to_image": (128, 128),
    "inpaint": (128, 128),
    "outpaint": (128, 192),
    "prompt_blend": (128, 128),
    "prompt_list": (197, 552),
    "regional_prompts": (128, 128),
    "seed_variations": (264, 400),
    "text_to_image": (128, 128),
    "two_pass": (192, 192),
    "wildcards": (128, 128),
}
"""Height and width of what each of them makes."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOOM_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str | Path) -> list[Path]:
    """``loom run`` as a user types it; the files that it names."""
    command = [sys.executable, "-m", "graph_engine", "run", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [Path(line) for line in done.stdout.splitlines()]


def pixels(path: Path) -> numpy.ndarray:
    return numpy.asarray(Image.open(path))


def test_there_are_these_workflows() -> None:
    assert {path.stem for path in FILES} == set(SIZES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_workflow_says_what_it_does_and_what_it_asks_for(path: Path) -> None:
    workflow = read(path)
    assert workflow.title
    assert workflow.description.endswith(".")
    assert set(workflow.outputs) == {"image"}
    assert [name for name, port in workflow.inputs.items() if not port.title] == []
    assert workflow.view["inputs"] == [name for name in workflow.view["inputs"] if name in workflow.inputs]
    assert set(workflow.view["nodes"]) == set(workflow.nodes)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_workflow_is_pictured_in_the_docs_by_its_present_self(path: Path) -> None:
    picture = PICTURES / f"{path.stem}.png"
    embedded = extract(picture)
    assert canonical(embedded.workflow) == path.read_text(encoding="utf-8"), "run: scripts/draw-workflows"
    page = (PICTURES / "README.md").read_text(encoding="utf-8")
    workflow = read(path)
    assert f"## {workflow.title}\n\n{workflow.description}\n\n" in page, "run: scripts/draw-workflows"
    assert f"]({path.stem}.png)" in page
    assert picture.stat().st_size < 150_000


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_workflow_is_written_in_its_canonical_form(path: Path) -> None:
    assert canonical(read(path)) == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_workflow_makes_a_picture_that_remembers_it(path: Path, folder: Path) -> None:
    made = loom.load(path)(output_folder=folder / "output", seed=1, steps=6)
    (picture,) = made.files
    assert pixels(picture).shape == (*SIZES[path.stem], 3)
    assert pixels(picture).std() > 10, "the picture is almost one colour"
    embedded = extract(picture)
    assert canonical(embedded.workflow) == path.read_text(encoding="utf-8")
    assert (embedded.record["inputs"]["seed"], embedded.record["inputs"]["steps"]) == (1, 6)
    assert str(folder) not in picture.read_bytes().decode("latin-1")


def test_a_picture_runs_again_to_the_same_picture(folder: Path) -> None:
    (first,) = run(WORKFLOWS / "text_to_image.json", "--prompt", "a red circle", "--seed", "5", "--steps", "4")
    (second,) = run(first, "--no-cache")
    assert first != second
    assert numpy.array_equal(pixels(first), pixels(second))


def test_a_picture_of_the_users_own_can_be_redrawn(folder: Path) -> None:
    Image.new("RGB", (130, 70), "orange").save("mine.png")
    (picture,) = run(WORKFLOWS / "image_to_image.json", "--image", "mine.png", "--steps", "2")
    assert pixels(picture).shape[2] == 3
    assert extract(picture).record["inputs"]["image"] == "mine.png"


def test_picture_i_of_a_batch_is_the_picture_of_its_own_seed(folder: Path) -> None:
    draw = loom.load(WORKFLOWS / "text_to_image.json")
    batch = draw(prompt="a tree", seed=7, steps=3, batch=3).image.pixels
    alone = draw(prompt="a tree", seed=9, steps=3, batch=1).image.pixels
    assert (batch[2] == alone[0]).all()


def test_changing_the_seed_reruns_only_the_noise_the_sampler_and_what_lies_below(folder: Path) -> None:
    engine = loom.Engine(folders=loom.Folders())
    workflow = read(WORKFLOWS / "text_to_image.json")
    with engine:
        engine.run(loom.Request(workflow=workflow, given={"steps": 2})).raise_errors()
        again = engine.run(loom.Request(workflow=workflow, given={"steps": 2, "seed": 2}))
    assert set(again.ran) == {"noise", "sample", "decode", "save"}
    assert again.reasons["noise"] == "seed 1 -> 2"
