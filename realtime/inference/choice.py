"""Which network `default` stands for: the best that this machine can hold at the frame rate."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

from realtime.cores import usable_cores
from realtime.inference import session
from realtime.inference.model import BEST_FIRST, SHAPE, Model, Shape, open_beside
from realtime.inference.session import CPU, Device
from realtime.inference.verdicts import Verdicts

DEFAULT = "default"

# The part of the time between two frames that the network may take: capture, compositing and
# encoding share the cores with it, and some load of other programs is normal. The less where they
# all take turns on one core.
_SHARE = 0.35
_SHARE_OF_ONE_CORE = 0.2

# The first runs are slower: memory is being taken.
_RUNS = 7

# A network that in the best of so many runs takes so many times what it may will not do.
_FEW_RUNS = 3
_HOPELESS = 1.25


def open_model(
    model: str | Path,
    device: Device,
    frame_rate: float,
    shape: Shape = SHAPE,
    clock: Callable[[], float] = time.perf_counter,
) -> Model:
    """Loads a network; for "default", the best embedded one that is fast enough here.

    Args:
        model: "default", a name from `EMBEDDED`, or the path of an ONNX file.
        device: "auto", "cpu" or "cuda".
        frame_rate: frames in a second that it must keep up with.
        shape: of these, as far as it is known.
        clock: seconds.

    Raises:
        ModelError: no such model, or the file is not one.
        DeviceError: the device cannot be used.
    """
    if str(model) != DEFAULT:
        return Model(model, device, shape)
    opened: list[Model] = []
    try:
        _open_best(opened, device, frame_rate, shape, clock)
    except BaseException:
        for each in opened:
            each.close()
        raise
    for slower in opened[:-1]:
        if slower.graph is not opened[-1].graph:
            slower.close()
    return opened[-1]


def _open_best(
    opened: list[Model],
    device: Device,
    frame_rate: float,
    shape: Shape,
    clock: Callable[[], float],
) -> None:
    """Opens embedded networks, best first, until one is fast enough: the last of `opened`."""
    # Networks on a GPU are timed with whole frames; nothing is remembered of those.
    verdicts = Verdicts()
    on_cpu = device == "cpu" or session.cuda_obstacle() is not None
    for name in BEST_FIRST[:-1]:
        fits = verdicts.of(name, frame_rate) if on_cpu else None
        if fits is False:
            continue
        opened.append(open_beside(opened, name, device, shape))
        if not on_cpu and opened[-1].provider == CPU:
            # There is a device, and it cannot be used.
            on_cpu, fits = True, verdicts.of(name, frame_rate)
        if fits is None:
            # One run that is fast enough tells; the start need not wait for more.
            seconds = duration(opened[-1], clock, enough=_most(frame_rate))
            fits = keeps_up(seconds, frame_rate)
            if on_cpu:
                verdicts.add(name, frame_rate, fits)
        if fits:
            return
    opened.append(open_beside(opened, BEST_FIRST[-1], device, shape))


def keeps_up(seconds: float, frame_rate: float) -> bool:
    """Whether a network that takes so long for a picture leaves the others their time."""
    return seconds <= _most(frame_rate)


def _most(frame_rate: float) -> float:
    return (_SHARE if usable_cores() > 1 else _SHARE_OF_ONE_CORE) / frame_rate


def duration(
    model: Model, clock: Callable[[], float] = time.perf_counter, enough: float = 0.0
) -> float:
    """Seconds for a frame when nothing disturbs: the machine is judged, not its load.

    The first run of at most `enough` seconds is the last, and so is the third where the best of
    them is far from it. The network has forgotten these pictures afterwards.
    """
    run_once = model.rehearsal()
    least = math.inf
    for run in range(1, _RUNS + 1):
        start = clock()
        run_once()
        least = min(least, clock() - start)
        if least <= enough or (run >= _FEW_RUNS and least > _HOPELESS * enough > 0):
            break
    model.reset()
    return least
