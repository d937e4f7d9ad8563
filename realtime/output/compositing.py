"""Puts a foreground before a background: C = αF + (1 - α)B on planes, in eight bits.

The alpha of a chroma sample is that of the luma samples it covers. Nothing is computed where alpha
is 0 or 1: tiles without an outline are copied (see `realtime.output.tiles`).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import cv2
import numpy as np

from realtime.frame import Float32, Planes, UInt8
from realtime.output import decontamination
from realtime.output.buffers import Pool
from realtime.output.lightwrap import Light, LightWrap
from realtime.output.tiles import Tiling, enlarge, runs, windows

# So much of a network's ramp from 0 to 1 is dropped at either end when it is enlarged by
# `_FULL_SCALE` or more: it would else become a glow of the old room. Picked by eye.
_MARGIN = 0.15
_FULL_SCALE = 3.0


def _to_grid(alpha: Float32, height: int, width: int, curve: UInt8) -> UInt8:
    levels: UInt8 = cv2.convertScaleAbs(alpha, alpha=255)
    coarse: UInt8 = cv2.resize(levels, (width, height), interpolation=cv2.INTER_CUBIC)
    cv2.LUT(coarse, curve, dst=coarse)
    return coarse


def _of_chroma(luma: UInt8) -> UInt8:
    rows, columns = luma.shape
    chroma: UInt8 = cv2.resize(luma, (columns // 2, rows // 2), interpolation=cv2.INTER_AREA)
    return chroma


def coverage_curve(scale: float) -> UInt8:
    """What becomes of each of the 256 alphas when a matte is enlarged `scale` times.

    A smoothstep that is steeper the larger the scale; at 1 and below, nothing changes.
    """
    if scale <= 1:
        return np.arange(256, dtype=np.uint8)
    margin = _MARGIN * min(1.0, (scale - 1) / (_FULL_SCALE - 1))
    t = np.clip((np.arange(256) / 255 - margin) / (1 - 2 * margin), 0, 1)
    smooth = t * t * (3 - 2 * t)
    # From the straight line at scale 1 to the smoothstep at full scale.
    share = margin / _MARGIN
    return np.rint(255 * (share * smooth + (1 - share) * t)).astype(np.uint8)


def mix(foreground: UInt8, background: UInt8, alpha: UInt8) -> UInt8:
    """C = αF + (1 - α)B for one plane; all uint8 of one shape; rounded once."""
    total = np.multiply(foreground, alpha, dtype=np.uint16)
    total += np.multiply(background, cv2.bitwise_not(alpha), dtype=np.uint16)
    result: UInt8 = cv2.convertScaleAbs(total, alpha=1 / 255)
    return result


def blend(foreground: UInt8, background: UInt8, alpha: UInt8) -> UInt8:
    """Does what `mix` does, a fifth faster, and exact to one level."""
    result: UInt8 = cv2.multiply(foreground, alpha, scale=1 / 255)
    rest: UInt8 = cv2.bitwise_not(alpha)
    cv2.multiply(background, rest, dst=rest, scale=1 / 255)
    cv2.add(result, rest, dst=result)
    return result


class Blender:
    """Composites frame after frame; not for several threads at once.

    Its results are lent from a pool: see `Pool` for how long they may be kept.
    """

    def __init__(self) -> None:
        self.pool = Pool()
        self._light = LightWrap()
        self._tiling: tuple[tuple[int, ...], Tiling, UInt8] | None = None

    def __call__(
        self,
        foreground: Planes,
        alpha: Float32,
        background: Planes,
        *,
        decontaminate: bool = True,
        light_wrap: float = 0.0,
        full_range: bool = False,
        in_place: bool = False,
    ) -> Planes:
        """The foreground before the background.

        Args:
            foreground: what the camera saw.
            alpha: float32 (h, w) in 0..1 at the network's size, of the same field of view.
            background: of the foreground's size.
            decontaminate: whether to take the room out of mixed pixels.
            light_wrap: how much of the background's light falls on the foreground's edge, 0..1.
            full_range: of the luma; it matters for the light only.
            in_place: whether to write into the background, rather than into a copy of it.
        """
        edge = self._edge(alpha, foreground.height, foreground.width)
        light = None
        if light_wrap > 0:
            # Planes that are about to be written to must not be taken for known ones later.
            known = Planes(*background) if in_place else background
            light = self._light(known, edge.small(), light_wrap, full_range=full_range)
            edge.include(light.weight)
        if in_place:
            result = background
        else:
            result = self.pool.planes(foreground.height, foreground.width)
            for target, source in zip(result, background, strict=True):
                np.copyto(target, source)
        edge.copy_solid(foreground, result)
        if edge.count:
            pure = self._pure(foreground, edge, decontaminate=decontaminate)
            if light is not None:
                pure = edge.lit(pure, light)
            for index, tiles in enumerate(pure):
                behind = edge.gather(background[index], index)
                edge.scatter(blend(tiles, behind, edge.alphas[index]), result[index], index)
        return result

    def cut_out(
        self, foreground: Planes, alpha: Float32, *, full_range: bool, decontaminate: bool = True
    ) -> tuple[Planes, UInt8]:
        """The foreground alone with its alpha, straight; black wherever alpha is 0.

        A viewer that ignores alpha then shows black there, and not the room.

        Args:
            foreground: what the camera saw.
            alpha: float32 (h, w) in 0..1 at the network's size, of the same field of view.
            full_range: of the luma.
            decontaminate: whether to take the room out of mixed pixels.

        Returns:
            Planes, and uint8 (H, W).
        """
        edge = self._edge(alpha, foreground.height, foreground.width)
        result = self.pool.planes(foreground.height, foreground.width)
        coverage = self.pool.plane(foreground.height, foreground.width)
        blacks = (0 if full_range else 16, 128, 128)
        for plane, black in zip(result, blacks, strict=True):
            plane.fill(black)
        coverage.fill(0)
        edge.copy_solid(foreground, result)
        edge.fill_solid(coverage, 255)
        if edge.count:
            pure = self._pure(foreground, edge, decontaminate=decontaminate)
            for index, tiles in enumerate(pure):
                tiles[edge.alphas[index] == 0] = blacks[index]
                edge.scatter(tiles, result[index], index)
            edge.scatter(edge.alphas[0], coverage, 0)
        return result, coverage

    def _edge(self, alpha: Float32, height: int, width: int) -> _Edge:
        key = (height, width, *alpha.shape)
        if self._tiling is None or self._tiling[0] != key:
            tiling = Tiling.of(height, width, (len(alpha), alpha.shape[1]))
            self._tiling = key, tiling, coverage_curve(height / len(alpha))
        return _Edge(alpha, *self._tiling[1:])

    def _pure(self, seen: Planes, edge: _Edge, *, decontaminate: bool) -> list[UInt8]:
        """The foreground's tiles, without what shone through from the room."""
        tiles = [edge.gather(plane, index) for index, plane in enumerate(seen)]
        if not decontaminate:
            return tiles
        smooth = edge.mixture(seen)
        return [
            mix(tile, mixed, alpha)
            for tile, mixed, alpha in zip(tiles, smooth, edge.alphas, strict=True)
        ]


