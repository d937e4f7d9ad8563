"""The picture that the network sees: of the camera's frame, all that becomes RGB."""

from __future__ import annotations

from realtime.color import merge_to_rgb
from realtime.frame import Frame, UInt8
from realtime.scaling import shrink


def network_picture(frame: Frame, size: tuple[int, int]) -> UInt8:
    """Scales a frame's planes down and converts what is left.

    Args:
        frame: the frame.
        size: (width, height) to scale to.

    Returns:
        uint8 (height, width, 3) RGB.
    """
    planes = frame.planes
    return merge_to_rgb(
        shrink(planes.y, size),
        shrink(planes.u, size),
        shrink(planes.v, size),
        frame.color,
        planes.height,
    )
