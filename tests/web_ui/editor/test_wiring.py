"""A whole workflow is built from an empty canvas: once by mouse, once by keys alone. What does not fit is refused in words."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.web_ui.editor.using import Editor, centre

LINKS = {
    "encode_text.text_encoder": "load_model.text_encoder",
    "encode_text_2.text_encoder": "load_model.text_encoder",
    "empty_latent.model": "load_model.model",
    "sample.model": "load_model.model",
    "sample.positive": "encode_text.conditioning",
    "sample.negative": "encode_text_2.conditioning",
    "sample.latent": "empty_latent.latent",
    "sample.noise": "noise.noise",
    "decode_latent.latent": "sample.latent",
    "decode_latent.vae": "load_model.vae",
    "save_image.image": "decode_latent.image",
}


def test_text_to_image_is_built_by_mouse_and_makes_a_picture(editor: Editor) -> None:
    editor.new()
    places = {
        "load model": (60, 120),
        "encode text": (380, 90),
        "encode text ": (380, 300),
        "empty latent": (380, 500),
        "noise": (60, 500),
        "sample": (720, 120),
        "vae decode": (1040, 120),
    }
    for query, at in places.items():
        editor.add(query.strip(), at)
    for target, source in LINKS.items():
        if not target.startswith("save"):
            editor.wired(source, target)
    # the last node comes from a link that is let go on the empty canvas
    editor.drag(centre(editor.socket("source", "decode_latent.image")), (1060, 420))
    palette = editor.page.get_by_role("dialog")
    expect(palette.get_by_role("option").first).to_be_visible()
    assert palette.get_by_role("option").filter(has_text="Noise").count() == 0
    palette.get_by_role("combobox").fill("save")
    palette.get_by_role("combobox").press("Enter")
    editor.until(lambda: editor.links() == LINKS)
    editor.run()
    assert editor.state("save_image")["pictures"]


def test_text_to_image_is_built_by_keys_alone_and_makes_a_picture(editor: Editor) -> None:
    editor.press("Alt+n")
    editor.until(lambda: not editor.document.get("nodes"))
    for query in ("load model", "encode text", "encode text", "empty latent", "noise", "sample", "vae decode", "save image"):
        editor.add(query)
    editor.press("l")  # laid out, so that all are on screen
    editor.press("Shift+F")
    editor.page.wait_for_timeout(300)
    for target, source in LINKS.items():
        for side, address in (("source", source), ("target", target)):
            editor.socket(side, address).focus()
            editor.press("Enter")
        editor.until(lambda target=target, source=source: editor.links().get(target) == source, f"{source} -> {target}")
    assert editor.links() == LINKS
    text = editor.field("encode_text", "text")
    text.focus()
    editor.page.keyboard.type("a blue boat")
    editor.run()
    assert editor.state("save_image")["pictures"]
    assert editor.document["nodes"]["encode_text"]["values"]["text"] == "a blue boat"


def test_in_the_list_every_link_is_a_choice_of_what_fits(editor: Editor) -> None:
    editor.press("Control+3")
    choice = editor.page.get_by_label("Positive of sample comes from")
    options = choice.locator("option").all_inner_texts()
    assert any("negative.conditioning" in option for option in options)
    assert not any("noise.noise" in option or "decode.image" in option for option in options)
    choice.select_option("negative.conditioning")
    editor.until(lambda: editor.links()["sample.positive"] == "negative.conditioning")
    choice.select_option("")
    editor.until(lambda: "sample.positive" not in editor.links())
    editor.page.get_by_role("button", name="Add a node").click()
    editor.page.get_by_role("combobox", name="Search nodes").fill("contact")
    editor.press("Enter")
    editor.until(lambda: "contact_sheet" in editor.document["nodes"])
    editor.page.get_by_label("Images of contact_sheet comes from").select_option("decode.image")
    editor.until(lambda: editor.links()["contact_sheet.images"] == ["decode.image"])


def test_a_link_of_another_type_is_refused_with_the_reason(editor: Editor) -> None:
    before = editor.document
    editor.wire("noise.noise", "sample.positive")
    expect(editor.page.get_by_role("status").get_by_text("noise.noise gives Noise, but Conditioning")).to_be_visible()
    assert editor.document == before


def test_while_a_link_is_drawn_what_cannot_take_it_fades(editor: Editor) -> None:
    mouse = editor.page.mouse
    mouse.move(*centre(editor.socket("source", "positive.conditioning")))
    mouse.down()
    mouse.move(640, 640, steps=4)
    wanted = {"sample.positive": "fits", "sample.negative": "fits", "sample.noise": "refused", "save.image": "refused"}
    for address, verdict in wanted.items():
        expect(editor.socket("target", address)).to_have_attribute("data-verdict", verdict)
    reason = editor.page.get_by_role("tooltip")
    expect(reason).to_have_count(0)
    mouse.move(*centre(editor.socket("target", "sample.noise")), steps=4)
    expect(reason).to_have_text(re.compile(r"positive\.conditioning gives Conditioning\[.*\], but Noise is needed here\."))
    mouse.move(*centre(editor.socket("target", "sample.negative")), steps=4)
    expect(reason).to_have_count(0)
    mouse.move(640, 640, steps=4)
    mouse.up()
    editor.press("Escape")
    expect(editor.socket("target", "sample.noise")).to_have_attribute("data-verdict", "none")


def test_a_link_dropped_on_a_node_takes_its_first_fitting_socket(editor: Editor) -> None:
    editor.socket("target", "save.image").focus()
    editor.press("Delete")
    editor.until(lambda: "save.image" not in editor.links())
    box = editor.node("save").bounding_box()
    assert box
    editor.drag(centre(editor.socket("source", "decode.image")), (box["x"] + 110, box["y"] + 15))
    editor.until(lambda: editor.links().get("save.image") == "decode.image")


def test_a_field_takes_a_link_and_is_a_field_again_with_its_value(editor: Editor) -> None:
    editor.page.evaluate("() => 0")
    document = editor.document
    document["nodes"]["steps"] = {"type": "loom.noise", "version": 1}
    document["nodes"]["sample"]["links"]["steps"] = "steps.noise"
    editor.open(document)
    editor.until(lambda: "steps" in editor.document["nodes"])
    assert editor.field("sample", "steps").count() == 0
    editor.socket("target", "sample.steps").focus()
    editor.press("Delete")
    expect(editor.field("sample", "steps")).to_have_value("20")


def test_a_node_dropped_on_a_link_stands_in_it_and_deleted_leaves_it_whole(editor: Editor) -> None:
    name = editor.add("vae encode")
    editor.click_canvas()
    editor.node(name).locator(".node-title").click()
    editor.press("Control+Delete")
    editor.until(lambda: name not in editor.document["nodes"])
    box = editor.page.locator('.react-flow__edge[data-id="decode.image>save.image"] path').first.bounding_box()
    assert box
    editor.page.mouse.dblclick(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    editor.page.get_by_role("dialog").get_by_role("combobox").fill("contact")
    editor.page.get_by_role("dialog").get_by_role("combobox").press("Enter")
    editor.until(lambda: editor.links()["save.image"] == "contact_sheet.image")
    assert editor.links()["contact_sheet.images"] in ("decode.image", ["decode.image"])
    editor.press("Control+z")
    editor.until(lambda: editor.links()["save.image"] == "decode.image")


def test_copies_carry_links_among_them_and_outside_ones_with_shift(editor: Editor) -> None:
    editor.node("decode").locator(".node-title").click()
    editor.page.keyboard.down("Shift")
    editor.node("save").locator(".node-title").click()
    editor.page.keyboard.up("Shift")
    editor.press("Control+c", "Control+Shift+v")
    editor.until(lambda: "save_2" in editor.document["nodes"])
    assert editor.links()["save_2.image"] == "decode_2.image"
    assert editor.links()["decode_2.latent"] == "sample.latent"


def test_a_subgraph_is_made_entered_changed_and_dissolved(editor: Editor) -> None:
    before = editor.links()
    editor.node("positive").locator(".node-title").click()
    editor.page.keyboard.down("Shift")
    editor.node("negative").locator(".node-title").click()
    editor.page.keyboard.up("Shift")
    editor.press("Control+Shift+g")
    editor.until(lambda: "Subgraph" in editor.document["nodes"])
    assert editor.document["inputs"]["prompt"]["to"] == ["Subgraph.prompt"]
    editor.run()
    assert editor.state("save")["pictures"]
    editor.node("Subgraph").get_by_role("button", name="Open the subgraph").click()
    expect(editor.node("positive")).to_be_visible()
    editor.page.locator('[id="field-Subgraph/positive-text"]').fill("a red hill")
    editor.until(lambda: editor.document["definitions"]["Subgraph"]["nodes"]["positive"]["values"]["text"] == "a red hill")
    editor.page.get_by_role("navigation", name="Subgraphs").get_by_role("button", name="Workflow").click()
    editor.node("Subgraph").locator(".node-title").click()
    editor.press("Control+Alt+g")
    editor.until(lambda: editor.links() == before)
    assert "definitions" not in editor.document


def test_frames_notes_modes_and_tidying_are_gestures_of_their_own(editor: Editor) -> None:
    editor.click_canvas()
    editor.press("Control+a", "Control+g")
    editor.until(lambda: len(editor.document["view"]["frames"]) == 1)
    editor.click_canvas()
    editor.press("n")
    editor.page.get_by_label("Note", exact=True).fill("**bold** and <img src=x onerror=alert(1)>")
    editor.click_canvas()
    expect(editor.page.locator(".note strong")).to_have_text("bold")
    assert editor.page.locator(".note img").count() == 0
    editor.node("negative").locator(".node-title").click()
    editor.press("m")
    editor.until(lambda: editor.document["nodes"]["negative"].get("mode") == "muted")
    editor.press("m")
    editor.until(lambda: "mode" not in editor.document["nodes"]["negative"])
    before = editor.document["view"]["nodes"]
    editor.click_canvas()
    editor.press("l")
    editor.until(lambda: editor.document["view"]["nodes"] != before)


def test_links_end_at_the_rims_of_their_sockets(editor: Editor) -> None:
    editor.press("1")
    editor.settled()
    ends = editor.page.evaluate(LINK_ENDS)
    assert len(ends) == len(editor.links())
    assert [end for end in ends if max(end["from"], end["to"]) > 0.6] == []  # pixels beside the rim


LINK_ENDS = """() => [...document.querySelectorAll(".react-flow__edge")].map((edge) => {
  const [source, target] = edge.dataset.id.split(">");
  const path = edge.querySelector(".react-flow__edge-path");
  const away = (length, socket, side) => {
    const at = path.getPointAtLength(length).matrixTransform(path.getScreenCTM());
    const box = document.querySelector(`[data-socket="${socket}"]`).getBoundingClientRect();
    return Math.hypot(box[side] - at.x, box.y + box.height / 2 - at.y);
  };
  return { id: edge.dataset.id, from: away(0, `source:${source}`, "right"), to: away(path.getTotalLength(), `target:${target}`, "left") };
})"""