class _Edge:
    """The tiles of one frame on which there is work to do: those that an outline crosses.

    Attributes:
        count: how many there are, n.
        alphas: uint8 (n·rows, columns) of luma and twice (n·rows/2, columns/2) of chroma; there
            once something asks for it.
    """

    def __init__(self, alpha: Float32, tiling: Tiling, curve: UInt8) -> None:
        self._tiling = tiling
        grid = tiling.grid
        self._coarse = _to_grid(alpha, tiling.height // grid, tiling.width // grid, curve)
        self._margin = _with_margin(self._coarse)
        self._nothing, self._solid = tiling.sort(self._margin)
        self._small: UInt8 | None = None
        self._choose()

    def _choose(self) -> None:
        rows, columns = np.nonzero(~(self._nothing | self._solid))
        tops, lefts = self._tiling.tops[rows], self._tiling.lefts[columns]
        self.count = len(rows)
        self._at = ((tops, lefts), (tops // 2, lefts // 2))

    def include(self, weight: UInt8) -> None:
        """Takes solid tiles in on which there is work all the same.

        Args:
            weight: uint8 (h, w), not 0 wherever there is.
        """
        height, width = self._coarse.shape
        spread = cv2.resize(weight, (width, height), interpolation=cv2.INTER_LINEAR)
        idle, _ = self._tiling.sort(_with_margin(spread))
        self._solid &= idle
        self._choose()

    @cached_property
    def alphas(self) -> tuple[UInt8, UInt8, UInt8]:
        luma = self._enlarged(self._margin, 0)
        chroma = _of_chroma(luma)
        return luma, chroma, chroma

    def small(self) -> UInt8:
        """The alpha at the size of what is worked out on a small copy, uint8."""
        if self._small is None:
            tiling = self._tiling
            divisor = decontamination.divisor(tiling.height)
            size = -(-tiling.width // divisor), -(-tiling.height // divisor)
            self._small = cv2.resize(self._coarse, size, interpolation=cv2.INTER_LINEAR)
        return self._small

    def gather(self, plane: UInt8, index: int) -> UInt8:
        """The tiles of plane 0, 1 or 2, as uint8 (n·rows, columns); a copy."""
        rows, columns = self._size(index)
        tiles: UInt8 = windows(plane, rows, columns)[self._at[index > 0]]
        return tiles.reshape(-1, columns)

    def scatter(self, tiles: UInt8, plane: UInt8, index: int) -> None:
        """Writes tiles back to where they are from."""
        rows, columns = self._size(index)
        windows(plane, rows, columns)[self._at[index > 0]] = tiles.reshape(-1, rows, columns)

    def copy_solid(self, source: Planes, target: Planes) -> None:
        """Copies the tiles that are foreground alone."""
        for top, bottom, left, right in self._solids():
            target.y[top:bottom, left:right] = source.y[top:bottom, left:right]
            top, bottom, left, right = top // 2, bottom // 2, left // 2, right // 2
            target.u[top:bottom, left:right] = source.u[top:bottom, left:right]
            target.v[top:bottom, left:right] = source.v[top:bottom, left:right]

    def fill_solid(self, plane: UInt8, value: int) -> None:
        """Fills the tiles of a luma plane that are foreground alone."""
        for top, bottom, left, right in self._solids():
            plane[top:bottom, left:right] = value

    def _solids(self) -> Iterator[tuple[int, int, int, int]]:
        """Rectangles of foreground alone, in pixels: top, bottom, left, right."""
        tops, lefts = self._tiling.tops.tolist(), self._tiling.lefts.tolist()
        rows, columns = self._tiling.rows, self._tiling.columns
        for top, bottom, left, right in runs(self._solid):
            yield tops[top], tops[bottom - 1] + rows, lefts[left], lefts[right - 1] + columns

    def mixture(self, seen: Planes) -> list[UInt8]:
        """`decontamination.mixture`, as tiles of the three planes."""
        tiling, alpha = self._tiling, self.small()
        divisor = decontamination.divisor(tiling.height)
        tops, lefts = self._at[0]
        box = (
            slice(int(tops[0]) // divisor, -(-(int(tops[-1]) + tiling.rows) // divisor)),
            slice(int(lefts.min()) // divisor, -(-(int(lefts.max()) + tiling.columns) // divisor)),
        )
        small = decontamination.mixture(seen, alpha, box)
        return [self._tiles_of(plane, index) for index, plane in enumerate(small)]

    def lit(self, tiles: list[UInt8], light: Light) -> list[UInt8]:
        """Foreground tiles of the three planes with light on them."""
        lit = []
        for index, (tile, color) in enumerate(zip(tiles, (None, light.u, light.v), strict=True)):
            weight = self._tiles_of(light.weight, index)
            if color is None:
                target = np.full_like(tile, light.white)
            else:
                target = self._tiles_of(color, index)
            lit.append(mix(target, tile, weight))
        return lit

    def _tiles_of(self, small: UInt8, index: int) -> UInt8:
        """Tiles of plane 0, 1 or 2 of something given at the small size."""
        grid, part = self._grid(index), 2 if index else 1
        size = self._tiling.width // part // grid, self._tiling.height // part // grid
        coarse = cv2.resize(small, size, interpolation=cv2.INTER_LINEAR)
        return self._enlarged(_with_margin(coarse), index)

    def _enlarged(self, margin: UInt8, index: int) -> UInt8:
        """Tiles of plane 0, 1 or 2 of something given on the grid, with a margin of one."""
        grid = self._grid(index)
        rows, columns = self._size(index)
        tops, lefts = self._at[index > 0]
        patches = windows(margin, rows // grid + 2, columns // grid + 2)
        return enlarge(patches[tops // grid, lefts // grid], grid)

    def _grid(self, index: int) -> int:
        """Pixels of plane 0, 1 or 2 to one of the grid."""
        return max(1, self._tiling.grid // 2) if index else self._tiling.grid

    def _size(self, index: int) -> tuple[int, int]:
        """Rows and columns of a tile of plane 0, 1 or 2."""
        part = 2 if index else 1
        return self._tiling.rows // part, self._tiling.columns // part


def _with_margin(plane: UInt8) -> UInt8:
    result: UInt8 = cv2.copyMakeBorder(plane, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    return result
