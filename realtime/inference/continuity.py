"""Whether a picture goes on from the one before, and after how long."""

from __future__ import annotations

import math

import cv2

from realtime.frame import UInt8

# A gap this long is a seek or a stall: what was seen before says nothing about now.
_LONGEST_GAP_SECONDS = 0.5

# Mean absolute difference of two lumas, of 255, above which they are different shots. Waving
# before a webcam stays under 20; cuts between rooms are mostly above 50. Picked by eye.
_CUT_DIFFERENCE = 40.0


class Continuity:
    """Tells cuts, seeks and changes of size from a video that goes on."""

    def __init__(self) -> None:
        self._previous: tuple[UInt8, float] | None = None

    def reset(self) -> None:
        """Forgets the past."""
        self._previous = None

    def __call__(self, luma: UInt8, time: float) -> float | None:
        """Takes the next picture.

        Args:
            luma: uint8 (h, w) of its thumbnail.
            time: of the picture, in seconds.

        Returns:
            Seconds since the picture before, above 0; None at a new beginning.

        Raises:
            ValueError: the time is no finite number.
        """
        if not math.isfinite(time):
            raise ValueError(f"time must be finite, not {time}")
        previous, self._previous = self._previous, (luma, time)
        if previous is None:
            return None
        before, before_time = previous
        elapsed = time - before_time
        if not 0 < elapsed <= _LONGEST_GAP_SECONDS or before.shape != luma.shape:
            return None
        difference = float(cv2.absdiff(luma, before).mean())
        return elapsed if difference < _CUT_DIFFERENCE else None
