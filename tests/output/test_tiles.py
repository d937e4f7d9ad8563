"""Tiles cover a picture, rectangles cover the marked tiles, and enlarging is interpolation."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.output.buffers import Scratch
from realtime.output.tiles import Tiling, enlarge, gather, runs, scatter

SIZES = [(2, 2), (18, 320), (46, 130), (360, 640), (480, 854), (1080, 1920)]


@pytest.mark.parametrize("size", SIZES)
def test_tiles_cover_every_pixel_and_stay_inside(size: tuple[int, int]) -> None:
    tiling = Tiling.of(*size, (27, 48))
    covered = np.zeros(size, bool)
    for top in tiling.tops:
        for left in tiling.lefts:
            assert top % 2 == left % 2 == top % tiling.grid == left % tiling.grid == 0
            part = covered[top : top + tiling.rows, left : left + tiling.columns]
            assert part.shape == (tiling.rows, tiling.columns)
            part[:] = True
    assert covered.all()


@pytest.mark.parametrize("size", SIZES)
def test_the_grid_divides_the_picture_and_keeps_most_lines_of_what_is_given(
    size: tuple[int, int],
) -> None:
    for shape in ((27, 48), (176, 320), (352, 640)):
        grid = Tiling.of(*size, shape).grid
        assert size[0] % grid == size[1] % grid == 0
        assert grid == 1 or all(s // grid >= 0.75 * g for s, g in zip(size, shape, strict=True))


def test_a_pixel_just_outside_counts_for_what_is_interpolated_with_it() -> None:
    tiling = Tiling.of(1080, 1920, (27, 48))
    assert tiling.grid == 4
    margin = np.zeros((272, 482), np.uint8)
    # Row and column of the grid 8: the first of the second tiles, the neighbour of the first.
    margin[1 + 8, 1 + 8] = 9
    nothing, solid = tiling.sort(margin)
    assert not solid.any()
    assert np.argwhere(~nothing).tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]


def test_a_picture_of_any_size_can_be_all_foreground() -> None:
    tiling = Tiling.of(4320, 7680, (4320, 7680))
    assert tiling.grid == 1
    margin = np.full((4322, 7682), 255, np.uint8)
    margin[-1, -1] = 254
    nothing, solid = tiling.sort(margin)
    assert not nothing.any()
    assert np.argwhere(~solid).tolist() == [[134, 239]]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_rectangles_cover_the_marked_tiles_once(share: float) -> None:
    marked = np.random.default_rng(3).random((34, 60)) < share
    marked[20:30, 10:40] = True
    counts = np.zeros(marked.shape, int)
    rectangles = list(runs(marked))
    for top, bottom, left, right in rectangles:
        counts[top:bottom, left:right] += 1
    np.testing.assert_array_equal(counts, marked)


def test_equal_rows_are_one_rectangle() -> None:
    marked = np.zeros((10, 10), bool)
    marked[2:8, 3:7] = True
    assert list(runs(marked)) == [(2, 8, 3, 7)]


@pytest.mark.parametrize("factor", [1, 2, 4])
def test_enlarged_patches_are_parts_of_the_enlarged_whole(factor: int) -> None:
    grid = np.random.default_rng(1).integers(0, 256, (16, 24), np.uint8)
    margin = cv2.copyMakeBorder(grid, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    size = (24 * factor, 16 * factor)
    whole = cv2.resize(grid, size, interpolation=cv2.INTER_LINEAR)
    tops, lefts = np.array([0, 0, 8, 4]), np.array([0, 16, 16, 8])
    patches = gather(margin, (tops, lefts), 10, 10)
    tiles = enlarge(patches, factor, Scratch(), "tiles").reshape(4, 8 * factor, -1)
    for tile, top, left in zip(tiles, tops * factor, lefts * factor, strict=True):
        part = whole[top : top + 8 * factor, left : left + 8 * factor]
        np.testing.assert_array_equal(tile, part)


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
@pytest.mark.parametrize("padded", [False, True])
def test_rectangles_are_gathered_and_scattered(padded: bool, kind: type) -> None:
    plane: NDArray[Any] = np.random.default_rng(1).integers(0, 256, (20, 50)).astype(kind)
    if padded:
        plane = plane[:, 5:45]
    at = np.array([14, 0, 3]), np.array([32, 0, 7])
    tiles = gather(plane, at, 6, 8)
    before = plane.copy()
    for tile, top, left in zip(tiles, *at, strict=True):
        np.testing.assert_array_equal(tile, plane[top : top + 6, left : left + 8])
        before[top : top + 6, left : left + 8] = tile + 1
    scatter(tiles + kind(1), plane, at)
    np.testing.assert_array_equal(plane, before)
