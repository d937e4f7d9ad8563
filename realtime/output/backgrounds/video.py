"""Another video behind."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from realtime.capture.file import FileSource
from realtime.color import planes_to_rgb, rgb_to_planes, rgb_to_yuv_matrix
from realtime.errors import BackgroundError, SourceError
from realtime.frame import ColorTags, Frame, Matte, Planes, UInt8
from realtime.output.backgrounds.background import Background
from realtime.scaling import crop_to_aspect

# A frame is shown so much early, in seconds: some containers round times to milliseconds, and two
# videos of one rate would else stutter against each other.
_EARLY = 0.002


@dataclass(frozen=True, slots=True)
class _Shown:
    """What was drawn last, and for what: two frames in a row often share it."""

    index: int
    width: int
    height: int
    color: ColorTags
    planes: Planes


class Video(Background):
    """Plays a video file in a loop at its own rate, filling the frame.

    Args:
        path: the file.

    Raises:
        BackgroundError: it is not a video.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        try:
            self._source = FileSource(path)
            first = self._source.read()
        except SourceError as error:
            raise BackgroundError(str(error)) from None
        assert first is not None  # a FileSource has decoded its first frame
        self._current: Frame = first
        self._next: Frame | None = self._source.read()
        self._start: float | None = None
        self._loop_start = 0.0
        self._shown: _Shown | None = None

    def behind(self, matte: Matte) -> Planes | None:
        frame = matte.frame
        if self._start is None:
            self._start = frame.time
        self._advance(frame.time - self._start + _EARLY)
        key = (self._current.index, frame.planes.width, frame.planes.height, frame.color)
        shown = self._shown
        if shown is None or (shown.index, shown.width, shown.height, shown.color) != key:
            shown = self._shown = _Shown(*key, planes=_draw(self._current, frame))
        return shown.planes

    def _advance(self, time: float) -> None:
        """Makes current the frame that is on at `time`, in seconds from the first."""
        try:
            while True:
                if self._next is None:
                    end = self._current.time + float(1 / self._source.format.frame_rate)
                    if self._loop_start + end > time:
                        return
                    # A long gap may hold many loops; the frames of all but the last are not due.
                    self._loop_start += end * ((time - self._loop_start) // end)
                    self._source.close()
                    self._source = FileSource(self._path)
                elif self._loop_start + self._next.time <= time:
                    self._current = self._next
                else:
                    return
                self._next = self._source.read()
        except SourceError as error:
            raise BackgroundError(str(error)) from error

    def close(self) -> None:
        self._source.close()


def _draw(background: Frame, frame: Frame) -> Planes:
    width, height = frame.planes.width, frame.planes.height
    same_color = np.allclose(
        rgb_to_yuv_matrix(background.color, background.planes.height),
        rgb_to_yuv_matrix(frame.color, height),
    )
    if same_color:
        return Planes(
            _cover(background.planes.y, width, height),
            _cover(background.planes.u, width // 2, height // 2),
            _cover(background.planes.v, width // 2, height // 2),
        )
    rgb = _cover(planes_to_rgb(background.planes, background.color), width, height)
    return rgb_to_planes(rgb, frame.color)


def _cover(picture: UInt8, width: int, height: int) -> UInt8:
    scaled: UInt8 = cv2.resize(
        crop_to_aspect(picture, width, height), (width, height), interpolation=cv2.INTER_LINEAR
    )
    return scaled
