"""YUV ↔ RGB against the definitions of the standards."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.color import conversion, convert, planes_to_rgb, rgb_to_planes, rgb_to_yuv_matrix
from realtime.frame import ColorTags, Planes

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


@pytest.mark.parametrize("color", [BT601, BT709, BT709_FULL, BT2020, ColorTags(True, 5)])
@pytest.mark.parametrize("other", [BT601, BT709, BT709_FULL, BT2020, ColorTags(True, 5)])
def test_one_yuv_becomes_another(color: ColorTags, other: ColorTags) -> None:
    # Each colour fills a block, since chroma has half the resolution.
    colors = np.random.default_rng(2).integers(0, 256, (12, 16, 3), np.uint8)
    rgb = colors.repeat(8, axis=0).repeat(8, axis=1)
    planes = rgb_to_planes(rgb, color)
    change = conversion(color, 96, other, 96)
    if color == other:
        assert change is None
        return
    assert change is not None
    target = Planes.empty(96, 128)
    convert(planes, change, target)
    middle = np.s_[4::8, 4::8]
    seen = planes_to_rgb(target, other)[middle].astype(int)
    # Two roundings to eight bits, enlarged by the way back to RGB.
    np.testing.assert_allclose(seen, colors, atol=5)
    assert np.abs(seen - colors).mean() < 1.2


def test_what_is_untagged_may_change_with_its_size() -> None:
    untagged = ColorTags()
    assert conversion(untagged, 1080, untagged, 720) is None
    assert conversion(untagged, 1080, untagged, 480) is not None
    assert conversion(untagged, 1080, BT709, 480) is None
    assert conversion(ColorTags(False, 5), 480, BT601, 720) is None


@pytest.mark.parametrize(("height", "like"), [(480, BT601), (719, BT601), (720, BT709)])
def test_untagged_video_is_read_as_players_read_it(height: int, like: ColorTags) -> None:
    guessed = rgb_to_yuv_matrix(ColorTags(), height)
    np.testing.assert_allclose(guessed, rgb_to_yuv_matrix(like, height))
