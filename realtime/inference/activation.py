"""The last step to probabilities, where a network leaves it out."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from realtime.frame import Float32

Activation = Literal["none", "sigmoid", "softmax"]


def activate(planes: Float32, activation: Activation) -> Float32:
    """Applies it to planes (c, h, w), over whose channels a softmax goes.

    Raises:
        ValueError: a softmax over one channel, which would make everything a person.
    """
    if activation == "none":
        return planes
    if activation == "sigmoid":
        # Beyond ±60 a float32 sigmoid is 0 or 1, and exp would overflow.
        odds: Float32 = np.exp(np.clip(planes, -60, 60))
        return odds / (1 + odds)
    if len(planes) == 1:
        raise ValueError(
            "a softmax over its one channel is 1 everywhere; "
            'write {"activation": "sigmoid"} into a .json beside it'
        )
    weights: Float32 = np.exp(planes - planes.max(axis=0))
    total: Float32 = weights.sum(axis=0)
    return weights / total


def remedy(channels: int, activation: Activation, low: float, high: float) -> str:
    """What to do where values from `low` to `high` came of it, which are no probabilities.

    Args:
        channels: how many the output has. A sigmoid of one of several would be in 0..1 and wrong.
        activation: what was applied.
        low: may be NaN.
        high: likewise.
    """
    if activation != "none" or not math.isfinite(low) or not math.isfinite(high):
        return "choose another model, or export it again"
    wanted = "sigmoid" if channels == 1 else "softmax"
    return f'if they are logits, write {{"activation": "{wanted}"}} into a .json beside it'
