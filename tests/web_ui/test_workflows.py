"""Stored workflows over the API: no save is lost, neither to another tab nor to a restart."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.web_ui.serving import Answer, Served, adding, workflow


def save(server: Served, name: str, document: dict[str, Any], etag: str | None = None) -> Answer:
    condition = {"If-None-Match": "*"} if etag is None else {"If-Match": f'"{etag}"'}
    return server.call("PUT", f"/api/workflows/{name}", {"workflow": document}, headers=condition)


def test_a_workflow_is_saved_listed_read_and_renamed(server: Served) -> None:
    created = save(server, "first", {**adding(1), "title": "First"})
    assert created.status == 200
    etag = created.data["etag"]
    assert created.headers["ETag"] == f'"{etag}"'
    assert json.loads((server.state / "workflows" / "first.json").read_text())["title"] == "First"
    read = server.call("GET", "/api/workflows/first")
    assert read.data["workflow"]["nodes"]["add"]["values"] == {"a": 1, "b": 1}
    assert read.headers["ETag"] == f'"{etag}"'
    assert [one["title"] for one in server.get("/api/workflows?search=firs")["workflows"]] == ["First"]
    renamed = server.post("/api/workflows/first/rename", {"name": "Erste Märchen"})
    assert renamed["name"] == "Erste Märchen"
    assert server.call("GET", "/api/workflows/first").status == 404
    assert server.call("GET", "/api/workflows/Erste%20M%C3%A4rchen").status == 200


def test_of_two_tabs_the_later_save_is_told_and_loses_nothing(server: Served) -> None:
    etag = save(server, "tabs", adding(1)).data["etag"]
    mine = save(server, "tabs", adding(2), etag)
    assert mine.status == 200
    late = save(server, "tabs", adding(3), etag)
    assert late.status == 412
    assert late.data["etag"] == mine.data["etag"]
    assert "stored meanwhile" in late.data["title"]
    assert server.get("/api/workflows/tabs")["workflow"]["nodes"]["add"]["values"]["a"] == 2
    assert save(server, "tabs", adding(3), late.data["etag"]).status == 200


def test_of_many_saves_at_once_on_one_content_exactly_one_wins(server: Served) -> None:
    etag = save(server, "race", adding(0)).data["etag"]
    answers: list[Answer] = []
    threads = [
        threading.Thread(target=lambda number=number: answers.append(save(server, "race", adding(number), etag)))
        for number in range(1, 13)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status for answer in answers) == [200, *[412] * 11]
    assert len(server.get("/api/workflows/race/revisions")["revisions"]) == 2


def test_a_save_says_what_it_replaces(server: Served) -> None:
    assert save(server, "twice", adding(1)).status == 200
    assert save(server, "twice", adding(2)).status == 409
    blind = server.call("PUT", "/api/workflows/twice", {"workflow": adding(2)})
    assert blind.status == 428
    assert "If-Match" in blind.data["action"]


def test_every_save_is_a_revision_that_can_be_read_and_restored(serve: Callable[..., Served]) -> None:
    server = serve()
    etag = save(server, "w", adding(1)).data["etag"]
    for number in (2, 3):
        etag = save(server, "w", adding(number), etag).data["etag"]
    (server.state / "workflows" / "w.json").write_text(json.dumps(adding(50)))  # by hand, or by git
    revisions = server.get("/api/workflows/w/revisions")["revisions"]
    assert [one["number"] for one in revisions] == [4, 3, 2, 1]
    server.kill()
    server.start()
    old = server.get("/api/workflows/w/revisions/1")
    assert old["workflow"]["nodes"]["add"]["values"]["a"] == 1
    assert save(server, "w", old["workflow"], revisions[0]["etag"]).status == 200
    assert server.get("/api/workflows/w/revisions")["revisions"][0]["number"] == 5
    assert server.call("GET", "/api/workflows/w/revisions/99").status == 404
    assert server.call("GET", "/api/workflows/w/revisions/x").status == 404


def test_deleting_puts_it_into_the_trash_and_keeps_its_revisions(server: Served) -> None:
    etag = save(server, "gone", adding(1)).data["etag"]
    assert server.call("DELETE", "/api/workflows/gone").status == 428
    assert server.call("DELETE", "/api/workflows/gone", headers={"If-Match": '"0000000000000000"'}).status == 412
    assert server.call("DELETE", "/api/workflows/gone", headers={"If-Match": f'"{etag}"'}).status == 204
    assert server.call("GET", "/api/workflows/gone").status == 404
    assert server.get("/api/workflows/gone/revisions")["revisions"][0]["etag"] == etag


def test_a_stored_workflow_is_a_function_of_its_declared_inputs(server: Served) -> None:
    document = {
        **adding(1),
        "title": "Add",
        "inputs": {"number": {"to": ["add.a"], "title": "Number", "help": "What to add to."}},
    }
    save(server, "function", document)
    interface = server.get("/api/workflows/function/schema")
    assert interface["properties"] == {
        "number": {"type": "integer", "title": "Number", "description": "What to add to.", "default": 1}
    }
    assert interface["additionalProperties"] is False
    job = server.post("/api/workflows/function/runs?wait=60", {"inputs": {"number": 6}})["job"]
    assert (job["workflow_name"], job["outputs"][0]["value"], job["title"]) == ("function", 7, "Add")
    wrong = server.post("/api/workflows/function/runs", {"inputs": {"number": "six"}}, status=422)
    assert wrong["problems"][0]["code"] == "bad_value"
    assert server.post("/api/runs?wait=60", {"name": "function", "inputs": {"number": 8}})["job"]["outputs"][0]["value"] == 9
    both = server.post("/api/runs", {"name": "function", "workflow": adding(1)}, status=422)
    assert both["title"] == "What is to run?"


def test_changes_are_told_to_other_windows(server: Served) -> None:
    cursor = server.get("/api/events")["cursor"]
    etag = save(server, "told", adding(1)).data["etag"]
    server.call("DELETE", "/api/workflows/told", headers={"If-Match": f'"{etag}"'})
    events = server.get(f"/api/events?after={cursor}")["events"]
    assert [(event["kind"], event["data"]) for event in events] == [
        ("workflow_saved", {"name": "told", "etag": etag}),
        ("workflow_deleted", {"name": "told"}),
    ]


def test_a_foreign_file_in_the_folder_is_listed_with_its_problem_and_breaks_nothing(server: Served) -> None:
    (server.state / "workflows" / "broken.json").write_text('{"format": "latent-loom/1", "nodes": ')
    save(server, "sound", adding(1))
    names = [one["name"] for one in server.get("/api/workflows")["workflows"]]
    assert {"broken", "sound"} <= set(names)
    assert server.call("GET", "/api/workflows/broken").status == 422
    (server.state / "workflows" / "broken.json").unlink()


def test_an_unknown_node_is_kept_over_a_save(server: Served) -> None:
    document = adding(1)
    document["nodes"]["x"] = {
        "type": "other.pack",
        "version": 3,
        "values": {"strange": [1, {"a": None}]},
        "links": {"in": "add.value"},
    }
    save(server, "unknown", document)
    assert server.get("/api/workflows/unknown")["workflow"]["nodes"]["x"] == document["nodes"]["x"]


def test_the_examples_that_ship_can_be_read_and_not_written(server: Served) -> None:
    names = [one["name"] for one in server.get("/api/templates")["workflows"]]
    assert "text_to_image" in names
    found = server.get("/api/templates/text_to_image")
    assert found["workflow"]["title"] == "Text to image"
    assert server.call("PUT", "/api/templates/text_to_image", {"workflow": adding(1)}).status == 405


def test_every_example_has_a_small_picture_of_what_it_makes(server: Served) -> None:
    from PIL import Image

    names = [one["name"] for one in server.get("/api/templates")["workflows"]]
    assert names
    for name in names:
        answer = server.call("GET", f"/api/templates/{name}/picture")
        assert (answer.status, answer.headers["Content-Type"]) == (200, "image/webp"), name
        with Image.open(io.BytesIO(answer.body)) as picture:
            assert 0 < max(picture.size) <= 320, name
            assert any(low < high for low, high in picture.convert("RGB").getextrema()), name
    for name in ("none_of_them", "README"):
        assert server.call("GET", f"/api/templates/{name}/picture").status == 404


def test_a_workflow_is_opened_from_its_file_and_from_a_picture(server: Served, tmp_path: Path) -> None:
    from PIL import Image

    from graph_engine.workflow import parse
    from graph_engine.workflow.embed import embed

    opened = server.post("/api/open", adding(4))
    assert opened["workflow"]["nodes"]["add"]["values"]["a"] == 4
    Image.new("RGB", (2, 2)).save(tmp_path / "p.png")
    document = {**adding(1), "inputs": {"n": {"to": ["add.a"]}}}
    picture = embed((tmp_path / "p.png").read_bytes(), parse(json.dumps(document)), json.dumps({"inputs": {"n": 5, "evil": 1}}))
    answer = server.call("POST", "/api/open", body=picture, headers={"Content-Type": "image/png"})
    assert (answer.status, answer.data["inputs"]) == (200, {"n": 5})
    plain = server.call("POST", "/api/open", body=(tmp_path / "p.png").read_bytes(), headers={"Content-Type": "image/png"})
    assert plain.status == 422
    assert "carries no workflow" in plain.data["detail"]
    assert str(tmp_path) not in plain.data["detail"]
    assert "/tmp" not in plain.data["detail"]


def test_a_workflow_goes_out_in_a_picture_of_its_graph_and_comes_back(server: Served) -> None:
    from PIL import Image

    document = {
        **adding(4),
        "title": "Sum \u0007\u672c <b>",
        "view": {"nodes": {"add": {"x": 1e300, "y": "left"}}, "future": [1]},
    }
    document["nodes"]["x"] = {"type": "other.pack", "version": 3, "links": {"in": ["add.value", "gone.value"]}}
    answer = server.call("POST", "/api/picture", {"workflow": document})
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/png")
    with Image.open(io.BytesIO(answer.body)) as found:
        found.load()
        assert found.size == (960, 540)
        assert len(found.getcolors(2**20)) > 20
    back = server.call("POST", "/api/open", body=answer.body, headers={"Content-Type": "image/png"})
    assert back.data["workflow"]["nodes"] == document["nodes"]
    assert back.data["workflow"]["view"] == document["view"]
    empty = server.call("POST", "/api/picture", {"workflow": {"format": "latent-loom/1"}})
    assert empty.status == 200
    assert empty.body != answer.body


def test_a_workflow_goes_out_in_a_picture_that_was_made_with_its_pixels(server: Served) -> None:
    from PIL import Image

    made = workflow({"p": ("paint", {"value": 77, "side": 9})})
    (result,) = server.submit(made, wait=60)["results"]
    before = server.call("GET", f"/api/results/{result}/file").body
    now = adding(9)
    after = server.call("POST", "/api/picture", {"workflow": now, "result": result}).body
    with Image.open(io.BytesIO(before)) as one, Image.open(io.BytesIO(after)) as other:
        assert one.tobytes() == other.tobytes()
    back = server.call("POST", "/api/open", body=after, headers={"Content-Type": "image/png"}).data
    assert back["workflow"]["nodes"] == now["nodes"]
    assert back["inputs"] == {}
    (text,) = server.submit(workflow({"w": ("write", {"value": 3})}), wait=60)["results"]
    assert server.call("POST", "/api/picture", {"workflow": now, "result": text}).status == 422
    missing = server.call("POST", "/api/picture", {"workflow": now, "result": "0" * 32})
    assert missing.status == 404
    assert server.call("POST", "/api/picture", {"workflow": {"format": "latent-loom/1", "nodes": 1}}).status == 422


def test_two_workflows_are_compared_by_meaning(server: Served) -> None:
    found = server.post("/api/diff", {"before": adding(1, 2), "after": adding(1, 3)})
    assert found["changes"] == [{"place": ["nodes", "add", "values", "b"], "kind": "changed", "before": 2, "after": 3}]
    assert (found["renames"], found["layout"]) == ([], [])
