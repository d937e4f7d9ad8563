"""YUV ↔ RGB against the definitions of the standards."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.color import planes_to_rgb, rgb_to_planes, rgb_to_yuv_matrix
from realtime.frame import ColorTags

BT601 = ColorTags(full_range=False, matrix=6)
BT709 = ColorTags(full_range=False, matrix=1)
BT709_FULL = ColorTags(full_range=True, matrix=1)
BT2020 = ColorTags(full_range=False, matrix=9)


@pytest.mark.parametrize(
    ("color", "red"),
    [
        # Y, U, V of pure red, as the tables of BT.601 and BT.709 in eight bits give them.
        (BT601, (81, 90, 240)),
        (BT709, (63, 102, 240)),
        # 255·0.2126, and 128 - 255·0.2126/1.8556; V overflows by half a level.
        (BT709_FULL, (54, 99, 255)),
    ],
)
def test_red_is_what_the_standard_says(color: ColorTags, red: tuple[int, int, int]) -> None:
    planes = rgb_to_planes(np.full((4, 4, 3), (255, 0, 0), np.uint8), color)
    assert (planes.y[0, 0], planes.u[0, 0], planes.v[0, 0]) == red


@pytest.mark.parametrize("color", [BT601, BT709, BT2020])
def test_limited_range_ends_at_16_and_235(color: ColorTags) -> None:
    black = rgb_to_planes(np.zeros((2, 2, 3), np.uint8), color)
    white = rgb_to_planes(np.full((2, 2, 3), 255, np.uint8), color)
    assert (black.y[0, 0], white.y[0, 0]) == (16, 235)
    assert {int(p[0, 0]) for p in (black.u, black.v, white.u, white.v)} == {128}


@pytest.mark.parametrize("color", [BT601, BT709, BT709_FULL, BT2020])
def test_there_and_back_is_the_same_to_two_levels(color: ColorTags) -> None:
    levels = np.linspace(0, 255, 6).astype(np.uint8)
    colors = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(-1, 3)
    # Blocks of 2×2, so that chroma loses nothing by its half size.
    picture = np.repeat(np.repeat(colors[None], 2, 0), 2, 1)
    back = planes_to_rgb(rgb_to_planes(picture, color), color)
    # The enlarging of chroma mixes neighbouring blocks: compare where it does not.
    flat = np.full((8, 8, 3), 0, np.uint8)
    for rgb in colors:
        flat[...] = rgb
        once = planes_to_rgb(rgb_to_planes(flat, color), color)
        assert np.abs(once.astype(int) - rgb).max() <= 2
    assert back.shape == picture.shape


@pytest.mark.parametrize(("height", "like"), [(480, BT601), (719, BT601), (720, BT709)])
def test_untagged_video_is_read_as_players_read_it(height: int, like: ColorTags) -> None:
    guessed = rgb_to_yuv_matrix(ColorTags(), height)
    np.testing.assert_allclose(guessed, rgb_to_yuv_matrix(like, height))
