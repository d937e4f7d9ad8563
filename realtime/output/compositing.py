"""Puts a foreground before a background: C = αF + (1 - α)B on planes, in eight bits.

The alpha of a chroma sample is that of the luma samples it covers. Nothing is computed where alpha
is 0 or 1: tiles without an outline are copied (see `realtime.output.tiles`).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TypeVar

import cv2
import numpy as np

from realtime.frame import Float32, Planes, UInt8
from realtime.output import decontamination, refinement
from realtime.output.buffers import Pool, Scratch
from realtime.output.lightwrap import Light, LightWrap
from realtime.output.tiles import Tiling, enlarge, runs, windows

Picture = TypeVar("Picture", UInt8, Float32)

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


class Blender:
    """Composites frame after frame; not for several threads at once.

    Its results are lent from a pool: see `Pool` for how long they may be kept.
    """

    def __init__(self) -> None:
        self.pool = Pool()
        self._scratch = Scratch()
        self._light = LightWrap()
        self._tiling: tuple[tuple[int, ...], Tiling, UInt8] | None = None

    def __call__(
        self,
        foreground: Planes,
        alpha: Float32,
        background: Planes,
        *,
        refine: bool = True,
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
            refine: whether outlines follow the picture, see `realtime.output.refinement`.
            decontaminate: whether to take the room out of mixed pixels.
            light_wrap: how much of the background's light falls on the foreground's edge, 0..1.
            full_range: of the luma; it matters for the light only.
            in_place: whether to write into the background, rather than into a copy of it.
        """
        edge = self._edge(foreground, alpha, refine=refine)
        light = None
        if light_wrap > 0:
            # Planes that are about to be written to must not be taken for known ones later.
            known = Planes(*background) if in_place else background
            light = self._light(known, edge.small, light_wrap, full_range=full_range)
            edge.include(light.weight)
        if in_place:
            result = background
        else:
            result = self.pool.planes(foreground.height, foreground.width)
            for target, source in zip(result, background, strict=True):
                np.copyto(target, source)
        edge.copy_solid(result)
        if edge.count:
            pure = edge.pure() if decontaminate else edge.seen
            if light is not None:
                pure = edge.lit(pure, light)
            for index, tiles in enumerate(pure):
                behind = edge.gather(background[index], index)
                mixed = mix(tiles, behind, edge.alphas[index], self._scratch, "mixed")
                edge.scatter(mixed, result[index], index)
        return result

    def cut_out(
        self,
        foreground: Planes,
        alpha: Float32,
        *,
        full_range: bool,
        refine: bool = True,
        decontaminate: bool = True,
    ) -> tuple[Planes, UInt8]:
        """The foreground alone with its alpha, straight; black wherever alpha is 0.

        A viewer that ignores alpha then shows black there, and not the room.

        Args:
            foreground: what the camera saw.
            alpha: float32 (h, w) in 0..1 at the network's size, of the same field of view.
            full_range: of the luma.
            refine: whether outlines follow the picture, see `realtime.output.refinement`.
            decontaminate: whether to take the room out of mixed pixels.

        Returns:
            Planes, and uint8 (H, W).
        """
        edge = self._edge(foreground, alpha, refine=refine)
        result = self.pool.planes(foreground.height, foreground.width)
        coverage = self.pool.plane(foreground.height, foreground.width)
        blacks = (0 if full_range else 16, 128, 128)
        for plane, black in zip(result, blacks, strict=True):
            plane.fill(black)
        coverage.fill(0)
        edge.copy_solid(result)
        edge.fill_solid(coverage, 255)
        if edge.count:
            pure = edge.pure() if decontaminate else edge.seen
            for index, tiles in enumerate(pure):
                tiles[edge.alphas[index] == 0] = blacks[index]
                edge.scatter(tiles, result[index], index)
            edge.scatter(edge.alphas[0], coverage, 0)
        return result, coverage

    def _edge(self, seen: Planes, alpha: Float32, *, refine: bool) -> _Edge:
        key = (seen.height, seen.width, *alpha.shape)
        if self._tiling is None or self._tiling[0] != key:
            tiling = Tiling.of(seen.height, seen.width, (len(alpha), alpha.shape[1]))
            self._tiling = key, tiling, coverage_curve(seen.height / len(alpha))
        _, tiling, curve = self._tiling
        return (_RefinedEdge if refine else _Edge)(seen, alpha, tiling, curve, self._scratch)


