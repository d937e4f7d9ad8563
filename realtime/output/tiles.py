"""Tiles of a picture: where its alpha is all 0, all 1, or undecided.

A person's outline touches a tenth of a picture. The tiles that it crosses are gathered into one
array, worked on in a few calls, and scattered back; all others are copied at most.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.frame import UInt8
from realtime.output.buffers import Scratch

# Tops and lefts of rectangles, int (n,) each.
Corners = tuple[NDArray[np.intp], NDArray[np.intp]]

# Lines and columns of a luma tile. Smaller ones hug the outline and are more in number.
_TILE = 32

# A grid is at most this much coarser than the picture, and has at least this share of the lines of
# what is given on it. An alpha of 640×352 on 480×270 for a picture of 1080p comes out no worse, in
# three quarters of the time.
_COARSEST = 4
_LINES_KEPT = 0.75


@dataclass(frozen=True, slots=True)
class Tiling:
    """How a picture of one size is cut into tiles.

    Tiles begin at multiples of `grid` and of two; the last of a row or column is moved inwards
    where it would jut out, and overlaps the one before.

    Attributes:
        height: of the picture, as of all its luma.
        width: likewise.
        rows: of a tile.
        columns: likewise.
        tops: where the tiles begin, int (R,).
        lefts: likewise, int (C,).
        grid: pixels of the picture to one of the grid on which smooth things are given.
    """

    height: int
    width: int
    rows: int
    columns: int
    tops: NDArray[np.intp]
    lefts: NDArray[np.intp]
    grid: int

    @classmethod
    def of(cls, height: int, width: int, shape: tuple[int, int]) -> Tiling:
        """For a picture of even size, and something smooth that is given at (h, w)."""
        rows, columns = min(_TILE, height), min(_TILE, width)
        grid = grid_of(height, width, shape)
        return cls(
            height,
            width,
            rows,
            columns,
            np.minimum(np.arange(0, height, rows), height - rows),
            np.minimum(np.arange(0, width, columns), width - columns),
            grid,
        )

    def sort(self, alpha: UInt8) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which tiles are of nothing but 0, and which of nothing but 255.

        Args:
            alpha: uint8 (height/grid + 2, width/grid + 2), with a margin of one; what is between
                is interpolated linearly, so never beyond its neighbours.

        Returns:
            bool (R, C) each.
        """
        rows, columns = self.rows // self.grid + 2, self.columns // self.grid + 2
        tops, lefts = self.tops // self.grid, self.lefts // self.grid
        # The sums of all tiles at once. One from the corner may overflow, and the difference of
        # two such is right all the same.
        sums = cv2.integral(alpha)
        bands = sums[tops + rows] - sums[tops]
        sums = bands[:, lefts + columns] - bands[:, lefts]
        return sums == 0, sums == 255 * rows * columns


def grid_of(height: int, width: int, shape: tuple[int, int]) -> int:
    """Pixels of a picture to one of the grid between it and what is given at (h, w): 4, 2 or 1."""
    grid = _COARSEST
    while grid > 1 and (
        height % grid
        or width % grid
        or height // grid < _LINES_KEPT * shape[0]
        or width // grid < _LINES_KEPT * shape[1]
    ):
        grid //= 2
    return grid


def gather(plane: NDArray[Any], at: Corners, rows: int, columns: int) -> NDArray[Any]:
    """Copies of rectangles of a plane, (n, rows, columns).

    Args:
        plane: (H, W), each line of it contiguous.
        at: their tops and lefts.
        rows: of each.
        columns: likewise.
    """
    return _strips(plane, rows, columns)[at].view(plane.dtype).reshape(-1, rows, columns)


def scatter(tiles: NDArray[Any], plane: NDArray[Any], at: Corners) -> None:
    """Writes rectangles, (n, rows, columns) and contiguous, to where `gather` has them from."""
    _, rows, columns = tiles.shape
    strips = _strips(plane, rows, columns)
    strips[at] = tiles.view(strips.dtype)[..., 0]


def _strips(plane: NDArray[Any], rows: int, columns: int) -> NDArray[np.void]:
    """Every rectangle of a plane, as a view: (H - rows + 1, W - columns + 1, rows).

    An element is a line of a rectangle: NumPy moves it in one piece, several times faster than
    pixel by pixel.
    """
    height, width = plane.shape
    line = np.dtype((np.void, columns * plane.itemsize))
    down, across = plane.strides
    shape = (height - rows + 1, width - columns + 1, rows)
    strides = (down, across, down)
    if plane.flags.c_contiguous:
        # The same, and ten times as quick to say.
        return np.ndarray(shape, line, plane, 0, strides)
    return np.lib.stride_tricks.as_strided(plane[:, :columns].view(line), shape, strides)


def enlarge(patches: NDArray[Any], factor: int, scratch: Scratch, name: str) -> NDArray[Any]:
    """Patches of a grid to tiles of a picture, by linear interpolation.

    Args:
        patches: (n, r + 2, c + 2), uint8 or float32, with a margin of one.
        factor: pixels of the picture to one of the grid.
        scratch: where the result lies, and what is needed on the way.
        name: of the result in `scratch`.

    Returns:
        (n·r·factor, c·factor), contiguous.
    """
    count, rows, columns = patches.shape
    kind, bytes_each = patches.dtype.type, patches.itemsize
    height, width = (rows - 2) * factor, (columns - 2) * factor
    result = scratch.array(name, (count * height, width), kind)
    if factor == 1:
        np.copyto(result.reshape(count, height, width), patches[:, 1:-1, 1:-1])
    else:
        # Side by side, for OpenCV is quicker along rows.
        wide = scratch.array(f"wide {kind.__name__}", (rows, count, columns), kind)
        np.copyto(wide, patches.transpose(1, 0, 2))
        size = (rows * factor, count * columns * factor)
        large = scratch.array(f"large {kind.__name__}", size, kind)
        cv2.resize(
            wide.reshape(rows, count * columns),
            (size[1], size[0]),
            dst=large,
            interpolation=cv2.INTER_LINEAR,
        )
        # Interpolated across the border to the next patch, the margin is wrong; and not wanted.
        line = np.dtype((np.void, width * bytes_each))
        start = factor * (large.strides[0] + bytes_each)
        strides = columns * factor * bytes_each, large.strides[0]
        inner = np.ndarray((count, height), line, large, start, strides)
        np.copyto(result.view(line).reshape(count, height), inner)
    return result


def runs(tiles: NDArray[np.bool_]) -> Iterator[tuple[int, int, int, int]]:
    """Rectangles that cover the marked tiles and no other: (top, bottom, left, right), in tiles."""
    rows, columns = tiles.shape
    framed = np.zeros((rows, columns + 2), np.bool_)
    framed[:, 1:-1] = tiles
    row, column = np.nonzero(framed[:, 1:] != framed[:, :-1])
    # Beginnings and ends alternate along each row.
    spans = zip(row[::2].tolist(), column[::2].tolist(), column[1::2].tolist(), strict=True)
    top, left, right, bottom = 0, 0, 0, 0
    for index, start, end in spans:
        if (start, end) == (left, right) and index == bottom:
            bottom += 1
            continue
        if bottom > top:
            yield top, bottom, left, right
        top, bottom, left, right = index, index + 1, start, end
    if bottom > top:
        yield top, bottom, left, right
