from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest
import torch
from torch import nn

from nodes.runtime.device import Device
from nodes.runtime.threads import SMALL_CALL, threads_for
from tests.nodes.test_sample import run
from tests.nodes.tiny import Models

T = TypeVar("T")
USUAL = 3
CPU = Device.from_options({"device": "cpu"})
NETWORK = nn.Linear(1000, 1000, bias=False)
ENOUGH = SMALL_CALL // 1000**2


@pytest.fixture(autouse=True)
def _several_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(USUAL)
    yield
    torch.set_num_threads(before)


def in_new_thread(work: Callable[[], T]) -> T:
    """As a lane does: torch knows nothing of the thread yet."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


@pytest.mark.parametrize(("places", "inside"), [(1, 1), (ENOUGH - 1, 1), (ENOUGH, USUAL), (10 * ENOUGH, USUAL)])
def test_a_small_call_gets_one_thread_and_a_large_one_all(places: int, inside: int) -> None:
    def work() -> tuple[int, int]:
        with threads_for(NETWORK, places, CPU):
            found = torch.get_num_threads()
        return found, torch.get_num_threads()

    assert in_new_thread(work) == (inside, USUAL)


def test_other_threads_keep_theirs_also_new_ones() -> None:
    asked, answered = threading.Event(), threading.Event()

    def work() -> None:
        with threads_for(NETWORK, 1, CPU):
            asked.set()
            assert answered.wait(10)

    with ThreadPoolExecutor(1) as pool:
        busy = pool.submit(work)
        assert asked.wait(10)
        try:
            assert in_new_thread(torch.get_num_threads) == USUAL
            assert torch.get_num_threads() == USUAL
        finally:
            answered.set()
        busy.result()


def test_an_error_gives_the_threads_back() -> None:
    with pytest.raises(KeyError), threads_for(NETWORK, 1, CPU):
        raise KeyError
    assert torch.get_num_threads() == USUAL


def test_an_accelerator_is_left_alone() -> None:
    elsewhere = Device(torch_device=torch.device("meta"), dtype=torch.float32, channels_last=False, exact=False)
    with threads_for(NETWORK, 1, elsewhere):
        assert torch.get_num_threads() == USUAL


def test_the_network_of_a_run_is_called_so_for_one_picture_as_for_many(models: Models) -> None:
    seen: list[int] = []
    hook = nn.modules.module.register_module_forward_pre_hook(
        lambda module, _: seen.append(torch.get_num_threads()) if type(module).__name__ == "UNet2DConditionModel" else None
    )
    try:
        for batch in (1, 3):
            in_new_thread(lambda batch=batch: run(models, batch=batch))
    finally:
        hook.remove()
    assert set(seen) == {1}
