from __future__ import annotations

from pathlib import Path

from graph_engine import Context, Engine, Folders, Request
from graph_engine.workflow.document import NodeEntry, Workflow
from nodes.preview import preview_image
from nodes.save import save_image
from tests.nodes.pictures import noise


def test_the_same_pictures_come_out() -> None:
    image = noise(2)
    assert preview_image(image) is image


def test_a_run_works_out_what_is_previewed_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (file,) = save_image(noise(), context=Context())
    (tmp_path / "in" / "noise.png").write_bytes(file.data)
    nodes = {
        "load": NodeEntry(type="loom.load_image", version=2, values={"name": "noise.png"}),
        "look": NodeEntry(type="loom.preview_image", version=1, links={"image": "load.image"}),
    }
    with Engine(folders=Folders(inputs=(tmp_path / "in",))) as engine:
        result = engine.run(Request(workflow=Workflow(nodes=nodes), output_folder=tmp_path / "out"))
    result.raise_errors()
    assert set(result.ran) == {"load", "look"}
    assert result.files == []
    assert not (tmp_path / "out").exists()
