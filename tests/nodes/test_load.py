from __future__ import annotations

import pytest

from graph_engine import NodeInputError
from graph_engine.declare import spec_of
from graph_engine.values import Codecs
from nodes import PACK
from nodes.load import load_model
from tests.nodes.tiny import Models

CODECS = Codecs(PACK.codecs)


def test_a_model_is_handed_on_as_light_handles(models: Models) -> None:
    loaded = models.load("sd1")
    assert loaded.model.source == loaded.text_encoder.source == loaded.vae.source
    assert (loaded.model.source.name, loaded.model.source.family) == ("sd1", "sd1")
    assert all(CODECS.size_bytes(handle) < 1000 for handle in loaded)


def test_the_handles_of_different_parts_and_models_differ(models: Models) -> None:
    handles = [handle for name in ("sd1", "family/sd1-v", "sdxl") for handle in models.load(name)]
    assert len({CODECS.digest(handle) for handle in handles}) == 9


def test_no_handle_tells_where_the_files_are(models: Models) -> None:
    assert str(models.root) not in repr(models.load("sdxl"))


def test_the_fingerprint_is_that_of_the_files(models: Models) -> None:
    fingerprint = spec_of(load_model).fingerprint
    assert fingerprint({"name": "sd1"}, models.context.folders) == models.load("sd1").model.source.fingerprint


def test_a_model_that_is_not_there_is_named(models: Models) -> None:
    for ask in (models.load, lambda name: spec_of(load_model).resolve_types({"name": name}, models.context.folders)):
        with pytest.raises(NodeInputError, match="There is no model 'none'"):
            ask("none")
