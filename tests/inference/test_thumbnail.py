"""The small picture that motion is told from."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.color import rgb_to_planes
from realtime.frame import ColorTags, Planes
from realtime.inference.preprocess import SmallPlanes
from realtime.inference.thumbnail import Thumbnail
from tests.media import portrait_frame


@pytest.mark.parametrize(
    ("width", "height", "small"),
    [
        (1280, 720, (108, 192)),
        (720, 1280, (192, 108)),
        (640, 480, (125, 166)),
        (64, 48, (125, 166)),
    ],
)
def test_it_has_about_as_many_pixels_of_any_picture(
    width: int, height: int, small: tuple[int, int]
) -> None:
    for plane in Thumbnail.of_planes(Planes.empty(height, width)):
        assert plane.shape == small
    for plane in Thumbnail.of_rgb(np.zeros((height, width, 3), np.uint8)):
        assert plane.shape == small


def test_a_frames_is_that_of_its_rgb() -> None:
    color = (200, 90, 40)
    rgb = np.full((216, 384, 3), color, np.uint8)
    full_range = ColorTags(full_range=True, matrix=6)
    of_planes = Thumbnail.of_planes(rgb_to_planes(rgb, full_range))
    assert Thumbnail.of_rgb(rgb).difference(of_planes).max() <= 3


def test_of_planes_made_smaller_already_it_is_much_the_same() -> None:
    planes = portrait_frame((1280, 720)).planes
    thumbnail = Thumbnail.of_planes(planes)
    found = Thumbnail.of_planes(planes, SmallPlanes.of(planes, (416, 240)))
    assert found.y.shape == thumbnail.y.shape
    assert found.difference(thumbnail).mean() < 2
    # Moved by a pixel of it, the same picture differs by several times as much.
    moved = Thumbnail(*(np.roll(plane, 1, axis=1) for plane in thumbnail))
    assert moved.difference(thumbnail).mean() > 3 * found.difference(thumbnail).mean()


def test_the_difference_is_of_luma_and_of_colour() -> None:
    gray = Thumbnail.of_rgb(np.full((108, 192, 3), 100, np.uint8))
    lighter = Thumbnail.of_rgb(np.full((108, 192, 3), 130, np.uint8))
    assert (gray.difference(lighter) == 30).all()
    redder = gray._replace(v=gray.v + np.uint8(20), u=gray.u - np.uint8(5))
    assert (redder.difference(gray) == 25).all()
    far = Thumbnail(gray.y + np.uint8(100), gray.u + np.uint8(100), gray.v + np.uint8(100))
    assert (gray.difference(far) == 255).all()
