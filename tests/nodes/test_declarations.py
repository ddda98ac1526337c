from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import nodes
from graph_engine.cli.node_pages import pages
from graph_engine.declare import spec_of
from graph_engine.spec import NodeSpec
from tests.nodes.tiny import Models

THEMES = sorted(path.stem for path in Path(nodes.__file__).parent.glob("*.py") if not path.stem.startswith("_"))
SPECS = {
    spec.type: spec
    for theme in THEMES
    for value in vars(import_module(f"nodes.{theme}")).values()
    if hasattr(value, "__node_spec__") and (spec := spec_of(value))
}
HEAVY = {"cv2", "torch", "numpy", "PIL", "diffusers", "transformers", "safetensors"}


def test_the_pack_offers_these_nodes() -> None:
    assert set(SPECS) == {
        "loom.average_conditionings", "loom.combine_conditionings", "loom.concatenate_conditionings", "loom.limit_to_area",
        "loom.limit_to_mask", "loom.limit_to_steps", "loom.zero_conditioning", "loom.fill_template", "loom.join_texts", "loom.wildcards",
        "loom.noise_from_seeds", "loom.vary_noise",
        "loom.blend_latents", "loom.composite_latents", "loom.crop_latent", "loom.flip_latent", "loom.join_latents", "loom.mask_latent",
        "loom.pick_latents", "loom.repeat_latent", "loom.rotate_latent", "loom.scale_latent", "loom.scale_latent_by",
        "loom.boolean", "loom.calculate", "loom.choice", "loom.integer", "loom.integer_range", "loom.make_list", "loom.number",
        "loom.number_range", "loom.pick_item", "loom.seed", "loom.split_lines", "loom.switch", "loom.text",
        "loom.contact_sheet", "loom.decode_latent", "loom.empty_latent", "loom.encode_image", "loom.encode_text", "loom.load_image",
        "loom.load_model", "loom.noise", "loom.sample", "loom.save_image",
        "loom.curve_sigmas", "loom.flip_sigmas", "loom.guidance", "loom.join_sigmas", "loom.list_sigmas", "loom.sample_custom",
        "loom.schedule", "loom.solver", "loom.split_sigmas",
        # pictures and masks
        "loom.add_grain", "loom.adjust_colour", "loom.adjust_levels", "loom.batch_images", "loom.blend_images", "loom.blur_image",
        "loom.canny_edges", "loom.caption_image", "loom.combine_masks", "loom.compare_images", "loom.composite_images",
        "loom.crop_image", "loom.crop_to_mask", "loom.draw_mask", "loom.encode_for_inpainting", "loom.feather_mask",
        "loom.fill_holes", "loom.flip_image", "loom.gradient_mask", "loom.grow_mask", "loom.image_grid", "loom.image_size",
        "loom.invert_image", "loom.invert_mask", "loom.line_art", "loom.load_mask", "loom.mask_from_colour",
        "loom.mask_from_image", "loom.mask_to_image", "loom.match_colour", "loom.pad_for_outpainting", "loom.pad_image",
        "loom.pick_images", "loom.preview_image", "loom.remove_specks", "loom.repeat_image", "loom.rotate_image",
        "loom.scale_image", "loom.shape_mask", "loom.sharpen_image", "loom.soft_edges", "loom.solid_image", "loom.solid_mask",
        "loom.stitch_image", "loom.threshold_mask",
    }  # fmt: skip


def test_declarations_load_without_any_heavy_library() -> None:
    program = f"import sys; {'; '.join(f'import nodes.{theme}' for theme in THEMES)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert not HEAVY & set(done.stdout.split())


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS.keys())
def test_every_socket_of_a_node_is_explained(spec: NodeSpec) -> None:
    assert spec.title[0].isupper()
    assert spec.summary.endswith(".")
    assert [item.name for item in (*spec.inputs.values(), *spec.outputs.values()) if not item.help.endswith(".")] == []


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS.keys())
def test_every_number_that_a_user_sets_has_bounds(spec: NodeSpec) -> None:
    numbers = [item for item in spec.inputs.values() if str(item.type) in ("int", "float")]
    assert [item.name for item in numbers if item.range is None] == []


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS.keys())
def test_every_node_has_an_example(spec: NodeSpec) -> None:
    assert spec.example


def test_the_pages_in_docs_say_what_the_declarations_say() -> None:
    folder = Path(nodes.__file__).parent.parent / "docs" / "nodes"
    written = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    wanted = pages(sorted(SPECS.values(), key=lambda spec: (spec.category, spec.type)))
    stale = sorted(name for name in written.keys() | wanted.keys() if written.get(name) != wanted.get(name))
    assert not stale, "run: loom nodes --docs docs/nodes"


def test_the_types_of_a_loader_come_from_the_files(models: Models) -> None:
    spec = SPECS["loom.load_model"]
    assert spec.resolve_types({"name": "sdxl"}, models.context.folders) == {
        "C": "clip_32_48",
        "L": "kl4_4_8_8_8_0.13025",
    }
    assert {name: str(item.type) for name, item in spec.outputs.items()} == {
        "model": "Model[C, L]",
        "text_encoder": "TextEncoder[C]",
        "vae": "Vae[L]",
    }


def test_only_what_computes_on_a_device_takes_its_lane() -> None:
    lanes = {name: spec.lane for name, spec in SPECS.items()}
    assert {name for name, lane in lanes.items() if lane == "device"} == {
        "loom.decode_latent", "loom.encode_for_inpainting", "loom.encode_image", "loom.encode_text", "loom.sample", "loom.sample_custom",
    }  # fmt: skip
    assert {name for name, lane in lanes.items() if lane == "disk"} == {"loom.load_image", "loom.load_mask", "loom.load_model"}
    assert [name for name, spec in SPECS.items() if spec.sink] == ["loom.preview_image", "loom.save_image"]
    assert [name for name, spec in SPECS.items() if spec.writes] == ["loom.save_image"]
