"""The outline of one frame: where it is, its alpha, and the foreground's colour along it.

The alpha of a chroma sample is that of the luma samples it covers.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.frame import Float32, Planes, UInt8
from realtime.output import decontamination, refinement
from realtime.output.buffers import Scratch
from realtime.output.lightwrap import Light
from realtime.output.tiles import Tiling, enlarge, gather, runs, scatter

Picture = TypeVar("Picture", UInt8, Float32)


def mix(foreground: UInt8, background: UInt8, alpha: UInt8, scratch: Scratch, name: str) -> UInt8:
    """C = αF + (1 - α)B for one plane; all uint8 of one shape; rounded once.

    The result lies in `scratch` by this name.
    """
    shape = foreground.shape
    total = scratch.array("sum", shape, np.uint16)
    part = scratch.array("part", shape, np.uint16)
    rest = cv2.bitwise_not(alpha, dst=scratch.array("rest", shape))
    np.multiply(foreground, alpha, out=total, dtype=np.uint16)
    np.multiply(background, rest, out=part, dtype=np.uint16)
    np.add(total, part, out=total)
    result: UInt8 = scratch.array(name, shape)
    cv2.convertScaleAbs(total, alpha=1 / 255, dst=result)
    return result


class Edge:
    """The tiles of one frame on which there is work to do: those that an outline crosses.

    Attributes:
        count: how many there are, n.
        nothing: which of all tiles have an alpha of nothing but 0, bool (R, C).
        solid: which have nothing but 255, likewise.
    """

    def __init__(
        self, seen: Planes, alpha: Float32, tiling: Tiling, curve: UInt8, scratch: Scratch
    ) -> None:
        self._planes = seen
        self._scratch = scratch
        self._tiling = tiling
        self._curve = curve
        self.nothing, self.solid = tiling.sort(self._prepare(alpha))
        self._choose()
        if self.count:
            self._narrow()

    def _narrow(self) -> None:
        """Gives up tiles that turn out to have nothing undecided."""

    def _prepare(self, alpha: Float32) -> UInt8:
        """Makes ready for the rest; gives what `Tiling.sort` takes."""
        height, width = self._grid_size()
        self._coarse = _to_grid(alpha, height, width, self._curve)
        self._margin = _with_margin(self._coarse)
        return self._margin

    def _luma_alpha(self) -> UInt8:
        """Alpha of the tiles, uint8 (n·rows, columns)."""
        return self._enlarged(self._patches(self._margin), "alpha")

    @cached_property
    def small(self) -> UInt8:
        """The alpha at the size of what is worked out on a small copy, uint8 (h, w)."""
        return resized(self._coarse, *self._small_size())

    def _choose(self) -> None:
        self._chosen = np.nonzero(~(self.nothing | self.solid))
        tops, lefts = self._tiling.tops[self._chosen[0]], self._tiling.lefts[self._chosen[1]]
        self.count = len(tops)
        for known in ("alphas", "luma", "seen"):
            self.__dict__.pop(known, None)
        self._at = ((tops, lefts), (tops // 2, lefts // 2))

    def include(self, weight: UInt8) -> None:
        """Takes solid tiles in on which there is work all the same.

        Args:
            weight: uint8 (h, w), not 0 wherever there is.
        """
        idle, _ = self._tiling.sort(_with_margin(resized(weight, *self._grid_size())))
        self.solid &= idle
        self._choose()

    @cached_property
    def alphas(self) -> tuple[UInt8, UInt8, UInt8]:
        """Alpha of the tiles: uint8 (n·rows, columns), and twice (n·rows/2, columns/2)."""
        return _with_chroma(self._luma_alpha())

    @cached_property
    def luma(self) -> UInt8:
        """The tiles of luma as the camera saw them, uint8 (n·rows, columns)."""
        return self.gather(self._planes.y, 0)

    @cached_property
    def seen(self) -> list[UInt8]:
        """The tiles of the three planes as the camera saw them."""
        return [self.luma, self.gather(self._planes.u, 1), self.gather(self._planes.v, 2)]

    def pure(self) -> list[UInt8]:
        """The same without what shone through from the room."""
        small = decontamination.mixture(self._planes, self.small, self._box())
        return [
            self._mix(tile, self._tiles_of(mixed, index), self.alphas[index], f"pure {index}")
            for index, (tile, mixed) in enumerate(zip(self.seen, small, strict=True))
        ]

    def _small_size(self) -> tuple[int, int]:
        divisor = decontamination.divisor(self._tiling.height)
        return -(-self._tiling.height // divisor), -(-self._tiling.width // divisor)

    def _box(self) -> tuple[slice, slice]:
        """Rows and columns of the small size between which all tiles lie."""
        divisor = decontamination.divisor(self._tiling.height)
        tops, lefts = self._at[0]
        return (
            slice(int(tops[0]) // divisor, -(-(int(tops[-1]) + self._tiling.rows) // divisor)),
            slice(
                int(lefts.min()) // divisor,
                -(-(int(lefts.max()) + self._tiling.columns) // divisor),
            ),
        )

    def gather(self, plane: UInt8, index: int) -> UInt8:
        """The tiles of plane 0, 1 or 2, as uint8 (n·rows, columns); a copy."""
        rows, columns = self._size(index)
        return gather(plane, self._at[index > 0], rows, columns).reshape(-1, columns)

    def scatter(self, tiles: UInt8, plane: UInt8, index: int) -> None:
        """Writes tiles back to where they are from."""
        rows, columns = self._size(index)
        scatter(tiles.reshape(-1, rows, columns), plane, self._at[index > 0])

    def copy(self, source: Planes, target: Planes, tiles: NDArray[np.bool_]) -> None:
        """Copies some of all tiles.

        Args:
            source: of the picture's size.
            target: likewise.
            tiles: which, bool (R, C).
        """
        for top, bottom, left, right in self._rectangles(tiles):
            target.y[top:bottom, left:right] = source.y[top:bottom, left:right]
            top, bottom, left, right = top // 2, bottom // 2, left // 2, right // 2
            target.u[top:bottom, left:right] = source.u[top:bottom, left:right]
            target.v[top:bottom, left:right] = source.v[top:bottom, left:right]

    def fill_solid(self, plane: UInt8, value: int) -> None:
        """Fills the tiles of a luma plane that are foreground alone."""
        for top, bottom, left, right in self._rectangles(self.solid):
            plane[top:bottom, left:right] = value

    def _rectangles(self, tiles: NDArray[np.bool_]) -> Iterator[tuple[int, int, int, int]]:
        """Of some tiles, in pixels: top, bottom, left, right."""
        tops, lefts = self._tiling.tops.tolist(), self._tiling.lefts.tolist()
        rows, columns = self._tiling.rows, self._tiling.columns
        for top, bottom, left, right in runs(tiles):
            yield tops[top], tops[bottom - 1] + rows, lefts[left], lefts[right - 1] + columns

    def lit(self, tiles: list[UInt8], light: Light) -> list[UInt8]:
        """Foreground tiles of the three planes with light on them."""
        weight = self._tiles_of(light.weight, 1).copy()
        white = self._scratch.array("white", tiles[0].shape)
        white.fill(light.white)
        return [
            self._mix(white, tiles[0], self._tiles_of(light.weight, 0), "lit 0"),
            self._mix(self._tiles_of(light.u, 1), tiles[1], weight, "lit 1"),
            self._mix(self._tiles_of(light.v, 2), tiles[2], weight, "lit 2"),
        ]

    def _mix(self, one: UInt8, other: UInt8, share: UInt8, name: str) -> UInt8:
        return mix(one, other, share, self._scratch, name)

    def _tiles_of(self, small: UInt8, index: int) -> UInt8:
        """Tiles of plane 0, 1 or 2 of something given at the small size; until asked again."""
        height, width = self._planes[index].shape
        factor = max(1, width // small.shape[1])
        rows, columns = self._size(index)
        if (
            small.shape == (height / factor, width / factor)
            and not rows % factor
            and not columns % factor
        ):
            patches = self._patches(_with_margin(small), factor, index)
            return enlarge(patches, factor, self._scratch, "tiles")
        whole: UInt8 = self._scratch.array("whole", (height, width))
        cv2.resize(small, (width, height), dst=whole, interpolation=cv2.INTER_LINEAR)
        return self.gather(whole, index)

    def _patches(self, margin: Picture, factor: int | None = None, index: int = 0) -> Picture:
        """Where the tiles of plane 0, 1 or 2 lie on something coarse.

        Args:
            margin: with a margin of one around it.
            factor: pixels of the plane to one of it; None for those of the grid.
            index: of the plane.

        Returns:
            (n, r + 2, c + 2), for `enlarge`.
        """
        factor = self._tiling.grid if factor is None else factor
        tops, lefts = self._at[index > 0]
        rows, columns = self._size(index)
        at = tops // factor, lefts // factor
        return gather(margin, at, rows // factor + 2, columns // factor + 2)

    def _enlarged(self, patches: Picture, name: str) -> Picture:
        """Tiles of luma of something given on the grid."""
        return enlarge(patches, self._tiling.grid, self._scratch, name)

    def _grid_size(self) -> tuple[int, int]:
        """Rows and columns of the grid."""
        return self._tiling.height // self._tiling.grid, self._tiling.width // self._tiling.grid

    def _size(self, index: int) -> tuple[int, int]:
        """Rows and columns of a tile of plane 0, 1 or 2."""
        part = 2 if index else 1
        return self._tiling.rows // part, self._tiling.columns // part


class RefinedEdge(Edge):
    """Does what its base does, with outlines that follow the picture's luma."""

    def _narrow(self) -> None:
        # The fit is wide, and the outline that comes of it narrow: many tiles turn out idle.
        luma = self.luma.reshape(self.count, -1)
        slope, offset = self._patches(self._slope), self._patches(self._offset)
        nothing, solid = self._decided(luma, slope, offset)
        rest = ~(nothing | solid)
        alpha = self._tiles_alpha(luma[rest], slope[rest], offset[rest])
        nothing[rest], solid[rest] = alpha.max(1) == 0, alpha.min(1) == 255
        self.nothing[self._chosen] |= nothing
        self.solid[self._chosen] |= solid
        self._choose()
        if self.count:
            columns, left = self._tiling.columns, ~(nothing | solid)
            self.alphas = _with_chroma(alpha[left[rest]].reshape(-1, columns))
            self.luma = luma[left].reshape(-1, columns)

    def _decided(
        self, luma: UInt8, slope: Float32, offset: Float32
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which tiles are sure to be of nothing but 0, and of nothing but 255, at little cost.

        Between four points of the grid, an alpha is a mean of what theirs would be for its luma:
        it lies between those for the tile's darkest and brightest.
        """
        slope, offset = slope.reshape(len(luma), -1), offset.reshape(len(luma), -1)
        dark, bright = (
            slope * extreme.astype(np.float32)[:, None] + offset
            for extreme in (luma.min(1), luma.max(1))
        )
        least = np.minimum(dark.min(1), bright.min(1))
        most = np.maximum(dark.max(1), bright.max(1))
        # Levels are rounded before the curve, which never falls.
        first_above_0, first_255 = np.searchsorted(self._curve, (1, 255))
        return most < first_above_0 - 0.5, least > first_255 - 0.5

    def _prepare(self, alpha: Float32) -> UInt8:
        self._fit = refinement.fit(self._planes.y, alpha, self._curve)
        self._slope, self._offset = (
            _with_margin(resized(part, *self._grid_size()))
            for part in (self._fit.slope, self._fit.offset)
        )
        return _with_margin(resized(self._fit.kind, *self._grid_size()))

    def _luma_alpha(self) -> UInt8:
        tiles = self.luma.reshape(self.count, -1)
        alpha = self._tiles_alpha(tiles, self._patches(self._slope), self._patches(self._offset))
        return alpha.reshape(-1, self._tiling.columns)

    def _tiles_alpha(self, luma: UInt8, slope: Float32, offset: Float32) -> UInt8:
        """Alpha of tiles of luma, uint8 (n, rows·columns), given the fit's patches."""
        if not len(luma):
            return luma
        tiles = luma.reshape(-1, self._tiling.columns)
        alpha = self._alpha(tiles, self._enlarged(slope, "slope"), self._enlarged(offset, "offset"))
        return alpha.reshape(luma.shape)

    @cached_property
    def small(self) -> UInt8:
        height, width = self._small_size()
        return self._alpha(
            resized(self._planes.y, height, width),
            resized(self._fit.slope, height, width),
            resized(self._fit.offset, height, width),
        )

    def _alpha(self, luma: UInt8, slope: Float32, offset: Float32) -> UInt8:
        levels = self._scratch.array("levels", luma.shape, np.float32)
        cv2.multiply(luma, slope, dst=levels, dtype=cv2.CV_32F)
        alpha: UInt8 = cv2.add(levels, offset, dtype=cv2.CV_8U)
        cv2.LUT(alpha, self._curve, dst=alpha)
        return alpha


def resized(plane: Picture, height: int, width: int) -> Picture:
    """A plane of another size, by linear interpolation."""
    result: Picture = cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR)
    return result


def _with_margin(plane: Picture) -> Picture:
    result: Picture = cv2.copyMakeBorder(plane, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    return result


def _to_grid(alpha: Float32, height: int, width: int, curve: UInt8) -> UInt8:
    levels: UInt8 = cv2.convertScaleAbs(alpha, alpha=255)
    coarse: UInt8 = cv2.resize(levels, (width, height), interpolation=cv2.INTER_CUBIC)
    cv2.LUT(coarse, curve, dst=coarse)
    return coarse


def _with_chroma(luma: UInt8) -> tuple[UInt8, UInt8, UInt8]:
    rows, columns = luma.shape
    chroma: UInt8 = cv2.resize(luma, (columns // 2, rows // 2), interpolation=cv2.INTER_AREA)
    return luma, chroma, chroma
