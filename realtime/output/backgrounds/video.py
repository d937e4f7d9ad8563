"""Another video behind."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from time import monotonic

import av

from realtime.capture.file import FileSource
from realtime.color import conversion, planes_to_rgb, rgb_to_planes
from realtime.errors import BackgroundError, SourceError
from realtime.frame import ColorTags, Frame, Matte, Planes, UInt8
from realtime.media import file_url
from realtime.output.backgrounds.background import Background
from realtime.output.backgrounds.still import Fit, fitting
from realtime.scaling import crop_to_aspect, shrink

# A frame is shown so much early, in seconds: some containers round times to milliseconds, and two
# videos of one rate would else stutter against each other.
_EARLY = 0.002

# Decoding may take so many seconds at a time to catch up; what it cannot do in them, plays slower.
_LONGEST = 0.1


@dataclass(frozen=True, slots=True)
class _Shown:
    """What was drawn last, and for what: two frames in a row often share it."""

    index: int
    width: int
    height: int
    color: ColorTags
    planes: Planes


def is_animated(path: str) -> bool:
    """Whether a file is a GIF of several pictures, which plays as a video does."""
    try:
        with av.open(file_url(path), format="gif") as container:
            packets = container.demux(video=0)
            return sum(packet.size > 0 for packet in islice(packets, 2)) == 2
    except (av.error.FFmpegError, OSError):
        return False


class Video(Background):
    """Plays a video file in a loop at its own rate.

    Args:
        path: the file.
        fit: how its pictures are scaled; see `Image`.
        pixel_aspect: width of the frame's pixels by their height.
        patient: whether a frame waits for the picture that is due, as for files; otherwise a thread
            of its own decodes, and the last one stays until the next is there.

    Raises:
        BackgroundError: it is not a video.
    """

    def __init__(
        self, path: str, fit: Fit = "cover", pixel_aspect: float = 1.0, *, patient: bool = True
    ) -> None:
        self._path = path
        self._fit = fit
        try:
            self._source = FileSource(path)
            first = self._source.read()
        except SourceError as error:
            raise BackgroundError(str(error)) from None
        assert first is not None  # a FileSource has decoded its first frame
        # Of the frame's pixels, by that of the video's own.
        self._pixel_aspect = pixel_aspect / float(self._source.format.sample_aspect_ratio)
        self._current: Frame = first
        # The same of what decodes, which may be further.
        self._decoded: Frame = first
        self._next: Frame | None = self._source.read()
        self._start: float | None = None
        self._loop_start = 0.0
        self._shown: _Shown | None = None
        self._helper = None if patient else ThreadPoolExecutor(1, "realtime-video")
        self._coming: Future[Frame] | None = None

    def behind(self, matte: Matte) -> Planes | None:
        frame = matte.frame
        if self._start is None:
            self._start = frame.time
        self._current = self._due(frame.time - self._start + _EARLY)
        key = (self._current.index, frame.planes.width, frame.planes.height, frame.color)
        shown = self._shown
        if shown is None or (shown.index, shown.width, shown.height, shown.color) != key:
            shown = self._shown = _Shown(*key, planes=self._draw(frame))
        return shown.planes

    def _due(self, time: float) -> Frame:
        """The frame that is on at `time`, or where none waits for it, the newest there is."""
        if self._helper is None:
            return self._advance(time)
        current = self._current
        if self._coming is not None and self._coming.done():
            ready, self._coming = self._coming, None
            current = ready.result()
        if self._coming is None:
            self._coming = self._helper.submit(self._advance, time)
        return current

    def _advance(self, time: float) -> Frame:
        """Decodes up to the frame that is on at `time`, in seconds from the first."""
        begin = monotonic()
        try:
            while True:
                if self._next is None:
                    if not self._decoded.index:
                        return self._decoded  # it is one picture: there is nothing to go on to
                    end = self._decoded.time + float(1 / self._source.format.frame_rate)
                    if self._loop_start + end > time:
                        return self._decoded
                    # A long gap may hold many loops; the frames of all but the last are not due.
                    self._loop_start += end * ((time - self._loop_start) // end)
                    self._source.close()
                    self._source = FileSource(self._path)
                elif self._loop_start + self._next.time <= time:
                    self._decoded = self._next
                    if self._helper is not None and monotonic() - begin > _LONGEST:
                        self._loop_start = time - self._decoded.time
                else:
                    return self._decoded
                self._next = self._source.read()
        except SourceError as error:
            raise BackgroundError(str(error)) from error

    def _draw(self, frame: Frame) -> Planes:
        """The current picture, for this frame."""
        current = self._current
        width, height = frame.planes.width, frame.planes.height
        change = conversion(current.color, current.planes.height, frame.color, height)
        if change is None and self._fit == "cover":
            return Planes(
                self._cover(current.planes.y, width, height),
                self._cover(current.planes.u, width // 2, height // 2),
                self._cover(current.planes.v, width // 2, height // 2),
            )
        rgb = planes_to_rgb(current.planes, current.color)
        if self._fit == "cover":
            rgb = self._cover(rgb, width, height)
        else:
            rgb = fitting(rgb, width, height, self._pixel_aspect)
        return rgb_to_planes(rgb, frame.color)

    def _cover(self, picture: UInt8, width: int, height: int) -> UInt8:
        visible = crop_to_aspect(picture, width * self._pixel_aspect, height)
        return shrink(visible, (width, height))

    def close(self) -> None:
        if self._helper is not None:
            self._helper.shutdown(wait=True, cancel_futures=True)
        self._source.close()
