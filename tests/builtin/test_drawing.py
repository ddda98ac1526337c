"""The canvas: distances in pixels, and coverage that is exact along straight edges."""

from __future__ import annotations

import math

import pytest
import torch

from nodes.builtin.drawing import Canvas, intersection, outside, union

BLACK = torch.zeros(3)


def inked(canvas: Canvas) -> float:
    """Pixels of ink on a white canvas."""
    return float((1 - canvas.pixels[0, 0]).sum())


def test_a_disk_covers_its_area() -> None:
    canvas = Canvas(1)
    canvas.paint(canvas.disk(64.0, 64.0, 30.0), BLACK)
    assert inked(canvas) == pytest.approx(math.pi * 30**2, rel=0.005)


def test_a_box_that_ends_between_pixels_covers_them_in_part() -> None:
    canvas = Canvas(1)
    canvas.paint(canvas.box(64.0, 64.0, 10.25, 10.0), BLACK)
    row = 1 - canvas.pixels[0, 0, 64]
    assert row[53].item() == pytest.approx(0.25, abs=1e-5)
    assert row[54].item() == pytest.approx(1.0)
    assert row[52].item() == pytest.approx(0.0)


def test_a_triangle_covers_half_of_its_box() -> None:
    canvas = Canvas(1)
    canvas.paint(canvas.convex([(64.0, 20.0), (100.0, 100.0), (28.0, 100.0)]), BLACK)
    assert inked(canvas) == pytest.approx(72 * 80 / 2, rel=0.01)


def test_a_polygon_without_corners_is_refused_with_what_to_do() -> None:
    with pytest.raises(ValueError, match="at least three points"):
        Canvas(1).convex([])


def test_a_star_reaches_its_tip_and_stays_out_of_its_notches() -> None:
    canvas = Canvas(1)
    distance = canvas.star(64.0, 64.0, 40.0)[0]
    assert distance[26, 64] < 0 < distance[22, 64]
    notch_angle = math.pi / 5
    inside, beyond = (
        distance[round(64 - reach * math.cos(notch_angle)), round(64 + reach * math.sin(notch_angle))] for reach in (16, 26)
    )
    assert inside < 0 < beyond


def test_a_bar_has_round_ends() -> None:
    distance = Canvas(1).bar((40.0, 64.0), (80.0, 64.0), 5.0)[0]
    assert distance[64, 36] < 0 < distance[64, 33]
    assert distance[61, 60] < 0 < distance[70, 60]


def test_a_ring_is_a_disk_without_its_middle() -> None:
    canvas = Canvas(1)
    outer, inner = canvas.disk(64.0, 64.0, 30.0), canvas.disk(64.0, 64.0, 15.0)
    ring = intersection(outer, outside(inner))
    assert ring[0, 64, 64] > 0 > ring[0, 64, 86]
    assert torch.equal(union(outer, inner), outer)


def test_rows_of_a_batch_are_drawn_apart() -> None:
    canvas = Canvas(2)
    canvas.paint(canvas.disk(torch.tensor([30.0, 90.0]), 64.0, 10.0), BLACK)
    assert canvas.pixels[0, 0, 64, 30] == 0
    assert canvas.pixels[1, 0, 64, 30] == 1
    assert canvas.pixels[0, 0, 64, 90] == 1
    assert canvas.pixels[1, 0, 64, 90] == 0
