from __future__ import annotations

import colorsys
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graph_engine import NodeInputError
from nodes.colour import adjust_colour, adjust_levels, invert_image, match_colour
from nodes.types import Image
from tests.nodes.pictures import gradient, noise, plain

UNIT = st.floats(0, 1, width=32)


def colour(image: Image) -> list[float]:
    return [float(value) for value in image.pixels[0, 0, 0]]


def test_a_negative_of_a_negative_is_the_picture() -> None:
    assert colour(invert_image(plain(1.0, 0.25, 0.0))) == [0, 0.75, 1]
    torch.testing.assert_close(invert_image(invert_image(noise(2))).pixels, noise(2).pixels)


def test_levels_stretch_what_lies_between_black_and_white() -> None:
    image = Image(pixels=torch.tensor([0.1, 0.2, 0.35, 0.5, 0.9]).reshape(1, 1, 5, 1).repeat(1, 1, 1, 3))
    found = adjust_levels(image, black=0.2, white=0.5).pixels[0, 0, :, 1]
    torch.testing.assert_close(found, torch.tensor([0, 0, 0.5, 1, 1]))
    found = adjust_levels(image, black=0.2, white=0.5, gamma=2.0, new_black=0.9, new_white=0.1).pixels[0, 0, :, 1]
    torch.testing.assert_close(found, torch.tensor([0.9, 0.9, 0.9 - 0.8 * 0.5**0.5, 0.1, 0.1]))


def test_levels_of_one_channel_leave_the_others() -> None:
    image = noise(2)
    before = image.pixels.clone()
    found = adjust_levels(image, white=0.5, channel="green").pixels
    assert torch.equal(found[..., [0, 2]], before[..., [0, 2]])
    torch.testing.assert_close(found[..., 1], (before[..., 1] * 2).clamp(max=1))
    assert torch.equal(image.pixels, before)


def test_black_above_white_is_refused() -> None:
    with pytest.raises(NodeInputError, match=r"Black is at 0\.5 and white at 0\.5\. Set black below white"):
        adjust_levels(noise(), black=0.5, white=0.5)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, [0.8, 0.4, 0.2]),
        ({"brightness": 0.1}, [0.9, 0.5, 0.3]),
        ({"brightness": 1.0}, [1, 1, 1]),
        ({"brightness": -1.0}, [0, 0, 0]),
        ({"contrast": 0.0}, [0.5, 0.5, 0.5]),
        ({"contrast": 1.5}, [0.95, 0.35, 0.05]),
        ({"contrast": 4.0}, [1, 0.1, 0]),
        ({"gamma": 2.0}, [0.8**0.5, 0.4**0.5, 0.2**0.5]),
        ({"saturation": 0.0}, [0.8 * 0.2126 + 0.4 * 0.7152 + 0.2 * 0.0722] * 3),
        ({"hue": 120.0}, [0.2, 0.8, 0.4]),
        ({"hue": -120.0}, [0.4, 0.2, 0.8]),
        ({"hue": 180.0}, [0.2, 0.6, 0.8]),
    ],
)
def test_each_adjustment_has_its_meaning(values: Any, expected: list[float]) -> None:
    assert colour(adjust_colour(plain(0.8, 0.4, 0.2), **values)) == pytest.approx(expected, abs=1e-5)


def test_adjustments_follow_their_order() -> None:
    image = noise()
    together = adjust_colour(image, temperature=0.3, hue=40.0, saturation=1.3, contrast=0.7, brightness=0.05, gamma=1.4)
    one_by_one = image
    for values in (
        {"temperature": 0.3},
        {"hue": 40.0},
        {"saturation": 1.3},
        {"contrast": 0.7},
        {"brightness": 0.05},
        {"gamma": 1.4},
    ):
        one_by_one = adjust_colour(one_by_one, **values)
    # Between saturation and contrast nothing is cut off when both are asked for at once.
    assert float((together.pixels - one_by_one.pixels).abs().mean()) < 0.01


@given(UNIT, UNIT, UNIT, st.floats(-180, 180))
def test_hue_is_that_of_hsv(red: float, green: float, blue: float, degrees: float) -> None:
    hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
    expected = colorsys.hsv_to_rgb((hue + degrees / 360) % 1, saturation, value)
    assert colour(adjust_colour(plain(red, green, blue, height=1, width=1), hue=degrees)) == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize("temperature", [-1.0, -0.2, 0.4, 1.0])
