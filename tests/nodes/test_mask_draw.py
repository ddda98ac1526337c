from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graph_engine import NodeInputError
from nodes.mask_draw import draw_mask, gradient_mask, shape_mask, solid_mask
from nodes.types import Mask
from tests.nodes.pictures import noise, some_mask

SIDE = st.integers(1, 40)


def test_a_mask_gets_the_size_of_a_picture_or_the_size_asked() -> None:
    for make in (solid_mask, shape_mask, gradient_mask, draw_mask):
        assert make(noise(3, 7, 5), width=99).values.shape == (1, 7, 5)
        assert make(width=4, height=6).values.shape == (1, 6, 4)


def test_a_solid_mask_has_one_value() -> None:
    assert solid_mask(width=2, height=1, value=0.25).values.tolist() == [[[0.25, 0.25]]]


@given(SIDE, SIDE, st.floats(-0.5, 1.5), st.floats(-0.5, 1.5), st.floats(0, 4), st.floats(0, 4), st.floats(-360, 360))
def test_any_shape_is_a_mask(height: int, width: int, x: float, y: float, across: float, down: float, angle: float) -> None:
    for shape in ("ellipse", "rectangle"):
        found = shape_mask(
            shape=shape, x=x, y=y, shape_width=across, shape_height=down, angle=angle, width=width, height=height  # type: ignore[arg-type]
        ).values  # fmt: skip
        assert found.shape == (1, height, width)
        assert 0 <= float(found.min()) <= float(found.max()) <= 1


def test_a_rectangle_covers_exactly_its_pixels() -> None:
    found = shape_mask(shape="rectangle", x=0.5, y=0.25, shape_width=0.5, shape_height=0.5, width=8, height=4).values[0]
    assert found.tolist() == [[0, 0, 1, 1, 1, 1, 0, 0]] * 2 + [[0] * 8] * 2


@pytest.mark.parametrize(("across", "down"), [(0.6, 0.6), (0.9, 0.3), (0.2, 0.8)])
@pytest.mark.parametrize("angle", [0.0, 30.0, 90.0])
def test_shapes_have_their_area_and_turning_keeps_it(across: float, down: float, angle: float) -> None:
    values = {"shape_width": across, "shape_height": down, "angle": angle, "width": 200, "height": 200}
    ellipse = float(shape_mask(shape="ellipse", **values).values.sum())  # type: ignore[arg-type]
    assert ellipse == pytest.approx(math.pi / 4 * across * down * 200**2, rel=0.01)
    rectangle = float(shape_mask(shape="rectangle", **values).values.sum())  # type: ignore[arg-type]
    assert rectangle == pytest.approx(across * down * 200**2, rel=0.01)


def test_a_turned_shape_leans_clockwise() -> None:
    found = shape_mask(shape="rectangle", shape_width=1.0, shape_height=0.1, angle=45, width=21, height=21).values[0]
    assert found[4, 4] == 1
    assert found[16, 16] == 1
    assert found[4, 16] == 0


def test_a_shape_without_size_selects_nothing() -> None:
    for shape in ("ellipse", "rectangle"):
        assert shape_mask(shape=shape, shape_width=0.0, width=3, height=3).values.max() == 0  # type: ignore[arg-type]


def test_a_linear_gradient_rises_evenly_from_edge_to_edge() -> None:
    assert gradient_mask(width=4, height=1).values.flatten().tolist() == [0.125, 0.375, 0.625, 0.875]
    down = gradient_mask(angle=90, width=1, height=4).values.flatten()
    torch.testing.assert_close(down, torch.tensor([0.125, 0.375, 0.625, 0.875]))
    falling = gradient_mask(start=1.0, end=0.0, width=4, height=1).values.flatten()
    assert falling.tolist() == [0.875, 0.625, 0.375, 0.125]


def test_a_gradient_between_two_places_and_at_one() -> None:
    assert gradient_mask(start=0.25, end=0.75, width=8, height=1).values.flatten().tolist() == [
        0,
        0,
        0.125,
        0.375,
        0.625,
        0.875,
        1,
        1,
    ]
    assert gradient_mask(start=0.5, end=0.5, width=4, height=1).values.flatten().tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("angle", [-130.0, 10.0, 45.0, 200.0])
