from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageCms

from graph_engine import Context, Folders
from graph_engine.declare import spec_of
from nodes.image import LoadedImage, load_image
from nodes.imaging.profile import Profile, ProfileError
from nodes.mask import load_mask
from tests.nodes.pictures import noise
from tests.nodes.profiles import (
    ADOBE_RGB,
    DISPLAY_P3,
    SRGB_CURVE,
    cmyk_profile,
    gamma_curve,
    grey_profile,
    parametric_curve,
    rgb_profile,
    sampled_curve,
)

P3 = rgb_profile(DISPLAY_P3, parametric_curve(*SRGB_CURVE))
ADOBE = rgb_profile(ADOBE_RGB, gamma_curve(563 / 256))
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
PIXELS = (noise(height=20, width=30).pixels[0].numpy() * 255).round().astype(np.uint8)

Array = np.ndarray[Any, Any]


def load(folder: Path, name: str, picture: Pillow.Image, profile: bytes | None, *, ignored: bool = False) -> LoadedImage:
    picture.save(folder / name, icc_profile=profile)
    context = Context(folders=Folders(inputs=(folder,)))
    return load_image(name=name, background="kept", profile="ignored" if ignored else "converted", context=context)


def by_little_cms(pixels: Array, profile: bytes, mode: str = "RGB") -> Array:
    own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    relative, black = ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Flags.BLACKPOINTCOMPENSATION
    change = ImageCms.buildTransform(own, ImageCms.createProfile("sRGB"), mode, "RGB", relative, black)
    return np.asarray(ImageCms.applyTransform(Pillow.fromarray(pixels, mode), change), dtype=np.float32) / 255


@pytest.mark.parametrize("name", ["picture.png", "picture.tif", "picture.webp", "picture.avif", "picture.jpg"])
def test_a_profile_of_every_format_is_applied(tmp_path: Path, name: str) -> None:
    flat = Pillow.new("RGB", (32, 32), (200, 60, 40))
    found = load(tmp_path, name, flat, P3).image.pixels[0, 16, 16].numpy()
    assert np.abs(found - by_little_cms(np.array([[(200, 60, 40)]], np.uint8), P3)[0, 0]).max() < 4 / 255
    assert found[0] > 210 / 255 > 205 / 255  # red of P3 is stronger than that of sRGB


@pytest.mark.parametrize(
    "profile",
    [
        P3,
        ADOBE,
        rgb_profile(ADOBE_RGB, sampled_curve([(step / 64) ** 1.8 for step in range(65)])),
        rgb_profile(ADOBE_RGB, parametric_curve(2.0)),
        rgb_profile(ADOBE_RGB, parametric_curve(2.0, 1.1, -0.1)),
        rgb_profile(ADOBE_RGB, parametric_curve(2.0, 1.1, -0.1, 0.0)),
        rgb_profile(ADOBE_RGB, parametric_curve(2.0, 0.95, -0.1, 0.2)),
        rgb_profile(ADOBE_RGB, parametric_curve(2.2, 0.9, 0.1, 0.1, 0.05, 0.01, 0.0)),
        rgb_profile(ADOBE_RGB, sampled_curve([])),
    ],
    ids=["P3", "Adobe RGB", "samples", "para 0", "para 1", "para 2", "lifted black", "para 4", "linear"],
)
def test_colours_are_those_of_little_cms_without_its_rounding(tmp_path: Path, profile: bytes) -> None:
    found = load(tmp_path, "picture.png", Pillow.fromarray(PIXELS), profile).image.pixels[0].numpy()
    wanted = by_little_cms(PIXELS, profile)
    assert np.abs(found - wanted).max() < 1.6 / 255
    assert np.abs(wanted - PIXELS / 255).max() > 5 / 255


def test_a_profile_of_srgb_changes_no_value(tmp_path: Path) -> None:
    for profile in (SRGB, None):
        found = load(tmp_path, "picture.png", Pillow.fromarray(PIXELS), profile).image.pixels[0].numpy()
        assert np.array_equal(found, PIXELS.astype(np.float32) / 255)


def test_the_profile_can_be_ignored_and_is_by_nodes_of_version_2(tmp_path: Path) -> None:
    found = load(tmp_path, "picture.png", Pillow.fromarray(PIXELS), P3, ignored=True).image.pixels[0].numpy()
    assert np.array_equal(found, PIXELS.astype(np.float32) / 255)
    spec = spec_of(load_image)
    assert spec.migrations[2]({"name": "a.png"}) == {"name": "a.png", "profile": "ignored"}
    assert spec.version == 3


def test_a_mask_is_read_as_the_file_has_it(tmp_path: Path) -> None:
    Pillow.new("L", (4, 4), 100).save(tmp_path / "mask.png", icc_profile=grey_profile(gamma_curve(1.0)))
    found = load_mask(name="mask.png", context=Context(folders=Folders(inputs=(tmp_path,))))
    assert float(found.values.max()) == pytest.approx(100 / 255)


