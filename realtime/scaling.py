"""Scaling that is both clean and fast."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from realtime.frame import Float32, UInt8

# Bytes of a picture that are halved at a time: they fit into a core's cache.
_STRIP = 2**20


def shrink(picture: UInt8, size: tuple[int, int]) -> UInt8:
    """Scales a plane or picture, averaging what falls together so that nothing aliases.

    OpenCV halves by averaging 2×2 several times faster than it averages anything else: so as often
    as that goes, then by interpolation between two neighbours, which at less than a factor of two
    leaves no pixel out. The few outer pixels that halving leaves over, less than one of the
    result, are cropped.

    Args:
        picture: uint8 (H, W) or (H, W, 3).
        size: (width, height) to scale to; larger is allowed.
    """
    height, width = picture.shape[:2]
    halvings = _halvings(width, height, size)
    columns, left = _kept(width, halvings)
    rows, top = _kept(height, halvings)
    picture = picture[top : top + (rows << halvings), left : left + (columns << halvings)]
    for _ in range(halvings):
        picture = _halved(picture)
    scaled: UInt8 = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
    return scaled


def _halved(picture: UInt8) -> UInt8:
    """A plane or picture of even size at half of it.

    OpenCV reads two lines at a time, for which memory is slow. Strips that are read from end to end
    before are in the cache then, and both together take less than halving alone.
    """
    height, width = picture.shape[:2]
    half: UInt8 = np.empty((height // 2, width // 2, *picture.shape[2:]), np.uint8)
    rows = max(1, _STRIP // (2 * picture[0].nbytes))
    for top in range(0, height // 2, rows):
        part, strip = half[top : top + rows], picture[2 * top : 2 * (top + rows)]
        cv2.sumElems(strip)
        cv2.resize(strip, (width // 2, len(part)), dst=part, interpolation=cv2.INTER_AREA)
    return half


class Shrinking(NamedTuple):
    """What `shrink` does to a plane, as matrices: `rows @ plane @ columns`.

    It rounds after each halving and they do not, so they are apart by about a level of 255 at most.

    Attributes:
        rows: float32 (h, H), each row sums to 1.
        columns: float32 (W, w), each column sums to 1.
    """

    rows: Float32
    columns: Float32

    @classmethod
    def of(cls, width: int, height: int, size: tuple[int, int]) -> Shrinking:
        """Of a plane of this width and height to a (width, height), as `shrink` takes it."""
        halvings = _halvings(width, height, size)
        columns = _weights(width, halvings, size[0]).T
        return cls(_weights(height, halvings, size[1]), np.ascontiguousarray(columns))


def _halvings(width: int, height: int, size: tuple[int, int]) -> int:
    ratio = min(width // size[0], height // size[1])
    return max(0, ratio.bit_length() - 1)


def _kept(length: int, halvings: int) -> tuple[int, int]:
    """Pixels of a side after halving, and how many are cropped before its first one."""
    kept = length >> halvings
    return kept, (length - (kept << halvings)) // 2


def _weights(length: int, halvings: int, target: int) -> Float32:
    """What each pixel of a side adds to each of the scaled side: float32 (target, length)."""
    kept, start = _kept(length, halvings)
    # Interpolation between two neighbours; beyond the outer ones there are only they.
    place = np.clip((np.arange(target) + 0.5) * (kept / target) - 0.5, 0, kept - 1)
    first = place.astype(np.intp)
    part = place - first
    each = np.arange(target)
    halved = np.zeros((target, kept))
    halved[each, first] = 1 - part
    halved[each, np.minimum(first + 1, kept - 1)] += part
    together = 1 << halvings
    weights = np.zeros((target, length), np.float32)
    weights[:, start : start + kept * together] = np.repeat(halved / together, together, axis=1)
    return weights


def crop_to_aspect(picture: UInt8, width: float, height: float) -> UInt8:
    """The largest central part of a picture, (H, W, …), that has the aspect of width × height."""
    rows, columns = picture.shape[:2]
    kept_columns = min(columns, max(1, round(rows * width / height)))
    kept_rows = min(rows, max(1, round(columns * height / width)))
    left, top = (columns - kept_columns) // 2, (rows - kept_rows) // 2
    return picture[top : top + kept_rows, left : left + kept_columns]
