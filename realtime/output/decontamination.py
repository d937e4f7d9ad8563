"""The foreground's own colour, where the camera saw it mixed with the room.

At an outline the camera's pixel is I = αF + (1 - α)R, room R included. Put before another
background, R would remain as a halo: C = αF + (1 - α)B needs F.

Source: "blur fusion" (Forte, Approximate Fast Foreground Colour Estimation, arXiv 2006.14970).
From blurred estimates F̂ and R̂, its F = F̂ + α(I - αF̂ - (1 - α)R̂). That is the same as

    F = αI + (1 - α)M    with    M = F̂ + α(F̂ - R̂)

a mixture of what was seen with something smooth: M is computed on a small copy, once, and the
picture itself is touched where it is mixed alone.

Three things differ from the paper, for pixels that a network is unsure of are unsure in α too.
The blurs are weighted with 2α - 1 and 1 - 2α, so that mixed pixels hardly speak for either side.
Their kernel has a long, faint tail: an estimate always comes from the nearest sure pixels, however
far they are. And where there are none, F̂ and R̂ both tend to I, so that nothing is changed.
"""

from __future__ import annotations

import cv2
import numpy as np

from realtime.frame import Float32, Planes, UInt8

# The small copy has at least so many lines. The width of its pixels is the width of the blur.
_LINES = 80

# Boxes of so many pixels of the small copy, and the weight of the second. Picked by measurement.
_NEAR, _FAR = 3, 9
_FAR_WEIGHT = 0.05

# What a mixed pixel counts beside one that is sure.
_MIXED_WEIGHT = 1 / 255

_LEVELS = np.arange(256, dtype=np.float32) / 255
_OF_FOREGROUND: Float32 = np.maximum(2 * _LEVELS - 1, _MIXED_WEIGHT * _LEVELS)
_OF_ROOM: Float32 = _OF_FOREGROUND[::-1].copy()

# Keeps 0 / 0 defined; below every weight that means something.
_EPSILON = np.float32(1e-6)


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
    foreground = _blurred(seen, part, _OF_FOREGROUND)
    room = _blurred(seen, part, _OF_ROOM)
    share = cv2.LUT(part, _LEVELS)
    for plane, f, r in zip(small, foreground, room, strict=True):
        # M = F̂ + α(F̂ - R̂)
        mixed = cv2.subtract(f, r, dst=r)
        mixed = cv2.multiply(mixed, share, dst=mixed)
        mixed = cv2.add(mixed, f, dst=mixed)
        # Not convertScaleAbs: it would fold what is below 0.
        plane[rows, columns] = np.rint(np.clip(mixed, 0, 255, out=mixed), out=mixed)
    return small[0], small[1], small[2]


def _blurred(seen: list[UInt8], alpha: UInt8, weights: Float32) -> list[Float32]:
    """The weighted blur of three planes, each divided by the blurred weights; float32 0..255."""
    weight: Float32 = cv2.LUT(alpha, weights)
    weighted = [cv2.multiply(plane, weight, dtype=cv2.CV_32F) for plane in seen]
    stack = cv2.merge([*weighted, weight])
    near = cv2.blur(stack, (_NEAR, _NEAR))
    far = cv2.blur(stack, (_FAR, _FAR))
    *sums, total = cv2.split(cv2.scaleAdd(far, _FAR_WEIGHT, near))
    total += _EPSILON
    return [cv2.divide(part, total) for part in sums]
