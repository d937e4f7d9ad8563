"""Puts a foreground before a background: C = αF + (1 - α)B on planes, in eight bits.

Nothing is computed where alpha is 0 or 1: tiles without an outline are copied (see
`realtime.output.tiles`).
"""

from __future__ import annotations

import numpy as np

from realtime.frame import Float32, Planes, UInt8
from realtime.output import refinement
from realtime.output.buffers import Pool, Scratch
from realtime.output.coverage import coverage_curve
from realtime.output.edge import Edge, RefinedEdge, mix
from realtime.output.lightwrap import LightWrap
from realtime.output.tiles import Tiling

# An alpha with almost as many lines as the picture knows the outline better than luma does.
_COARSE = 1.5


class Blender:
    """Composites frame after frame; not for several threads at once.

    Its results are lent from a pool: see `Pool` for how long they may be kept.
    """

    def __init__(self) -> None:
        # With each, on which tiles there is more than the background that came last: bool (R, C).
        self._pool = Pool()
        self._scratch = Scratch()
        self._light = LightWrap()
        self._tiling: tuple[tuple[int, ...], Tiling, UInt8] | None = None
        self._behind: Planes | None = None

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
            background: of the foreground's size. Planes that were given before, the very same
                object, are taken to be unchanged.
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
        result = background if in_place else self._copy_of(background, edge)
        edge.copy(foreground, result, edge.solid)
        if edge.count:
            pure = edge.pure() if decontaminate else edge.seen
            if light is not None:
                pure = edge.lit(pure, light)
            for index, tiles in enumerate(pure):
                behind = edge.gather(background[index], index)
                mixed = mix(tiles, behind, edge.alphas[index], self._scratch, "mixed")
                edge.scatter(mixed, result[index], index)
        if not in_place:
            self._pool.leave_note(result, ~edge.nothing)
        return result

    def _copy_of(self, background: Planes, edge: Edge) -> Planes:
        """A copy to draw on; where alpha is above 0 anything may be in it.

        Into memory that was drawn on before the same background, only what people have left since
        is copied.
        """
        if background is not self._behind:
            self._pool.forget_notes()
            self._behind = background
        result, covered = self._pool.planes_with_note(background.height, background.width)
        if covered is not None:
            edge.copy(background, result, covered & edge.nothing)
        else:
            for target, source in zip(result, background, strict=True):
                np.copyto(target, source)
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
        result = self._pool.planes(foreground.height, foreground.width)
        coverage = self._pool.plane(foreground.height, foreground.width)
        blacks = (0 if full_range else 16, 128, 128)
        for plane, black in zip(result, blacks, strict=True):
            plane.fill(black)
        coverage.fill(0)
        edge.copy(foreground, result, edge.solid)
        edge.fill_solid(coverage, 255)
        if edge.count:
            pure = edge.pure() if decontaminate else edge.seen
            for index, tiles in enumerate(pure):
                tiles[edge.alphas[index] == 0] = blacks[index]
                edge.scatter(tiles, result[index], index)
            edge.scatter(edge.alphas[0], coverage, 0)
        return result, coverage

    def _edge(self, seen: Planes, alpha: Float32, *, refine: bool) -> Edge:
        height, width = alpha.shape
        refine = refine and seen.height >= _COARSE * height
        key = (seen.height, seen.width, height, width, refine)
        if self._tiling is None or self._tiling[0] != key:
            given = refinement.size_for(height, width) if refine else (height, width)
            tiling = Tiling.of(seen.height, seen.width, given)
            self._tiling = key, tiling, coverage_curve(seen.height / height)
        _, tiling, curve = self._tiling
        return (RefinedEdge if refine else Edge)(seen, alpha, tiling, curve, self._scratch)
