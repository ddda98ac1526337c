"""Models for the tests, made once a session; and one thread, since networks this small are slower on several."""

from __future__ import annotations

import pytest
import torch

from graph_engine.context import Services
from tests.nodes.tiny import Models, make_sd1, make_sdxl

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    root = tmp_path_factory.mktemp("models")
    make_sd1(root / "sd1", prediction="epsilon", seed=1)
    make_sd1(root / "family" / "sd1-v", prediction="v_prediction", seed=2)
    make_sdxl(root / "sdxl", seed=3)
    return Models(root, Services({"device": "cpu"}))
