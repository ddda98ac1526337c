from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from graph_engine import Context, Folders, NodeInputError
from graph_engine.context import Services
from nodes.load import LoadedModel, load_model
from nodes.models.emphasis import Weighted
from nodes.models.parts import borrow_text_encoder, borrow_unet, borrow_vae
from nodes.runtime.weights import Weights
from nodes.types import Patch
from tests.nodes.tiny import Models


def private_context(models: Models, **options: Any) -> Context:
    return Context(folders=Folders(models=(models.root,)), services=Services({"device": "cpu", **options}))


def held(context: Context) -> list[str]:
    return [item.component for item in context.service(Weights).held()]


def borrow_all(loaded: LoadedModel[Any, Any], context: Context) -> None:
    with borrow_unet(loaded.model, context):
        pass
    with borrow_text_encoder(loaded.text_encoder, context):
        pass
    with borrow_vae(loaded.vae, context):
        pass


def test_loading_a_model_reads_no_weights_until_a_part_is_borrowed(models: Models) -> None:
    context = private_context(models)
    loaded = load_model(name="sd1", context=context)
    assert held(context) == []
    borrow_all(loaded, context)
    assert held(context) == ["vae", "text encoder", "unet"]


def test_parts_that_do_not_fit_the_budget_make_way(models: Models) -> None:
    context = private_context(models, weights_budget="250000")
    borrow_all(load_model(name="sdxl", context=context), context)
    assert held(context) == ["vae"]


def test_the_dtype_is_that_of_the_options_save_for_the_vae(models: Models) -> None:
    context = private_context(models, dtype="bfloat16")
    loaded = load_model(name="sd1", context=context)
    with borrow_unet(loaded.model, context) as unet, borrow_vae(loaded.vae, context) as vae:
        assert unet.module.dtype == torch.bfloat16
        assert vae.module.dtype == torch.float32


def test_patches_that_cannot_be_applied_are_refused_and_not_ignored(models: Models) -> None:
    model = models.load("sd1").model
    patched = replace(model, patches=(Patch(name="style", fingerprint="x", strength=1.0),))
    with pytest.raises(NodeInputError, match="carries patches"), borrow_unet(patched, models.context):
        pass


def test_the_vae_names_of_the_first_diffusers_versions_are_understood(models: Models, tmp_path: Path) -> None:
    path = shutil.copytree(models.root / "sd1", tmp_path / "old")
    file = path / "vae/diffusion_pytorch_model.safetensors"
    new = {".to_q.": ".query.", ".to_k.": ".key.", ".to_v.": ".value.", ".to_out.0.": ".proj_attn."}
    tensors = load_file(file)
    renamed = {}
    for name, tensor in tensors.items():
        for now, then in new.items():
            name = name.replace(now, then)
        renamed[name] = tensor
    assert len(renamed.keys() - tensors.keys()) == 16
    save_file(renamed, file)
    context = Context(folders=Folders(models=(tmp_path,)), services=Services({"device": "cpu"}))
    with borrow_vae(load_model(name="old", context=context).vae, context) as part:
        assert torch.equal(part.module.state_dict()["encoder.mid_block.attentions.0.to_q.weight"],
                           tensors["encoder.mid_block.attentions.0.to_q.weight"])  # fmt: skip


@pytest.mark.parametrize("prefix", ["text_model.", ""])
def test_text_encoders_are_read_with_and_without_their_old_prefix(models: Models, tmp_path: Path, prefix: str) -> None:
    path = shutil.copytree(models.root / "sd1", tmp_path / "old")
    file = path / "text_encoder/model.safetensors"
    tensors = {prefix + name.removeprefix("text_model."): tensor for name, tensor in load_file(file).items()}
    save_file(tensors | {prefix + "embeddings.position_ids": torch.arange(77)[None]}, file)
    context = Context(folders=Folders(models=(tmp_path,)), services=Services({"device": "cpu"}))
    with borrow_text_encoder(load_model(name="old", context=context).text_encoder, context) as part:
        assert torch.isfinite(
            part.module.encode(part.module.chunks([Weighted("a circle", 1.0)]), 1, normalized=True).embedding
        ).all()


def test_attention_is_the_fused_one(models: Models) -> None:
    loaded = models.load("sd1")
    with borrow_unet(loaded.model, models.context) as unet, borrow_text_encoder(loaded.text_encoder, models.context) as text:
        assert {type(processor).__name__ for processor in unet.module.attn_processors.values()} == {"AttnProcessor2_0"}
        assert text.module.transformer.config._attn_implementation == "sdpa"


def test_a_device_that_is_full_drops_what_is_idle(models: Models) -> None:
    context = private_context(models)
    loaded = load_model(name="sd1", context=context)
    borrow_all(loaded, context)
    with pytest.raises(torch.OutOfMemoryError), borrow_vae(loaded.vae, context):
        raise torch.OutOfMemoryError
    assert held(context) == []
