from __future__ import annotations

import pytest
import torch

from graph_engine import NodeInputError
from nodes.control import canny_edges, line_art, soft_edges
from nodes.types import Image
from tests.nodes.pictures import noise, plain


def halves(left: float, right: float, height: int = 20, width: int = 30, at: int = 15) -> Image:
    pixels = torch.full((1, height, width, 3), left)
    pixels[:, :, at:] = right
    return Image(pixels=pixels)


def test_canny_draws_one_line_where_dark_meets_bright() -> None:
    found = canny_edges(halves(0.2, 0.9)).pixels[0]
    assert set(found.flatten().tolist()) == {0, 1}
    columns = found[2:-2, :, 0].sum(dim=0).nonzero().flatten().tolist()
    assert len(columns) == 1
    assert columns[0] in (14, 15)


def test_canny_s_limits_are_shares_of_black_beside_white() -> None:
    for difference, found in ((0.45, True), (0.35, False)):
        edges = canny_edges(halves(0.2, 0.2 + difference), low=0.1, high=0.4, blur=0.0).pixels
        assert bool(edges.any()) is found
    with pytest.raises(NodeInputError, match=r"Low is 0\.5 and high 0\.4"):
        canny_edges(noise(), low=0.5, high=0.4)


def test_canny_goes_on_along_a_weak_edge_from_a_clear_one() -> None:
    pixels = halves(0.2, 0.8).pixels.clone()
    pixels[:, 10:, 15:] = 0.5
    weak_part = [
        canny_edges(Image(pixels=pixels), low=low, high=0.5, blur=0.0).pixels[0, 13:18].any().item() for low in (0.2, 0.5)
    ]
    assert weak_part == [True, False]


@pytest.mark.parametrize("make", [canny_edges, soft_edges])
def test_what_has_no_edge_stays_black(make: object) -> None:
    for image in (plain(0.7, 0.2, 0.1), plain(0.5, 0.5, 0.5, height=1, width=1)):
        assert make(image).pixels.abs().max() < 1e-5  # type: ignore[operator]


def test_soft_edges_are_as_bright_as_the_step_is_steep() -> None:
    for left, right in ((0.0, 1.0), (1.0, 0.6)):
        found = soft_edges(halves(left, right), blur=0.0).pixels[0, 5]
        torch.testing.assert_close(found[14:16], torch.full((2, 3), abs(right - left)))
        assert found[:13].max() < 1e-6
    turned = Image(pixels=halves(0.0, 0.5).pixels.transpose(1, 2))
    torch.testing.assert_close(soft_edges(turned, blur=0.0, strength=0.5).pixels[0, 14:16, 5], torch.full((2, 3), 0.25))
    assert soft_edges(halves(0.0, 0.2), blur=0.0, strength=20.0).pixels.max() == 1


def test_line_art_draws_dark_lines_and_leaves_plain_parts() -> None:
    pixels = torch.full((2, 21, 31, 3), 0.9)
    pixels[:, :, 15] = 0.1
    lines = line_art(Image(pixels=pixels)).pixels
    assert lines[:, 10, 15].min() > 0.9
    assert lines[:, :, :8].max() == 0
    ink = line_art(Image(pixels=pixels), white_on_black=False).pixels
    torch.testing.assert_close(ink, 1 - lines)
    hard = line_art(Image(pixels=pixels), softness=0.0).pixels
    assert set(hard.flatten().tolist()) == {0, 1}
    assert line_art(Image(pixels=pixels), threshold=0.5).pixels.max() == 0


def test_each_picture_of_a_batch_is_worked_on_alone() -> None:
    image = noise(3)
    for make in (canny_edges, soft_edges, line_art):
        together = make(image).pixels
        assert together.shape == image.pixels.shape
        assert torch.equal(together[1:2], make(Image(pixels=image.pixels[1:2])).pixels)
