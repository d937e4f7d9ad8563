"""How FFmpeg is asked to open a camera, on each system."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from realtime.capture.devices import SYSTEM_FORMATS, Camera, modes_of
from realtime.capture.modes import Mode, choose

if sys.platform == "linux":
    from realtime.capture.v4l2 import FFMPEG_NAMES

# AVFMT_FLAG_NONBLOCK, for which FFmpeg has no word: readers of devices then say "not yet" in place
# of waiting where nobody can stop them.
_NON_BLOCKING = {"fflags": "4"}

# Seconds for a device to start and to deliver: some need two for their first picture.
_DEVICE_SECONDS = 5.0

# Seconds for a server to answer, and those without a packet after which it counts as gone.
_STREAM_SECONDS = (5.0, 3.0)


@dataclass(frozen=True, slots=True)
class Way:
    """One way to open a camera.

    Attributes:
        url: what FFmpeg opens.
        format: FFmpeg's reader; None to find out.
        options: for it.
        timeout: seconds to open, and to wait for a packet; None where it does not wait.
        mode: what was chosen of the camera's modes; None where that was left to the driver.
    """

    url: str
    format: str | None
    options: dict[str, str] = field(default_factory=dict)
    timeout: tuple[float, float | None] = (_DEVICE_SECONDS, None)
    mode: Mode | None = None

    def arguments(self) -> dict[str, Any]:
        """For `av.open`, beside the URL."""
        return {"format": self.format, "options": self.options, "timeout": self.timeout}


def way_to_stream(url: str) -> Way:
    # What FFmpeg looks at to know the stream, a second of it, is decoded in a burst afterwards: to
    # leave it out would mean to wait for the next key frame.
    options = {"analyzeduration": "1000000"}
    if url.startswith("rtsp"):
        # Over UDP a camera's stream loses packets, and FFmpeg would wait long before it tried TCP.
        options["rtsp_flags"] = "prefer_tcp"
    return Way(url, None, options, _STREAM_SECONDS)


def ways_to_device(camera: Camera, width: int, height: int, fps: float) -> Iterator[Way]:
    """The ways to open a device, best first; the last leaves everything to its driver."""
    reader = SYSTEM_FORMATS.get(sys.platform, "v4l2")
    url = f"video={camera.path}" if reader == "dshow" else camera.path
    size = {"video_size": f"{width}x{height}"}
    both = size | {"framerate": f"{fps:g}"}
    common = dict(_NON_BLOCKING)
    if reader == "v4l2":
        # Otherwise FFmpeg would take pictures in to find out what it was told.
        common |= {"fpsprobesize": "0", "max_ts_probe": "0"}
        mode = choose(modes_of(camera, (width, height)), width, height, fps)
        if mode is not None:
            yield Way(url, reader, common | _of_mode(mode, fps), mode=mode)
    elif reader == "avfoundation":
        # Every Mac camera has it, and without being told FFmpeg takes a format of 16 bits a pixel.
        common |= {"pixel_format": "nv12"}
        for options in (both, size):
            yield Way(url, reader, common | options)
    else:
        # Its buffer holds less than one raw picture of 1920×1080, and then drops them.
        common |= {"rtbufsize": "100000000"}
        for options in (both, both | {"vcodec": "mjpeg"}, size):
            yield Way(url, reader, common | options)
    yield Way(url, reader, common)


def _of_mode(mode: Mode, fps: float) -> dict[str, str]:
    options = {
        "input_format": FFMPEG_NAMES[mode.pixels],
        "video_size": f"{mode.width}x{mode.height}",
    }
    rate = mode.rate_for(fps)
    if rate is not None:
        options["framerate"] = f"{rate.numerator}/{rate.denominator}"
    return options
