"""Times that travel in the pixels, and a live run of pictures with them.

    python -m tests.hardware.timecode DEVICE WIDTH HEIGHT

It runs until Ctrl-C and then says its summary as JSON.

A time is drawn as 32 black or white blocks along the top edge: tenths of milliseconds of
`time.monotonic`, which all programs on a machine share.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from fractions import Fraction

import numpy as np

from realtime.capture import DemoSource, Paced, Source
from realtime.errors import Interrupted
from realtime.frame import Frame, Matte, Planes, UInt8
from realtime.live_matting import LiveMatting
from realtime.live_pipeline import LivePipeline
from realtime.output import VirtualCameraSink
from realtime.output.compositor import LiveCompositor
from realtime.settings import Settings, SettingsStore
from realtime.stats import Stats

BITS = 32
ROWS = 16
_TICK = 1e-4
_BLACK, _WHITE = 40, 210


def draw(luma: UInt8, seconds: float) -> None:
    """Draws a time onto the top rows."""
    ticks = int(seconds / _TICK) % 2**BITS
    width = luma.shape[1] // BITS
    for bit in range(BITS):
        luma[:ROWS, bit * width : (bit + 1) * width] = _WHITE if ticks >> bit & 1 else _BLACK


def read(luma: UInt8) -> float | None:
    """The time on a picture, uint8 (H, W); None where there is none."""
    width = luma.shape[1] // BITS
    middle = luma[ROWS // 4 : 3 * ROWS // 4].mean(axis=0)
    levels = [
        middle[bit * width + width // 4 : (bit + 1) * width - width // 4] for bit in range(BITS)
    ]
    means = np.array([level.mean() for level in levels])
    if (np.abs(means - (_BLACK + _WHITE) / 2) < 40).any():
        return None
    return float(sum(1 << bit for bit in range(BITS) if means[bit] > 125) * _TICK)


def age(luma: UInt8, now: float) -> float | None:
    """Seconds since the time on a picture was drawn; None where there is none."""
    drawn = read(luma)
    if drawn is None:
        return None
    return float((now - drawn) % (2**BITS * _TICK))


class Clocked(Source):
    """Draws upon each frame of another source the time at which it is delivered."""

    live = True

    def __init__(self, source: Source) -> None:
        self._source = source
        self.format = source.format

    def read(self) -> Frame | None:
        frame = self._source.read()
        if frame is None:
            return None
        luma = frame.planes.y.copy()
        draw(luma, frame.time)
        return replace(frame, planes=Planes(luma, frame.planes.u, frame.planes.v))

    def close(self) -> None:
        self._source.close()


class SparingTheCode(LiveMatting):
    """Matting that does all its work, and then leaves the time code in the foreground."""

    def matte(self, frame: Frame) -> Matte:
        matte = super().matte(frame)
        alpha = matte.alpha.copy()
        alpha[: max(1, -(-2 * ROWS * len(alpha) // frame.planes.height))] = 1
        return replace(matte, alpha=alpha)


def main(device: str, width: int, height: int) -> None:
    settings = Settings(
        camera="demo", width=width, height=height, max_staleness=60.0, decontaminate=True
    )
    store, stats = SettingsStore(settings), Stats()
    demo = Paced(DemoSource(width, height, Fraction(30)))
    with (
        Clocked(demo) as source,
        SparingTheCode(store, stats, lambda line: print(line, file=sys.stderr)) as matting,
        LiveCompositor(settings) as compositor,
    ):
        matting.warm_up(width, height)
        pipeline = LivePipeline(
            source,
            matting,
            compositor,
            VirtualCameraSink(device),
            source.format,
            store,
            stats=stats,
        )
        try:
            pipeline.run()
        except Interrupted as interrupted:
            print(json.dumps(interrupted.summary.as_dict()))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
