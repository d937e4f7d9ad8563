"""Pictures of every format become the same planes."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.capture.planar import from_camera, tags_of
from realtime.color import planes_to_rgb
from realtime.frame import ColorTags
from tests.capture.fakes import picture

# Middle of each area of the picture, and what colour it has.
PLACES = {(12, 16): (200, 40, 30), (36, 16): (20, 60, 220), (24, 48): (128, 128, 128)}


@pytest.mark.parametrize("lent", [True, False])
@pytest.mark.parametrize(
    "pixels",
    [
        "yuv420p",
        "yuvj420p",
        "yuv422p",
        "yuvj422p",
        "yuvj444p",
        "yuyv422",
        "uyvy422",
        "nv12",
        "rgb24",
        "bgr24",
        "bgr0",
    ],
)
def test_colours_are_kept(pixels: str, lent: bool) -> None:
    shown = picture(pixels=pixels)
    planes, color = from_camera(shown, lent=lent), tags_of(shown)
    assert planes.y.shape == (48, 64)
    assert planes.u.shape == planes.v.shape == (24, 32)
    if pixels in ("rgb24", "bgr24", "bgr0"):
        assert (color.full_range, color.matrix) == (False, 1)
    else:
        # Raw pictures do not say what they are; the driver does.
        color = ColorTags(full_range=pixels.startswith("yuvj"), matrix=6)
    rgb = planes_to_rgb(planes, color)
    for (row, column), expected in PLACES.items():
        np.testing.assert_allclose(rgb[row, column], expected, atol=3)


@pytest.mark.parametrize("pixels", ["yuv422p", "yuyv422", "uyvy422"])
def test_chroma_is_the_mean_of_two_lines(pixels: str) -> None:
    frame = picture(pixels="yuv422p")
    for plane in frame.planes:
        lines = np.arange(plane.height, dtype=np.uint8)[:, None] * 4
        plane.update(np.repeat(lines, plane.line_size, axis=1).tobytes())
    planes = from_camera(frame.reformat(format=pixels), lent=False)
    expected = 8 * np.arange(24) + 2
    np.testing.assert_allclose(planes.u[:, 5], expected, atol=1)
    np.testing.assert_allclose(planes.v[:, 9], expected, atol=1)
    np.testing.assert_array_equal(planes.y[:, 7], 4 * np.arange(48))


@pytest.mark.parametrize("pixels", ["yuv420p", "yuv422p", "yuyv422", "nv12", "bgr24"])
def test_what_is_lent_is_copied(pixels: str) -> None:
    """The driver takes its memory back, and writes the next picture into it."""
    frame = picture(pixels=pixels)
    planes = from_camera(frame, lent=True)
    before = [plane.copy() for plane in planes]
    for memory in frame.planes:
        memory.update(bytes(memory.buffer_size))
    for plane, copy in zip(planes, before, strict=True):
        np.testing.assert_array_equal(plane, copy)


@pytest.mark.parametrize("pixels", ["yuvj420p", "yuvj422p"])
def test_what_a_decoder_gives_away_is_not_copied(pixels: str) -> None:
    frame = picture(pixels=pixels)
    planes = from_camera(frame, lent=False)
    frame.planes[0].update(bytes(frame.planes[0].buffer_size))
    assert not planes.y.any()


@pytest.mark.parametrize("pixels", ["yuv420p", "yuv422p", "yuvj422p", "bgr24"])
def test_odd_sizes_lose_a_line(pixels: str) -> None:
    planes = from_camera(picture(33, 19, pixels), lent=False)
    assert planes.y.shape == (18, 32)
    assert planes.u.shape == planes.v.shape == (9, 16)


def test_what_a_picture_says_of_its_colours_is_passed_on() -> None:
    frame = picture()
    frame.color_range, frame.colorspace, frame.color_primaries, frame.color_trc = 1, 9, 9, 14
    assert tags_of(frame) == ColorTags(False, 9, 9, 14)
