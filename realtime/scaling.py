"""Scaling that is both clean and fast."""

from __future__ import annotations

import cv2

from realtime.frame import UInt8


def shrink(picture: UInt8, size: tuple[int, int]) -> UInt8:
    """Scales a plane or picture, averaging what falls together so that nothing aliases.

    OpenCV averages by a whole factor several times faster than by a fraction: so by the largest
    whole factor first, then by interpolation. The few outer pixels that the factor leaves over,
    less than one of the result, are cropped.

    Args:
        picture: uint8 (H, W) or (H, W, 3).
        size: (width, height) to scale to; larger is allowed.
    """
    height, width = picture.shape[:2]
    factor = min(width // size[0], height // size[1])
    if factor > 1:
        columns, rows = width // factor, height // factor
        left, top = (width - columns * factor) // 2, (height - rows * factor) // 2
        part = picture[top : top + rows * factor, left : left + columns * factor]
        picture = cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA)
    scaled: UInt8 = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
    return scaled


def crop_to_aspect(picture: UInt8, width: int, height: int) -> UInt8:
    """The largest central part of a picture, (H, W, …), that has the aspect of width × height."""
    rows, columns = picture.shape[:2]
    kept_columns = min(columns, max(1, round(rows * width / height)))
    kept_rows = min(rows, max(1, round(columns * height / width)))
    left, top = (columns - kept_columns) // 2, (rows - kept_rows) // 2
    return picture[top : top + kept_rows, left : left + kept_columns]
