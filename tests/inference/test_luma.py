"""The small luma that motion is told from."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from realtime.inference.luma import small_luma


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
    assert small_luma(np.zeros((height, width), np.uint8)).shape == small


def test_a_pictures_luma_is_that_of_its_rgb() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (216, 384, 3), np.uint8)
    gray = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
    np.testing.assert_array_equal(small_luma(rgb), small_luma(gray))
