"""What programs take a webcam's YUV for, and turning other YUV into it.

A virtual camera carries no colour tags that anybody reads: programs decode 4:2:0 of a camera as
BT.601 in limited range.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from realtime.color import rgb_to_yuv_matrix, yuv_to_rgb_matrix
from realtime.frame import ColorTags, Planes, UInt8

_WEBCAM = ColorTags(full_range=False, matrix=6, primaries=6, transfer=6)

# Matrices that look different when they are decoded as BT.601: BT.709 and BT.2020. What is untagged
# comes from a webcam, and passes.
_OTHER_MATRICES = (1, 9)


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
        flat = self.buffer.reshape(-1)
        luma, chroma = height * width, height * width // 4
        half = (height // 2, width // 2)
        self.planes = Planes(
            flat[:luma].reshape(height, width),
            flat[luma : luma + chroma].reshape(half),
            flat[luma + chroma :].reshape(half),
        )

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
    if color.matrix in _OTHER_MATRICES:
        _convert(planes, color, target)
    elif color.full_range:
        luma, chroma = _limiting_tables()
        cv2.LUT(planes.y, luma, dst=target.y)
        cv2.LUT(planes.u, chroma, dst=target.u)
        cv2.LUT(planes.v, chroma, dst=target.v)
    else:
        for source, plane in zip(planes, target, strict=True):
            np.copyto(plane, source)


@cache
def _limiting_tables() -> tuple[UInt8, UInt8]:
    """From full range to limited: for luma, and for chroma."""
    levels = np.arange(256)
    luma = np.rint(16 + levels * (219 / 255)).astype(np.uint8)
    chroma = np.rint(128 + (levels - 128) * (224 / 255)).astype(np.uint8)
    return luma, chroma


def _convert(planes: Planes, color: ColorTags, target: Planes) -> None:
    """The way through RGB and back in one affine map, without ever making the RGB.

    Luma needs the chroma of its place: their sum is made at chroma's size and enlarged.
    """
    to_rgb = yuv_to_rgb_matrix(color, planes.height)
    to_yuv = rgb_to_yuv_matrix(_WEBCAM, planes.height)
    scale = to_yuv[:, :3] @ to_rgb[:, :3]
    offset = to_yuv[:, :3] @ to_rgb[:, 3] + to_yuv[:, 3]
    u, v = planes.u, planes.v
    # Chroma depends on chroma alone: the first column of those rows is 0.
    cv2.addWeighted(u, scale[1, 1], v, scale[1, 2], offset[1], dst=target.u)
    cv2.addWeighted(u, scale[2, 1], v, scale[2, 2], offset[2], dst=target.v)
    # Of what chroma adds to luma, 128 stands for nothing.
    neutral = 128 * (1 - scale[0, 1] - scale[0, 2])
    share = cv2.addWeighted(u, scale[0, 1], v, scale[0, 2], neutral)
    share = cv2.resize(share, (planes.width, planes.height), interpolation=cv2.INTER_LINEAR)
    rest = offset[0] + 128 * (scale[0, 1] + scale[0, 2]) - 128
    cv2.addWeighted(planes.y, scale[0, 0], share, 1.0, rest, dst=target.y)
