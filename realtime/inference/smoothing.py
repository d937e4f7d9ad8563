"""Temporal smoothing of the alpha, at the network's size and in real time."""

from __future__ import annotations

import cv2
import numpy as np

from realtime.frame import Float32
from realtime.inference.thumbnail import Thumbnail

# How much of the alpha before a pixel keeps after 1/30 s where the picture stands still.
_KEPT = 0.8
_KEPT_INTERVAL = 1 / 30

# Change of the thumbnail, in levels of 255, at which a pixel keeps 1/e of that. A camera's noise
# stays well below, averaged over the pixels of a picture that fall together there.
_MOVED = 9.0

_BOX = (3, 3)


class Smoother:
    """Holds alphas where the picture stands still: outlines stop flickering, and nothing lags.

    With d the change of the picture around a pixel since the frame before, and Δ that of alpha, the
    weight of the past is (0.8·exp(-(d/9)²))^(dt·30 Hz) · (1 - Δ⁴): where the picture moves, or the
    network is sure that something came or went, the new alpha counts. So the result hardly depends
    on the frame rate.

    Source: the motion-adaptive recursive filters of video noise reduction, here with the picture
    telling the motion and the alpha being filtered. Against MediaPipe's segmentation smoothing,
    which holds back what the network is unsure of whether it moves or not, it flickers less and
    lags less (`benchmarks/quality.py`).
    """

    def __init__(self) -> None:
        self._before: tuple[Float32, Thumbnail] | None = None

    def __call__(self, alpha: Float32, picture: Thumbnail, elapsed: float | None) -> Float32:
        """Smooths one frame.

        Args:
            alpha: float32 (h, w) in 0..1, the network's own; its size may differ from the one
                before.
            picture: the same frame.
            elapsed: seconds since the frame before, above 0; None at a new beginning, which forgets
                the past.

        Returns:
            float32 (h, w) in 0..1.
        """
        if self._before is not None and elapsed is not None:
            before, picture_before = self._before
            size = (alpha.shape[1], alpha.shape[0])
            if before.shape != alpha.shape:
                before = cv2.resize(before, size, interpolation=cv2.INTER_LINEAR)
            moved = cv2.blur(picture.difference(picture_before), _BOX)
            weights = cv2.LUT(moved, _weights(elapsed))
            weight: Float32 = cv2.resize(weights, size, interpolation=cv2.INTER_LINEAR)
            # In place, for each array more costs as much as what is done to it.
            change = before - alpha
            lost = change * change
            lost *= lost
            lost *= weight
            weight -= lost
            weight *= change
            weight += alpha
            alpha = weight
        self.remember(alpha, picture)
        return alpha

    def remember(self, alpha: Float32, picture: Thumbnail) -> None:
        """Takes an alpha that came otherwise for the past of the next frame."""
        self._before = (alpha, picture)


def _weights(elapsed: float) -> Float32:
    """The weight of the past for each change of the picture: float32 (256,)."""
    still = _KEPT * np.exp(-np.square(np.arange(256, dtype=np.float32) / np.float32(_MOVED)))
    return np.asarray(still ** np.float32(elapsed / _KEPT_INTERVAL), np.float32)
