"""Whether a picture goes on from the one before, and after how long."""

from __future__ import annotations

import numpy as np

from realtime.frame import UInt8

# A gap this long is a seek or a stall: what was seen before says nothing about now.
_LONGEST_GAP_SECONDS = 0.5

# Mean absolute difference of two pictures, of 255, above which they are different shots. Waving
# before a webcam stays under 20; cuts between rooms are mostly above 50. Picked by eye.
_CUT_DIFFERENCE = 40.0


class Continuity:
    """Tells cuts, seeks and changes of size from a video that goes on."""

    def __init__(self) -> None:
        self._previous: tuple[UInt8, float] | None = None

    def reset(self) -> None:
        """Forgets the past."""
        self._previous = None

    def __call__(self, picture: UInt8, time: float) -> float | None:
        """Takes the next picture.

        Args:
            picture: uint8 (h, w, 3) RGB at the network's size.
            time: of the picture, in seconds.

        Returns:
            Seconds since the picture before, above 0; None at a new beginning.
        """
        previous, self._previous = self._previous, (picture, time)
        if previous is None:
            return None
        before, before_time = previous
        elapsed = time - before_time
        if not 0 < elapsed <= _LONGEST_GAP_SECONDS or before.shape != picture.shape:
            return None
        # Every fourth pixel tells a cut as well as all of them.
        difference = np.abs(picture[::4, ::4].astype(np.int16) - before[::4, ::4])
        return elapsed if float(difference.mean()) < _CUT_DIFFERENCE else None
