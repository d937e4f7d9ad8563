"""Another program that reads a camera.

    python -m tests.hardware.reader opencv|ffmpeg DEVICE SECONDS [LAST.npy]

Says "ready" with the first picture, and at the end as JSON: the size, how many pictures came in how
many seconds, and how old their time codes were. The last picture is kept: BGR from OpenCV, the
bytes of yuv420p from FFmpeg.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator

import cv2
import numpy as np

from realtime.bench import timecode
from realtime.frame import UInt8

# isort: split
import av

# A picture, its luma, and the seconds at which it had come.
Read = tuple[UInt8, UInt8, float]


def opencv(device: str) -> Iterator[Read]:
    """Pictures as BGR."""
    capture = cv2.VideoCapture(device, cv2.CAP_V4L2)
    try:
        while True:
            good, picture = capture.read()
            if not good:
                return
            now = time.monotonic()
            yield picture, cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), now
    finally:
        capture.release()


def ffmpeg(device: str) -> Iterator[Read]:
    """Pictures as the rows of yuv420p."""
    with av.open(device, format="v4l2") as container:
        for frame in container.decode(video=0):
            now = time.monotonic()
            assert frame.format.name == "yuv420p"
            planes = frame.to_ndarray().astype(np.uint8, copy=False)
            yield planes, planes[: frame.height], now


def main(way: str, device: str, seconds: float, keep: str | None) -> None:
    ages: list[float] = []
    count = 0
    start = 0.0
    size = (0, 0)
    for picture, luma, now in {"opencv": opencv, "ffmpeg": ffmpeg}[way](device):
        if not start:
            start = now
            print("ready", flush=True)
            size = (luma.shape[1], luma.shape[0])
        count += 1
        age = timecode.age(luma, now)
        if age is not None:
            ages.append(age)
        if now - start >= seconds:
            if keep is not None:
                np.save(keep, picture)
            break
    result = {
        "width": size[0],
        "height": size[1],
        "pictures": count,
        "seconds": now - start,
        "ages": ages,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4] if len(sys.argv) > 4 else None)
