"""A picture made small: what is looked at to tell motion, cuts and stillness."""

from __future__ import annotations

import math

import cv2

from realtime.frame import Planes, UInt8
from realtime.inference.preprocess import SmallPlanes
from realtime.scaling import shrink

# 192×108 pixels of a 16:9 frame. Flow on them takes a quarter of the time of a network of 320×176;
# at 256×144 alphas that are moved along it are hardly better for half more.
_AREA = 192 * 108


class Thumbnail(SmallPlanes):
    """About 192×108 pixels of a picture's own aspect."""

    __slots__ = ()

    @classmethod
    def of_planes(cls, planes: Planes, small: SmallPlanes | None = None) -> Thumbnail:
        """Of a frame.

        Args:
            planes: its planes.
            small: the same, scaled down already: then these alone are looked at, which takes a
                fraction of the time.
        """
        return cls.of(small or planes, thumbnail_size(planes.width, planes.height))

    @classmethod
    def of_rgb(cls, picture: UInt8) -> Thumbnail:
        """Of a picture, uint8 (H, W, 3) RGB."""
        height, width = picture.shape[:2]
        small = shrink(picture, thumbnail_size(width, height))
        y, v, u = cv2.split(cv2.cvtColor(small, cv2.COLOR_RGB2YCrCb))
        return cls(y, u, v)

    def difference(self, other: Thumbnail) -> UInt8:
        """How far the pixels of two are apart: |ΔY| + |ΔU| + |ΔV|, uint8 (h, w), 255 at most."""
        y, u, v = (cv2.absdiff(a, b) for a, b in zip(self, other, strict=True))
        total: UInt8 = cv2.add(y, cv2.add(u, v))
        return total


def thumbnail_size(width: int, height: int) -> tuple[int, int]:
    """The (width, height) of the thumbnail of a picture."""
    aspect = width / height
    return max(16, round(math.sqrt(_AREA * aspect))), max(16, round(math.sqrt(_AREA / aspect)))
