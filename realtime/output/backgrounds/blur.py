"""The room itself, out of focus."""

from __future__ import annotations

import cv2
import numpy as np

from realtime.frame import Float32, Matte, Planes, UInt8
from realtime.output.backgrounds.background import Background
from realtime.scaling import shrink

DEFAULT_STRENGTH = 3.0

# The room is blurred on a small copy where the blur is this wide, in pixels: narrower, and scaling
# it up again shows; wider, and it only costs more.
_SMALL_SIGMA = 4.0

# Stands in for the room where none is in sight for several sigmas.
_EPSILON = 1e-3


class Blur(Background):
    """Blurs the room without the people, so that no halo of theirs remains around them.

    Each blurred pixel is a mean of room pixels only: blur(w·I) / blur(w), known as normalized
    convolution (Knutsson and Westin, 1993). w is 1 - 2α: with 1 - α, the pixels of an outline that
    are mostly person would still shine into the room.

    Args:
        strength: standard deviation of the blur in percent of the picture's height, above 0.
    """

    def __init__(self, strength: float = DEFAULT_STRENGTH) -> None:
        self._strength = strength

    def behind(self, matte: Matte) -> Planes | None:
        planes = matte.frame.planes
        sigma = self._strength / 100 * planes.height
        scale = min(0.5, _SMALL_SIGMA / sigma)
        size = max(8, round(planes.width * scale)), max(8, round(planes.height * scale))
        sigma *= size[1] / planes.height
        alpha = cv2.resize(matte.alpha, size, interpolation=cv2.INTER_LINEAR)
        # What is half person or more speaks for the room only where nothing else does.
        room = np.maximum(1 - 2 * alpha, _EPSILON * (1 - alpha))
        # A small pixel at an outline is part person; its neighbours speak for it.
        room = cv2.erode(room, np.ones((3, 3), np.uint8))
        share = cv2.GaussianBlur(room, (0, 0), sigma)

        def blur(plane: UInt8) -> UInt8:
            small = shrink(plane, size).astype(np.float32)
            anywhere = float((small * room).sum() + 128 * _EPSILON) / float(room.sum() + _EPSILON)
            blurred: Float32 = cv2.GaussianBlur(small * room, (0, 0), sigma)
            blurred = (blurred + anywhere * _EPSILON) / (share + _EPSILON)
            height, width = plane.shape
            large = cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR)
            result: UInt8 = cv2.convertScaleAbs(large)
            return result

        return Planes(blur(planes.y), blur(planes.u), blur(planes.v))
