"""Outlines as the picture has them, not as the network's few pixels do.

Source: the fast guided filter (He and Sun, arXiv 1505.00996). Around each pixel of half the
network's size alpha is taken to be linear in luma, α = a·Y + b; a and b come from a least-squares
fit there, are scaled up, and applied to the picture's own luma. So a mask that is a few pixels too
wide, before a bright window, shrinks to the dark hair that it is about. What luma does not tell of
alpha is put back as it was on these pixels, which the source does not do. At the network's whole
size, outlines come out no better (`benchmarks/edges.py`), for four times the work.

It is used around the outline alone, within one of these pixels: elsewhere alpha stays what it
is, so that no hole opens inside a person and nobody grows a second outline in the room.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.frame import Float32, UInt8

# Half a box, in pixels of the fit. More follows texture, less follows the network.
_RADIUS = 1

# Luma, of 255², below which variance is noise.
_EPSILON = 65.0

# Alpha, of 255², below whose variance there is nothing to tell.
_SURE = 4.0

_NEIGHBOURS = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class Fit:
    """Alpha as a function of luma, at half the network's size: 255·α = slope·Y + offset.

    Attributes:
        slope: float32 (h, w).
        offset: float32 (h, w).
        kind: uint8 (h, w): 0 and 255 where alpha is that whatever the luma, 128 otherwise.
    """

    slope: Float32
    offset: Float32
    kind: UInt8


def size_for(height: int, width: int) -> tuple[int, int]:
    """Rows and columns of the fit for an alpha of a size."""
    # Two at the least: OpenCV takes an array of one element for a number.
    return max(1, height // 2), max(2, width // 2)


def fit(luma: UInt8, alpha: Float32, curve: UInt8) -> Fit:
    """Fits alpha to luma.

    Args:
        luma: uint8, any size.
        alpha: float32 (2h, 2w) in 0..1.
        curve: what becomes of each alpha in the end; uint8 (256,).
    """
    size = size_for(*alpha.shape)[::-1]
    # Looks at some of the pixels only; the boxes below average anyway.
    guide = cv2.resize(luma, size, interpolation=cv2.INTER_LINEAR)
    levels: UInt8 = cv2.resize(
        cv2.convertScaleAbs(alpha, alpha=255), size, interpolation=cv2.INTER_AREA
    )
    final = cv2.LUT(levels, curve)
    sure = cv2.bitwise_or(
        cv2.compare(cv2.dilate(final, _NEIGHBOURS), 0, cv2.CMP_EQ),
        cv2.compare(cv2.erode(final, _NEIGHBOURS), 255, cv2.CMP_EQ),
    )
    unsure = cv2.bitwise_not(sure)
    offset = final.astype(np.float32)
    slope = np.zeros_like(offset)
    kind = cv2.copyTo(final, sure)
    cv2.max(kind, cv2.bitwise_and(unsure, 128), dst=kind)
    left, top, columns, rows = cv2.boundingRect(unsure)
    if rows:
        around = (  # what the means of the means look at
            slice(max(0, top - 2 * _RADIUS), top + rows + 2 * _RADIUS),
            slice(max(0, left - 2 * _RADIUS), left + columns + 2 * _RADIUS),
        )
        fitted = _fitted(guide[around], levels[around])
        for part, whole in zip(fitted, (slope, offset), strict=True):
            cv2.copyTo(part, unsure[around], whole[around])
    return Fit(slope, offset, kind)


def _fitted(guide: UInt8, levels: UInt8) -> tuple[Float32, Float32]:
    """Slope and offset by least squares in every box, averaged over the boxes of a pixel.

    Where luma tells little of alpha, such as of a white coat before a white wall, the fit is no
    more than a mean: a glow. There the offset takes alpha back to what it was.
    """
    # In place where that goes, for each array more costs as much as what is done to it.
    mean_y, mean_a = _mean(guide), _mean(levels)
    variance_y, variance_a = _mean_product(guide, guide), _mean_product(levels, levels)
    both = _mean_product(guide, levels)
    variance_y -= mean_y * mean_y
    variance_a -= mean_a * mean_a
    both -= mean_y * mean_a
    variance_y += np.float32(_EPSILON)
    steep = np.divide(both, variance_y, out=variance_y)
    both *= steep
    variance_a += np.float32(_SURE)
    untold = np.divide(both, variance_a, out=variance_a)
    np.subtract(1, untold, out=untold)  # share of alpha's variance
    mean_y *= steep
    mean_a -= mean_y
    slope, offset = _mean(steep), _mean(mean_a)
    # Squared: an outline that luma tells half of is better followed than not.
    untold *= untold
    rest = levels - slope * guide
    rest -= offset
    rest *= untold
    offset += rest
    return slope, offset


def _mean_product(one: UInt8, other: UInt8) -> Float32:
    # In whole numbers as long as possible: OpenCV adds these up several times faster.
    return _mean(np.multiply(one, other, dtype=np.uint16))


def _mean(values: NDArray[Any]) -> Float32:
    mean: Float32 = cv2.boxFilter(values, cv2.CV_32F, (2 * _RADIUS + 1, 2 * _RADIUS + 1))
    return mean