class _Edge:
    """The tiles of one frame on which there is work to do: those that an outline crosses.

    Attributes:
        count: how many there are, n.
    """

    def __init__(
        self, seen: Planes, alpha: Float32, tiling: Tiling, curve: UInt8, scratch: Scratch
    ) -> None:
        self._planes = seen
        self._scratch = scratch
        self._tiling = tiling
        self._curve = curve
        self._nothing, self._solid = tiling.sort(self._prepare(alpha))
        self._choose()

    def _prepare(self, alpha: Float32) -> UInt8:
        """Makes ready for the rest; gives what `Tiling.sort` takes."""
        height, width = self._grid_size()
        self._coarse = _to_grid(alpha, height, width, self._curve)
        self._margin = _with_margin(self._coarse)
        return self._margin

    def _luma_alpha(self) -> UInt8:
        """Alpha of the tiles, uint8 (n·rows, columns)."""
        return self._enlarged(self._margin, "alpha")

    @cached_property
    def small(self) -> UInt8:
        """The alpha at the size of what is worked out on a small copy, uint8 (h, w)."""
        return resized(self._coarse, *self._small_size())

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
        idle, _ = self._tiling.sort(_with_margin(resized(weight, *self._grid_size())))
        self._solid &= idle
        self._choose()

    @cached_property
    def alphas(self) -> tuple[UInt8, UInt8, UInt8]:
        """Alpha of the tiles: uint8 (n·rows, columns), and twice (n·rows/2, columns/2)."""
        luma = self._luma_alpha()
        chroma = _of_chroma(luma)
        return luma, chroma, chroma

    @cached_property
    def seen(self) -> list[UInt8]:
        """The tiles of the three planes as the camera saw them."""
        return [self.gather(plane, index) for index, plane in enumerate(self._planes)]

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
        tiles: UInt8 = windows(plane, rows, columns)[self._at[index > 0]]
        return tiles.reshape(-1, columns)

    def scatter(self, tiles: UInt8, plane: UInt8, index: int) -> None:
        """Writes tiles back to where they are from."""
        rows, columns = self._size(index)
        windows(plane, rows, columns)[self._at[index > 0]] = tiles.reshape(-1, rows, columns)

    def copy_solid(self, target: Planes) -> None:
        """Copies the tiles that are foreground alone."""
        source = self._planes
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

    def lit(self, tiles: list[UInt8], light: Light) -> list[UInt8]:
        """Foreground tiles of the three planes with light on them."""
        lit = []
        for index, (tile, color) in enumerate(zip(tiles, (None, light.u, light.v), strict=True)):
            weight = self._tiles_of(light.weight, index)
            if color is None:
                target = np.full_like(tile, light.white)
            else:
                target = self._tiles_of(color, index)
            lit.append(self._mix(target, tile, weight, f"lit {index}"))
        return lit

    def _mix(self, one: UInt8, other: UInt8, share: UInt8, name: str) -> UInt8:
        return mix(one, other, share, self._scratch, name)

    def _tiles_of(self, small: UInt8, index: int) -> UInt8:
        """Tiles of plane 0, 1 or 2 of something given at the small size."""
        height, width = self._planes[index].shape
        whole: UInt8 = self._scratch.array("whole", (height, width))
        cv2.resize(small, (width, height), dst=whole, interpolation=cv2.INTER_LINEAR)
        return self.gather(whole, index)

    def _enlarged(self, margin: Picture, name: str) -> Picture:
        """Tiles of luma of something given on the grid, with a margin of one."""
        grid, (tops, lefts) = self._tiling.grid, self._at[0]
        rows, columns = self._tiling.rows // grid + 2, self._tiling.columns // grid + 2
        patches = windows(margin, rows, columns)[tops // grid, lefts // grid]
        return enlarge(patches, grid, self._scratch, name)

    def _grid_size(self) -> tuple[int, int]:
        """Rows and columns of the grid."""
        return self._tiling.height // self._tiling.grid, self._tiling.width // self._tiling.grid

    def _size(self, index: int) -> tuple[int, int]:
        """Rows and columns of a tile of plane 0, 1 or 2."""
        part = 2 if index else 1
        return self._tiling.rows // part, self._tiling.columns // part


class _RefinedEdge(_Edge):
    """Does what its base does, with outlines that follow the picture's luma."""

    def _prepare(self, alpha: Float32) -> UInt8:
        self._fit = refinement.fit(self._planes.y, alpha, self._curve)
        return _with_margin(resized(self._fit.kind, *self._grid_size()))

    def _luma_alpha(self) -> UInt8:
        slope, offset = (
            self._enlarged(_with_margin(resized(part, *self._grid_size())), name)
            for part, name in ((self._fit.slope, "slope"), (self._fit.offset, "offset"))
        )
        return self._alpha(self.seen[0], slope, offset)

    @cached_property
    def small(self) -> UInt8:
        height, width = self._small_size()
        return self._alpha(
            resized(self._planes.y, height, width),
            resized(self._fit.slope, height, width),
            resized(self._fit.offset, height, width),
        )

    def _alpha(self, luma: UInt8, slope: Float32, offset: Float32) -> UInt8:
        shape = luma.shape
        levels = self._scratch.array("levels", shape, np.float32)
        cv2.multiply(luma, slope, dst=levels, dtype=cv2.CV_32F)
        cv2.add(levels, offset, dst=levels)
        # Not convertScaleAbs alone: it would fold what is below 0.
        cv2.max(levels, 0, dst=levels)
        alpha: UInt8 = cv2.convertScaleAbs(levels)
        cv2.LUT(alpha, self._curve, dst=alpha)
        return alpha


def resized(plane: Picture, height: int, width: int) -> Picture:
    """A plane of another size, by linear interpolation."""
    result: Picture = cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR)
    return result


def _with_margin(plane: Picture) -> Picture:
    result: Picture = cv2.copyMakeBorder(plane, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    return result
