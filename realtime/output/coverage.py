"""How much of a pixel a person covers, given what a network says of its far larger ones."""

from __future__ import annotations

import numpy as np

from realtime.frame import UInt8

# So much of a network's ramp from 0 to 1 is dropped at either end when it is enlarged by
# `_FULL_SCALE` or more: it would else become a glow of the old room. Picked by eye.
_MARGIN = 0.15
_FULL_SCALE = 3.0


def coverage_curve(scale: float) -> UInt8:
    """What becomes of each of the 256 alphas when a matte is enlarged `scale` times.

    A smoothstep that is steeper the larger the scale; at 1 and below, nothing changes.
    """
    if scale <= 1:
        return np.arange(256, dtype=np.uint8)
    margin = _MARGIN * min(1.0, (scale - 1) / (_FULL_SCALE - 1))
    t = np.clip((np.arange(256) / 255 - margin) / (1 - 2 * margin), 0, 1)
    smooth = t * t * (3 - 2 * t)
    # From the straight line at scale 1 to the smoothstep at full scale.
    share = margin / _MARGIN
    return np.rint(255 * (share * smooth + (1 - share) * t)).astype(np.uint8)
