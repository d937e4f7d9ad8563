"""What is measured with: a clip, its frames, and a camera that delivers them by the clock."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path

import cv2  # noqa: F401 - before PyAV, see realtime.media
import numpy as np

# isort: split
import av

from realtime.bench import timecode
from realtime.capture.demo import DemoSource
from realtime.capture.file import FileSource
from realtime.capture.planar import from_camera, tags_of
from realtime.capture.source import Source
from realtime.errors import SourceError
from realtime.frame import NANOSECOND, ColorTags, Frame, Planes, VideoFormat, exact_rate
from realtime.media import plane_view
from realtime.output.file import FileSink
from realtime.settings import OPTIONS

# Of what cameras deliver: 4:2:2 and well to look at.
_MJPEG_PIXELS = "yuvj422p"
_MJPEG_QUALITY = "5"


def write_demo(path: Path, width: int, height: int, seconds: float, fps: int = 30) -> None:
    """Encodes the embedded demo as `realtime file` would, so that it can be decoded."""
    sink = FileSink(path, overwrite=True)
    with DemoSource(width, height, Fraction(fps), seconds) as source:
        try:
            sink.open(source.format, transparent=False)
            for frame in iter(source.read, None):
                sink.write(frame)
            sink.close()
        except BaseException:
            sink.abort()
            raise


def read_frames(path: Path | str, most: int) -> tuple[VideoFormat, list[Frame]]:
    """The first frames of a video, at most so many.

    Raises:
        SourceError: it is no video.
    """
    with FileSource(path) as source:
        return source.format, list(islice(iter(source.read, None), most))


def repeated(path: Path | str, seconds: float) -> float:
    """Share of a video's pictures that are the one before once more, in its first seconds.

    Raises:
        SourceError: it is no video.
    """
    again: list[bool] = []
    with FileSource(path, duration=seconds) as source:
        for before, frame in pairwise(iter(source.read, None)):
            again.append(all(map(np.array_equal, before.planes, frame.planes)))
    return sum(again) / len(again) if again else 0.0


def check_size(width: int, height: int) -> None:
    """Sees whether pictures of a size can be run live with the time drawn into them.

    Raises:
        SourceError: they are too small or too large.
    """
    least = timecode.LEAST_WIDTH, 2 * timecode.ROWS
    if width < least[0] or height < least[1]:
        raise SourceError(
            f"{width}×{height} is too small to draw a time into; measure pictures of "
            f"{least[0]}×{least[1]} or more"
        )
    most = OPTIONS["width"].maximum, OPTIONS["height"].maximum
    if width > most[0] or height > most[1]:
        raise SourceError(
            f"{width}×{height} is too large to run live; measure pictures of "
            f"{most[0]:g}×{most[1]:g} at most"
        )


def back_and_forth(count: int) -> list[int]:
    """One turn through so many pictures; no jump between the last of it and the first."""
    return [*range(count), *range(count - 2, 0, -1)]


def copied(planes: Planes) -> Planes:
    """Planes of the same content in memory of their own."""
    return Planes(*(np.ascontiguousarray(plane) for plane in map(np.copy, planes)))


class ClockedCamera(Source):
    """A camera that nobody has to plug in: MJPEG pictures that are due by the clock.

    As a driver does, it gives out the newest picture that is due, and counts those that nobody came
    for. The moment at which a picture was due is its time stamp, and is drawn into its luma.

    Args:
        frames: pictures to go back and forth through, at least one.
        fps: how many a second, in Hz.
        clock: monotonic nanoseconds.
        sleep: waits for so many seconds.

    Attributes:
        start: when the first picture was due, in nanoseconds on the clock; None before it was
            asked for.

    Raises:
        SourceError: the pictures are too small for a time code, or too large to run live.
    """

    def __init__(
        self,
        frames: Sequence[Frame],
        fps: float,
        clock: Callable[[], int] = time.monotonic_ns,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        first = frames[0]
        width, height = first.planes.width, first.planes.height
        check_size(width, height)
        color = self._prepare(frames)
        self._order = back_and_forth(len(frames))
        self._interval = 1e9 / fps
        self._clock = clock
        self._sleep = sleep
        self.start: int | None = None
        self._tick = -1
        self.format = VideoFormat(
            width=width,
            height=height,
            frame_rate=exact_rate(fps),
            time_base=NANOSECOND,
            color=color,
        )

    def _prepare(self, frames: Sequence[Frame]) -> ColorTags:
        """Makes of the frames what is delivered; returns its tags."""
        planes = frames[0].planes
        self._packets = _to_mjpeg(frames, planes.width, planes.height)
        self._decoder = av.CodecContext.create("mjpeg", "r")
        return replace(frames[0].color, full_range=True)

    def _picture(self, number: int) -> tuple[Planes, ColorTags]:
        """A frame as it is delivered, in memory of its own, and its tags."""
        picture = self._decoder.decode(av.Packet(self._packets[number]))[0]
        assert isinstance(picture, av.VideoFrame)
        return from_camera(picture, lent=False), tags_of(picture)

    def read(self) -> Frame | None:
        now = self._clock()
        if self.start is None:
            self.start = now
        newest = int((now - self.start) / self._interval)
        tick = max(self._tick + 1, newest)
        self.dropped += tick - self._tick - 1
        self._tick = tick
        due = self.start + round(tick * self._interval)
        if due > now:
            self._sleep((due - now) / 1e9)
        planes, color = self._picture(self._order[tick % len(self._order)])
        timecode.draw(planes.y, due / 1e9)
        return Frame(planes, tick, due, NANOSECOND, color)

    def due(self, begin: float, end: float) -> int:
        """How many pictures were due from `begin` on and before `end`, seconds on the clock."""
        if self.start is None:
            return 0
        ticks = [
            max(0, math.ceil((seconds * 1e9 - self.start) / self._interval - 1e-6))
            for seconds in (begin, end)
        ]
        return ticks[1] - ticks[0]

    def close(self) -> None:
        """Nothing is held."""


class RawCamera(ClockedCamera):
    """The same without MJPEG: planes that only have to be copied, as from a capture card."""

    def _prepare(self, frames: Sequence[Frame]) -> ColorTags:
        self._frames = frames
        return frames[0].color

    def _picture(self, number: int) -> tuple[Planes, ColorTags]:
        frame = self._frames[number]
        return copied(frame.planes), frame.color


def _to_mjpeg(frames: Sequence[Frame], width: int, height: int) -> list[bytes]:
    encoder = av.CodecContext.create("mjpeg", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height = width, height
    encoder.pix_fmt = _MJPEG_PIXELS
    encoder.time_base = Fraction(1, 1000)
    encoder.options = {"qmin": _MJPEG_QUALITY, "qmax": _MJPEG_QUALITY}
    packets: list[bytes] = []
    for index, frame in enumerate(frames):
        picture = av.VideoFrame(width, height, "yuv420p")
        for source, target in zip(frame.planes, picture.planes, strict=True):
            plane_view(target, *source.shape)[...] = source
        picture = picture.reformat(format=_MJPEG_PIXELS)
        picture.pts = index
        packets += map(bytes, encoder.encode(picture))
    return packets + list(map(bytes, encoder.encode(None)))
