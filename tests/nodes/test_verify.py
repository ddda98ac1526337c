"""``loom verify``: what it says of pictures that are as they were made, of changed ones, and of another environment."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from PIL import Image

from graph_engine import Engine, Folders, Request
from graph_engine.cli import outcome
from graph_engine.workflow import parse
from graph_engine.workflow.embed import embed, extract
from tests.nodes.tiny import Models, make_sd1


class Said(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def facts(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return found


Verify = Callable[..., Said]


@pytest.fixture
def verify(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Verify:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("graph_engine.cli.output.prepare", lambda: None)  # pytest's streams stay as they are

    def call(picture: Path | str, *arguments: str) -> Said:
        capfd.readouterr()
        code = outcome(["verify", str(picture), *arguments])
        return Said(code, *capfd.readouterr())

    return call


def text_to_image(model: str) -> dict[str, Any]:
    links = {"model": "model.model", "positive": "text.conditioning", "negative": "text.conditioning"}
    return {
        "format": "latent-loom/1",
        "inputs": {"seed": {"to": ["noise.seed"]}},
        "nodes": {
            "model": {"type": "loom.load_model", "values": {"name": model}},
            "text": {"type": "loom.encode_text", "values": {"text": "a cat"}, "links": {"text_encoder": "model.text_encoder"}},
            "latent": {
                "type": "loom.empty_latent",
                "values": {"width": 32, "height": 32, "batch": 2},
                "links": {"model": "model.model"},
            },
            "noise": {"type": "loom.noise"},
            "sample": {
                "type": "loom.sample",
                "values": {"steps": 2},
                "links": {**links, "latent": "latent.latent", "noise": "noise.noise"},
            },
            "decode": {"type": "loom.decode_latent", "links": {"vae": "model.vae", "latent": "sample.latent"}},
            "save": {"type": "loom.save_image", "links": {"image": "decode.image"}},
            "other": {"type": "loom.save_image", "values": {"name": "other"}, "links": {"image": "decode.image"}},
        },
    }


COPY: dict[str, Any] = {
    "format": "latent-loom/1",
    "nodes": {
        "load": {"type": "loom.load_image", "values": {"name": "photo.png"}},
        "save": {"type": "loom.save_image", "links": {"image": "load.image"}},
    },
}


def make(document: dict[str, Any], folder: Path, folders: Folders, **given: Any) -> list[Path]:
    """The files of the node ``save``, in order."""
    with Engine(folders=folders, options={"device": "cpu"}) as engine:
        result = engine.run(Request(workflow=parse(json.dumps(document)), given=given, output_folder=folder))
    result.raise_errors()
    return [path for path in result.files if extract(path).record["node"] == "save"]


@pytest.fixture(scope="module")
def pair(models: Models, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A batch of two pictures, made with a seed that is not the workflow's own."""
    return make(text_to_image("sd1"), tmp_path_factory.mktemp("pair"), Folders(models=(models.root,)), seed=5)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A picture that was made from another, which lies beside it in ``inputs``."""
    (tmp_path / "inputs").mkdir()
    picture = Image.effect_noise((8, 6), 60).convert("RGB")
    picture.save(tmp_path / "inputs" / "photo.png")
    (found,) = make(COPY, tmp_path, Folders(inputs=(tmp_path / "inputs",)))
    return found


def changed(picture: Path, *, point: tuple[int, int, int] | None = None, **record: Any) -> Path:
    """The picture with another first point, or with other entries in its record."""
    workflow, found = extract(picture)
    image = Image.open(picture)
    if point is not None:
        image.putpixel((0, 0), point)
    image.save(written := io.BytesIO(), "PNG")
    path = picture.with_name("changed.png")
    path.write_bytes(embed(written.getvalue(), workflow, json.dumps({**found, **record})))
    return path


def nearly(picture: Path, step: int) -> tuple[int, int, int]:
    red, green, blue = Image.open(picture).getpixel((0, 0))  # type: ignore[misc]
    return (red + step if red < 128 else red - step, green, blue)


def test_each_picture_of_a_batch_is_made_again(models: Models, pair: list[Path], verify: Verify) -> None:
    assert [extract(path).record["item"] for path in pair] == [0, 1]
    assert Image.open(pair[0]).tobytes() != Image.open(pair[1]).tobytes()
    for path in pair:
        said = verify(path, "--models", str(models.root))
        assert (said.code, said.out, said.err) == (0, f"{path}: identical\n  environment: nothing recorded differs\n", "")


def test_as_json_it_gives_the_facts(models: Models, pair: list[Path], verify: Verify) -> None:
    said = verify(pair[1], "--models", str(models.root), "--json")
    assert said.code == 0
    assert said.facts == {
        "event": "verified",
        "picture": str(pair[1]),
        "verdict": "identical",
        "largest": 0,
        "mean": 0,
        "share": 0,
        "scale": 255,
        "unlike": None,
        "environment": [],
        "first_difference": None,
        "changed_afterwards": False,
        "device_recorded": True,
        "compared": 1,
    }


def test_a_record_that_names_no_item_is_compared_with_the_nearest(models: Models, pair: list[Path], verify: Verify) -> None:
    said = verify(changed(pair[1], item=None), "--models", str(models.root))
    assert said.code == 0
    assert "its record does not say which of 2 files it is: compared with the nearest" in said.out


def test_another_dtype_is_named_with_the_node_where_it_began(models: Models, pair: list[Path], verify: Verify) -> None:
    said = verify(pair[0], "--models", str(models.root), "--dtype", "bfloat16", "--tolerance", "255", "--json")
    assert said.facts["verdict"] == "within tolerance"
    assert {"what": "dtype", "then": "float32", "now": "bfloat16"} in said.facts["environment"]
    assert said.facts["first_difference"] == {"node": "text", "cause": "it computes in bfloat16 and not in float32"}


def test_a_model_that_was_replaced_is_named(tmp_path: Path, verify: Verify) -> None:
    make_sd1(tmp_path / "models" / "mine", prediction="epsilon", seed=1)
    picture, _second = make(text_to_image("mine"), tmp_path / "out", Folders(models=(tmp_path / "models",)))
    make_sd1(tmp_path / "models" / "mine", prediction="epsilon", seed=9)
    said = verify(picture)
    assert said.code == 1
    assert "out/picture" not in said.out
    assert f"{picture}: differs (largest difference " in said.out
    assert "first difference: model: the model 'mine' is another one now\n" in said.out
    assert "environment: the model 'mine' (node model): " in said.out


def test_a_picture_made_from_a_file_is_made_again_from_it(copied: Path, verify: Verify) -> None:
    said = verify(copied, "--json")
    assert (said.code, said.facts["verdict"], said.facts["device_recorded"]) == (0, "identical", True)


def test_a_changed_input_file_is_named(copied: Path, verify: Verify, tmp_path: Path) -> None:
    Image.new("RGB", (8, 6), "red").save(tmp_path / "inputs" / "photo.png")
    said = verify(copied)
    assert said.code == 1
    assert "first difference: load: the picture 'photo.png' is another one now" in said.out


def test_a_missing_input_file_is_named_and_can_be_given(copied: Path, verify: Verify, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "inputs" / "photo.png").rename(tmp_path / "elsewhere" / "photo.png")
    said = verify(copied)
    assert said.code == 3
    assert "load.name" in said.err
    assert "'photo.png'" in said.err
    assert verify(copied, "--inputs", "elsewhere").code == 0


def test_a_missing_model_is_named(pair: list[Path], verify: Verify) -> None:
    said = verify(pair[0])
    assert said.code == 3
    assert "model.name: there is no model called 'sd1'" in said.err


def test_a_touched_picture_is_told_from_another_computation(copied: Path, verify: Verify) -> None:
    said = verify(changed(copied, point=nearly(copied, 100)))
    assert said.code == 1
    assert "differs (largest difference 100/255, mean 0.69/255, 0.69% of the values differ)" in said.out
    assert "every node did what it did then, so the picture itself was changed after it was made" in said.out


def test_the_tolerance_decides_what_is_the_same(copied: Path, verify: Verify) -> None:
    picture = changed(copied, point=nearly(copied, 2))
    said = verify(picture)
    assert (said.code, said.out.splitlines()[0]) == (
        0,
        f"{picture}: within tolerance (largest difference 2/255, mean 0.014/255, 0.69% of the values differ)",
    )
    assert verify(picture, "--tolerance", "1").code == 1
    assert verify(changed(copied, point=nearly(copied, 3))).code == 1


def test_another_size_is_no_matter_of_tolerance(copied: Path, verify: Verify) -> None:
    workflow, record = extract(copied)
    Image.new("RGB", (4, 4)).save(written := io.BytesIO(), "PNG")
    copied.write_bytes(embed(written.getvalue(), workflow, json.dumps(record)))
    said = verify(copied, "--tolerance", "255")
    assert (said.code, said.out.splitlines()[0]) == (
        1,
        f"{copied}: differs (it is 4 x 4 pixels, and a run gives 8 x 6 pixels)",
    )


def test_another_environment_is_told_though_the_picture_is_the_same(copied: Path, verify: Verify) -> None:
    record = extract(copied).record
    versions = {**record["versions"], "torch": "1.0"}
    said = verify(changed(copied, versions=versions, packs={"loom": "0.0.1"}))
    assert said.code == 0
    assert f"environment: torch: 1.0 then, {record['versions']['torch']} now\n" in said.out
    assert f"environment: node pack loom: 0.0.1 then, {record['packs']['loom']} now\n" in said.out


def test_results_that_came_from_a_cache_leave_the_device_unknown(models: Models, pair: list[Path], verify: Verify) -> None:
    said = verify(changed(pair[0], runtime={}), "--models", str(models.root))
    assert "device: not recorded" in said.out


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"hello", "is no PNG: only pictures that a run wrote can be verified."),
        (b"\x89PNG\r\n\x1a\n\0\0", "is damaged"),
    ],
)
def test_what_is_no_picture_of_ours_is_refused(tmp_path: Path, verify: Verify, content: bytes, sentence: str) -> None:
    (tmp_path / "x.png").write_bytes(content)
    said = verify("x.png")
    assert (said.code, said.out) == (3, "")
    assert sentence in said.err


def test_a_picture_without_a_workflow_is_refused(tmp_path: Path, verify: Verify) -> None:
    Image.new("RGB", (2, 2)).save(tmp_path / "x.png")
    assert verify("x.png").err == "x.png carries no workflow: it was made elsewhere, or its metadata was removed.\n"


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        ({"format": "latent-loom-run/9"}, "its run record is of the format 'latent-loom-run/9': update latent-loom to read it."),
        ({"node": 7}, "its run record is damaged: use the original file."),
        ({"keys": ["x"]}, "its run record is damaged"),
        ({"versions": {"torch": 2}}, "its run record is damaged"),
        ({"item": True}, "its run record is damaged"),
        ({"item": 7}, "what it says made it, save, gives no such picture."),
        ({"node": "nobody"}, "what it says made it, nobody, gives no such picture."),
    ],
    ids=str,
)
def test_a_record_that_cannot_be_followed_is_refused(copied: Path, verify: Verify, record: Any, sentence: str) -> None:
    said = verify(changed(copied, **record))
    assert (said.code, said.out) == (3, "")
    assert sentence in said.err


def test_pixels_that_cannot_be_read_are_refused(copied: Path, verify: Verify) -> None:
    data = copied.read_bytes()
    at = data.index(b"IDAT") + 4
    copied.write_bytes(data[:at] + b"\0" * 20 + data[at + 20 :])
    said = verify(copied)
    assert said.code == 3
    assert "cannot be read as a picture" in said.err


def test_of_a_foreign_record_only_device_and_dtype_are_taken_over(models: Models, pair: list[Path], verify: Verify) -> None:
    said = verify(changed(pair[0], options={"device": "cpu", "weights_budget": "nonsense"}), "--models", str(models.root))
    assert said.code == 0


def test_a_node_that_fails_is_told(models: Models, pair: list[Path], verify: Verify) -> None:
    said = verify(pair[0], "--models", str(models.root), "--dtype", "float7")
    assert (said.code, said.out) == (4, "")
    assert "'float7' is no dtype" in said.err


def test_a_file_that_is_not_there_is_wrong_usage(verify: Verify) -> None:
    assert verify("nowhere.png").code == 2


def test_the_command_is_listed_and_loads_nothing_heavy() -> None:
    code = (
        "import sys; from graph_engine.cli import outcome; outcome(['--help']);"
        "print(sorted({'torch', 'numpy', 'PIL', 'networkx'} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "Run what made a picture again, and compare." in said
    assert said.splitlines()[-1] == "[]"
