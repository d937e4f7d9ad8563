"""Temporal smoothing of the alpha, at the network's size and in real time."""

from __future__ import annotations

import numpy as np

from realtime.frame import Float32, UInt8

# How much of the previous alpha a wholly undecided pixel keeps after 1/30 s. MediaPipe's default.
_KEPT = 0.9
_KEPT_INTERVAL = 1 / 30

# MediaPipe's polynomial in t = (p - 1/2)², from undecided (t = 0) to sure (t = 1/4).
_POLYNOMIAL = (5.68842, -0.748699, -57.8051, 291.309, -624.717)

# A gap this long is a seek or a stall: what was seen before says nothing about now.
_LONGEST_GAP_SECONDS = 0.5

# Mean absolute difference of two pictures, of 255, above which they are different shots. Waving
# before a webcam stays under 20; cuts between rooms are mostly above 50. Picked by eye.
_CUT_DIFFERENCE = 40.0


class Smoother:
    """Holds back the pixels that the network is unsure of, and only those: edges stop flickering.

    The weight of the past is (0.9·u)^(dt·30 Hz), where u is 1 for an undecided pixel and 0 for a
    sure one, so the result does not depend on the frame rate. A cut, a jump in time or a change of
    size starts anew.

    Source: the uncertainty polynomial is that of MediaPipe's segmentation smoothing calculator
    (Apache-2.0); the dependence on time is ours.
    """

    def __init__(self) -> None:
        self._previous: tuple[Float32, UInt8, float] | None = None

    def reset(self) -> None:
        """Forgets the past."""
        self._previous = None

    def __call__(self, alpha: Float32, picture: UInt8, time: float) -> Float32:
        """Smooths one frame.

        Args:
            alpha: float32 (h, w) in 0..1, the network's own.
            picture: uint8 (h, w, 3) RGB, what the network saw.
            time: of the frame, in seconds.

        Returns:
            float32 (h, w) in 0..1.
        """
        if self._previous is not None and self._continues(picture, time):
            previous, _, previous_time = self._previous
            weight = (_KEPT * uncertainty(alpha)) ** ((time - previous_time) / _KEPT_INTERVAL)
            alpha = alpha + (previous - alpha) * weight
        self._previous = (alpha, picture, time)
        return alpha

    def _continues(self, picture: UInt8, time: float) -> bool:
        assert self._previous is not None
        _, before, before_time = self._previous
        if not 0 < time - before_time <= _LONGEST_GAP_SECONDS or before.shape != picture.shape:
            return False
        # Every fourth pixel tells a cut as well as all of them.
        difference = np.abs(picture[::4, ::4].astype(np.int16) - before[::4, ::4])
        return float(difference.mean()) < _CUT_DIFFERENCE


def uncertainty(alpha: Float32) -> Float32:
    """1 where alpha is 0.5, falling to 0 where it is 0 or 1; same shape, float32."""
    t = (alpha - 0.5) ** 2
    total = np.zeros_like(t)
    for coefficient in reversed(_POLYNOMIAL):
        total = (total + coefficient) * t
    u: Float32 = 1 - np.clip(total, 0, 1)
    return u
