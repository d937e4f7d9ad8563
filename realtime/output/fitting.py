"""Brings pictures of any size to the one that an output promised."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import cv2

from realtime.color import conversion, convert
from realtime.frame import ColorTags, Frame, Planes, UInt8
from realtime.scaling import shrink

OutputFit = Literal["letterbox", "crop"]


@dataclass(frozen=True, slots=True)
class _Geometry:
    """Which part is taken, to which size it is scaled, and where it is put; luma pixels, all even.

    Attributes:
        left: of the part taken.
        top: likewise.
        width: likewise.
        height: likewise.
        scaled: (width, height) that it becomes.
        x: of the result's left edge in the output.
        y: likewise, its top.
    """

    left: int
    top: int
    width: int
    height: int
    scaled: tuple[int, int]
    x: int
    y: int


def _even(value: float) -> int:
    return max(2, 2 * round(value / 2))


def _geometry(source: tuple[int, int], target: tuple[int, int], fit: OutputFit) -> _Geometry:
    (width, height), (columns, rows) = source, target
    if fit == "letterbox":
        scale = min(columns / width, rows / height)
        scaled = min(columns, _even(width * scale)), min(rows, _even(height * scale))
        x, y = (columns - scaled[0]) // 4 * 2, (rows - scaled[1]) // 4 * 2
        return _Geometry(0, 0, width, height, scaled, x, y)
    scale = max(columns / width, rows / height)
    kept = min(width, _even(columns / scale)), min(height, _even(rows / scale))
    left, top = (width - kept[0]) // 4 * 2, (height - kept[1]) // 4 * 2
    return _Geometry(left, top, *kept, target, 0, 0)


class Fitter:
    """Brings frames to one size and kind of colour; those that have both pass untouched.

    Args:
        width: of the result, even.
        height: likewise.
        fit: "letterbox" shows all and adds black bars, "crop" fills and cuts.
        color: tags of the result; None for those of each frame.

    Attributes:
        fit: as above; may be changed between frames.
    """

    def __init__(
        self,
        width: int,
        height: int,
        fit: OutputFit = "letterbox",
        color: ColorTags | None = None,
    ) -> None:
        self._target = (width, height)
        self.fit: OutputFit = fit
        self._color = color
        # What the geometry is for: a size, and a way of fitting.
        self._key: tuple[tuple[int, int], OutputFit] | None = None
        self._geometry: _Geometry | None = None

    def __call__(self, frame: Frame) -> Frame:
        # The fewer pixels are converted the better.
        if frame.planes.width * frame.planes.height > self._target[0] * self._target[1]:
            return self._recolored(self._sized(frame), frame.planes.height)
        return self._sized(self._recolored(frame, frame.planes.height))

    def _sized(self, frame: Frame) -> Frame:
        size = (frame.planes.width, frame.planes.height)
        if size == self._target:
            return frame
        key = size, self.fit
        if key != self._key or self._geometry is None:
            self._geometry = _geometry(size, self._target, self.fit)
            self._key = key
        geometry = self._geometry
        black = 0 if frame.color.full_range else 16
        planes = Planes(
            self._place(frame.planes.y, geometry, 1, black),
            self._place(frame.planes.u, geometry, 2, 128),
            self._place(frame.planes.v, geometry, 2, 128),
        )
        alpha = None if frame.alpha is None else self._place(frame.alpha, geometry, 1, 0)
        return replace(frame, planes=planes, alpha=alpha)

    def _recolored(self, frame: Frame, height: int) -> Frame:
        """The frame with the tags of the result.

        Args:
            frame: of any size.
            height: lines that it came with, which say what is meant where it is untagged.
        """
        if self._color is None:
            return frame
        planes = frame.planes
        change = conversion(frame.color, height, self._color, self._target[1])
        if change is not None:
            planes = Planes.empty(planes.height, planes.width)
            convert(frame.planes, change, planes)
        elif frame.color == self._color:
            return frame
        return replace(frame, planes=planes, color=self._color)

    def _place(self, plane: UInt8, geometry: _Geometry, subsampling: int, fill: int) -> UInt8:
        def at(pixels: int) -> int:
            return pixels // subsampling

        rows = slice(at(geometry.top), at(geometry.top + geometry.height))
        columns = slice(at(geometry.left), at(geometry.left + geometry.width))
        size = at(geometry.scaled[0]), at(geometry.scaled[1])
        scaled = shrink(plane[rows, columns], size)
        left, top = at(geometry.x), at(geometry.y)
        right = at(self._target[0]) - left - size[0]
        bottom = at(self._target[1]) - top - size[1]
        if not (left or top or right or bottom):
            return scaled
        placed: UInt8 = cv2.copyMakeBorder(
            scaled, top, bottom, left, right, cv2.BORDER_CONSTANT, value=fill
        )
        return placed
