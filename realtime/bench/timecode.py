"""Times that travel in the pixels: drawn into a picture here, read off it at the other end.

A row of black and white blocks along the top edge: 32 bits of tenths of milliseconds and, so that
a picture which only looks like one is not read, eight of a checksum.
"""

from __future__ import annotations

import numpy as np

from realtime.frame import UInt8

ROWS = 16
_BITS = 32
_CHECK_BITS = 8
_BLOCKS = _BITS + _CHECK_BITS
_TICK = 1e-4
_BLACK, _WHITE = 40, 210
_MIDDLE = (_BLACK + _WHITE) / 2
# From a block's level to the middle between black and white, at the least.
_CLEAR = 40

# Narrower blocks than four pixels would have no middle that is free of their neighbours.
LEAST_WIDTH = 4 * _BLOCKS


def draw(luma: UInt8, seconds: float) -> None:
    """Draws a time of at least 0 upon the top rows; modulo five days.

    Args:
        luma: uint8 (H, W), at least `ROWS` high and `LEAST_WIDTH` wide; written to.
        seconds: the time.
    """
    ticks = round(seconds / _TICK) % 2**_BITS
    word = ticks | _checksum(ticks) << _BITS
    width = luma.shape[1] // _BLOCKS
    for bit in range(_BLOCKS):
        luma[:ROWS, bit * width : (bit + 1) * width] = _WHITE if word >> bit & 1 else _BLACK


def age(luma: UInt8, now: float) -> float | None:
    """Seconds from the time on a picture, uint8 (H, W), to now; None where there is none."""
    width = luma.shape[1] // _BLOCKS
    if width < 1:
        return None
    row = luma[ROWS // 4 : 3 * ROWS // 4, : width * _BLOCKS].mean(axis=0)
    inner = row.reshape(_BLOCKS, width)[:, width // 4 : width - width // 4]
    levels = inner.mean(axis=1)
    if (np.abs(levels - _MIDDLE) < _CLEAR).any():
        return None
    word = sum(1 << bit for bit in range(_BLOCKS) if levels[bit] > _MIDDLE)
    ticks = word % 2**_BITS
    if word >> _BITS != _checksum(ticks):
        return None
    # The rounding of the drawn time may put it after now.
    gone: int = (round(now / _TICK) - ticks + 1) % 2**_BITS - 1
    return gone * _TICK


def _checksum(ticks: int) -> int:
    # All zeros, a black picture, is no time.
    return (sum(ticks.to_bytes(4, "little")) + 0x5A) & 0xFF
