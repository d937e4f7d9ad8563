"""Cameras that FFmpeg's readers refuse, read by OpenCV."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import cv2

from realtime.capture.devices import Camera
from realtime.capture.source import Source
from realtime.capture.stamps import Stamps
from realtime.errors import SourceError
from realtime.frame import NANOSECOND, ColorTags, Frame, Planes, UInt8, VideoFormat, exact_rate

# OpenCV's conversion to 4:2:0 knows this alone.
_COLOR = ColorTags(full_range=False, matrix=6, primaries=1, transfer=13)

_READERS = {"linux": "CAP_V4L2", "darwin": "CAP_AVFOUNDATION", "win32": "CAP_MSMF"}


class OpenCVSource(Source):
    """Delivers a camera's pictures by way of OpenCV, which makes BGR of everything first.

    The fallback for odd devices, such as Linux's with several memory planes: each frame is touched
    three times as often, and `read` can hold whoever reads for ten seconds. Frames are stamped as
    they arrive.

    Args:
        camera: the device.
        width: pixels asked for; the driver gives what it likes.
        height: likewise.
        fps: likewise.
        open: opens a capture as `cv2.VideoCapture` does.
        clock: monotonic nanoseconds.

    Raises:
        SourceError: it cannot be opened, or gives no picture.
    """

    def __init__(
        self,
        camera: Camera,
        width: int = 1280,
        height: int = 720,
        fps: float = 30.0,
        *,
        open: Callable[..., Any] = cv2.VideoCapture,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.name = f"{camera.name} ({camera.path})"
        self._clock = clock
        self._stamps = Stamps()
        self._index = 0
        self._asked = (width, height, fps)
        # Elsewhere OpenCV knows cameras by their number alone.
        which: str | int = camera.path if sys.platform == "linux" else int(camera.id)
        with _silent():
            self._capture = open(which, getattr(cv2, _READERS.get(sys.platform, "CAP_ANY")))
        try:
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
            self._capture.set(cv2.CAP_PROP_FPS, fps)
            # What it says of its size is not always what comes.
            self._first: UInt8 | None = self._grab()
        except BaseException:
            self.close()
            raise
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self.format = VideoFormat(
            width=self._first.shape[1] // 2 * 2,
            height=self._first.shape[0] // 2 * 2,
            frame_rate=exact_rate(rate if rate > 0 else fps),
            time_base=NANOSECOND,
            color=_COLOR,
        )

    def _grab(self) -> UInt8:
        came, bgr = self._capture.read() if self._capture.isOpened() else (False, None)
        if not came or bgr is None:
            raise SourceError(f"camera {self.name}: gives no picture; plug it in anew")
        picture: UInt8 = bgr if bgr.ndim == 3 else cv2.cvtColor(bgr, cv2.COLOR_GRAY2BGR)
        return picture

    def read(self) -> Frame | None:
        bgr = self._grab() if self._first is None else self._first
        self._first = None
        stamp = self._stamps(None, self._clock())
        frame = Frame(_planes_of(bgr), self._index, stamp, NANOSECOND, _COLOR)
        self._index += 1
        return frame

    def notes(self) -> tuple[str, ...]:
        form, (width, height, fps) = self.format, self._asked
        return (
            f"{self.name}: {form.width}×{form.height} at {float(form.frame_rate):g} fps through "
            f"OpenCV, since FFmpeg cannot read it (asked for {width}×{height} at {fps:g})",
        )

    def close(self) -> None:
        with _silent():
            self._capture.release()


@contextmanager
def _silent() -> Iterator[None]:
    """Keeps OpenCV from explaining itself on the terminal, as it does when a camera has gone."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(0)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)


def _planes_of(bgr: UInt8) -> Planes:
    height, width = bgr.shape[0] // 2 * 2, bgr.shape[1] // 2 * 2
    flat = cv2.cvtColor(bgr[:height, :width], cv2.COLOR_BGR2YUV_I420).reshape(-1)
    pixels = height * width
    half = (height // 2, width // 2)
    return Planes(
        flat[:pixels].reshape(height, width),
        flat[pixels : pixels * 5 // 4].reshape(half),
        flat[pixels * 5 // 4 :].reshape(half),
    )