def test_temperature_weighs_red_against_blue_and_keeps_the_brightness_of_grey(temperature: float) -> None:
    red, green, blue = colour(adjust_colour(plain(0.5, 0.5, 0.5), temperature=temperature))
    assert (red > green > blue) if temperature > 0 else (red < green < blue)
    assert red * 0.2126 + green * 0.7152 + blue * 0.0722 == pytest.approx(0.5, abs=1e-6)


@given(st.floats(-1, 1), st.floats(0, 4), st.floats(0, 4), st.floats(-180, 180), st.floats(0.05, 20), st.floats(-1, 1))
def test_any_adjustment_gives_colours(
    brightness: float, contrast: float, saturation: float, hue: float, gamma: float, temperature: float
) -> None:
    image = Image(pixels=noise(2, 3, 5).pixels.round(decimals=1))
    before = image.pixels.clone()
    found = adjust_colour(
        image, brightness=brightness, contrast=contrast, saturation=saturation, hue=hue, gamma=gamma, temperature=temperature
    ).pixels
    assert found.shape == before.shape
    assert 0 <= float(found.min()) <= float(found.max()) <= 1
    assert torch.equal(image.pixels, before)


@pytest.mark.parametrize("method", ["mean_and_spread", "histogram"])
def test_a_picture_matched_to_itself_is_itself(method: Any) -> None:
    image = noise(2)
    torch.testing.assert_close(match_colour(image, image, method=method).pixels, image.pixels, rtol=0, atol=1 / 255)


def test_the_histogram_becomes_that_of_the_reference() -> None:
    image, reference = gradient(40, 50), Image(pixels=noise(1, 33, 44).pixels ** 3)
    found = match_colour(image, reference, method="histogram").pixels
    for channel in range(3):
        ours, wanted = (one[..., channel].flatten().sort().values for one in (found, reference.pixels))
        shares = torch.linspace(0.02, 0.98, 25)
        torch.testing.assert_close(ours.quantile(shares), wanted.quantile(shares), rtol=0, atol=0.05)
    order = image.pixels[0, :, 5, 0].argsort()
    assert bool((found[0, order, 5, 0].diff() >= 0).all())


def test_mean_and_spread_become_those_of_the_reference() -> None:
    image = Image(pixels=0.3 + 0.1 * noise(2, 40, 50).pixels)
    reference = Image(pixels=torch.tensor([0.6, 0.4, 0.5]) + 0.2 * (noise(1, 30, 20, seed=4).pixels - 0.5))
    found = match_colour(image, reference).pixels
    torch.testing.assert_close(found.mean(dim=(1, 2)), reference.pixels.mean(dim=(1, 2)).expand(2, 3), rtol=0, atol=0.005)
    torch.testing.assert_close(found.std(dim=(1, 2)), reference.pixels.std(dim=(1, 2)).expand(2, 3), rtol=0, atol=0.015)


@pytest.mark.parametrize("method", ["mean_and_spread", "histogram"])
def test_one_shade_takes_the_mean_and_strength_says_how_far(method: Any) -> None:
    image, reference = plain(0.2, 0.2, 0.2), plain(0.9, 0.5, 0.1, height=1, width=1)
    assert colour(match_colour(image, reference, method=method)) == pytest.approx([0.9, 0.5, 0.1], abs=2e-3)
    assert colour(match_colour(image, reference, method=method, strength=0.5)) == pytest.approx([0.55, 0.35, 0.15], abs=2e-3)
    assert colour(match_colour(image, reference, method=method, strength=0.0)) == pytest.approx([0.2, 0.2, 0.2])


def test_each_picture_may_have_its_reference() -> None:
    references = Image(pixels=torch.cat([plain(0.9, 0.5, 0.1).pixels, plain(0.1, 0.5, 0.9).pixels]))
    found = match_colour(noise(2), references, method="histogram").pixels
    torch.testing.assert_close(found[:, 0, 0], references.pixels[:, 0, 0])
    assert match_colour(noise(1), references).pixels.shape == (2, 12, 17, 3)
    with pytest.raises(NodeInputError, match="It holds 2 pictures for 3 pictures"):
        match_colour(noise(3), references)
