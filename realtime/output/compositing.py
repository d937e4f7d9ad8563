"""Puts a foreground before a background: pure functions on planes.

C = αF + (1 - α)B on each plane, in eight bits; the alpha of a chroma sample is that of the luma
samples it covers.
"""

from __future__ import annotations

import cv2
import numpy as np

from realtime.frame import Float32, Planes, UInt8

# So much of a network's ramp from 0 to 1 is dropped at either end when it is enlarged by
# `_FULL_SCALE` or more: it would else become a glow of the old room. Picked by eye.
_MARGIN = 0.15
_FULL_SCALE = 3.0


def alpha_planes(alpha: Float32, height: int, width: int) -> tuple[UInt8, UInt8]:
    """Scales an alpha up to a picture, keeping outlines about as narrow as the network saw them.

    Args:
        alpha: float32 (h, w) in 0..1.
        height: of the picture, even.
        width: likewise.

    Returns:
        uint8 (height, width) for luma and uint8 (height/2, width/2) for chroma, 0..255.
    """
    small: UInt8 = np.rint(alpha * np.float32(255)).astype(np.uint8)
    luma: UInt8 = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    cv2.LUT(luma, coverage_curve(height / len(alpha)), dst=luma)
    chroma: UInt8 = cv2.resize(luma, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return luma, chroma


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


def blend(foreground: UInt8, background: UInt8, alpha: UInt8) -> UInt8:
    """C = αF + (1 - α)B for one plane; all uint8 of one shape; exact to one level."""
    result: UInt8 = cv2.multiply(foreground, alpha, scale=1 / 255)
    rest: UInt8 = cv2.bitwise_not(alpha)
    cv2.multiply(background, rest, dst=rest, scale=1 / 255)
    cv2.add(result, rest, dst=result)
    return result


def composite(foreground: Planes, background: Planes, luma: UInt8, chroma: UInt8) -> Planes:
    """Blends two pictures of one size with the alphas from `alpha_planes`."""
    return Planes(
        blend(foreground.y, background.y, luma),
        blend(foreground.u, background.u, chroma),
        blend(foreground.v, background.v, chroma),
    )


def cut_out(foreground: Planes, luma: UInt8, chroma: UInt8, *, full_range: bool) -> Planes:
    """The foreground alone, black wherever its alpha is 0.

    A viewer that ignores alpha then shows black there, and not the room.
    """
    blacks = (0 if full_range else 16, 128, 128)
    cut = []
    for plane, alpha, black in zip(foreground, (luma, chroma, chroma), blacks, strict=True):
        copy = plane.copy()
        copy[alpha == 0] = black
        cut.append(copy)
    return Planes(*cut)
