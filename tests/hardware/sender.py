"""A live run into a virtual camera whose pictures say when they were due.

    python -m tests.hardware.sender DEVICE WIDTH HEIGHT

A camera of MJPEG pictures, networks, compositing: all but the camera's own work is real. It runs
until Ctrl-C and then says its summary as JSON.
"""

from __future__ import annotations

import json
import sys
from itertools import islice

from realtime.bench.live import SparingTheCode
from realtime.bench.material import ClockedCamera
from realtime.capture.demo import DemoSource
from realtime.errors import Interrupted
from realtime.live_pipeline import LivePipeline
from realtime.output.live_compositor import LiveCompositor
from realtime.output.virtual import VirtualCameraSink
from realtime.settings import Settings, SettingsStore
from realtime.stats import Stats

RATE = 30.0


def clocked_camera(width: int, height: int) -> ClockedCamera:
    return ClockedCamera(list(islice(iter(DemoSource(width, height).read, None), 30)), RATE)


def main(device: str, width: int, height: int) -> None:
    # A card would have no time on it.
    settings = Settings(width=width, height=height, fps=RATE, max_staleness=60.0)
    store, stats = SettingsStore(settings), Stats()
    with (
        clocked_camera(width, height) as source,
        SparingTheCode(store, stats, lambda line: print(line, file=sys.stderr)) as matting,
        LiveCompositor(settings) as compositor,
    ):
        matting.warm_up(width, height)
        sink = VirtualCameraSink(device)
        pipeline = LivePipeline(
            source, matting, compositor, sink, source.format, store, stats=stats
        )
        try:
            pipeline.run()
        except Interrupted as interrupted:
            print(json.dumps(interrupted.summary.as_dict()))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
