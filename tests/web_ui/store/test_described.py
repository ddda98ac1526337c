"""What is said of a picture is read from its workflow, and stays empty where it cannot be told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from graph_engine.workflow import Workflow, parse, read
from tests.graph_engine.toys import entry, workflow
from web_ui.store.described import Described, describe

SHIPPED = Path(__file__).parents[3] / "workflows"


def sampling(prefix: str = "", *, text: str = "a hill", seed: Any = 7, model: str = "m", **links: str) -> dict[str, Any]:
    def at(name: str, output: str) -> str:
        return f"{prefix}{name}.{output}"

    return {
        f"{prefix}model": entry("loom.load_model", name=model),
        f"{prefix}positive": entry("loom.encode_text", {"text_encoder": at("model", "text_encoder")}, text=text),
        f"{prefix}negative": entry("loom.encode_text", {"text_encoder": at("model", "text_encoder")}, text="blurry"),
        f"{prefix}noise": entry("loom.noise", seed=seed),
        f"{prefix}sample": entry(
            "loom.sample",
            {
                "model": at("model", "model"), "positive": at("positive", "conditioning"), "negative": at("negative", "conditioning"),
                "noise": at("noise", "noise"), **links,
            },
        ),
        f"{prefix}decode": entry("loom.decode_latent", {"latent": at("sample", "latent"), "vae": at("model", "vae")}),
        f"{prefix}save": entry("loom.save_image", {"image": at("decode", "image")}),
    }  # fmt: skip


def test_prompt_seed_and_model_are_those_of_the_node_that_wrote_the_file() -> None:
    two = workflow(sampling() | sampling("b_", text="a lake", seed=2**64 - 1, model="other"))
    assert describe(two, {}, "save") == Described(prompt="a hill", seed=7, model="m")
    assert describe(two, {}, "b_save") == Described(prompt="a lake", seed=2**64 - 1, model="other")


@pytest.mark.parametrize("name", ["text_to_image", "image_to_image"])
def test_the_shipped_workflows_are_told_with_the_inputs_they_ran_with(name: str) -> None:
    shipped = read(SHIPPED / f"{name}.json")
    found = describe(shipped, {"prompt": "ein Käse", "seed": 5}, "save")
    assert found == Described(prompt="ein Käse", seed=5, model="loom-tiny")
    default = describe(shipped, {}, "save")
    assert default.prompt == shipped.nodes["positive"].values["text"]
    assert default.seed == shipped.nodes["noise"].values["seed"]


def test_a_prompt_is_found_through_what_changes_a_conditioning_and_a_model_through_what_changes_a_model() -> None:
    nodes = sampling()
    nodes["control"] = entry(
        "x.control", {"positive": "positive.conditioning", "negative": "negative.conditioning", "image": "other.image"}
    )
    nodes["other"] = entry("loom.encode_text", text="of another picture")
    nodes["area"] = entry("x.area", {"conditioning": "control.positive"})
    nodes["lora"] = entry("x.lora", {"model": "model.model"}, name="a lora")
    nodes["sample"]["links"] |= {"positive": "area.conditioning", "model": "lora.model"}
    assert describe(workflow(nodes), {}, "save") == Described(prompt="a hill", seed=7, model="m")


def test_of_two_samplers_in_a_row_the_last_one_counts() -> None:
    nodes = sampling("first_", text="rough", seed=1) | sampling(text="fine", seed=2, latent="first_sample.latent")
    assert describe(workflow(nodes), {}, "save").prompt == "fine"
    assert describe(workflow(nodes), {}, "save").seed == 2


def test_what_lies_in_a_subgraph_is_found() -> None:
    inner = sampling()
    del inner["save"]
    definition = {
        "inputs": {"what": {"to": ["positive.text"]}},
        "outputs": {"image": {"from": "decode.image"}},
        "nodes": inner,
        "format": "latent-loom/1",
    }
    nodes = {"picture": entry("workflow:draw", what="outside"), "save": entry("loom.save_image", {"image": "picture.image"})}
    of = workflow(nodes, definitions={"draw": definition}, inputs={"scene": {"to": ["picture.what"]}})
    assert describe(of, {}, "save") == Described(prompt="outside", seed=7, model="m")
    assert describe(of, {"scene": "given"}, "save").prompt == "given"


def test_a_muted_or_bypassed_node_is_looked_through() -> None:
    nodes = sampling()
    nodes["lora"] = entry("x.lora", {"model": "model.model"}, name="a lora") | {"mode": "bypassed"}
    nodes["sample"]["links"]["model"] = "lora.model"
    nodes["positive"]["mode"] = "muted"
    assert describe(workflow(nodes), {}, "save") == Described(prompt="", seed=7, model="m")


def test_what_cannot_be_told_stays_empty() -> None:
    assert describe(workflow({}), {}, "save") == Described()
    assert describe(workflow({"save": entry("x.save")}), {}, "save") == Described()
    nodes = sampling()
    del nodes["noise"]["values"]["seed"]
    nodes["model"]["values"]["name"] = 5
    nodes["words"] = entry("x.words", text="made up on the way")
    nodes["positive"]["links"]["text"] = "words.value"
    assert describe(workflow(nodes), {}, "save") == Described()
    assert describe(workflow(nodes), {"prompt": "as it was declared"}, "save").prompt == "as it was declared"
    assert describe(workflow(nodes), {"prompt": ["no text"]}, "save").prompt == ""


@pytest.mark.parametrize("seed", [True, 1.5, "7", None, [7], -1, 2**64, 10**400])
def test_what_is_no_seed_is_not_told_as_one(seed: Any) -> None:
    assert describe(workflow(sampling(seed=seed)), {}, "save").seed is None


def test_a_node_that_is_not_found_is_told_by_what_all_ends_have_in_common() -> None:
    two = workflow(sampling() | sampling("b_", text="a lake", seed=7, model="m"))
    assert describe(two, {}, "elsewhere[3]/save") == Described(prompt="", seed=7, model="m")


def test_a_circle_of_links_has_an_end() -> None:
    nodes = sampling()
    nodes["one"] = entry("x.area", {"positive": "two.conditioning", "model": "two.model"})
    nodes["two"] = entry("x.area", {"positive": "one.conditioning", "model": "one.model"})
    nodes["sample"]["links"] |= {"positive": "one.conditioning", "model": "one.model"}
    assert describe(workflow(nodes), {}, "save") == Described(seed=7)
    assert describe(workflow({"a": entry("x", {"x": "b.y"}), "b": entry("x", {"x": "a.y"})}), {}, "missing") == Described()


def test_a_workflow_with_an_endless_definition_is_told_as_far_as_it_goes() -> None:
    inner = '{"nodes": {"b": {"type": "workflow:a"}}}'
    text = f'{{"format": "latent-loom/1", "nodes": {{"a": {{"type": "workflow:a"}}}}, "definitions": {{"a": {inner}}}}}'
    endless: Workflow = parse(text)
    assert describe(endless, {"nothing": 1}, "a") == Described()
