"""The room itself, out of focus."""

from __future__ import annotations

import cv2
import numpy as np

from realtime.frame import Float32, Matte, Planes
from realtime.output.backgrounds.background import Background
from realtime.output.buffers import Pool
from realtime.scaling import shrink

DEFAULT_STRENGTH = 3.0

# What users may ask for, in percent of the height: with less, the room can be made out.
LEAST_STRENGTH = 1.0
MOST_STRENGTH = 50.0


def strength_of(text: str) -> float | None:
    """What "blur" or "blur:N%" asks for, in percent of the height; None where N is no number."""
    _, _, given = text.partition(":")
    try:
        return float(given.removesuffix("%")) if given else DEFAULT_STRENGTH
    except ValueError:
        return None


# The room is blurred on a small copy where the blur is this wide, in pixels: narrower, and scaling
# it up again shows; wider, and it only costs more.
_SMALL_SIGMA = 3.0

# Stands in for the room where none is in sight for several sigmas.
_EPSILON = 1e-3

_LEVELS = np.arange(256, dtype=np.float32) / 255
# What is half person or more speaks for the room only where nothing else does.
_WEIGHTS: Float32 = np.maximum(1 - 2 * _LEVELS, _EPSILON * (1 - _LEVELS))

_NEIGHBOURS = np.ones((3, 3), np.uint8)


class Blur(Background):
    """Blurs the room without the people, so that no halo of theirs remains around them.

    Each blurred pixel is a mean of room pixels only: blur(w·I) / blur(w), known as normalized
    convolution (Knutsson and Westin, 1993). w is 1 - 2α: with 1 - α, the pixels of an outline that
    are mostly person would still shine into the room.

    Args:
        strength: standard deviation of the blur in percent of the picture's height, above 0.
    """

    fresh = True

    def __init__(self, strength: float = DEFAULT_STRENGTH) -> None:
        self._strength = strength
        self._pool = Pool()

    def behind(self, matte: Matte) -> Planes | None:
        planes = matte.frame.planes
        sigma = self._strength / 100 * planes.height
        scale = min(0.5, _SMALL_SIGMA / sigma)
        size = max(8, round(planes.width * scale)), max(8, round(planes.height * scale))
        sigma *= size[1] / planes.height
        levels = cv2.convertScaleAbs(matte.alpha, alpha=255)
        # The most that is person near a small pixel: its neighbours speak for it.
        alpha = cv2.dilate(cv2.resize(levels, size, interpolation=cv2.INTER_LINEAR), _NEIGHBOURS)
        room: Float32 = cv2.LUT(alpha, _WEIGHTS)
        # All pixels have a say: of one in ten, a blind's stripes would be broad bands that crawl.
        seen = [shrink(plane, size) for plane in planes]
        weighted = [cv2.multiply(plane, room, dtype=cv2.CV_32F) for plane in seen]
        blurred = cv2.GaussianBlur(cv2.merge([*weighted, room]), (0, 0), sigma)
        total = float(cv2.sumElems(room)[0])
        *sums, share = cv2.split(blurred)
        share += _EPSILON
        result = self._pool.planes(planes.height, planes.width)
        for part, plane, target in zip(sums, weighted, result, strict=True):
            anywhere = (float(cv2.sumElems(plane)[0]) + 128 * _EPSILON) / (total + _EPSILON)
            part += anywhere * _EPSILON
            small = cv2.convertScaleAbs(cv2.divide(part, share))
            rows, columns = target.shape
            cv2.resize(small, (columns, rows), dst=target, interpolation=cv2.INTER_LINEAR)
        return result