def test_a_gradient_at_any_angle_reaches_from_corner_to_corner(angle: float) -> None:
    found = gradient_mask(angle=angle, width=60, height=40).values
    assert float(found.min()) < 0.03
    assert float(found.max()) > 0.97
    assert float(found.mean()) == pytest.approx(0.5, abs=0.01)


def test_a_radial_gradient_rises_from_the_centre_to_the_corners() -> None:
    found = gradient_mask(kind="radial", width=41, height=31).values[0]
    assert found[15, 20] == 0
    assert found[0, 0].item() == pytest.approx(1, abs=0.03)
    assert torch.equal(found, found.flip(0, 1))


def test_a_stroke_is_a_line_with_round_ends() -> None:
    found = draw_mask(strokes="+ 0.1 0.3,0.5 0.7,0.5", width=100, height=100).values[0]
    assert float(found.sum()) == pytest.approx(40 * 20 + math.pi * 100, rel=0.01)
    assert found[50, 21:79].min() == 1
    assert found[50, :20].max() == 0
    assert found[:40].max() == 0


def test_a_stroke_of_one_point_is_a_dot_even_in_a_picture_of_one_pixel() -> None:
    found = draw_mask(strokes="+ 0.25 0.5,0.5", width=80, height=40).values[0]
    assert float(found.sum()) == pytest.approx(math.pi * 100, rel=0.01)
    assert draw_mask(strokes="+ 1 0.5,0.5", width=1, height=1).values.item() == 1


def test_strokes_are_drawn_in_order_and_erase() -> None:
    painted = "+ 0.5 0.5,0.5\n\n- 0.1 0.5,0.5\n"
    found = draw_mask(strokes=painted, width=50, height=50).values[0]
    assert found[25, 25] == 0
    assert found[25, 35] == 1
    again = draw_mask(strokes=painted + "+ 0.02 0.5,0.5", width=50, height=50).values[0]
    assert again[25, 25] > 0


@given(st.integers(8, 60), st.integers(8, 60), st.floats(0, 1))
def test_a_drawing_fits_a_picture_of_any_size(height: int, width: int, softness: float) -> None:
    found = draw_mask(strokes="+ 0.2 0.25,0.5 0.75,0.5", softness=softness, width=width, height=height).values[0]
    assert found[height // 2, width // 2] >= 0.75
    torch.testing.assert_close(found, found.flip(1), rtol=0, atol=1e-4)


def test_a_soft_brush_is_half_at_its_radius_and_fades_from_the_middle() -> None:
    found = draw_mask(strokes="+ 0.2 0.5,0.5", softness=1.0, width=101, height=101).values[0, 50]
    torch.testing.assert_close(found[50], torch.tensor(1.0))
    assert found[50 + 20].item() == pytest.approx(0.5, abs=0.02)
    assert bool((found[50:].diff() <= 0).all())


def test_strokes_go_onto_a_mask_and_leave_it_alone() -> None:
    mask = some_mask(2, 20, 20)
    before = mask.values.clone()
    found = draw_mask(mask=mask, strokes="- 0.3 0.5,0.5", width=20, height=20).values
    assert found.shape == (2, 20, 20)
    assert found[:, 10, 10].tolist() == [0, 0]
    assert torch.equal(found[:, 0], before[:, 0])
    assert torch.equal(mask.values, before)
    scaled = draw_mask(mask=Mask(values=torch.ones(1, 2, 2)), width=5, height=4).values
    assert torch.equal(scaled, torch.ones(1, 4, 5))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("* 0.1 0,0", "is no stroke"),
        ("+ 0.1 0", "is no stroke"),
        ("+ x 0,0", "is no stroke"),
        ("+", "is no stroke"),
        ("+ 0.1", "has no points"),
        ("+ 0 0,0", "out of range"),
        ("+ nan 0,0", "out of range"),
        ("+ 0.1 inf,0", "out of range"),
        ("+ 0.1 0,1e9", "out of range"),
    ],
)
def test_what_is_no_stroke_is_refused_with_its_line(line: str, reason: str) -> None:
    with pytest.raises(NodeInputError) as caught:
        draw_mask(strokes=f"+ 0.1 0.5,0.5\n{line}")
    assert caught.value.cause.startswith("Line 2 ")
    assert reason in caught.value.cause
    assert "such as + 0.05 0.2,0.3" in caught.value.action
