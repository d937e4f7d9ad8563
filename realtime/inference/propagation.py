"""Frames without the network: the alpha before, moved along with the picture."""

from __future__ import annotations

from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.frame import Float32, UInt8

# Forward and backward flow agree where going there and back ends within this many squared pixels,
# and a hundredth of the squared lengths (Sundaram, Brox and Keutzer, ECCV 2010).
_GAP = 0.5
_GAP_OF_LENGTH = 0.01

# Levels of 255 by which the moved picture may differ from the present one: where flow is
# inconsistent, and anywhere. Noise stays below the one, another surface is mostly above the other.
# They are those of a picture whose luma deviates from its mean by `_CONTRAST`; in a dim one,
# surfaces differ by less, but never by as little as noise.
_SMALL_DIFFERENCE = 8
_GREAT_DIFFERENCE = 25
_CONTRAST = 55.0
_LEAST_CONTRAST = 11.0

# Pixels around a doubtful one that must have been foreground for it to be taken for a part of the
# body: more than anything moves in a frame without being doubtful over a large area.
_INTERIOR = 5
_SURE = 0.9

# Share of the foreground that may be doubtful before the network has to look. At 1 %, gestures
# before a webcam reveal no more of the room than the network on every frame does.
_MOST_DOUBT = 0.01

_Bool = NDArray[np.bool_]
_Picture = TypeVar("_Picture", Float32, UInt8)


class Propagation:
    """Moves an alpha from one frame to the next by dense optical flow.

    The alpha is that of the new frame: each of its pixels is traced back to where it was before.
    Where that cannot be done, nothing may be guessed in favour of the room. A pixel is doubtful
    where forward and backward flow disagree and the moved picture looks different, where it looks
    very different, mostly the room behind whoever just moved away, and where it was not in the
    picture before. Doubtful pixels inside the body (every pixel within reach was foreground) keep
    the moved alpha; all others become background, so what is shown there is never the camera's
    picture. If that would concern more than a hundredth of the foreground, there is no alpha and
    the network has to run: a hole is as bad as a leak. What comes in from outside is background
    until the network has seen it, which where people reach beyond the picture is sooner.

    Source: dense inverse search flow (Kroeger et al., ECCV 2016), as OpenCV has it.
    """

    def __init__(self) -> None:
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._grids: dict[tuple[int, int], Float32] = {}
        self._before: tuple[UInt8, Float32] | None = None

    def reset(self) -> None:
        """Forgets the past."""
        self._before = None

    def remember(self, luma: UInt8, alpha: Float32) -> None:
        """Takes what the next frame is to be made from.

        Args:
            luma: uint8 (h, w) of a thumbnail.
            alpha: float32 (h', w') in 0..1 of the same frame, of any size.
        """
        self._before = (luma, alpha)

    def __call__(self, luma: UInt8) -> Float32 | None:
        """The alpha of the next frame.

        Args:
            luma: uint8 (h, w) of that frame's thumbnail.

        Returns:
            float32 in 0..1 of the size of the alpha before; None where that is not to be trusted,
            or there is none.
        """
        if self._before is None or self._before[0].shape != luma.shape:
            return None
        before, alpha = self._before
        back = self._flow.calc(luma, before, None)
        forth = self._flow.calc(before, luma, None)
        origin = self._grid(luma.shape[1], luma.shape[0]) + back
        small = cv2.resize(alpha, luma.shape[::-1], interpolation=cv2.INTER_LINEAR)
        hidden = self._doubtful(before, luma, origin, back, forth) & ~_interior(small)
        foreground = _move(small, origin)
        doubt = float(foreground[hidden].sum())
        if doubt > _MOST_DOUBT * float(foreground.sum()):
            return None
        height, width = alpha.shape
        larger = cv2.resize(back, (width, height), interpolation=cv2.INTER_LINEAR)
        larger = cv2.multiply(larger, (width / luma.shape[1], height / luma.shape[0], 0, 0))
        moved = _move(alpha, self._grid(width, height) + larger)
        if doubt:
            moved *= cv2.resize(
                (~hidden).astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR
            )
        return moved

    def _doubtful(
        self, before: UInt8, luma: UInt8, origin: Float32, back: Float32, forth: Float32
    ) -> _Bool:
        returned = _move(forth, origin)
        gap = _squared(back + returned)
        lengths = _squared(back) + _squared(returned)
        difference = cv2.blur(cv2.absdiff(luma, _move(before, origin)), (3, 3))
        inconsistent = gap > _GAP + _GAP_OF_LENGTH * lengths
        contrast = float(cv2.meanStdDev(luma)[1][0, 0])
        part = min(1.0, max(_LEAST_CONTRAST, contrast) / _CONTRAST)
        doubtful: _Bool = (difference > part * _GREAT_DIFFERENCE) | (
            inconsistent & (difference > part * _SMALL_DIFFERENCE)
        )
        return doubtful | _outside(origin)

    def _grid(self, width: int, height: int) -> Float32:
        """The position of every pixel, float32 (height, width, 2)."""
        grid = self._grids.get((width, height))
        if grid is None:
            grid = np.empty((height, width, 2), np.float32)
            grid[..., 0] = np.arange(width)
            grid[..., 1] = np.arange(height)[:, None]
            self._grids = {**self._grids, (width, height): grid}
        return grid


def _move(picture: _Picture, origin: Float32) -> _Picture:
    """What was at `origin`, float32 (h, w, 2), for each pixel."""
    moved: _Picture = cv2.remap(
        picture, origin, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return moved


def _outside(origin: Float32) -> _Bool:
    """Which of the positions are not in the picture, of their own shape."""
    height, width = origin.shape[:2]
    x, y = cv2.split(origin)
    outside: _Bool = (x < -0.5) | (y < -0.5) | (x > width - 0.5) | (y > height - 0.5)
    return outside


def _squared(flow: Float32) -> Float32:
    """Squared lengths; numpy's sum over the last axis would take ten times as long."""
    x, y = cv2.split(flow)
    squared: Float32 = x * x + y * y
    return squared


def _interior(alpha: Float32) -> _Bool:
    """Where everything within reach is surely foreground; of the alpha's shape.

    Of what lies outside of the picture nobody knows.
    """
    side = 2 * _INTERIOR + 1
    sure = (alpha > _SURE).astype(np.uint8)
    eroded: UInt8 = cv2.erode(
        sure, np.ones((side, side), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0
    )
    return eroded.astype(np.bool_)
