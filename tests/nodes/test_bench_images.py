"""The rows of ``tests/bench/images.py`` compare like with like."""

from __future__ import annotations

import pytest
import torch

from tests.bench.images import SAME, largest_difference, rows
from tests.bench.side_by_side import LEAST_ROUNDS, Cost, Timing, timed


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> dict:
    return rows(2, 160, tmp_path_factory.mktemp("pictures"))


def test_each_node_gives_what_its_plain_call_gives(pairs: dict) -> None:
    differences = {name: largest_difference(ours(), plain()) for name, (ours, plain) in pairs.items()}
    assert len(differences) == 40
    assert {name: found for name, found in differences.items() if found > SAME} == {}


def test_a_row_that_compared_two_things_would_be_told(pairs: dict) -> None:
    flipped, inverted = pairs["flip"][0], pairs["invert"][1]
    assert largest_difference(flipped(), inverted()) > SAME
    assert largest_difference(flipped(), torch.zeros(2, 3, 3, 3)) == float("inf")
    with pytest.raises(ValueError, match="zip"):
        largest_difference(flipped(), (inverted(), inverted()))


def test_rounds_take_turns_and_change_places() -> None:
    order: list[str] = []
    found = timed(lambda: order.append("node"), lambda: order.append("plain"), 0)
    assert len(found.rounds) == LEAST_ROUNDS
    assert order[:6] == ["plain", "node", "node", "plain", "plain", "node"]
    assert order.count("node") == order.count("plain")


def test_a_ratio_is_that_of_neighbours_in_time() -> None:
    slowed = [(Cost(2.0 * load, 2.0), Cost(1.0 * load, 1.0)) for load in (1, 9, 1, 30, 2)]
    found = Timing(slowed)
    assert (found.ratio, found.uncertainty, found.ratio_of_least, found.ratio_of_processor_time) == (2, 0, 2, 2)
    assert Timing([*slowed, (Cost(9, 9), Cost(1, 1))]).ratio == 2
