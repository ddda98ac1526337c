"""Fields that are more than a line of text: colours, drawings, pictures and the masks painted over them."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from nodes.imaging.strokes import parsed
from tests.web_ui.editor.using import Editor, centre
from tests.web_ui.serving import Served


def opened(editor: Editor, title: str, nodes: dict[str, Any], **more: Any) -> None:
    places = {name: {"x": 60 + index * 340, "y": 60} for index, name in enumerate(nodes)}
    editor.open({"format": "latent-loom/1", "title": title, "nodes": nodes, "view": {"nodes": places}, **more})
    editor.until(lambda: editor.document.get("title") == title)


def picture(server: Served, size: tuple[int, int] = (60, 30), colour: str = "#336699") -> str:
    from PIL import Image

    content = io.BytesIO()
    Image.new("RGB", size, colour).save(content, "PNG")
    answer = server.call("POST", "/api/uploads", body=content.getvalue(), headers={"Content-Type": "image/png"})
    return str(answer.data["name"])


def drawing(editor: Editor) -> str:
    found: str = editor.document["nodes"]["draw"].get("values", {}).get("strokes", "")
    return found


def test_a_colour_is_picked_or_written_and_what_is_none_is_said_at_once(editor: Editor) -> None:
    opened(editor, "colour", {"solid": {"type": "loom.solid_image", "version": 1, "values": {"colour": "rebeccapurple"}}})
    text = editor.field("solid", "colour")
    picker = editor.node("solid").get_by_label("pick a colour")
    assert (text.input_value(), picker.input_value()) == ("rebeccapurple", "#663399")
    picker.fill("#12ab9f")
    editor.until(lambda: editor.document["nodes"]["solid"]["values"]["colour"] == "#12ab9f")
    assert text.input_value() == "#12ab9f"
    text.fill("reddish")
    expect(text).to_have_attribute("aria-invalid", "true")
    for sound in ("hsv(120, 50%, 50%)", "RED", "#fa0"):
        text.fill(sound)
        expect(text).not_to_have_attribute("aria-invalid", "true")
    assert picker.input_value() == "#ffaa00"


def sampler(editor: Editor) -> None:
    opened(editor, "choice", {"sample": {"type": "loom.sample", "version": 1, "values": {"schedule": "karras"}}})


def schedule(editor: Editor) -> object:
    return editor.document["nodes"]["sample"]["values"]["schedule"]


def test_a_choice_is_made_by_keys_and_can_be_left_again(editor: Editor) -> None:
    sampler(editor)
    choice = editor.field("sample", "schedule")
    assert editor.node("sample").locator("select").count() == 0  # its value and role are said without the browser's own control
    expect(choice).to_have_role("combobox")
    expect(choice).to_have_text("karras")
    editor.field("sample", "sampler").focus()
    editor.press("Tab", "Tab")  # over the socket between them
    expect(choice).to_be_focused()
    editor.press("ArrowUp")
    editor.until(lambda: schedule(editor) != "karras")
    chosen = str(schedule(editor))
    editor.press("Tab")
    expect(choice).not_to_be_focused()
    assert editor.node("sample").locator("select").count() == 0
    expect(choice).to_have_text(chosen)
    editor.press("Shift+Tab")
    expect(choice).to_be_focused()
    editor.press("ArrowDown")
    editor.until(lambda: schedule(editor) == "karras")


def test_a_choice_is_open_to_a_pointer_and_to_a_finger(window: Callable[..., Editor]) -> None:
    editor = window(has_touch=True)
    sampler(editor)
    select = editor.node("sample").locator("select")
    box = editor.field("sample", "schedule").bounding_box()
    editor.field("sample", "schedule").hover()
    expect(select).to_have_count(1)
    assert editor.field("sample", "schedule").bounding_box() == box
    editor.page.mouse.move(5, 400)
    expect(select).to_have_count(0)
    editor.field("sample", "schedule").click()
    select.select_option("exponential")
    editor.until(lambda: schedule(editor) == "exponential")
    editor.page.mouse.move(5, 400)  # or it would open the one that it rests on once the focus leaves it
    editor.field("sample", "sampler").tap()
    expect(editor.field("sample", "sampler")).to_be_focused()
    expect(select).to_have_count(1)


def test_a_drawing_is_painted_with_the_pointer_and_written_as_one_step(editor: Editor) -> None:
    opened(editor, "draw", {"draw": {"type": "loom.draw_mask", "version": 1, "values": {"width": 640, "height": 320}}})
    editor.field("draw", "strokes").click()
    sheet = editor.page.get_by_label("Picture: drag to paint", exact=False)
    box = sheet.bounding_box()
    assert box
    assert abs(box["width"] / box["height"] - 2) < 0.02
    x, y = box["x"], box["y"]
    editor.drag((x + box["width"] * 0.25, y + box["height"] * 0.5), (x + box["width"] * 0.75, y + box["height"] * 0.5))
    editor.page.get_by_role("button", name="Erase").click()
    editor.drag((x + box["width"] * 0.5, y + 20), (x + box["width"] * 0.5, y + box["height"] - 20))
    editor.page.mouse.click(x + 30, y + 30)
    editor.press("Control+z")
    assert drawing(editor) == ""
    editor.page.get_by_role("button", name="Use this mask").click()
    editor.until(lambda: drawing(editor))
    painted, erased = parsed(drawing(editor))
    assert (painted.paints, erased.paints) == (True, False)
    assert len(painted.points) > 2
    assert abs(painted.points[0][0] - 0.25) < 0.01
    assert abs(painted.points[-1][0] - 0.75) < 0.01
    assert all(abs(point[1] - 0.5) < 0.02 for point in painted.points)
    assert editor.tab["undoable"] == 1
    editor.press("Control+z")
    editor.until(lambda: drawing(editor) == "")


def test_a_drawing_is_painted_by_keys_alone(editor: Editor) -> None:
    opened(editor, "keys", {"draw": {"type": "loom.draw_mask", "version": 1, "values": {"strokes": "+ 0.1 0.2,0.2 0.4,0.4"}}})
    editor.field("draw", "strokes").focus()
    editor.press("Enter")
    sheet = editor.page.get_by_label("Picture: drag to paint", exact=False)
    sheet.focus()
    editor.press("ArrowRight", "Space", "e", "Shift+ArrowDown", "ArrowUp", "Space", "Control+z")
    editor.page.get_by_role("slider", name="Size of the brush").focus()
    editor.press("Home")
    sheet.focus()
    editor.press("Space")
    editor.page.get_by_role("button", name="Use this mask").press("Enter")
    editor.until(lambda: drawing(editor).count("\n") == 3)
    assert drawing(editor) == "+ 0.1 0.2,0.2 0.4,0.4\n+ 0.05 0.52,0.5\n- 0.05 0.52,0.5 0.52,0.52\n- 0.002 0.52,0.5"


def test_the_picture_is_zoomed_and_moved_while_strokes_stay_where_they_are_in_it(editor: Editor) -> None:
    opened(editor, "near", {"draw": {"type": "loom.draw_mask", "version": 1, "values": {"width": 640, "height": 320}}})
    editor.field("draw", "strokes").click()
    sheet = editor.page.get_by_label("Picture: drag to paint", exact=False)
    expect(sheet).to_be_focused()

    def box() -> Any:
        found = sheet.bounding_box()
        assert found
        return found

    def in_picture(x: float, y: float) -> tuple[float, float]:
        now = box()
        return (x - now["x"]) / now["width"], (y - now["y"]) / now["height"]

    first = box()
    x, y = first["x"] + first["width"] * 0.3, first["y"] + first["height"] * 0.6
    editor.page.mouse.move(x, y)
    editor.page.mouse.wheel(0, -400)
    editor.until(lambda: box()["width"] > 2 * first["width"])
    editor.until(lambda: in_picture(x, y) == pytest.approx((0.3, 0.6), abs=0.005))
    editor.page.mouse.click(x, y)
    near = box()
    editor.page.keyboard.down("Space")
    editor.drag((x, y), (x - 60, y + 30))
    editor.page.keyboard.up("Space")
    editor.until(lambda: (box()["x"], box()["y"]) == pytest.approx((near["x"] - 60, near["y"] + 30), abs=1))
    editor.drag((x, y), (x + 40, y), button="middle")
    editor.until(lambda: box()["x"] == pytest.approx(near["x"] - 20, abs=1))
    second = in_picture(x + 50, y)
    editor.page.mouse.click(x + 50, y)
    editor.press("0")
    editor.until(lambda: box() == pytest.approx(first, abs=1))
    editor.press("1")
    editor.until(lambda: box()["width"] == pytest.approx(640, abs=1))
    expect(editor.page.get_by_role("button", name="Actual size")).to_have_text("100 %")
    editor.press("+", "+", "-")
    editor.until(lambda: box()["width"] == pytest.approx(800, abs=1))
    editor.page.get_by_role("button", name="Whole picture").click()
    assert box() == pytest.approx(first, abs=1)
    editor.page.get_by_role("button", name="Use this mask").click()
    editor.until(lambda: drawing(editor))
    strokes = parsed(drawing(editor))
    assert [stroke.points[0] for stroke in strokes] == [pytest.approx((0.3, 0.6), abs=0.005), pytest.approx(second, abs=0.005)]


def test_two_fingers_zoom_and_move_the_picture_and_paint_nothing(window: Callable[..., Editor]) -> None:
    editor = window(has_touch=True)
    editor.page.locator(".node").first.wait_for()
    opened(editor, "fingers", {"draw": {"type": "loom.draw_mask", "version": 1}})
    editor.field("draw", "strokes").click()
    sheet = editor.page.get_by_label("Picture: drag to paint", exact=False)
    expect(sheet).to_be_focused()
    before = sheet.bounding_box()
    x, y = centre(sheet)
    touch = editor.page.context.new_cdp_session(editor.page)

    def fingers(kind: str, *at: tuple[float, float]) -> None:
        points = [{"x": x + dx, "y": y + dy, "id": index} for index, (dx, dy) in enumerate(at)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", (-40, 0))
    fingers("touchMove", (-41, 0))
    fingers("touchStart", (-41, 0), (40, 0))
    for step in range(1, 9):
        fingers("touchMove", (-40 - step * 10, step * 5), (40 + step * 10, step * 5))
    fingers("touchEnd")
    assert before

    def wider() -> float:
        now = sheet.bounding_box()
        assert now
        return float(now["width"] / before["width"])

    editor.until(lambda: wider() == pytest.approx(240 / 81, rel=0.03))
    assert centre(sheet)[1] > y + 25, "it went along with the fingers, as far as it covers the table"
    undo = editor.page.get_by_role("dialog").get_by_role("button", name="Undo")
    expect(undo).to_be_disabled()
    fingers("touchStart", (10, 10))
    fingers("touchEnd")
    expect(undo).to_be_enabled()


def test_what_was_painted_is_not_thrown_away_without_asking(editor: Editor) -> None:
    opened(editor, "ask", {"draw": {"type": "loom.draw_mask", "version": 1}})
    editor.field("draw", "strokes").click()
    dialog = editor.page.get_by_role("dialog")
    dialog.get_by_label("Picture: drag to paint", exact=False).press("Space")
    asked: list[str] = []
    editor.page.once("dialog", lambda question: (asked.append(question.message), question.dismiss()))
    editor.press("Escape")
    expect(dialog).to_be_visible()
    assert len(asked) == 1
    editor.page.once("dialog", lambda question: question.accept())
    editor.press("Escape")
    expect(dialog).to_have_count(0)
    assert drawing(editor) == ""


def test_the_linked_picture_lies_behind_the_drawing_and_a_finger_paints(
    window: Callable[..., Editor], editor_server: Served
) -> None:
    name = picture(editor_server, (120, 40))
    editor = window(has_touch=True)
    editor.page.locator(".node").first.wait_for()
    nodes = {
        "load": {"type": "loom.load_image", "version": 1, "values": {"name": name}},
        "draw": {"type": "loom.draw_mask", "version": 1, "links": {"image": "load.image"}},
    }
    opened(editor, "linked", nodes)
    editor.field("draw", "strokes").click()
    sheet = editor.page.get_by_label("Picture: drag to paint", exact=False)
    expect(sheet.locator("img")).to_have_attribute("src", re.compile(re.escape(f"/api/inputs/{name}") + "$"))
    box = sheet.bounding_box()
    assert box
    assert abs(box["width"] / box["height"] - 3) < 0.05
    touch = editor.page.context.new_cdp_session(editor.page)
    x, y = centre(sheet)
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 6):
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x + 30 * step, "y": y}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    editor.page.get_by_role("button", name="Use this mask").click()
    editor.until(lambda: drawing(editor))
    (stroke,) = parsed(drawing(editor))
    assert abs(stroke.points[0][0] - 0.5) < 0.01
    assert abs(stroke.points[-1][0] - 0.5 - 150 / box["width"]) < 0.02


def test_a_mask_painted_over_a_picture_becomes_a_file_in_the_node_that_loads_masks(editor: Editor, editor_server: Served) -> None:
    from PIL import Image

    name = picture(editor_server)
    opened(editor, "over", {"load": {"type": "loom.load_image", "version": 1, "values": {"name": name}}})
    editor.node("load").get_by_role("button", name="Paint a mask").click()
    sheet = editor.page.get_by_label("Picture: drag to paint", exact=False)
    expect(sheet.locator("img")).to_be_visible()
    sheet.press("Space")
    editor.page.get_by_role("button", name="Use this mask").click()
    editor.until(lambda: "load_mask" in editor.document["nodes"])
    assert editor.tab["undoable"] == 1

    def mask() -> Any:
        file = editor.document["nodes"]["load_mask"]["values"]["name"]
        return Image.open(io.BytesIO(editor_server.call("GET", f"/api/inputs/{file}").body)).convert("L")

    first = mask()
    assert first.size == (60, 30)
    assert (first.getpixel((30, 15)), first.getpixel((5, 5))) == (255, 0)
    # painted on further: what was there stays
    editor.node("load_mask").get_by_role("button", name="Paint a mask").click()
    expect(sheet.locator("img")).to_be_visible()
    for _ in range(20):
        sheet.press("ArrowLeft")
    sheet.press("Space")
    before = editor.document["nodes"]["load_mask"]["values"]["name"]
    editor.page.get_by_role("button", name="Use this mask").click()
    editor.until(lambda: editor.document["nodes"]["load_mask"]["values"]["name"] != before)
    second = mask()
    assert [second.getpixel(at) for at in ((30, 15), (6, 15), (50, 5))] == [255, 255, 0]
    assert editor.tab["undoable"] == 2


def test_a_painted_mask_is_read_as_it_was_painted(editor: Editor, editor_server: Served) -> None:
    """A node that took what is not red reads what is white once a mask is painted in it."""
    from PIL import Image

    name = picture(editor_server, colour="#ffffff")
    values = {"name": name, "channel": "red", "invert": True}
    opened(editor, "read", {"mask": {"type": "loom.load_mask", "version": 1, "values": values}})
    editor.node("mask").get_by_role("button", name="Paint a mask").click()
    sheet = editor.page.get_by_label("Picture: drag to paint", exact=False)
    expect(sheet.locator("img")).to_be_visible()
    sheet.press("Space")
    editor.page.get_by_role("button", name="Use this mask").click()
    editor.until(lambda: editor.document["nodes"]["mask"]["values"].keys() == {"name"})
    file = editor.document["nodes"]["mask"]["values"]["name"]
    mask = Image.open(io.BytesIO(editor_server.call("GET", f"/api/inputs/{file}").body)).convert("L")
    assert (mask.getpixel((30, 15)), mask.getpixel((2, 2))) == (255, 0)
    editor.press("Control+z")
    editor.until(lambda: editor.document["nodes"]["mask"]["values"] == values)


def test_what_a_run_made_of_the_linked_picture_lies_behind_the_drawing(editor: Editor) -> None:
    document = editor.document
    document["title"] = "behind"
    document["nodes"]["draw"] = {"type": "loom.draw_mask", "version": 1, "links": {"image": "decode.image"}}
    document["view"]["nodes"]["draw"] = {"x": 300, "y": 300}
    editor.open(document)
    editor.until(lambda: editor.document["title"] == "behind")
    editor.field("draw", "strokes").click()
    sheet = editor.page.get_by_label("Picture: drag to paint", exact=False)
    expect(editor.page.get_by_text("The picture is not known yet", exact=False)).to_be_visible()
    assert sheet.locator("img").count() == 0
    editor.press("Escape")
    editor.run()
    (result,) = editor.state("save")["pictures"]
    editor.field("draw", "strokes").click()
    expect(sheet.locator("img")).to_have_attribute("src", re.compile(f"/api/results/{result}/file$"))


def test_a_picture_further_up_or_outside_of_a_subgraph_lies_behind_the_drawing(editor: Editor, editor_server: Served) -> None:
    name = picture(editor_server, (120, 40))
    blur = {"type": "loom.blur_image", "version": 1}
    part = {
        "format": "latent-loom/1",
        "title": "Part",
        "inputs": {"image": {"to": ["soft.image"]}},
        "outputs": {"mask": {"from": "inner.mask"}, "image": {"from": "soft.image"}},
        "nodes": {"soft": blur, "inner": {"type": "loom.draw_mask", "version": 1, "links": {"image": "soft.image"}}},
        "view": {"nodes": {"soft": {"x": 60, "y": 60}, "inner": {"x": 400, "y": 60}}},
    }
    nodes = {
        "load": {"type": "loom.load_image", "version": 1, "values": {"name": name}},
        "use": {"type": "workflow:part", "version": 1, "links": {"image": "load.image"}},
        "draw": {"type": "loom.draw_mask", "version": 1, "links": {"image": "use.image"}},
    }
    opened(editor, "further", nodes, definitions={"part": part})
    editor.settled()
    behind = editor.page.get_by_label("Picture: drag to paint", exact=False).locator("img")
    source = re.compile(re.escape(f"/api/inputs/{name}") + "$")
    editor.field("draw", "strokes").click()
    expect(behind).to_have_attribute("src", source)
    editor.press("Escape")
    expect(editor.page.get_by_role("dialog")).to_have_count(0)
    editor.node("use").get_by_role("button", name="Open the subgraph").click()
    expect(editor.page.get_by_role("navigation", name="Subgraphs")).to_be_visible()
    editor.settled()
    editor.field("use/inner", "strokes").click()
    expect(behind).to_have_attribute("src", source)


def test_a_drawing_in_the_form_is_painted_too_and_runs(window: Callable[..., Editor]) -> None:
    editor = window(viewport={"width": 390, "height": 844}, has_touch=True)
    editor.page.get_by_label("Prompt", exact=True).wait_for()
    nodes = {
        "draw": {"type": "loom.draw_mask", "version": 1, "values": {"width": 64, "height": 128}},
        "show": {"type": "loom.mask_to_image", "version": 1, "links": {"mask": "draw.mask"}},
        "save": {"type": "loom.save_image", "version": 1, "links": {"image": "show.image"}},
    }
    opened(editor, "form", nodes, inputs={"drawing": {"to": ["draw.strokes"], "title": "Drawing"}})
    editor.press("Control+2")
    editor.page.get_by_role("button", name="Drawing: Paint a mask").tap()
    sheet = editor.page.get_by_label("Picture: drag to paint", exact=False)
    box = sheet.bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    sheet.tap()
    editor.page.get_by_role("button", name="Use this mask").tap()
    assert editor.page.get_by_label("Drawing", exact=True).input_value() == drawing(editor) == "+ 0.05 0.5,0.5"
    editor.run()
    assert editor.state("save")["pictures"]


def test_pictures_are_chosen_by_their_looks_and_by_search(editor: Editor, editor_server: Served) -> None:
    names = [picture(editor_server, colour=colour) for colour in ("#aa0000", "#00aa00")]
    opened(editor, "choice", {"load": {"type": "loom.load_image", "version": 1}})
    editor.field("load", "name").click()
    for name in names:
        option = editor.page.get_by_role("option", name=name)
        option.scroll_into_view_if_needed()
        editor.until(lambda option=option: option.locator("img").evaluate("one => one.naturalWidth") > 0)
    editor.page.get_by_role("combobox", name="Search").fill(names[1][:12])
    expect(editor.page.locator("#choice-list").get_by_role("option")).to_have_count(1)
    editor.press("Enter")
    editor.until(lambda: editor.document["nodes"]["load"]["values"]["name"] == names[1])


def test_models_are_chosen_by_their_looks_and_by_search(window: Callable[..., Editor], modules: Path, tmp_path: Path) -> None:
    from PIL import Image

    for name in ("landscapes/hills", "portraits/oil", "portraits/unseen"):
        (tmp_path / "models" / name).mkdir(parents=True)
        (tmp_path / "models" / name / "model_index.json").write_text("{}")
    Image.new("RGB", (90, 60), "#336699").save(tmp_path / "models" / "landscapes" / "hills" / "preview.jpg")
    (tmp_path / "models" / "portraits" / "oil.png").write_bytes(b"damaged")
    server = Served(tmp_path / "state", "--models", str(tmp_path / "models"))
    try:
        editor = window(server.url)
        opened(editor, "models", {"load": {"type": "loom.load_model", "version": 1}})
        editor.field("load", "name").click()
        options = editor.page.locator("#choice-list").get_by_role("option")
        expect(options).to_have_text(["loom-tiny", "landscapes/hills", "portraits/oil", "portraits/unseen"])
        for name, width in (("loom-tiny", 128), ("landscapes/hills", 90)):
            expect(options.filter(has_text=name).locator("img")).to_have_js_property("naturalWidth", width)
        for name in ("portraits/oil", "portraits/unseen"):
            expect(options.filter(has_text=name).locator(".look svg")).to_be_visible()
            expect(options.filter(has_text=name).locator("img")).to_have_count(0)
        editor.page.evaluate((modules / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8"))
        found = editor.page.evaluate("() => axe.run({ resultTypes: ['violations'] })")
        assert not [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found["violations"]]
        editor.page.get_by_role("combobox", name="Search").fill("hill")
        expect(options).to_have_count(1)
        editor.press("Enter")
        editor.until(lambda: editor.document["nodes"]["load"]["values"]["name"] == "landscapes/hills")
    finally:
        server.stop()


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_axe_finds_nothing_in_the_painter_and_the_fields(window: Callable[..., Editor], modules: Path, scheme: str) -> None:
    editor = window(color_scheme=scheme)
    editor.page.locator(".node").first.wait_for()
    opened(editor, "axe", {"draw": {"type": "loom.draw_mask", "version": 1}, "solid": {"type": "loom.solid_image", "version": 1}})
    script = (modules / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    editor.field("draw", "strokes").click()
    expect(editor.page.get_by_role("dialog")).to_be_visible()
    for _ in range(2):
        editor.page.evaluate(script)
        found = editor.page.evaluate("() => axe.run({ resultTypes: ['violations'] })")
        told = [f"{one['id']}: {one['help']}: {[node['html'][:200] for node in one['nodes'][:4]]}" for one in found["violations"]]
        assert not told, "\n".join(told)
        editor.press("Escape")


def test_the_painter_is_not_loaded_before_it_is_used(editor: Editor) -> None:
    def loaded() -> list[str]:
        found: list[str] = editor.page.evaluate("() => performance.getEntriesByType('resource').map((one) => one.name)")
        return [name for name in found if "MaskPainter" in name]

    assert loaded() == []
    opened(editor, "lazy", {"draw": {"type": "loom.draw_mask", "version": 1}})
    editor.field("draw", "strokes").click()
    expect(editor.page.get_by_role("dialog")).to_be_visible()
    assert len(loaded()) == 1
