"""Outlines as the picture has them, not as the network's few pixels do.

Source: the fast guided filter (He and Sun, arXiv 1505.00996). Around each of the network's pixels
alpha is taken to be linear in luma, α = a·Y + b; a and b come from a least-squares fit at the
network's size, are scaled up, and applied to the picture's own luma. So a mask that is a few
pixels too wide, before a bright window, shrinks to the dark hair that it is about.

It is used around the outline alone, within a pixel of the network's: elsewhere alpha stays what it
is, so that no hole opens inside a person and nobody grows a second outline in the room.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from realtime.frame import Float32, UInt8

# Half a box, in the network's pixels. More follows texture, less follows the network.
_RADIUS = 2

# Luma, of 255², below which variance is noise.
_EPSILON = 65.0

_NEIGHBOURS = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class Fit:
    """Alpha as a function of luma, at the network's size: 255·α = slope·Y + offset.

    Attributes:
        slope: float32 (h, w).
        offset: float32 (h, w).
        kind: uint8 (h, w): 0 and 255 where alpha is that whatever the luma, 128 otherwise.
    """

    slope: Float32
    offset: Float32
    kind: UInt8


def fit(luma: UInt8, alpha: Float32, curve: UInt8) -> Fit:
    """Fits alpha to luma.

    Args:
        luma: uint8, any size; it is scaled to that of `alpha`.
        alpha: float32 (h, w) in 0..1.
        curve: what becomes of each alpha in the end; uint8 (256,).
    """
    height, width = alpha.shape
    double = min(2 * width, luma.shape[1]), min(2 * height, luma.shape[0])
    # Looks at some of the pixels only; the boxes below average anyway.
    half = cv2.resize(luma, double, interpolation=cv2.INTER_LINEAR)
    guide = cv2.resize(half, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.float32)
    levels: UInt8 = cv2.convertScaleAbs(alpha, alpha=255)
    target = levels.astype(np.float32)
    size = (2 * _RADIUS + 1, 2 * _RADIUS + 1)
    # One call for all four means.
    products = cv2.merge((guide, target, guide * guide, guide * target))
    mean_y, mean_a, mean_yy, mean_ya = cv2.split(cv2.blur(products, size))
    variance = mean_yy - mean_y * mean_y
    variance += _EPSILON
    slope = (mean_ya - mean_y * mean_a) / variance
    offset = mean_a - slope * mean_y
    slope, offset = cv2.split(cv2.blur(cv2.merge((slope, offset)), size))
    final = cv2.LUT(levels, curve)
    sure = cv2.bitwise_or(
        cv2.compare(cv2.dilate(final, _NEIGHBOURS), 0, cv2.CMP_EQ),
        cv2.compare(cv2.erode(final, _NEIGHBOURS), 255, cv2.CMP_EQ),
    )
    slope[sure > 0] = 0
    np.copyto(offset, final, where=sure > 0)
    kind = np.full_like(final, 128)
    np.copyto(kind, final, where=sure > 0)
    return Fit(slope, offset, kind)
