"""Frames into a window on the screen."""

from __future__ import annotations

import os
import socket
import sys
import threading

import cv2

from realtime.color import planes_to_rgb
from realtime.errors import OutputError
from realtime.frame import Frame, UInt8, VideoFormat
from realtime.output.sink import Sink

_ESCAPE = 27


class WindowSink(Sink):
    """Shows the newest frame; Escape, Q or closing the window ends the run.

    The output thread leaves a frame, the calling thread shows it: window systems insist on the
    main thread. A frame that comes before the last one was shown takes its place.

    Args:
        title: of the window.
    """

    pump_interval = 0.005

    def __init__(self, title: str = "realtime") -> None:
        self._title = title
        self._lock = threading.Lock()
        self._newest: UInt8 | None = None
        self._opened = False

    def open(self, video: VideoFormat, *, transparent: bool) -> None:
        if transparent:
            raise OutputError("a window cannot show transparency; choose another --background")
        _require_screen()
        # OpenCV's Qt complains on stderr about fonts, which no text of ours needs.
        os.environ.setdefault("QT_LOGGING_RULES", "default.warning=false")
        flags = cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL
        cv2.namedWindow(self._title, flags)
        cv2.resizeWindow(self._title, video.width, video.height)
        self._opened = True

    def write(self, frame: Frame) -> None:
        bgr: UInt8 = cv2.cvtColor(planes_to_rgb(frame.planes, frame.color), cv2.COLOR_RGB2BGR)
        with self._lock:
            self.dropped += self._newest is not None
            self._newest = bgr

    def pump(self) -> bool:
        with self._lock:
            newest, self._newest = self._newest, None
        if newest is not None:
            cv2.imshow(self._title, newest)
        key = cv2.pollKey() & 0xFF
        visible = cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) >= 1
        return visible and key not in (_ESCAPE, ord("q"), ord("Q"))

    def close(self, *, early: bool = False) -> None:
        if self._opened:
            self._opened = False
            # The user may have closed it already, which leaves nothing to destroy.
            if cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) >= 0:
                cv2.destroyWindow(self._title)

    def abort(self) -> None:
        self.close()


def _require_screen() -> None:
    """Sees whether there is a screen: without one, OpenCV's toolkit ends the whole process.

    Raises:
        OutputError: there is none.
    """
    if sys.platform != "linux":
        return
    display = os.environ.get("DISPLAY", "")
    help_ = "choose --output null or a file, or run it on a desktop"
    if not display:
        raise OutputError(f"no screen to open a window on (DISPLAY is not set); {help_}")
    host, _, number = display.rpartition(":")
    if host in ("", "unix"):
        path = f"/tmp/.X11-unix/X{number.partition('.')[0]}"
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(path)
            except OSError:
                raise OutputError(f"the screen {display} does not answer; {help_}") from None