def test_transparency_stays(tmp_path: Path) -> None:
    picture = Pillow.fromarray(np.dstack([PIXELS, PIXELS[:, :, 0]]))
    plain = load(tmp_path, "picture.png", Pillow.fromarray(PIXELS), P3).image.pixels
    found = load(tmp_path, "picture.png", picture, P3)
    assert np.array_equal(found.image.pixels, plain)
    assert np.array_equal(found.mask.values[0].numpy(), 1 - PIXELS[:, :, 0].astype(np.float32) / 255)


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_grey_is_brought_to_the_curve_of_srgb(tmp_path: Path, mode: str) -> None:
    profile = grey_profile(gamma_curve(1.0))
    picture = Pillow.new(mode, (5, 4), 55 if mode == "L" else (55, 255))
    found = load(tmp_path, "picture.png", picture, profile).image.pixels[0].numpy()
    assert np.allclose(found, 1.055 * (55 / 255) ** (1 / 2.4) - 0.055, atol=1e-5)


def test_grey_with_a_profile_of_colours_is_converted_as_colours(tmp_path: Path) -> None:
    profile = rgb_profile(ADOBE_RGB, gamma_curve(1.0))
    found = load(tmp_path, "picture.png", Pillow.new("L", (5, 4), 55), profile).image.pixels[0].numpy()
    assert np.allclose(found, 1.055 * (55 / 255) ** (1 / 2.4) - 0.055, atol=1e-3)


def test_colours_with_16_bits_keep_their_steps(tmp_path: Path) -> None:
    ramp = np.arange(20000, 20300, dtype=np.uint16)[None, :, None].repeat(3, axis=2)
    written = cv2.imencode(".png", ramp)[1].tobytes()
    coded = io.BytesIO()
    Pillow.fromarray(PIXELS).save(coded, "PNG", icc_profile=ADOBE)
    chunk = coded.getvalue()[33 : coded.getvalue().index(b"IDAT") - 4]
    (tmp_path / "deep.png").write_bytes(written[:33] + chunk + written[33:])
    found = load_image(name="deep.png", context=Context(folders=Folders(inputs=(tmp_path,)))).image.pixels[0, 0].numpy()
    assert len(np.unique(found[:, 1])) == 300
    assert np.abs(found[0] - by_little_cms((ramp[:, :1] / 257).round().astype(np.uint8), ADOBE)[0, 0]).max() < 2 / 255


@pytest.mark.parametrize("name", ["picture.jpg", "picture.tif"])
def test_cmyk_is_converted_by_its_table(tmp_path: Path, name: str) -> None:
    picture = Pillow.new("CMYK", (16, 16), (255, 0, 0, 0))
    naive = load(tmp_path, name, picture, None).image.pixels[0, 8, 8].numpy()
    found = load(tmp_path, name, picture, cmyk_profile()).image.pixels[0, 8, 8].numpy()
    assert naive[0] < 0.1 < 0.9 < naive[2]
    assert found.max() - found.min() < 0.02  # that ink is grey
    assert found.mean() == pytest.approx(0.72, abs=0.05)  # L* 75


@pytest.mark.parametrize(
    ("mode", "profile", "why"),
    [
        ("RGB", b"no profile at all", "cannot open profile from string"),
        ("RGB", P3[:200], "cannot open profile from string"),
        ("RGB", cmyk_profile(), "it is for CMYK, and the picture is RGB"),
        ("RGB", grey_profile(gamma_curve(1.8)), "it is for L, and the picture is RGB"),
        ("CMYK", P3, "it is for RGB, and the picture is CMYK"),
        ("RGB", ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(), "it is of Lab colours"),
    ],
)
def test_a_profile_that_does_not_fit_is_ignored_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: str, profile: bytes, why: str
) -> None:
    picture = Pillow.fromarray(PIXELS).convert(mode)
    with caplog.at_level(logging.WARNING):
        found = load(tmp_path, "picture.tif", picture, profile).image.pixels
    plain = load(tmp_path, "picture.tif", picture, None).image.pixels
    assert np.array_equal(found, plain)
    assert [record.getMessage() for record in caplog.records] == [f"The colour profile of 'picture.tif' is not applied: {why}."]


def test_a_profile_with_absurd_numbers_gives_colours_in_range() -> None:
    for curve in (gamma_curve(255.0), parametric_curve(-4.0), parametric_curve(3.0, 0.0, 5.0), parametric_curve(1.0, -9.0, 3.0)):
        try:
            found = Profile(rgb_profile(DISPLAY_P3, curve)).colours(PIXELS.astype(np.float32) / 255)
        except ProfileError:
            continue
        assert 0 <= found.min() <= found.max() <= 1


def test_a_tall_picture_has_the_colours_of_its_parts(tmp_path: Path) -> None:
    """Rows are worked out in bands."""
    tall = np.tile(PIXELS, (40, 1, 1))
    found = load(tmp_path, "tall.png", Pillow.fromarray(tall), ADOBE).image.pixels[0].numpy()
    assert np.array_equal(found[:20], found[-20:])
    assert np.array_equal(found[:20], load(tmp_path, "one.png", Pillow.fromarray(PIXELS), ADOBE).image.pixels[0].numpy())
