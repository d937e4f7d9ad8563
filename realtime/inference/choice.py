"""Which network `default` stands for: the best that this machine can hold at the frame rate."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from realtime.inference.model import BEST_FIRST, Model
from realtime.inference.session import Device

DEFAULT = "default"

# The part of the time between two frames that the network may take: capture, compositing and
# encoding share the cores with it, and some load of other programs is normal.
_SHARE = 0.35

# Share of its pixels at which a network of free size is still worth running: 512×288 of 640×352,
# 288×128 of 288×192. With a third of them mattes are twice as wrong, while moving them along saves
# as much.
SMALLER = 0.65

# The first runs are slower: memory is being taken.
_RUNS = 7


def open_model(
    model: str | Path,
    device: Device,
    frame_rate: float,
    clock: Callable[[], float] = time.perf_counter,
) -> Model:
    """Loads a network; for "default", the best embedded one that is fast enough here.

    A better one that sees fewer pixels comes before the next.

    Args:
        model: "default", a name from `EMBEDDED`, or the path of an ONNX file.
        device: "auto", "cpu" or "cuda".
        frame_rate: frames in a second that it must keep up with.
        clock: seconds.

    Raises:
        ModelError: no such model, or the file is not one.
        DeviceError: the device cannot be used.
    """
    if str(model) != DEFAULT:
        return Model(model, device)
    for name in BEST_FIRST[:-1]:
        chosen = Model(name, device)
        # One run that is fast enough tells; the start need not wait for more.
        seconds = duration(chosen, clock, enough=_SHARE / frame_rate)
        for share in (1.0, SMALLER):
            if keeps_up(seconds * share, frame_rate):
                chosen.signature = chosen.signature.with_pixels(share)
                return chosen
    return Model(BEST_FIRST[-1], device)


def keeps_up(seconds: float, frame_rate: float) -> bool:
    """Whether a network that takes so long for a picture leaves the others their time."""
    return seconds <= _SHARE / frame_rate


def duration(
    model: Model, clock: Callable[[], float] = time.perf_counter, enough: float = 0.0
) -> float:
    """Seconds for one 16:9 picture when nothing disturbs: the machine is judged, not its load.

    The first run of at most `enough` seconds is the last. The network has forgotten these pictures
    afterwards.
    """
    width, height = model.signature.size_for(16, 9)
    picture = np.zeros((height, width, 3), np.uint8)
    least = math.inf
    for _ in range(_RUNS):
        start = clock()
        model(picture)
        least = min(least, clock() - start)
        if least <= enough:
            break
    model.reset()
    return least
