"""A camera, its driver and a clock that do what a test says, at no time at all."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import av
import numpy as np

from realtime.capture.devices import Camera
from realtime.capture.source import Source
from realtime.frame import ColorTags, Frame, Planes, VideoFormat

# No such device, on any computer.
WEBCAM = Camera("7", "Fake Webcam", "/nowhere/video7", bus="usb-1")

START = 7_000_000_000_000  # nanoseconds


class Clock:
    """Time that passes only while somebody waits."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now

    def seconds(self) -> float:
        return self.now / 1e9

    def wait(self, seconds: float) -> None:
        assert seconds > 0
        self.now += round(seconds * 1e9)


def picture(width: int = 64, height: int = 48, pixels: str = "yuv420p") -> av.VideoFrame:
    """Red above, blue below, grey to the right."""
    rgb = np.full((height, width, 3), 128, np.uint8)
    rgb[: height // 2, : width // 2] = (200, 40, 30)
    rgb[height // 2 :, : width // 2] = (20, 60, 220)
    frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
    return frame.reformat(format=pixels, dst_colorspace=5)  # BT.601


class FakePacket:
    """A packet of the pictures, or of the sound, whose stream's index is 1."""

    def __init__(
        self,
        *pictures: av.VideoFrame,
        size: int = 1,
        pts: int | None = 0,
        stream_index: int = 0,
    ) -> None:
        self._pictures = list(pictures)
        self.size = size
        self.pts = pts
        self.stream_index = stream_index

    def decode(self) -> list[av.VideoFrame]:
        return self._pictures


class End:
    """The end of a stream: what PyAV's iterator does then."""


class FakeContainer:
    """What PyAV makes of a camera: each read takes the next thing off `script`.

    A picture comes out, as does a packet; an exception is raised; a number lets so many seconds
    pass before the next; `End` ends the stream. After the script there is nothing to read yet, for
    ever.
    """

    def __init__(
        self,
        *script: object,
        clock: Clock | None = None,
        codec: str = "rawvideo",
        rate: int = 30,
        format: str = "mpegts",
        pixel_aspect: Fraction | None = None,
    ) -> None:
        self._script = list(script)
        self._clock = clock
        first = next((item for item in script if isinstance(item, av.VideoFrame)), picture())
        context = SimpleNamespace(
            name=codec,
            width=first.width,
            height=first.height,
            pix_fmt=first.format.name,
            format=first.format,
            color_range=int(first.color_range),
            colorspace=int(first.colorspace),
            color_primaries=int(first.color_primaries),
            color_trc=int(first.color_trc),
        )
        stream = SimpleNamespace(
            index=0,
            codec_context=context,
            average_rate=Fraction(rate),
            guessed_rate=None,
            sample_aspect_ratio=pixel_aspect,
        )
        self.streams = SimpleNamespace(video=[stream])
        self.format = av.format.ContainerFormat(format, "r")
        self.closed = 0
        self.opened_with: list[dict[str, Any]] = []

    def open(self, url: str, **arguments: Any) -> FakeContainer:
        self.opened_with.append({"url": url, **arguments})
        return self

    def demux(self, *streams: Any) -> Iterator[object]:
        asked = [stream.index for stream in streams]
        while True:
            item = self._script.pop(0) if self._script else BlockingIOError()
            if isinstance(item, float):
                assert self._clock is not None
                self._clock.wait(item)
            elif isinstance(item, BaseException):
                raise item
            elif isinstance(item, av.VideoFrame):
                yield FakePacket(item)
            elif isinstance(item, End):
                return
            elif not asked or (isinstance(item, FakePacket) and item.stream_index in asked):
                yield item

    def close(self) -> None:
        self.closed += 1


FORMAT = VideoFormat(
    8, 6, Fraction(30), Fraction(1, 1_000_000_000), ColorTags(full_range=False, matrix=6)
)


def frame(index: int = 0, pts: int = 0) -> Frame:
    return Frame(Planes.empty(6, 8), index, pts, FORMAT.time_base, FORMAT.color)


class FakeSource(Source):
    """Gives what `script` says: frames come out, exceptions are raised; None at its end."""

    def __init__(self, *script: Frame | BaseException, notes: tuple[str, ...] = ()) -> None:
        self._script = list(script)
        self._notes = notes
        self.format = FORMAT
        self.closed = 0

    def read(self) -> Frame | None:
        item = self._script.pop(0) if self._script else None
        if isinstance(item, BaseException):
            raise item
        return item

    def notes(self) -> tuple[str, ...]:
        return self._notes

    def close(self) -> None:
        self.closed += 1
