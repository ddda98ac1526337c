from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_engine import NodeInputError
from nodes.sampling.prediction import FlowTable, NoiseTable
from nodes.sampling.schedules import SCHEDULES, ScheduleName, karras
from nodes.sigmas import curve_sigmas, flip_sigmas, join_sigmas, list_sigmas, schedule, scheduled, split_sigmas
from nodes.types import Sigmas
from tests.nodes.tiny import Models

TABLE = NoiseTable.from_betas()
LEVELS = Sigmas(values=(8.0, 4.0, 2.0, 1.0, 0.0))


def split(sigmas: Sigmas = LEVELS, *, context: Any = None, **options: Any) -> tuple[Sigmas, Sigmas]:
    return split_sigmas(sigmas, context=context, **options)


@pytest.mark.parametrize("name", get_args(ScheduleName))
def test_a_schedule_has_the_levels_of_the_model(models: Models, name: ScheduleName) -> None:
    model = models.load("sd1").model
    found = schedule(model, schedule=name, steps=12, denoise=1.0, context=models.context)
    assert found == Sigmas(values=SCHEDULES[name](TABLE, 12))


def test_a_schedule_with_little_denoise_is_the_end_of_a_longer_one(models: Models) -> None:
    model = models.load("sd1").model
    assert schedule(model, steps=12, denoise=0.5, context=models.context).values == karras(TABLE, 24)[-13:]
    assert schedule(model, denoise=0.0, context=models.context) == Sigmas(values=())


def test_a_schedule_that_cannot_be_says_which_input_to_change() -> None:
    with pytest.raises(NodeInputError, match="was found for Stable Diffusion, and this is a flow model") as caught:
        scheduled("align_your_steps", FlowTable(), 10, 1.0)
    assert caught.value.input == "schedule"
    with pytest.raises(NodeInputError, match=r"needs a schedule of more than 1000000 steps.*Raise denoise") as caught:
        scheduled("karras", TABLE, 20, 1e-9)
    assert caught.value.input == "denoise"


def test_a_curve_between_two_levels_takes_any_rho() -> None:
    assert curve_sigmas(curve="karras", steps=3, highest=9.0, lowest=1.0, rho=2.0).values == pytest.approx((9.0, 4.0, 1.0, 0.0))
    found = curve_sigmas(curve="polyexponential", steps=3, highest=16.0, lowest=1.0, rho=2.0)
    assert found.values == pytest.approx((16.0, 2.0, 1.0, 0.0))
    assert curve_sigmas(steps=20).values == pytest.approx(karras(TABLE, 20), rel=1e-4)


@pytest.mark.parametrize(("highest", "lowest"), [(1.0, 2.0), (1.0, 0.0)])
def test_a_curve_that_does_not_fall_is_refused(highest: float, lowest: float) -> None:
    with pytest.raises(NodeInputError, match="Use one above 0 and below the highest") as caught:
        curve_sigmas(highest=highest, lowest=lowest)
    assert caught.value.input == "lowest"


def test_a_list_is_taken_as_it_is() -> None:
    assert list_sigmas(levels=[3.0, 1.0, 0.0]) == Sigmas(values=(3.0, 1.0, 0.0))
    assert list_sigmas(levels=[]) == Sigmas(values=())


@pytest.mark.parametrize(("levels", "place"), [([1.0, 0.0, 0.5], 2), ([-1.0], 1), ([2.0, float("nan")], 2), ([float("inf")], 1)])
def test_a_level_that_no_model_can_be_asked_at_is_refused(levels: list[float], place: int) -> None:
    with pytest.raises(NodeInputError, match=rf"Number {place} is .*, and every one must be above 0, save a last 0"):
        list_sigmas(levels=levels)


@pytest.mark.parametrize(
    ("options", "high", "low", "first"),
    [
        ({"step": 0}, (8.0,), (8.0, 4.0, 2.0, 1.0, 0.0), 0),
        ({"step": 2}, (8.0, 4.0, 2.0), (2.0, 1.0, 0.0), 2),
        ({"step": 9}, (8.0, 4.0, 2.0, 1.0, 0.0), (), 9),
        ({"sigma": 2.0}, (8.0, 4.0, 2.0), (2.0, 1.0, 0.0), 2),
        ({"sigma": 1.5}, (8.0, 4.0, 2.0, 1.0), (1.0, 0.0), 3),
        ({"sigma": 99.0}, (8.0,), (8.0, 4.0, 2.0, 1.0, 0.0), 0),
    ],
)
def test_a_list_is_cut_where_it_is_told(options: Any, high: Any, low: Any, first: int) -> None:
    assert split(**options) == (Sigmas(values=high), Sigmas(values=low, first=first))


def test_a_list_is_cut_at_a_share_of_the_levels_of_a_model(models: Models) -> None:
    model = models.load("sd1").model
    high, low = split(model=model, share=0.5, context=models.context)  # type: ignore[arg-type]
    middle = TABLE.sigma_of(499.5)
    assert high.values[-1] <= middle < high.values[-2]
    assert low.values[0] == high.values[-1]


@pytest.mark.parametrize("options", [{}, {"step": 1, "sigma": 2.0}, {"sigma": 1.0, "share": 0.5}])
def test_a_cut_at_no_place_or_two_is_refused(options: Any) -> None:
    with pytest.raises(NodeInputError, match="Give one of them"):
        split(**options)


def test_a_share_without_a_model_is_refused() -> None:
    with pytest.raises(NodeInputError, match=r"there is none.*Link the model") as caught:
        split(share=0.5)
    assert caught.value.input == "share"


@given(st.lists(st.floats(0.1, 10), min_size=1, max_size=8, unique=True), st.integers(0, 9))
def test_what_was_cut_is_joined_again(levels: list[float], step: int) -> None:
    sigmas = Sigmas(values=tuple(sorted(levels, reverse=True)))
    assert join_sigmas(*split(sigmas, step=step)) == sigmas


def test_lists_that_do_not_meet_are_put_one_behind_the_other() -> None:
    assert join_sigmas(Sigmas(values=(3.0, 2.0)), Sigmas(values=(1.0, 0.0))).values == (3.0, 2.0, 1.0, 0.0)
    assert join_sigmas(Sigmas(values=()), LEVELS).values == LEVELS.values


def test_turned_round_a_list_rises_from_just_above_zero() -> None:
    assert flip_sigmas(LEVELS).values == (1e-4, 1.0, 2.0, 4.0, 8.0)
