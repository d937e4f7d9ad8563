"""What devices and machine do to pictures without any matting: a copy from camera to camera.

    python -m tests.hardware.copier CAMERA DEVICE WIDTH HEIGHT

CAMERA is what `--camera` takes, or "clock" for pictures that say when they were due. Every picture
is passed on as it comes, in one thread, until Ctrl-C; then it says as JSON how many came, how many
the camera lost, and how many of them at the start. It is for a test picture: it shows the room.
"""

from __future__ import annotations

import json
import sys
import time

from realtime.capture.opening import open_camera
from realtime.capture.source import Source
from realtime.output.virtual import VirtualCameraSink
from tests.hardware import START_UP
from tests.hardware.sender import RATE, clocked_camera


def main(camera: str, device: str, width: int, height: int) -> None:
    with _open(camera, width, height) as source:
        sink = VirtualCameraSink(device)
        sink.open(source.format, transparent=False)
        came, at_the_start = 0, 0
        begin = time.monotonic()
        try:
            while (frame := source.read()) is not None:
                sink.write(frame)
                came += 1
                if time.monotonic() - begin < START_UP:
                    at_the_start = source.dropped
        except KeyboardInterrupt:
            pass
        finally:
            sink.close(early=True)
        lost = source.dropped
    print(json.dumps({"frames_in": came + lost, "lost": lost, "lost_at_the_start": at_the_start}))


def _open(camera: str, width: int, height: int) -> Source:
    if camera == "clock":
        return clocked_camera(width, height)
    return open_camera(camera, width, height, RATE)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
