"""The picture that the network sees: of the camera's frame, all that becomes RGB."""

from __future__ import annotations

from typing import NamedTuple, Self

from realtime.color import merge_to_rgb
from realtime.frame import Frame, Planes, UInt8
from realtime.scaling import shrink


class SmallPlanes(NamedTuple):
    """A frame's planes, scaled to one size.

    Attributes:
        y: luma, uint8 (h, w).
        u: blue difference, likewise.
        v: red difference, likewise.
    """

    y: UInt8
    u: UInt8
    v: UInt8

    @classmethod
    def of(cls, planes: Planes | SmallPlanes, size: tuple[int, int]) -> Self:
        """Scales planes to a (width, height)."""
        y, u, v = planes
        return cls(shrink(y, size), shrink(u, size), shrink(v, size))

    def to_rgb(self, frame: Frame) -> UInt8:
        """The picture of the frame that these are of, uint8 (h, w, 3) RGB."""
        return merge_to_rgb(*self, frame.color, frame.planes.height)


def network_picture(frame: Frame, size: tuple[int, int]) -> UInt8:
    """Scales a frame's planes down and converts what is left.

    Args:
        frame: the frame.
        size: (width, height) to scale to.

    Returns:
        uint8 (height, width, 3) RGB.
    """
    return SmallPlanes.of(frame.planes, size).to_rgb(frame)
