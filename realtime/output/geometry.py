"""What part of a frame is shown, and which way round: before anything is put behind.

The people move and the background stays as it is, so text on a background is never mirrored.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from realtime.frame import Float32, Matte, Planes
from realtime.output.buffers import Pool


@dataclass(frozen=True, slots=True)
class View:
    """A part of a picture.

    Attributes:
        mirror: whether left and right are swapped.
        zoom: how much the part is enlarged, from 1 on.
        pan_x: where the part lies, from -1 (left) to 1 (right), as the viewer sees it.
        pan_y: likewise from -1 (top) to 1 (bottom).
    """

    mirror: bool = False
    zoom: float = 1.0
    pan_x: float = 0.0
    pan_y: float = 0.0

    def of(self, matte: Matte, pool: Pool) -> Matte:
        """This part of a matte, frame and alpha alike, enlarged to the frame's size.

        Args:
            matte: all of it.
            pool: where the new planes are lent from.

        Returns:
            A matte of the same sizes; the same one where nothing changes.
        """
        planes = matte.frame.planes
        left, width = self._span(planes.width, -self.pan_x if self.mirror else self.pan_x)
        top, height = self._span(planes.height, self.pan_y)
        whole = (width, height) == (planes.width, planes.height)
        if whole and not self.mirror:
            return matte
        part = _crop(planes, left, top, width, height)
        alpha = matte.alpha
        if not whole:
            alpha = _crop_alpha(
                alpha,
                (left / planes.width, width / planes.width),
                (top / planes.height, height / planes.height),
            )
        if self.mirror:
            # Before the enlargement: there is less of it.
            part = _flip(part, pool)
            alpha = cv2.flip(alpha, 1)
        if not whole:
            part = _enlarge(part, planes.width, planes.height, pool)
        return Matte(replace(matte.frame, planes=part), alpha)

    def _span(self, size: int, pan: float) -> tuple[int, int]:
        """Where the part begins and how long it is, both even."""
        length = max(2, 2 * round(size / self.zoom / 2))
        return 2 * round((size - length) * (1 + pan) / 4), length


def _crop(planes: Planes, left: int, top: int, width: int, height: int) -> Planes:
    rows, columns = slice(top, top + height), slice(left, left + width)
    half = slice(top // 2, (top + height) // 2), slice(left // 2, (left + width) // 2)
    return Planes(planes.y[rows, columns], planes.u[half], planes.v[half])


def _flip(planes: Planes, pool: Pool) -> Planes:
    flipped = pool.planes(planes.height, planes.width)
    for source, target in zip(planes, flipped, strict=True):
        cv2.flip(source, 1, dst=target)
    return flipped


def _enlarge(planes: Planes, width: int, height: int, pool: Pool) -> Planes:
    large = pool.planes(height, width)
    for source, target in zip(planes, large, strict=True):
        rows, columns = target.shape
        cv2.resize(source, (columns, rows), dst=target, interpolation=cv2.INTER_LINEAR)
    return large


def _crop_alpha(alpha: Float32, across: tuple[float, float], down: tuple[float, float]) -> Float32:
    """A part of an alpha at the alpha's own size.

    Args:
        alpha: float32 (h, w).
        across: where the part begins and how wide it is, as shares of the whole.
        down: likewise from top to bottom.
    """
    height, width = alpha.shape
    # Pixels are squares: the centre of the first lies half a pixel inside.
    inverse = np.array(
        [
            [across[1], 0, across[0] * width + (across[1] - 1) / 2],
            [0, down[1], down[0] * height + (down[1] - 1) / 2],
        ]
    )
    part: Float32 = cv2.warpAffine(
        alpha,
        inverse,
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return part
