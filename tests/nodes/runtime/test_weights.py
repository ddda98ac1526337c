from __future__ import annotations

import threading
import time
import weakref
from typing import Any

import pytest
import torch
from torch import nn

from graph_engine import LoomError
from nodes.runtime.device import Device
from nodes.runtime.weights import Key, Weights, weight_bytes

CPU = Device.from_options({"device": "cpu"})
KILOBYTE = 256  # float32 numbers


def key(name: str, dtype: torch.dtype = torch.float32) -> Key:
    return Key(fingerprint=name, component="unet", dtype=dtype)


class Loader:
    """Counts how often a module is loaded."""

    def __init__(self, numbers: int = KILOBYTE, dtype: torch.dtype = torch.float32) -> None:
        self.count, self.numbers, self.dtype = 0, numbers, dtype

    def __call__(self) -> nn.ParameterDict:
        self.count += 1
        return nn.ParameterDict({"weight": nn.Parameter(torch.ones(self.numbers, dtype=self.dtype))})


def use(weights: Weights, name: str, loader: Loader) -> Any:
    with weights.lend(name, key(name), loader) as module:
        return module


def names(weights: Weights) -> list[str]:
    return [held.name for held in weights.held()]


def test_weights_are_loaded_once_and_stay() -> None:
    weights, loader = Weights(CPU, 10_000), Loader()
    assert use(weights, "a", loader) is use(weights, "a", loader)
    assert loader.count == 1
    (held,) = weights.held()
    assert (held.name, held.component, held.dtype, held.device) == ("a", "unet", "float32", "cpu")
    assert (held.size_bytes, held.readers) == (1024, 0)


def test_the_longest_unused_go_when_the_budget_is_full() -> None:
    weights, loaders = Weights(CPU, 2048), {name: Loader() for name in "abc"}
    for name in "abab" + "c":
        use(weights, name, loaders[name])
    assert names(weights) == ["c", "b"]
    use(weights, "a", loaders["a"])
    assert {name: loader.count for name, loader in loaders.items()} == {"a": 2, "b": 1, "c": 1}


def test_what_is_in_use_is_never_dropped() -> None:
    weights = Weights(CPU, 1024)
    with weights.lend("a", key("a"), Loader()) as module:
        use(weights, "b", Loader())
        assert set(names(weights)) == {"a", "b"}
        assert next(held for held in weights.held() if held.name == "a").readers == 1
        assert torch.equal(module["weight"], torch.ones(KILOBYTE))
    use(weights, "c", Loader())
    assert names(weights) == ["c"]


def test_a_model_larger_than_the_budget_is_loaded_alone() -> None:
    weights = Weights(CPU, 1500)
    use(weights, "small", Loader())
    use(weights, "large", Loader(numbers=4 * KILOBYTE))
    assert names(weights) == ["large"]


def test_weights_are_cast_only_where_the_dtype_differs() -> None:
    weights = Weights(CPU, 10_000)
    same, half = Loader()(), Loader(dtype=torch.float16)()
    with weights.lend("same", key("same"), lambda: same) as module:
        assert module["weight"] is same["weight"]
    with weights.lend("half", key("half"), lambda: half) as module:
        assert module["weight"].dtype == torch.float32
    assert [held.size_bytes for held in weights.held()] == [1024, 1024]


def test_lent_modules_learn_nothing_and_drop_nothing() -> None:
    module = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
    with Weights(CPU, 10_000).lend("a", key("a"), lambda: module) as lent:
        assert not any(parameter.requires_grad for parameter in lent.parameters())
        assert not any(part.training for part in lent.modules())


def test_threads_that_want_the_same_weights_wait_for_one_load() -> None:
    weights, loader, found = Weights(CPU, 10_000), Loader(), []

    def slow() -> nn.Module:
        time.sleep(0.05)
        return loader()

    threads = [threading.Thread(target=lambda: found.append(use(weights, "a", slow))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loader.count == 1
    assert len(found) == 8
    assert len(set(map(id, found))) == 1


def test_loading_one_model_does_not_keep_another_waiting() -> None:
    weights, started, go_on = Weights(CPU, 10_000), threading.Event(), threading.Event()

    def slow() -> nn.Module:
        started.set()
        assert go_on.wait(5)
        return Loader()()

    thread = threading.Thread(target=use, args=(weights, "slow", slow))
    thread.start()
    assert started.wait(5)
    use(weights, "quick", Loader())
    assert names(weights) == ["quick"]
    go_on.set()
    thread.join()
    assert names(weights) == ["quick", "slow"]


def test_a_load_that_fails_leaves_nothing_and_can_be_repeated() -> None:
    weights = Weights(CPU, 10_000)

    def broken() -> nn.Module:
        raise OSError("no such disk")

    with pytest.raises(OSError, match="no such disk"):
        use(weights, "a", broken)
    assert weights.held() == []
    use(weights, "a", Loader())
    assert names(weights) == ["a"]


def test_release_drops_all_that_is_idle() -> None:
    weights = Weights(CPU, 10_000)
    use(weights, "idle", Loader())
    with weights.lend("busy", key("busy"), Loader()):
        assert weights.release() == 1024
        assert names(weights) == ["busy"]


def test_what_was_dropped_is_really_gone() -> None:
    weights = Weights(CPU, 10_000)
    kept = weakref.ref(use(weights, "a", Loader()))
    assert kept() is not None
    weights.release()
    assert kept() is None


def test_sizes_are_of_the_dtype_that_is_wanted() -> None:
    module = nn.Linear(4, 2)
    module.register_buffer("count", torch.zeros(3, dtype=torch.int64))
    assert weight_bytes(module, torch.float16) == 2 * (8 + 2) + 24


def test_the_budget_is_an_option() -> None:
    assert Weights.from_options({"device": "cpu", "weights_budget": "123"}).budget_bytes == 123
    assert Weights.from_options({"device": "cpu"}).budget_bytes > 2**28
    with pytest.raises(LoomError, match="must be a number of bytes, or auto"):
        Weights.from_options({"device": "cpu", "weights_budget": "lots"})
