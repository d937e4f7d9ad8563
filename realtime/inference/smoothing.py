"""Temporal smoothing of the alpha, at the network's size and in real time."""

from __future__ import annotations

import numpy as np

from realtime.frame import Float32

# How much of the previous alpha a wholly undecided pixel keeps after 1/30 s. MediaPipe's default.
_KEPT = 0.9
_KEPT_INTERVAL = 1 / 30

# MediaPipe's polynomial in t = (p - 1/2)², from undecided (t = 0) to sure (t = 1/4).
_POLYNOMIAL = (5.68842, -0.748699, -57.8051, 291.309, -624.717)


class Smoother:
    """Holds back the pixels that the network is unsure of, and only those: edges stop flickering.

    The weight of the past is (0.9·u)^(dt·30 Hz), where u is 1 for an undecided pixel and 0 for a
    sure one, so the result does not depend on the frame rate.

    Source: the uncertainty polynomial is that of MediaPipe's segmentation smoothing calculator
    (Apache-2.0); the dependence on time is ours.
    """

    def __init__(self) -> None:
        self._previous: Float32 | None = None

    def __call__(self, alpha: Float32, elapsed: float | None) -> Float32:
        """Smooths one frame.

        Args:
            alpha: float32 (h, w) in 0..1, the network's own.
            elapsed: seconds since the frame before, above 0; None at a new beginning, which forgets
                the past.

        Returns:
            float32 (h, w) in 0..1.
        """
        if self._previous is not None and elapsed is not None:
            weight = (_KEPT * uncertainty(alpha)) ** (elapsed / _KEPT_INTERVAL)
            alpha = alpha + (self._previous - alpha) * weight
        self._previous = alpha
        return alpha


def uncertainty(alpha: Float32) -> Float32:
    """1 where alpha is 0.5, falling to 0 where it is 0 or 1; same shape, float32."""
    t = (alpha - 0.5) ** 2
    total = np.zeros_like(t)
    for coefficient in reversed(_POLYNOMIAL):
        total = (total + coefficient) * t
    u: Float32 = 1 - np.clip(total, 0, 1)
    return u
