"""The foreground's own colour, where the camera saw it mixed with the room.

At an outline the camera's pixel is I = αF + (1 - α)R, room R included. Put before another
background, R would remain as a halo: C = αF + (1 - α)B needs F.

Source: "blur fusion" (Forte, Approximate Fast Foreground Colour Estimation, arXiv 2006.14970).
From blurred estimates F̂ and R̂, its F = F̂ + α(I - αF̂ - (1 - α)R̂). That is the same as

    F = αI + (1 - α)M    with    M = F̂ + α(F̂ - R̂)

a mixture of what was seen with something smooth: M is computed on a small copy, once, and the
picture itself is touched where it is mixed alone.

Four things differ from the paper, for pixels that a network is unsure of are unsure in α too.
The blurs are weighted with 2α - 1 and 1 - 2α, so that mixed pixels hardly speak for either side.
Their kernel has a long, faint tail: an estimate always comes from the nearest sure pixels, however
far they are. And where there are none, F̂ and R̂ both tend to I, so that nothing is
changed. And M = F̂ + κα(F̂ - R̂) with κ below 1 carries a little less far.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.frame import Float32, Planes, UInt8

# The small copy has at least so many lines. The width of its pixels is the width of the blur.
_LINES = 80

# Boxes of so many pixels of the small copy, and the weight of the second. Picked by measurement.
_NEAR, _FAR = 3, 9
_FAR_WEIGHT = 0.05

# κ: how much of the difference of both sides counts. With 1, as in the paper, a wrong α draws a
# dark or bright seam; with less, true ones lose nothing that could be measured.
_TRUST = 0.75

_LEVELS = np.arange(256)
# 2α - 1, and for a mixed pixel the least that there is.
_OF_FOREGROUND: UInt8 = np.maximum(2 * _LEVELS - 255, np.minimum(_LEVELS, 1)).astype(np.uint8)
_OF_ROOM: UInt8 = _OF_FOREGROUND[::-1].copy()

# Keeps 0 / 0 defined; below every weight that means something.
_EPSILON = np.float32(1e-4)


def divisor(height: int) -> int:
    """Pixels of the picture to one of the small copy."""
    result = 1
    while height // (result * 2) >= _LINES and result < 32:
        result *= 2
    return result


def mixture(planes: Planes, alpha: UInt8, box: tuple[slice, slice]) -> tuple[UInt8, UInt8, UInt8]:
    """M for a whole picture, at a small size.

    Args:
        planes: what the camera saw.
        alpha: uint8 (h, w): of the same picture, of the result's size.
        box: rows and columns that matter; elsewhere the result is undefined.

    Returns:
        uint8 (h, w) each: Y, U and V.
    """
    height, width = alpha.shape
    rows, columns = (
        slice(max(0, part.start - _FAR), min(size, part.stop + _FAR))
        for part, size in zip(box, alpha.shape, strict=True)
    )
    # Every so many pixels one: what is averaged next needs no careful scaling, and alpha was
    # sampled at the same places. At a factor above two, this interpolation does just that.
    small = [cv2.resize(p, (width, height), interpolation=cv2.INTER_LINEAR) for p in planes]
    seen = [plane[rows, columns] for plane in small]
    part = alpha[rows, columns]
    foreground = _blurred(seen, cv2.LUT(part, _OF_FOREGROUND))
    room = _blurred(seen, cv2.LUT(part, _OF_ROOM))
    share = part.astype(np.float32)
    share *= _TRUST / 255
    for plane, f, r in zip(small, foreground, room, strict=True):
        # M = F̂ + κα(F̂ - R̂)
        mixed = cv2.subtract(f, r, dst=r)
        cv2.multiply(mixed, share, dst=mixed)
        plane[rows, columns] = cv2.add(mixed, f, dtype=cv2.CV_8U)
    return small[0], small[1], small[2]


def _blurred(seen: list[UInt8], weight: UInt8) -> list[Float32]:
    """The weighted blur of planes, divided by the blurred weights; float32 0..255 each."""
    total = _spread(weight)
    total += _EPSILON
    # In whole numbers as long as possible: OpenCV adds these up several times faster.
    sums = [_spread(np.multiply(plane, weight, dtype=np.uint16)) for plane in seen]
    return [cv2.divide(part, total, dst=part) for part in sums]


def _spread(values: NDArray[Any]) -> Float32:
    near = cv2.boxFilter(values, cv2.CV_32F, (_NEAR, _NEAR))
    far = cv2.boxFilter(values, cv2.CV_32F, (_FAR, _FAR))
    spread: Float32 = cv2.scaleAdd(far, _FAR_WEIGHT, near)
    return spread
