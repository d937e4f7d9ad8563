"""What programs take a webcam's YUV for, and turning other YUV into it.

A virtual camera carries no colour tags that anybody reads: programs decode 4:2:0 of a camera as
BT.601 in limited range.
"""

from __future__ import annotations

import cv2
import numpy as np

from realtime.color import conversion, convert
from realtime.frame import ColorTags, Planes, UInt8

_WEBCAM = ColorTags(full_range=False, matrix=6, primaries=6, transfer=6)


class WebcamPicture:
    """One buffer in the layout I420, which virtual cameras and OpenCV take.

    Args:
        width: pixels, even.
        height: pixels, even.

    Attributes:
        buffer: uint8 (height · 3/2, width): the luma's rows, then those of both chromas.
        planes: views on it.
    """

    def __init__(self, width: int, height: int) -> None:
        self.buffer: UInt8 = np.empty((height * 3 // 2, width), np.uint8)
        self.planes = Planes.within(self.buffer.reshape(-1), height, width)

    def of(self, planes: Planes, color: ColorTags) -> UInt8:
        """A picture of the same size in this layout.

        Returns:
            uint8 (height · 3/2, width), read-only: the picture's own memory where it needs no
            change, else the buffer, which holds it until the next one.
        """
        packed = planes.packed
        if packed is not None:
            change = conversion(color, planes.height, _WEBCAM, self.planes.height)
            if change is None:
                return packed
        self.write(planes, color)
        return self.buffer

    def write(self, planes: Planes, color: ColorTags) -> None:
        """Takes a picture of the same size."""
        write_as_webcam(planes, color, self.planes)

    def to_bgr(self) -> UInt8:
        """As programs show it: uint8 (height, width, 3)."""
        bgr: UInt8 = cv2.cvtColor(self.buffer, cv2.COLOR_YUV2BGR_I420)
        return bgr


def write_as_webcam(planes: Planes, color: ColorTags, target: Planes) -> None:
    """Writes a picture as a webcam would send it; one pass where it is one already.

    Args:
        planes: the picture.
        color: its tags.
        target: planes of the same size to write to.
    """
    change = conversion(color, planes.height, _WEBCAM, target.height)
    if change is not None:
        convert(planes, change, target)
    else:
        for source, plane in zip(planes, target, strict=True):
            np.copyto(plane, source)
