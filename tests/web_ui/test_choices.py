"""What a field offers, and the small pictures that show it: of files that belong to what is offered, and of nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from graph_engine.workflow.embed import embed
from tests.graph_engine.toys import workflow
from tests.web_ui.serving import Served
from tests.web_ui.store.pictures import picture, shown
from tests.web_ui.store.test_described import sampling
from web_ui.store.results import ResultIndex

MODELS = "/api/nodes/loom.load_model/choices/name"


def thumbnail(name: str) -> str:
    return f"{MODELS}/thumbnail?name={quote(name, safe='')}"


def model(folder: Path, name: str) -> Path:
    """A folder that is listed as a model; nothing else of it is read here."""
    path = folder / name
    path.mkdir(parents=True)
    (path / "model_index.json").write_text("{}")
    return path


@pytest.fixture
def models(tmp_path: Path) -> Path:
    (model(tmp_path / "models", "family/painted") / "preview.png").write_bytes(picture(size=(900, 600), colour="blue"))
    (model(tmp_path / "models", "damaged") / "preview.png").write_bytes(b"\x89PNG and no more")
    model(tmp_path / "models", "plain")
    (tmp_path / "models" / "family" / "preview.png").write_bytes(picture())
    return tmp_path / "models"


def test_a_model_is_shown_by_the_picture_that_lies_with_it_made_small(serve: Callable[..., Served], models: Path) -> None:
    server = serve("--models", str(models))
    found = server.get(MODELS)
    assert found == {
        "choices": ["loom-tiny", "damaged", "family/painted", "plain"],
        "pictures": ["loom-tiny", "damaged", "family/painted"],
    }
    answer = server.call("GET", thumbnail("family/painted"))
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/webp")
    assert shown(answer.body).size == (320, 213)
    assert shown(server.call("GET", thumbnail("loom-tiny")).body).size == (128, 128)
    (models / "family" / "painted" / "preview.png").write_bytes(picture(size=(60, 60)))
    assert shown(server.call("GET", thumbnail("family/painted")).body).size == (60, 60)


def test_what_is_not_offered_or_no_picture_is_not_shown(serve: Callable[..., Served], models: Path) -> None:
    server = serve("--models", str(models))
    for name in ("plain", "family", "none", "../models/plain", "family/painted/../painted", "/etc/passwd", ""):
        assert server.call("GET", thumbnail(name)).status == 404, name
    assert server.call("GET", thumbnail("damaged")).status == 422
    assert server.call("GET", f"{MODELS}/thumbnail").status == 422
    assert server.call("GET", "/api/nodes/loom.load_image/choices/name/thumbnail?name=x").status == 404
    assert server.call("GET", "/api/nodes/loom.sample/choices/steps/thumbnail?name=x").status == 404


def test_a_model_without_a_picture_is_shown_by_what_it_drew_last(
    serve: Callable[..., Served], models: Path, tmp_path: Path
) -> None:
    outputs = tmp_path / "state" / "outputs"
    outputs.mkdir(parents=True)
    made = embed(picture(size=(33, 44)), workflow(sampling(model="plain")), json.dumps({"node": "save"}))
    (outputs / "drawn.png").write_bytes(made)
    index = ResultIndex(outputs, tmp_path / "state" / "results.sqlite")
    index.rescan()
    index.close()
    server = serve("--models", str(models))
    (result,) = server.get("/api/results")["results"]
    assert result["model"] == "plain"
    assert "plain" in server.get(MODELS)["pictures"]
    assert shown(server.call("GET", thumbnail("plain")).body).size == (33, 44)
    server.call("DELETE", f"/api/results/{result['id']}", {})
    assert server.call("GET", thumbnail("plain")).status == 404
