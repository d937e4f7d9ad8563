"""One background becomes another."""

from __future__ import annotations

from dataclasses import dataclass

import cv2

from realtime.frame import Planes
from realtime.output.buffers import Pool


@dataclass(frozen=True, slots=True)
class Crossfade:
    """The way from one picture to another over time.

    Attributes:
        start: seconds, in the time of frames.
        duration: seconds.
    """

    start: float
    duration: float

    def progress(self, time: float) -> float:
        """From 0 at its start to 1 at its end, and 1 at any time outside."""
        passed = time - self.start
        if not 0 <= passed < self.duration:
            return 1.0
        return passed / self.duration


def mix(old: Planes, new: Planes, share: float, pool: Pool) -> Planes:
    """A picture that is `new` by this share, 0..1, and `old` by the rest; both of one size."""
    mixed = pool.planes(old.height, old.width)
    for first, second, target in zip(old, new, mixed, strict=True):
        cv2.addWeighted(first, 1 - share, second, share, 0, dst=target)
    return mixed
