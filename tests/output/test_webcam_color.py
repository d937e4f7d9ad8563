"""Every kind of YUV, as a webcam would send it."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.color import planes_to_rgb, rgb_to_planes
from realtime.frame import ColorTags, Planes
from realtime.output.webcam_color import WebcamPicture, write_as_webcam

WEBCAM = ColorTags(full_range=False, matrix=6)


@pytest.mark.parametrize("matrix", [1, 5, 6, 9])
@pytest.mark.parametrize("full_range", [False, True])
def test_colors_stay_what_they_are(matrix: int, full_range: bool) -> None:
    # Each colour fills a block, since chroma has half the resolution.
    colors = np.random.default_rng(2).integers(0, 256, (12, 16, 3), np.uint8)
    rgb = colors.repeat(8, axis=0).repeat(8, axis=1)
    color = ColorTags(full_range=full_range, matrix=matrix)
    target = Planes.empty(*rgb.shape[:2])
    write_as_webcam(rgb_to_planes(rgb, color), color, target)
    seen = planes_to_rgb(target, WEBCAM)
    middle = np.s_[4::8, 4::8]
    # Two roundings to eight bits, enlarged by the way back to RGB.
    np.testing.assert_allclose(seen[middle].astype(int), rgb[middle], atol=5)
    assert np.abs(seen[middle].astype(int) - rgb[middle]).mean() < 1.2


@pytest.mark.parametrize("color", [WEBCAM, ColorTags(), ColorTags(False, 5, 5, 5)])
def test_what_is_a_webcams_already_is_copied(color: ColorTags) -> None:
    random = np.random.default_rng(3)
    planes = Planes(*(random.integers(0, 256, (h, 8), np.uint8) for h in (16, 16, 16)))
    target = Planes(*(np.zeros_like(plane) for plane in planes))
    write_as_webcam(planes, color, target)
    for source, copy in zip(planes, target, strict=True):
        np.testing.assert_array_equal(source, copy)


@pytest.mark.parametrize(("height", "like"), [(480, WEBCAM), (720, ColorTags(False, 1))])
def test_untagged_pictures_are_taken_for_what_backgrounds_are_drawn_in(
    height: int, like: ColorTags
) -> None:
    """What is drawn for one leaves in the same colours as one that is tagged so."""
    rgb = np.full((height, 16, 3), (200, 60, 30), np.uint8)
    target = Planes.empty(height, 16)
    write_as_webcam(rgb_to_planes(rgb, ColorTags()), ColorTags(), target)
    assert np.abs(planes_to_rgb(target, WEBCAM).astype(int) - rgb).max() <= 2
    tagged = Planes.empty(height, 16)
    write_as_webcam(rgb_to_planes(rgb, like), like, tagged)
    for one, other in zip(target, tagged, strict=True):
        np.testing.assert_array_equal(one, other)


def test_full_range_keeps_black_white_and_grey() -> None:
    luma = np.array([[0, 255, 128, 64]], np.uint8)
    chroma = np.array([[0, 128, 255, 64]], np.uint8)
    target = Planes(*(np.zeros_like(luma) for _ in range(3)))
    write_as_webcam(Planes(luma, chroma, chroma), ColorTags(full_range=True), target)
    assert target.y.tolist() == [[16, 235, 126, 71]]
    assert target.u.tolist() == target.v.tolist() == [[16, 128, 240, 72]]


def test_a_picture_for_programs_has_the_colors_of_its_source() -> None:
    rgb = np.random.default_rng(4).integers(0, 256, (6, 8, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    for color in (WEBCAM, ColorTags(full_range=False, matrix=1)):
        picture = WebcamPicture(64, 48)
        picture.write(rgb_to_planes(rgb, color), color)
        assert picture.buffer.shape == (72, 64)
        bgr = picture.to_bgr()
        np.testing.assert_allclose(
            bgr[4::8, 4::8, ::-1].astype(int), rgb[4::8, 4::8].astype(int), atol=5
        )


def test_a_picture_that_is_a_webcams_already_is_not_copied() -> None:
    rgb = np.random.default_rng(4).integers(0, 256, (48, 64, 3), np.uint8)
    picture, packed = WebcamPicture(64, 48), Planes.empty(48, 64)
    for color, copied in ((WEBCAM, False), (ColorTags(full_range=True, matrix=6), True)):
        for plane, source in zip(packed, rgb_to_planes(rgb, color), strict=True):
            plane[:] = source
        buffer = picture.of(packed, color)
        assert np.shares_memory(buffer, packed.y) is not copied
        expected = WebcamPicture(64, 48)
        expected.write(packed, color)
        np.testing.assert_array_equal(buffer, expected.buffer)
    apart = Planes(*(plane.copy() for plane in packed))
    np.testing.assert_array_equal(picture.of(apart, WEBCAM), packed.packed)
